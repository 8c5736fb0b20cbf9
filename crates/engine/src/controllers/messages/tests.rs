//! Lines against those of published and recorded logs.

use super::*;
use crate::SimTime;
use crate::pricing::Market;
use crate::profile::Profile;
use crate::store::Store;
use objects::json;

const T: &str = "2023-07-26T05:10:01.204Z";

fn check(era: Era, by: By, say: &Say<'_>, want: &str) {
    let (store, market, profile) = (Store::default(), Market::default(), Profile::of(era));
    let epoch_ms = objects::time::parse_rfc3339(T).unwrap();
    let view = View { store: &store, market: &market, profile: &profile, now: SimTime::ZERO, epoch_ms, seed: 1 };
    let text = line(&view, by, say).map(|l| l.text).unwrap_or_default();
    let text = match text.find("\"reconcileID\":\"") {
        Some(at) => {
            let at = at + "\"reconcileID\":\"".len();
            let (head, tail) = text.split_at(at);
            format!("{head}<uuid>{}", &tail[36..])
        }
        None => text,
    };
    assert_eq!(text, want);
}

fn allocatable() -> Resources {
    Resources::read(&json!({"cpu": "3920m", "ephemeral-storage": "17Gi", "memory": "14162Mi", "pods": "58"}))
}

const CLAIM: ClaimRef<'static> = ClaimRef {
    name: "default-7xk4p",
    pool: "default",
    provider_id: "aws:///ap-northeast-2c/i-0a1b2c3d4e5f60718",
    node: "ip-192-168-3-77.ap-northeast-2.compute.internal",
};

#[test]
fn era_a_console_lines() {
    let a = |by, say: Say<'_>, want: &str| check(Era::V1alpha5, by, &say, want);
    let pods: Vec<String> = (0..12).map(|i| format!("default/p{i}")).collect();
    let c = r#"{"commit": "34d50bf-dirty""#;
    a(
        By::Provisioner,
        Say::FoundPods { pods: &pods, duration_us: 1 },
        &format!("{T}\tINFO\tcontroller.provisioner\tfound provisionable pod(s)\t{c}, \"pods\": 12}}"),
    );
    a(
        By::Provisioner,
        Say::ComputedNew { claims: 4, pods: 12 },
        &format!(
            "{T}\tINFO\tcontroller.provisioner\tcomputed new machine(s) to fit pod(s)\t{c}, \"machines\": 4, \"pods\": 12}}"
        ),
    );
    let requests = Resources::default().with("cpu", 3125).with("pods", 5);
    let types = vec!["m5.xlarge".to_owned()];
    a(
        By::Provisioner,
        Say::CreatedClaim { pool: "default", claim: "default-7xk4p", requests: &requests, types: &types },
        &format!(
            "{T}\tINFO\tcontroller.provisioner\tcreated machine\t{c}, \"provisioner\": \"default\", \
             \"requests\": {{\"cpu\":\"3125m\",\"pods\":\"5\"}}, \"instance-types\": \"m5.xlarge\"}}"
        ),
    );
    a(
        By::Lifecycle,
        Say::Launched {
            claim: CLAIM,
            instance_type: "m5.xlarge",
            zone: "ap-northeast-2c",
            capacity_type: "on-demand",
            allocatable: &allocatable(),
        },
        &format!(
            "{T}\tINFO\tcontroller.machine.lifecycle\tlaunched machine\t{c}, \"machine\": \"default-7xk4p\", \
             \"provisioner\": \"default\", \"provider-id\": \"aws:///ap-northeast-2c/i-0a1b2c3d4e5f60718\", \
             \"instance-type\": \"m5.xlarge\", \"zone\": \"ap-northeast-2c\", \"capacity-type\": \"on-demand\", \
             \"allocatable\": {{\"cpu\":\"3920m\",\"ephemeral-storage\":\"17Gi\",\"memory\":\"14162Mi\",\"pods\":\"58\"}}}}"
        ),
    );
    a(
        By::Lifecycle,
        Say::Registered { claim: CLAIM },
        &format!(
            "{T}\tDEBUG\tcontroller.machine.lifecycle\tregistered machine\t{c}, \"machine\": \"default-7xk4p\", \
             \"provisioner\": \"default\", \"provider-id\": \"aws:///ap-northeast-2c/i-0a1b2c3d4e5f60718\", \
             \"node\": \"ip-192-168-3-77.ap-northeast-2.compute.internal\"}}"
        ),
    );
    a(
        By::Disruption,
        Say::Disrupting {
            method: "emptiness",
            command: "delete, terminating 1 machines ip-192-168-2-40.ap-northeast-2.compute.internal/r3.2xlarge/spot",
            decision: "delete",
            nodes: &[],
            replacements: &[],
            pods: 0,
        },
        &format!(
            "{T}\tINFO\tcontroller.deprovisioning\tdeprovisioning via emptiness delete, terminating 1 machines \
             ip-192-168-2-40.ap-northeast-2.compute.internal/r3.2xlarge/spot\t{c}}}"
        ),
    );
    a(
        By::NodeTermination,
        Say::Cordoned { node: CLAIM.node, claim: "" },
        &format!("{T}\tINFO\tcontroller.termination\tcordoned node\t{c}, \"node\": \"{}\"}}", CLAIM.node),
    );
    a(
        By::ClaimTermination,
        Say::DeletedClaim { claim: CLAIM },
        &format!(
            "{T}\tINFO\tcontroller.machine.termination\tdeleted machine\t{c}, \"machine\": \"default-7xk4p\", \
             \"node\": \"{}\", \"provisioner\": \"default\", \"provider-id\": \"{}\"}}",
            CLAIM.node, CLAIM.provider_id
        ),
    );
}

