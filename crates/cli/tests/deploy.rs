//! deploy/act.yaml: its manifests are right, and its pods start what there is.
#![cfg(feature = "kube")]
#![allow(clippy::unwrap_used, reason = "a test")]

use objects::{DocExt, Value, yaml};
use std::process::Command;

fn manifests() -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/act.yaml");
    let stream = yaml::parse(&std::fs::read_to_string(path).unwrap());
    assert!(stream.error.is_none(), "{:?}", stream.error);
    stream.documents.into_iter().map(|d| d.value).collect()
}

fn of_kind(kind: &str) -> Value {
    manifests().into_iter().find(|m| m.str_at("kind") == Some(kind)).unwrap()
}

fn arguments() -> Vec<String> {
    let deployment = of_kind("Deployment");
    let container = deployment.list_at("spec.template.spec.containers").first().unwrap().clone();
    container.list_at("args").iter().filter_map(|a| a.as_str().map(str::to_owned)).collect()
}

#[test]
fn manifests_have_no_faults() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/act.yaml");
    let out = Command::new(env!("CARGO_BIN_EXE_nodewright")).args(["lint", path]).output().unwrap();
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(out.status.success() && said.contains("0 errors, 0 warnings"), "{said}");
}

/// The pod's command line is one that the program takes: what is wrong with it here is only that the kubeconfig is elsewhere.
#[test]
fn the_command_line_is_understood() {
    let arguments = arguments();
    let kubeconfig = arguments.iter().find_map(|a| a.strip_prefix("--kubeconfig=")).unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_nodewright"));
    let out = program.args(&arguments).args(["--metrics-port=0", "--health-probe-port=0"]).output().unwrap();
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(2), "{said}");
    assert!(said.starts_with("nodewright: cannot read the kubeconfig: ") && said.contains(kubeconfig), "{said}");
}

/// Paths, names and ports of the parts are each other's.
#[test]
fn the_parts_fit() {
    let (config, deployment) = (of_kind("ConfigMap"), of_kind("Deployment"));
    let kubeconfig = yaml::parse(config.str_at("data.kubeconfig").unwrap()).documents.remove(0).value;
    let context = kubeconfig.str_at("current-context").unwrap().to_owned();
    let arguments = arguments();
    assert!(arguments.contains(&format!("--context={context}")), "{arguments:?}");
    let pod = deployment.at("spec.template.spec");
    let mounted =
        pod.list_at("containers").first().unwrap().list_at("volumeMounts").first().unwrap().str_at("mountPath").unwrap();
    assert!(arguments.contains(&format!("--kubeconfig={mounted}/kubeconfig")), "{arguments:?}");
    assert_eq!(pod.list_at("volumes").first().unwrap().str_at("configMap.name"), config.str_at("metadata.name"));
    let rights = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/rbac/act.yaml")).unwrap();
    let account = yaml::parse(&rights).documents.remove(0).value;
    assert_eq!(account.str_at("metadata.name"), pod.str_at("serviceAccountName"));
    assert_eq!(account.str_at("metadata.namespace"), deployment.str_at("metadata.namespace"));
}
