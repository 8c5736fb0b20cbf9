//! `kubectl kustomize` and `-k`: what kubectl 1.35.4 (kustomize 5.7.1) made of the same files, byte for byte. The recorded
//! directory was `/tmp/kustomize`; a pointer in one of kustomize's messages is written as zeros.

mod common;

use common::Lab;
use engine::Era;
use objects::{DocExt, Value};

/// Makes the files of a case in the home of a shell.
fn write(lab: &mut Lab, files: &Value) {
    let mut text = "mkdir -p /tmp/kustomize; cd /tmp/kustomize\n".to_owned();
    for (path, content) in files.as_object().into_iter().flatten() {
        let directory = path.rsplit_once('/').map_or(".", |(directory, _)| directory);
        let content = content.as_str().unwrap_or_default();
        text.push_str(&format!("mkdir -p {directory}; cat <<'THE_END' > {path}\n{content}THE_END\n"));
    }
    let made = lab.run(&text);
    assert_eq!((made.exit, made.stdout.as_str(), made.stderr.as_str()), (0, "", ""), "{text}");
}

/// What differs from the recording.
fn check(lab: &Lab, case: &Value) -> Option<String> {
    let mut lab = lab.again();
    write(&mut lab, case.at("files"));
    let text = |field: &str| case.str_at(field).unwrap_or_default();
    let out = lab.run(text("run"));
    let want = (case.int_at("exit"), text("stdout"), text("stderr"));
    let got = (Some(i64::from(out.exit)), out.stdout.as_str(), out.stderr.as_str());
    (got != want).then(|| format!("## {}\ngot  {got:?}\nwant {want:?}\n", text("name")))
}