#[test]
fn era_b_json_lines() {
    let head = format!(r#"{{"level":"INFO","time":"{T}","logger":"controller","message":"#);
    let b = |say: Say<'_>, want: String| check(Era::V1, By::Provisioner, &say, &want);
    let requests = Resources::default().with("cpu", 3150).with("pods", 5);
    let types = vec!["m5.xlarge".to_owned()];
    b(
        Say::CreatedClaim { pool: "default", claim: "default-7xk4p", requests: &requests, types: &types },
        format!(
            r#"{head}"created nodeclaim","commit":"6e7eab7","controller":"provisioner","namespace":"","name":"","reconcileID":"<uuid>","NodePool":{{"name":"default"}},"NodeClaim":{{"name":"default-7xk4p"}},"requests":{{"cpu":"3150m","pods":"5"}},"instance-types":"m5.xlarge"}}"#
        ),
    );
    let lifecycle = r#""commit":"6e7eab7","controller":"nodeclaim.lifecycle","controllerGroup":"karpenter.sh","controllerKind":"NodeClaim","NodeClaim":{"name":"default-7xk4p"},"namespace":"","name":"default-7xk4p","reconcileID":"<uuid>","provider-id":"aws:///ap-northeast-2c/i-0a1b2c3d4e5f60718""#;
    b(
        Say::Launched {
            claim: CLAIM,
            instance_type: "m5.xlarge",
            zone: "ap-northeast-2c",
            capacity_type: "on-demand",
            allocatable: &allocatable(),
        },
        format!(
            r#"{head}"launched nodeclaim",{lifecycle},"instance-type":"m5.xlarge","zone":"ap-northeast-2c","capacity-type":"on-demand","allocatable":{{"cpu":"3920m","ephemeral-storage":"17Gi","memory":"14162Mi","pods":"58"}}}}"#
        ),
    );
    b(
        Say::DeletedClaim { claim: CLAIM },
        format!(r#"{head}"deleted nodeclaim",{lifecycle},"Node":{{"name":"ip-192-168-3-77.ap-northeast-2.compute.internal"}}}}"#),
    );
    b(
        Say::Cordoned { node: "n1", claim: "default-7xk4p" },
        format!(
            r#"{head}"tainted node","commit":"6e7eab7","controller":"node.termination","controllerGroup":"","controllerKind":"Node","Node":{{"name":"n1"}},"namespace":"","name":"n1","reconcileID":"<uuid>","NodeClaim":{{"name":"default-7xk4p"}},"taint.Key":"karpenter.sh/disrupted","taint.Value":"","taint.Effect":"NoSchedule"}}"#
        ),
    );
    b(Say::WaitingOnSync, String::new());
}

#[test]
fn amounts_print_canonically() {
    assert_eq!(
        quantities(&Resources::default().with("cpu", 2000).with("memory", 1 << 30).with("pods", 7)).to_string(),
        r#"{"cpu":"2","memory":"1Gi","pods":"7"}"#
    );
    let all: Vec<String> = ["a", "b", "c", "d", "e", "f", "g"].map(str::to_owned).to_vec();
    assert_eq!(five(&all), "a, b, c, d, e and 2 other(s)");
    assert_eq!((go_duration(900_000), go_duration(180_000), go_duration(1500)), ("15m0s".into(), "3m0s".into(), "1.5s".into()));
    assert_eq!((dollars(299_000), dollars(107_000), dollars(-5_000)), ("$0.30".into(), "$0.11".into(), "$-0.01".into()));
}
