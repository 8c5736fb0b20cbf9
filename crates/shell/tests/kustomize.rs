//! `kubectl kustomize` and `-k`: what kubectl 1.35.4 (kustomize 5.7.1) made of the same files, byte for byte.

mod common;

use common::Lab;
use engine::Era;
use objects::{DocExt, Value};

fn check(lab: &Lab, case: &Value) -> Option<String> {
    let mut lab = lab.again();
    let mut text = "mkdir -p /tmp/kustomize; cd /tmp/kustomize\n".to_owned();
    for (path, content) in case.at("files").as_object().unwrap() {
        let directory = path.rsplit_once('/').map_or(".", |(directory, _)| directory);
        let content = content.as_str().unwrap();
        text.push_str(&format!("mkdir -p {directory}; cat <<'THE_END' > {path}\n{content}THE_END\n"));
    }
    let made = lab.run(&text);
    assert_eq!((made.exit, made.stdout.as_str(), made.stderr.as_str()), (0, "", ""), "{text}");
    let out = lab.run(case.str_at("run").unwrap());
    let want = (case.int_at("exit").unwrap(), case.str_at("stdout").unwrap(), case.str_at("stderr").unwrap());
    let got = (i64::from(out.exit), out.stdout.as_str(), out.stderr.as_str());
    (got != want).then(|| format!("## {}\ngot  {got:?}\nwant {want:?}\n", case.str_at("name").unwrap()))
}

#[test]
fn builds_what_kubectl_builds() {
    let lab = Lab::new(Era::V1, Vec::new());
    let cases: Vec<Value> =
        include_str!("recorded/kustomize-5.7.1.jsonl").lines().map(|line| objects::yaml::json::parse(line).unwrap()).collect();
    let wrong: Vec<String> = cases.iter().filter_map(|case| check(&lab, case)).collect();
    assert!(cases.len() > 250, "{}", cases.len());
    assert!(wrong.is_empty(), "{} of {} differ\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