#[test]
fn builds_what_kubectl_builds() {
    let lab = Lab::new(Era::V1, Vec::new());
    let recorded = include_str!("recorded/kustomize-5.7.1.jsonl");
    let cases: Vec<Value> = recorded.lines().map(|line| objects::yaml::json::parse(line).unwrap()).collect();
    let wrong: Vec<String> = cases.iter().filter_map(|case| check(&lab, case)).collect();
    assert!(cases.len() > 300, "{}", cases.len());
    assert!(wrong.is_empty(), "{} of {} differ\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// A deployment, its settings and a pool, as a base and what stands on it.
fn shop(lab: &mut Lab) {
    let files = objects::json!({
        "base/kustomization.yaml": "resources: [deploy.yaml, pool.yaml]\nconfigMapGenerator:\n- name: settings\n  literals: [a=b]\n",
        "base/deploy.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  selector: {matchLabels: {app: web}}\n  \
         template:\n    metadata: {labels: {app: web}}\n    spec:\n      containers:\n      - {name: web, image: nginx, envFrom: \
         [{configMapRef: {name: settings}}]}\n",
        "base/pool.yaml": "apiVersion: karpenter.sh/v1\nkind: NodePool\nmetadata: {name: spare}\nspec:\n  template:\n    spec:\n      nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}\n      requirements: [{key: karpenter.sh/capacity-type, operator: In, values: [spot]}]\n",
        "over/kustomization.yaml": "resources: [../base]\nnamePrefix: my-\nreplicas:\n- {name: web, count: 2}\n"
    });
    write(lab, &files);
}

/// A line, its status, standard output and standard error, one after the other in one shell.
type Line<'a> = (&'a str, i32, &'a str, &'a str);

fn follow(lab: &mut Lab, lines: &[Line<'_>]) {
    for (line, exit, stdout, stderr) in lines {
        let out = lab.run(line);
        assert_eq!((out.exit, out.stdout.as_str(), out.stderr.as_str()), (*exit, *stdout, *stderr), "{line}");
    }
}

#[test]
fn verbs_take_a_directory() {
    let mut lab = Lab::of(engine::Scenario::lab(Era::V1, 1));
    shop(&mut lab);
    const NAMES: &str = "configmap/my-settings-4h2mbtbbt6\ndeployment.apps/my-web\nnodepool.karpenter.sh/my-spare\n";
    let all = |did: &str| NAMES.replace('\n', &format!(" {did}\n"));
    let missing = "Error from server (NotFound): configmaps \"my-settings-4h2mbtbbt6\" not found\nError from server (NotFound): \
                   deployments.apps \"my-web\" not found\nError from server (NotFound): nodepools.karpenter.sh \"my-spare\" not found\n";
    follow(
        &mut lab,
        &[
            ("kubectl get -k over", 1, "", missing),
            ("kubectl apply --dry-run=client -k over", 0, &all("created (dry run)"), ""),
            ("kubectl apply -k over", 0, &all("created"), ""),
            ("kubectl get -k over -o name", 0, NAMES, ""),
            ("kubectl diff -k over", 0, "", ""),
            ("kubectl get deploy my-web -o jsonpath='{.spec.replicas} {..configMapRef.name}'", 0, "2 my-settings-4h2mbtbbt6", ""),
            (
                "kubectl describe -k over | grep ^Name:",
                0,
                "Name:         my-settings-4h2mbtbbt6\nName:                   my-web\nName:         my-spare\n",
                "",
            ),
            ("kubectl label -k over x=y", 0, &all("labeled"), ""),
            ("kubectl annotate --kustomize=over x=y", 0, &all("annotated"), ""),
            ("kubectl replace -k over", 0, &all("replaced"), ""),
            (
                "kubectl kustomize over | envsubst | kubectl delete -f - --dry-run=client",
                0,
                "configmap \"my-settings-4h2mbtbbt6\" deleted from default namespace (dry run)\ndeployment.apps \"my-web\" deleted from \
              default namespace (dry run)\nnodepool.karpenter.sh \"my-spare\" deleted (dry run)\n",
                "",
            ),
            ("kubectl apply -k over -f x", 1, "", "error: only one of -f or -k can be specified\n"),
            ("kubectl apply -k over -R", 1, "", "error: the -k flag can't be used with -f or -R\n"),
            ("kubectl apply", 1, "", "error: must specify one of -f and -k\n"),
            ("kubectl replace", 1, "", "error: must specify one of -f and -k\n"),
            (
                "kubectl apply -k nope",
                1,
                "",
                "error: must build at directory: not a valid directory: evalsymlink failure on 'nope' : lstat /tmp/kustomize/nope: no such file or directory\n",
            ),
            (
                "kubectl delete -k over",
                0,
                "configmap \"my-settings-4h2mbtbbt6\" deleted from default namespace\ndeployment.apps \"my-web\" deleted from default namespace\nnodepool.karpenter.sh \"my-spare\" deleted\n",
                "",
            ),
            ("kubectl create -k over", 0, &all("created"), ""),
        ],
    );
}

/// What is not simulated says so, and where it stands; nothing is left out in silence.
#[test]
fn refuses_by_name() {
    let lab = Lab::new(Era::V1, Vec::new());
    let fails = |kustomization: &str, error: &str| {
        let mut lab = lab.again();
        write(&mut lab, &objects::json!({"d/kustomization.yaml": kustomization, "e/kustomization.yaml": "resources: [../d]\n"}));
        follow(&mut lab, &[("kubectl kustomize d", 1, "", error), ("kubectl apply -k e", 1, "", error)]);
    };
    for field in [
        "openapi: {version: v1}",
        "replacements: [{}]",
        "vars: [{name: A}]",
        "crds: [a.yaml]",
        "helmGlobals: {chartHome: x}",
        "helmCharts: [{name: x}]",
        "helmChartInflationGenerator: [{chartName: x}]",
        "configurations: [a.yaml]",
        "generators: [a.yaml]",
        "transformers: [a.yaml]",
        "validators: [a.yaml]",
        "buildMetadata: [originAnnotations]",
        "imageTags: [{name: x}]",
    ] {
        let name = field.split(':').next().unwrap();
        fails(
            &format!("{field}\n"),
            &format!("error: the field {name} of a kustomization is not simulated here (/tmp/kustomize/d)\n"),
        );
    }
    for path in [
        "https://example.com/a.yaml",
        "github.com/aws-samples/karpenter-blueprints//blueprints/spot?ref=main",
        "git@github.com:a/b",
    ] {
        let error = format!(
            "error: \"{path}\" is not fetched here: the playground has no network; make its files in a directory, and name that\n"
        );
        fails(&format!("resources: ['{path}']\n"), &error);
        fails(&format!("components: ['{path}']\n"), &error);
        let mut lab = lab.again();
        let (built, applied) = (format!("kubectl kustomize '{path}'"), format!("kubectl apply -k '{path}'"));
        follow(&mut lab, &[(&built, 1, "", &error), (&applied, 1, "", &error)]);
    }
    follow(
        &mut lab.again(),
        &[("kubectl kustomize --enable-helm d", 1, "", "error: --enable-helm of kubectl kustomize is not simulated\n")],
    );
}

/// Bases upon bases and patches of everything end.
#[test]
fn work_is_bounded() {
    let lab = Lab::new(Era::V1, Vec::new());
    let mut files = objects::Map::new();
    for n in 0..60 {
        let next = if n == 59 { "a.yaml".to_owned() } else { format!("../d{}", n + 1) };
        files.insert(format!("d{n}/kustomization.yaml"), format!("resources: [{next}]\n").into());
        // Each of these stands on the next twice.
        let twice = format!("resources: [../l{n}, ../r{n}]\n");
        files.insert(format!("t{n}/kustomization.yaml"), twice.into());
        for side in ["l", "r"] {
            files.insert(
                format!("{side}{n}/kustomization.yaml"),
                format!("namePrefix: {side}\nresources: [../t{}]\n", n + 1).into(),
            );
        }
    }
    let config = |n: usize| format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c{n}}}\n---\n");
    files.insert("d59/a.yaml".to_owned(), config(0).into());
    files.insert("t12/kustomization.yaml".to_owned(), "resources: [a.yaml]\n".into());
    files.insert("t12/a.yaml".to_owned(), config(0).into());
    files.insert("many/kustomization.yaml".to_owned(), "resources: [a.yaml]\n".into());
    files.insert("many/a.yaml".to_owned(), (0..1_100).map(config).collect::<String>().into());
    let mut lab = lab;
    write(&mut lab, &Value::Object(files));
    for (directory, error) in [
        ("d0", "bases may stand on 50 others here"),
        ("t0", "a kustomization may make 1000 objects here"),
        ("many", "a kustomization may make 1000 objects here"),
    ] {
        let out = lab.run(&format!("kubectl kustomize {directory} | wc -c"));
        assert!(out.stderr.starts_with(&format!("error: {error}")), "{directory}: {out:?}");
    }
}
