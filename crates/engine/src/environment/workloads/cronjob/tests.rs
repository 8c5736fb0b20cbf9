//! Schedules in minutes: what is started, what is kept.

use crate::Era;
use crate::environment::testing::Lab;
use objects::{DocExt, Kind, Value, json};

/// A CronJob of `spec` whose pods run for `run_s`, observed for `minutes`; the lab's clock begins at a whole hour.
fn run(spec: Value, run_s: u64, minutes: u64) -> Lab {
    let mut lab = Lab::new(Era::V1alpha5, 3);
    lab.node("a", "z1", "16");
    let mut doc = json!({
        "apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "tick", "namespace": "default"},
        "spec": {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": {
            "metadata": {"labels": {"app": "tick"}, "annotations": {"nodewright.dev/run-seconds": run_s.to_string()}},
            "spec": {"restartPolicy": "Never", "containers": [{"name": "tick", "image": "x"}]},
        }}}},
    });
    objects::patch::merge(&mut doc, &json!({"spec": spec}));
    lab.create(doc);
    lab.run_s(minutes * 60 + 30);
    lab
}

fn jobs(lab: &Lab) -> Vec<(String, bool)> {
    lab.store.list(Kind::Job).map(|j| (j.meta.name.clone(), j.condition_is_true("Complete"))).collect()
}

#[test]
fn policies_and_history() {
    // (spec, seconds that a pod runs, jobs started in five minutes, jobs there then, running then)
    for (spec, run_s, started, there, running) in [
        (json!({}), 5, 5, 3, 0),
        (json!({"successfulJobsHistoryLimit": 0}), 5, 5, 0, 0),
        (json!({"schedule": "*/2 * * * *"}), 5, 2, 2, 0),
        (json!({}), 100, 5, 5, 2),
        (json!({"concurrencyPolicy": "Forbid"}), 100, 3, 3, 1),
        (json!({"concurrencyPolicy": "Replace"}), 100, 5, 1, 1),
        (json!({"suspend": true}), 5, 0, 0, 0),
        (json!({"schedule": "0 0 30 2 *"}), 5, 0, 0, 0),
    ] {
        let lab = run(spec.clone(), run_s, 5);
        let found = jobs(&lab);
        let active = lab.get(Kind::CronJob, "tick").unwrap().doc.list_at("status.active").len();
        let created = lab.said("SuccessfulCreate").iter().filter(|m| m.starts_with("Created job tick-")).count();
        assert_eq!((created, found.len(), active), (started, there, running), "{spec} {found:?}");
    }
}

#[test]
fn names_come_from_the_minute_and_status_is_kept() {
    let lab = run(json!({}), 5, 2);
    let minute = objects::time::parse_rfc3339("2023-07-26T03:01:00Z").unwrap() / 60_000;
    let names: Vec<String> = jobs(&lab).into_iter().map(|(n, _)| n).collect();
    assert_eq!(names, [format!("tick-{minute}"), format!("tick-{}", minute + 1)]);
    let cron = lab.get(Kind::CronJob, "tick").unwrap();
    assert_eq!(cron.doc.str_at("status.lastScheduleTime"), Some("2023-07-26T03:02:00Z"));
    assert_eq!(lab.said("SawCompletedJob")[0], format!("Saw completed job: tick-{minute}, status: Complete"));
}

#[test]
fn a_schedule_or_zone_that_is_wrong_is_told() {
    let lab = run(json!({"schedule": "61 * * * *"}), 5, 1);
    assert!(lab.said("UnparseableSchedule")[0].starts_with("unparseable schedule: \"61 * * * *\" : "));
    let lab = run(json!({"timeZone": "Mars/Base"}), 5, 1);
    assert_eq!(lab.said("UnknownTimeZone"), ["invalid timeZone: \"Mars/Base\": unknown time zone Mars/Base"]);
    // Noon in Seoul is 03:00 in UTC, where the lab begins: one o'clock is an hour away.
    let lab = run(json!({"schedule": "2 12 * * *", "timeZone": "Asia/Seoul"}), 5, 3);
    assert_eq!(jobs(&lab).len(), 1);
}
