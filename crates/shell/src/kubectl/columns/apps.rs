//! Columns of the apps, batch, policy and autoscaling groups.

use super::super::age;
use super::{Column, Facts, age_of, col, labels_text, selector_text, text, wide};
use objects::{DocExt, Object, Value};

fn int(o: &Object, path: &str) -> String {
    o.doc.int_at(path).unwrap_or(0).to_string()
}

/// Names and images of the template's containers.
fn containers(o: &Object) -> [String; 2] {
    let mut list = o.doc.list_at("spec.template.spec.containers");
    if o.kind == objects::Kind::CronJob {
        list = o.doc.list_at("spec.jobTemplate.spec.template.spec.containers");
    }
    let join = |field: &str| list.iter().filter_map(|c| c.str_at(field)).collect::<Vec<_>>().join(",");
    [join("name"), join("image")]
}

pub const DEPLOYMENT: &[Column] = &[
    col("NAME"),
    col("READY"),
    col("UP-TO-DATE"),
    col("AVAILABLE"),
    col("AGE"),
    wide("CONTAINERS"),
    wide("IMAGES"),
    wide("SELECTOR"),
];

pub fn deployment(o: &Object, f: &Facts) -> Vec<String> {
    let [names, images] = containers(o);
    vec![
        o.meta.name.clone(),
        format!("{}/{}", int(o, "status.readyReplicas"), o.doc.int_at("spec.replicas").unwrap_or(1)),
        int(o, "status.updatedReplicas"),
        int(o, "status.availableReplicas"),
        age_of(o, f),
        names,
        images,
        selector_text(o.doc.at("spec.selector")),
    ]
}

pub const REPLICA_SET: &[Column] = &[
    col("NAME"),
    col("DESIRED"),
    col("CURRENT"),
    col("READY"),
    col("AGE"),
    wide("CONTAINERS"),
    wide("IMAGES"),
    wide("SELECTOR"),
];

pub fn replica_set(o: &Object, f: &Facts) -> Vec<String> {
    let [names, images] = containers(o);
    vec![
        o.meta.name.clone(),
        o.doc.int_at("spec.replicas").unwrap_or(1).to_string(),
        int(o, "status.replicas"),
        int(o, "status.readyReplicas"),
        age_of(o, f),
        names,
        images,
        selector_text(o.doc.at("spec.selector")),
    ]
}

pub const DAEMON_SET: &[Column] = &[
    col("NAME"),
    col("DESIRED"),
    col("CURRENT"),
    col("READY"),
    col("UP-TO-DATE"),
    col("AVAILABLE"),
    col("NODE SELECTOR"),
    col("AGE"),
    wide("CONTAINERS"),
    wide("IMAGES"),
    wide("SELECTOR"),
];

pub fn daemon_set(o: &Object, f: &Facts) -> Vec<String> {
    let [names, images] = containers(o);
    vec![
        o.meta.name.clone(),
        int(o, "status.desiredNumberScheduled"),
        int(o, "status.currentNumberScheduled"),
        int(o, "status.numberReady"),
        int(o, "status.updatedNumberScheduled"),
        int(o, "status.numberAvailable"),
        labels_text(&o.doc.strings_at("spec.template.spec.nodeSelector")),
        age_of(o, f),
        names,
        images,
        selector_text(o.doc.at("spec.selector")),
    ]
}

pub const STATEFUL_SET: &[Column] = &[col("NAME"), col("READY"), col("AGE"), wide("CONTAINERS"), wide("IMAGES")];

pub fn stateful_set(o: &Object, f: &Facts) -> Vec<String> {
    let [names, images] = containers(o);
    let ready = format!("{}/{}", int(o, "status.readyReplicas"), o.doc.int_at("spec.replicas").unwrap_or(1));
    vec![o.meta.name.clone(), ready, age_of(o, f), names, images]
}

pub const JOB: &[Column] = &[
    col("NAME"),
    col("STATUS"),
    col("COMPLETIONS"),
    col("DURATION"),
    col("AGE"),
    wide("CONTAINERS"),
    wide("IMAGES"),
    wide("SELECTOR"),
];
pub const CRON_JOB: &[Column] = &[
    col("NAME"),
    col("SCHEDULE"),
    col("TIMEZONE"),
    col("SUSPEND"),
    col("ACTIVE"),
    col("LAST SCHEDULE"),
    col("AGE"),
    wide("CONTAINERS"),
    wide("IMAGES"),
    wide("SELECTOR"),
];
pub const CRON_JOB_OLD: &[Column] = &[
    col("NAME"),
    col("SCHEDULE"),
    col("SUSPEND"),
    col("ACTIVE"),
    col("LAST SCHEDULE"),
    col("AGE"),
    wide("CONTAINERS"),
    wide("IMAGES"),
    wide("SELECTOR"),
];

/// `True` and `False` as Go's printers of booleans write them here.
pub fn cron_job(o: &Object, f: &Facts) -> Vec<String> {
    let mut cells = cron_job_old(o, f);
    cells.insert(2, o.doc.str_at("spec.timeZone").unwrap_or("<none>").to_owned());
    cells
}

