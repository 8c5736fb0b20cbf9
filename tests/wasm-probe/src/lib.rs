//! A fixed session of the engine without any host: no wasm-bindgen, nothing imported. `cargo xtask test wasm` runs it
//! natively and under Node and compares the hashes, which cover every change, log line and decision.

use engine::session::{LAB_SEED, PatchStyle, Request, Scenario, Session, Validation};
use engine::{Era, SimTime};
use objects::{Kind, ObjectKey};
use serde_json::{Value, json};

/// Simulated time after each request.
const STEP_MS: u64 = 5 * 60_000;

fn deployment(era: Era) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "inflate", "namespace": "default"},
        "spec": {
            "replicas": 5,
            "selector": {"matchLabels": {"app": "inflate"}},
            "template": {
                "metadata": {"labels": {"app": "inflate", "era": era.as_str()}},
                "spec": {
                    "terminationGracePeriodSeconds": 0,
                    "containers": [{
                        "name": "inflate", "image": "public.ecr.aws/eks-distro/kubernetes/pause:3.7",
                        "resources": {"requests": {"cpu": "1"}},
                    }],
                },
            },
        },
    })
}

/// Hash of the session after five replicas, two replicas and the deletion, each given five minutes. 0 for a refusal,
/// which the caller treats as a failure.
pub fn hash_of(era: Era) -> u64 {
    let Ok(mut session) = Session::new(Scenario::lab(era, LAB_SEED)) else { return 0 };
    let key = ObjectKey::new(Kind::Deployment, "default", "inflate");
    let requests = [
        Request::Apply { doc: deployment(era), dry_run: false, validation: Validation::Strict },
        Request::Patch { key: key.clone(), patch: json!({"spec": {"replicas": 2}}), style: PatchStyle::Merge, dry_run: false },
        Request::Delete { key, grace_s: None, dry_run: false },
    ];
    for request in requests {
        if session.request("", request).is_err() {
            return 0;
        }
        let target = SimTime(session.now().0 + STEP_MS);
        session.advance_to(target);
    }
    session.world().hash()
}

/// What the wasm module offers: 0 is era v1alpha5, anything else era v1.
#[unsafe(no_mangle)]
pub extern "C" fn session_hash(era: u32) -> u64 {
    hash_of(if era == 0 { Era::V1alpha5 } else { Era::V1 })
}
