//! How jobs end, are numbered and go.

use crate::Era;
use crate::environment::testing::Lab;
use objects::{DocExt, Kind, Value, json};

fn run(spec: Value, run_s: &str, seconds: u64) -> Lab {
    let mut lab = Lab::new(Era::V1, 3);
    lab.node("a", "z1", "16");
    let mut doc = json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "sum", "namespace": "default"},
        "spec": {"parallelism": 2, "template": {
            "metadata": {"labels": {"app": "sum"}, "annotations": {"nodewright.dev/run-seconds": run_s}},
            "spec": {"restartPolicy": "Never", "containers": [{"name": "sum", "image": "x"}]},
        }},
    });
    objects::patch::merge(&mut doc, &json!({"spec": spec}));
    lab.create(doc);
    lab.run_s(seconds);
    lab
}

/// The reason of the condition that ended the job, `-` while it runs; succeeded pods; pods there.
fn check(spec: Value, run_s: &str, seconds: u64, want: (&str, i64, usize)) {
    let lab = run(spec.clone(), run_s, seconds);
    let Some(job) = lab.get(Kind::Job, "sum") else {
        assert_eq!(want, ("gone", 0, lab.placed("sum").len()), "{spec}");
        return;
    };
    let end = ["Complete", "Failed"].into_iter().find(|c| job.condition_is_true(c));
    let reason = end.map(|c| job.condition(c).unwrap().str_at("reason").unwrap_or(c));
    let succeeded = job.doc.int_at("status.succeeded").unwrap_or(0);
    assert_eq!((reason.unwrap_or("-"), succeeded, lab.placed("sum").len()), want, "{spec}");
}

#[test]
fn jobs_end_and_go() {
    check(json!({"completions": 3}), "5", 40, ("Complete", 3, 3));
    check(json!({"completions": 1}), "5", 40, ("Complete", 1, 1));
    check(json!({"completions": 9}), "100", 10, ("-", 0, 2));
    check(json!({"completions": 9, "activeDeadlineSeconds": 20}), "100", 60, ("DeadlineExceeded", 0, 0));
    check(json!({"completions": 2, "ttlSecondsAfterFinished": 30}), "5", 30, ("Complete", 2, 2));
    check(json!({"completions": 2, "ttlSecondsAfterFinished": 30}), "5", 60, ("gone", 0, 0));
    check(json!({"completions": 2, "suspend": true}), "5", 30, ("-", 0, 0));
}

#[test]
fn indexed_pods_are_numbered() {
    let lab = run(json!({"completions": 4, "completionMode": "Indexed"}), "5", 60);
    let job = lab.get(Kind::Job, "sum").unwrap();
    assert_eq!((job.doc.int_at("status.succeeded"), job.doc.str_at("status.completedIndexes")), (Some(4), Some("0-3")));
    let mut names: Vec<String> = lab.placed("sum").iter().map(|(p, _)| p.meta.name[..6].to_owned()).collect();
    names.sort();
    assert_eq!(names, ["sum-0-", "sum-1-", "sum-2-", "sum-3-"]);
}

#[test]
fn failures_hold_the_next_pod_back_until_there_are_too_many() {
    let mut lab = run(json!({"completions": 1, "parallelism": 1, "backoffLimit": 1}), "1000", 5);
    let fail = |lab: &mut Lab| {
        let pod = lab.placed("sum").into_iter().find(|(p, _)| p.doc.str_at("status.phase") == Some("Running"));
        let name = pod.map(|(p, _)| p.meta.name.clone()).unwrap();
        lab.patch(Kind::Pod, &name, json!({"status": {"phase": "Failed"}}));
    };
    fail(&mut lab);
    lab.run_s(8);
    assert_eq!(lab.placed("sum").len(), 1, "ten seconds from the failure");
    lab.run_s(8);
    assert_eq!(lab.placed("sum").len(), 2);
    fail(&mut lab);
    lab.run_s(3);
    let job = lab.get(Kind::Job, "sum").unwrap();
    assert_eq!(job.condition("Failed").unwrap().str_at("reason"), Some("BackoffLimitExceeded"));
}