pub fn cron_job_old(o: &Object, f: &Facts) -> Vec<String> {
    let d = &o.doc;
    let suspended = if d.bool_at("spec.suspend") == Some(true) { "True" } else { "False" };
    let last = d.str_at("status.lastScheduleTime").map_or("<none>".to_owned(), |t| age::since(Some(t), f.now_ms));
    let [names, images] = containers(o);
    vec![
        o.meta.name.clone(),
        d.str_at("spec.schedule").unwrap_or_default().to_owned(),
        suspended.to_owned(),
        d.list_at("status.active").len().to_string(),
        last,
        age_of(o, f),
        names,
        images,
        "<none>".to_owned(),
    ]
}

pub const JOB_OLD: &[Column] =
    &[col("NAME"), col("COMPLETIONS"), col("DURATION"), col("AGE"), wide("CONTAINERS"), wide("IMAGES"), wide("SELECTOR")];

pub fn job(o: &Object, f: &Facts) -> Vec<String> {
    let status = if o.condition_is_true("Complete") {
        "Complete"
    } else if o.condition_is_true("Failed") {
        "Failed"
    } else if o.meta.is_deleting() {
        "Terminating"
    } else if o.condition_is_true("Suspended") {
        "Suspended"
    } else {
        "Running"
    };
    let mut cells = job_old(o, f);
    cells.insert(1, status.to_owned());
    cells
}

pub fn job_old(o: &Object, f: &Facts) -> Vec<String> {
    let d = &o.doc;
    let done = d.int_at("status.succeeded").unwrap_or(0);
    let completions = match (d.int_at("spec.completions"), d.int_at("spec.parallelism").unwrap_or(1)) {
        (Some(n), _) => format!("{done}/{n}"),
        (None, p) if p > 1 => format!("{done}/1 of {p}"),
        (None, _) => format!("{done}/1"),
    };
    let start = d.str_at("status.startTime").and_then(objects::time::parse_rfc3339);
    let end = d.str_at("status.completionTime").and_then(objects::time::parse_rfc3339).unwrap_or(f.now_ms);
    let duration = start.map(|s| age::human(end - s)).unwrap_or_default();
    let [names, images] = containers(o);
    vec![o.meta.name.clone(), completions, duration, age_of(o, f), names, images, selector_text(d.at("spec.selector"))]
}

pub const PDB: &[Column] = &[col("NAME"), col("MIN AVAILABLE"), col("MAX UNAVAILABLE"), col("ALLOWED DISRUPTIONS"), col("AGE")];

pub fn pdb(o: &Object, f: &Facts) -> Vec<String> {
    let value = |p: &str| match o.doc.at(p) {
        Value::Null => "N/A".to_owned(),
        other => text(other),
    };
    vec![
        o.meta.name.clone(),
        value("spec.minAvailable"),
        value("spec.maxUnavailable"),
        int(o, "status.disruptionsAllowed"),
        age_of(o, f),
    ]
}

pub const HPA: &[Column] =
    &[col("NAME"), col("REFERENCE"), col("TARGETS"), col("MINPODS"), col("MAXPODS"), col("REPLICAS"), col("AGE")];

pub fn hpa(o: &Object, f: &Facts) -> Vec<String> {
    let d = &o.doc;
    let target = |(i, m): (usize, &Value)| {
        let name = m.str_at("resource.name").unwrap_or_default();
        let now = d.list_at("status.currentMetrics").get(i).map(|c| c.at("resource.current"));
        let prefix = if f.era == objects::Era::V1 { format!("{name}: ") } else { String::new() };
        let unknown = || "<unknown>".to_owned();
        match (m.int_at("resource.target.averageUtilization"), m.str_at("resource.target.averageValue")) {
            (Some(percent), _) => {
                let is = now.and_then(|n| n.int_at("averageUtilization")).map_or_else(unknown, |p| format!("{p}%"));
                format!("{prefix}{is}/{percent}%")
            }
            (None, Some(value)) => {
                let is = now.and_then(|n| n.str_at("averageValue")).map_or_else(unknown, str::to_owned);
                format!("{prefix}{is}/{value}")
            }
            (None, None) => format!("{prefix}<unknown>"),
        }
    };
    let targets: Vec<String> = d.list_at("spec.metrics").iter().enumerate().map(target).collect();
    vec![
        o.meta.name.clone(),
        format!(
            "{}/{}",
            d.str_at("spec.scaleTargetRef.kind").unwrap_or_default(),
            d.str_at("spec.scaleTargetRef.name").unwrap_or_default()
        ),
        if targets.is_empty() { "<none>".to_owned() } else { targets.join(", ") },
        d.int_at("spec.minReplicas").unwrap_or(1).to_string(),
        int(o, "spec.maxReplicas"),
        int(o, "status.currentReplicas"),
        age_of(o, f),
    ]
}
