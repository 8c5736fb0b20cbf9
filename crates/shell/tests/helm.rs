//! helm on the simulated cluster: Karpenter as a release, and its upgrades.

mod common;

use common::Lab;
use engine::{Era, Scenario};
use objects::{DocExt, Value};

fn start(era: Era) -> Lab {
    Lab::of(Scenario::lab(era, 1))
}

#[test]
fn karpenter_is_a_release() {
    let (old, new) = (|text: &str| start(Era::V1alpha5).run(text), |text: &str| start(Era::V1).run(text));
    assert_eq!(old("helm list").stdout, "NAME\tNAMESPACE\tREVISION\tUPDATED\tSTATUS\tCHART\tAPP VERSION\n");
    let out = old("helm ls -A").stdout;
    let cells: Vec<&str> = out.lines().nth(1).unwrap_or_default().split('\t').map(str::trim_end).collect();
    let [name, namespace, revision, updated, status, chart, version] = cells.as_slice() else { panic!("{out}") };
    assert_eq!((*name, *namespace, *revision, *status), ("karpenter", "karpenter", "1", "deployed"));
    assert!(updated.ends_with(" +0000 UTC") && chart.starts_with("karpenter-v0.") && version.starts_with("0."), "{out}");
    assert_eq!(new("helm list -A -q").stdout, "karpenter\n");
    assert_eq!(old("helm upgrade --install karpenter x").exit, 1);
}

/// What helm 3.14 makes of the two charts with such values; the file says what was given and what came of it.
#[test]
fn helm_upgrades_as_the_charts_say() {
    for line in include_str!("recorded/helm-3.14.jsonl").lines() {
        let case = objects::yaml::json::parse(line).unwrap();
        let mut lab = start(if case.str_at("chart") == Some("v1.14.1") { Era::V1 } else { Era::V1alpha5 });
        let mut run = |text: &str| lab.run(text);
        let args: Vec<String> = case.list_at("args").iter().map(|a| format!("'{}'", a.as_str().unwrap())).collect();
        let out =
            run(&format!("helm upgrade -i karpenter oci://public.ecr.aws/karpenter/karpenter -n karpenter {}", args.join(" ")));
        if let Some(error) = case.str_at("error") {
            let first = error.lines().next().unwrap().replacen("Error: ", "Error: UPGRADE FAILED: ", 1);
            assert_eq!((out.exit, out.stderr), (1, format!("{first}\n")));
            assert_eq!(
                run("helm list -A | grep -c deployed; kubectl rollout history deploy karpenter -n karpenter | wc -l").stdout,
                "1\n4\n"
            );
            continue;
        }
        assert!(
            out.stdout.starts_with("Release \"karpenter\" has been upgraded. Happy Helming!\nNAME: karpenter\nLAST DEPLOYED: "),
            "{out:?}"
        );
        assert!(out.stdout.ends_with("\nNAMESPACE: karpenter\nSTATUS: deployed\nREVISION: 2\nTEST SUITE: None\n"), "{out:?}");
        let mut json = |text: &str| objects::yaml::json::parse(&run(text).stdout).unwrap_or_default();
        let deployment = json("kubectl get deploy karpenter -n karpenter -o json");
        let container = deployment.list_at("spec.template.spec.containers")[0].clone();
        assert_eq!(deployment.at("spec.replicas"), case.at("replicas"), "{line}");
        assert_eq!(deployment.at("spec.template.spec.nodeSelector"), case.at("nodeSelector"), "{line}");
        let amounts = |v: &Value| v.to_string().replace('"', "");
        assert_eq!(amounts(container.at("resources")).replace("{}", "null"), amounts(case.at("resources")), "{line}");
        if case.at("settings").is_null() {
            let env: Vec<Value> = container
                .list_at("env")
                .iter()
                .filter_map(|e| Some(format!("{}={}", e.str_at("name")?, e.str_at("value")?).into()))
                .collect();
            assert_eq!(Value::Array(env), *case.at("env"), "{line}");
        } else {
            let settings = json("kubectl get cm karpenter-global-settings -n karpenter -o json");
            assert_eq!(settings.at("data"), case.at("settings"), "{line}");
        }
    }
}

/// What is kept, what is taken back, and what is refused with nothing changed.
#[test]
fn helm_knows_its_release() {
    let mut lab = start(Era::V1);
    let mut run = |text: &str| lab.run(text);
    assert_eq!(run("helm get values karpenter -n karpenter -o json | jq -r .settings.clusterName").stdout, "myeks\n");
    let upgrade = "helm upgrade karpenter oci://public.ecr.aws/karpenter/karpenter -n karpenter";
    run(&format!("{upgrade} --reuse-values --set settings.featureGates.nodeRepair=true"));
    let values = "helm get values karpenter -n karpenter -o json | jq -c '[.settings.clusterName, .settings.featureGates]'";
    assert_eq!(run(values).stdout, "[\"myeks\",{\"nodeRepair\":true}]\n");
    let revision = "helm list -A -o json | jq -r '.[].revision'";
    assert_eq!(run(revision).stdout, "2\n");
    // What else stands in the line of an upgrade is none.
    run(&format!("{upgrade} --reuse-values && kubectl set env deploy/karpenter -n karpenter A=b"));
    assert_eq!(run(revision).stdout, "3\n");
    run("nodewright undo");
    for (text, error) in [
        ("helm upgrade karpenter oci://x/karpenter --set a=b", "Error: UPGRADE FAILED: \"karpenter\" has no deployed releases\n"),
        (&format!("{upgrade} --set a"), "Error: failed parsing --set data: key \"a\" has no value\n"),
        (&format!("{upgrade} -f none.yaml"), "Error: open none.yaml: no such file or directory\n"),
        (&format!("{upgrade} --nope"), "Error: unknown flag: --nope\n"),
    ] {
        let out = run(text);
        assert_eq!((out.exit, out.stderr.as_str(), out.stdout.as_str()), (1, error, ""), "{text}");
    }
    assert_eq!(run(revision).stdout, "2\n");
    // Taken back like any other line.
    run("nodewright undo");
    assert_eq!(run(revision).stdout, "1\n");
}
