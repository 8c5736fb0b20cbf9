//! `kubectl describe` of Deployments, ReplicaSets, DaemonSets, StatefulSets and Jobs.

use super::super::age;
use super::super::columns::{labels_text, selector_text};
use super::{annotations, controlled_by, labels, template};
use engine::Snapshot;
use objects::typed::Phase;
use objects::{DocExt, Kind, Object, Value};
use std::sync::Arc;

fn int(o: &Object, path: &str) -> i64 {
    o.doc.int_at(path).unwrap_or(0)
}

fn pod_template(o: &Object, client: u32, out: &mut String) {
    out.push_str("Pod Template:\n");
    template::raw(o.doc.at("spec.template"), "  ", client, out);
}

fn conditions(o: &Object, out: &mut String) {
    let list = o.doc.list_at("status.conditions");
    if list.is_empty() {
        return;
    }
    out.push_str("Conditions:\n  Type\tStatus\tReason\n  ----\t------\t------\n");
    for c in list {
        let field = |p: &str| c.str_at(p).unwrap_or_default();
        out.push_str(&format!("  {} \t{}\t{}\n", field("type"), field("status"), field("reason")));
    }
}

/// The ReplicaSets of a Deployment: the one of its present template, and the others that still have pods.
fn replica_sets(o: &Object, snapshot: &Snapshot) -> (Option<Arc<Object>>, Vec<Arc<Object>>) {
    let bare = |o: &Object| {
        let mut template: Value = o.doc.at("spec.template").clone();
        if let Some(labels) = template.slot("metadata.labels").as_object_mut() {
            labels.remove("pod-template-hash");
        }
        template.remove_at("metadata.creationTimestamp");
        template
    };
    let wanted = bare(o);
    let owned = snapshot.store.list(Kind::ReplicaSet).filter(|r| r.meta.controller().is_some_and(|c| c.uid == o.meta.uid));
    let (mut new, mut old) = (None, Vec::new());
    for rs in owned {
        if new.is_none() && bare(rs) == wanted {
            new = Some(rs.clone());
        } else if int(rs, "spec.replicas") > 0 {
            old.push(rs.clone());
        }
    }
    (new, old)
}

fn set_text(rs: &Object) -> String {
    format!("{} ({}/{} replicas created)", rs.meta.name, int(rs, "status.replicas"), rs.doc.int_at("spec.replicas").unwrap_or(1))
}

fn amount(v: &Value) -> String {
    v.as_str().map_or_else(|| v.to_string(), str::to_owned)
}

pub fn deployment(o: &Object, snapshot: &Snapshot, client: u32) -> String {
    let d = &o.doc;
    let mut out = format!("Name:\t{}\nNamespace:\t{}\n", o.meta.name, o.meta.namespace);
    out.push_str(&format!("CreationTimestamp:\t{}\n", age::rfc1123z(d.str_at("metadata.creationTimestamp"))));
    out.push_str(&labels("", &o.meta.labels));
    out.push_str(&annotations("", &o.meta.annotations));
    out.push_str(&format!("Selector:\t{}\n", selector_text(d.at("spec.selector"))));
    out.push_str(&format!(
        "Replicas:\t{} desired | {} updated | {} total | {} available | {} unavailable\n",
        d.int_at("spec.replicas").unwrap_or(1),
        int(o, "status.updatedReplicas"),
        int(o, "status.replicas"),
        int(o, "status.availableReplicas"),
        int(o, "status.unavailableReplicas")
    ));
    let strategy = d.str_at("spec.strategy.type").unwrap_or("RollingUpdate");
    out.push_str(&format!("StrategyType:\t{strategy}\nMinReadySeconds:\t{}\n", int(o, "spec.minReadySeconds")));
    if strategy == "RollingUpdate" {
        let of = |p: &str| match d.at("spec.strategy.rollingUpdate").field(p) {
            Value::Null => "25%".to_owned(),
            v => amount(v),
        };
        out.push_str(&format!(
            "RollingUpdateStrategy:\t{} max unavailable, {} max surge\n",
            of("maxUnavailable"),
            of("maxSurge")
        ));
    }
    pod_template(o, client, &mut out);
    conditions(o, &mut out);
    let (new, old) = replica_sets(o, snapshot);
    let old: Vec<String> = old.iter().map(|r| set_text(r)).collect();
    let list = |items: Vec<String>| if items.is_empty() { "<none>".to_owned() } else { items.join(", ") };
    out.push_str(&format!("OldReplicaSets:\t{}\n", list(old)));
    out.push_str(&format!("NewReplicaSet:\t{}\n", list(new.iter().map(|r| set_text(r)).collect())));
    out
}

/// `Pods Status:` by the pods that a workload controls.
fn pods_status(o: &Object, snapshot: &Snapshot, tab: &str) -> String {
    let mut counts = [0; 4];
    for pod in snapshot.store.list(Kind::Pod).filter(|p| p.meta.controller().is_some_and(|c| c.uid == o.meta.uid)) {
        let at = match pod.pod().map(|p| p.phase) {
            Some(Phase::Running) => 0,
            Some(Phase::Succeeded) => 2,
            Some(Phase::Failed) => 3,
            _ => 1,
        };
        if let Some(n) = counts.get_mut(at) {
            *n += 1;
        }
    }
    let [running, waiting, succeeded, failed] = counts;
    format!("Pods Status:{tab}{running} Running / {waiting} Waiting / {succeeded} Succeeded / {failed} Failed\n")
}

fn head(o: &Object) -> String {
    let mut out = format!("Name:\t{}\nNamespace:\t{}\n", o.meta.name, o.meta.namespace);
    out.push_str(&format!("Selector:\t{}\n", selector_text(o.doc.at("spec.selector"))));
    out
}

pub fn replica_set(o: &Object, snapshot: &Snapshot, client: u32) -> String {
    let mut out = head(o);
    out.push_str(&labels("", &o.meta.labels));
    out.push_str(&annotations("", &o.meta.annotations));
    out.push_str(&controlled_by(o));
    let desired = o.doc.int_at("spec.replicas").unwrap_or(1);
    out.push_str(&format!("Replicas:\t{} current / {desired} desired\n", int(o, "status.replicas")));
    out.push_str(&pods_status(o, snapshot, "\t"));
    pod_template(o, client, &mut out);
    conditions(o, &mut out);
    out
}

pub fn daemon_set(o: &Object, snapshot: &Snapshot, client: u32) -> String {
    let mut out = head(o);
    let selector = labels_text(&o.doc.strings_at("spec.template.spec.nodeSelector"));
    out.push_str(&format!("Node-Selector:\t{selector}\n"));
    out.push_str(&labels("", &o.meta.labels));
    out.push_str(&annotations("", &o.meta.annotations));
    for (title, path) in [
        ("Desired Number of Nodes Scheduled", "status.desiredNumberScheduled"),
        ("Current Number of Nodes Scheduled", "status.currentNumberScheduled"),
        ("Number of Nodes Scheduled with Up-to-date Pods", "status.updatedNumberScheduled"),
        ("Number of Nodes Scheduled with Available Pods", "status.numberAvailable"),
        ("Number of Nodes Misscheduled", "status.numberMisscheduled"),
    ] {
        out.push_str(&format!("{title}: {}\n", int(o, path)));
    }
    out.push_str(&pods_status(o, snapshot, "\t"));
    pod_template(o, client, &mut out);
    out
}

pub fn stateful_set(o: &Object, snapshot: &Snapshot, client: u32) -> String {
    let mut out = format!("Name:\t{}\nNamespace:\t{}\n", o.meta.name, o.meta.namespace);
    out.push_str(&format!("CreationTimestamp:\t{}\n", age::rfc1123z(o.doc.str_at("metadata.creationTimestamp"))));
    out.push_str(&format!("Selector:\t{}\n", selector_text(o.doc.at("spec.selector"))));
    out.push_str(&labels("", &o.meta.labels));
    out.push_str(&annotations("", &o.meta.annotations));
    let desired = o.doc.int_at("spec.replicas").unwrap_or(1);
    out.push_str(&format!("Replicas:\t{desired} desired | {} total\n", int(o, "status.replicas")));
    let strategy = o.doc.str_at("spec.updateStrategy.type").unwrap_or("RollingUpdate");
    out.push_str(&format!("Update Strategy:\t{strategy}\n"));
    if let Some(partition) = o.doc.int_at("spec.updateStrategy.rollingUpdate.partition") {
        out.push_str(&format!("  Partition:\t{partition}\n"));
    }
    out.push_str(&pods_status(o, snapshot, "\t"));
    pod_template(o, client, &mut out);
    let claims = o.doc.list_at("spec.volumeClaimTemplates");
    out.push_str(if claims.is_empty() { "Volume Claims:\t<none>\n" } else { "Volume Claims:\n" });
    for c in claims {
        let field = |p: &str| c.str_at(p).unwrap_or_default();
        out.push_str(&format!("  Name:\t{}\n  StorageClass:\t{}\n", field("metadata.name"), field("spec.storageClassName")));
        out.push_str(&labels("  ", &c.strings_at("metadata.labels")));
        out.push_str(&annotations("  ", &c.strings_at("metadata.annotations")));
        let modes: Vec<&str> = c.list_at("spec.accessModes").iter().filter_map(Value::as_str).collect();
        let capacity = c.str_at("spec.resources.requests.storage").unwrap_or("<default>");
        out.push_str(&format!("  Capacity:\t{capacity}\n  Access Modes:\t[{}]\n", modes.join(" ")));
    }
    out
}

pub fn cron_job(o: &Object, client: u32) -> String {
    let d = &o.doc;
    let number = |path: &str, unit: &str| d.int_at(path).map_or("<unset>".to_owned(), |n| format!("{n}{unit}"));
    let mut out = format!("Name:\t{}\nNamespace:\t{}\n", o.meta.name, o.meta.namespace);
    out.push_str(&labels("", &o.meta.labels));
    out.push_str(&annotations("", &o.meta.annotations));
    out.push_str(&format!(
        "Schedule:\t{}\nConcurrency Policy:\t{}\nSuspend:\t{}\nSuccessful Job History Limit:\t{}\nFailed Job History \
         Limit:\t{}\nStarting Deadline Seconds:\t{}\n",
        d.str_at("spec.schedule").unwrap_or_default(),
        d.str_at("spec.concurrencyPolicy").unwrap_or("Allow"),
        super::truth(d.bool_at("spec.suspend").or(Some(false))),
        number("spec.successfulJobsHistoryLimit", ""),
        number("spec.failedJobsHistoryLimit", ""),
        number("spec.startingDeadlineSeconds", "s")
    ));
    let job = d.at("spec.jobTemplate.spec");
    let selector = if job.at("selector").is_object() { selector_text(job.at("selector")) } else { "<unset>".to_owned() };
    out.push_str(&format!(
        "Selector:\t{selector}\nParallelism:\t{}\nCompletions:\t{}\n",
        number("spec.jobTemplate.spec.parallelism", ""),
        number("spec.jobTemplate.spec.completions", "")
    ));
    if let Some(seconds) = job.int_at("activeDeadlineSeconds") {
        out.push_str(&format!("Active Deadline Seconds:\t{seconds}s\n"));
    }
    out.push_str("Pod Template:\n");
    template::raw(job.at("template"), "  ", client, &mut out);
    let active: Vec<&str> = d.list_at("status.active").iter().filter_map(|j| j.str_at("name")).collect();
    out.push_str(&format!(
        "Last Schedule Time:\t{}\nActive Jobs:\t{}\n",
        age::rfc1123z(d.str_at("status.lastScheduleTime")),
        if active.is_empty() { "<none>".to_owned() } else { active.join(", ") }
    ));
    out
}

pub fn job(o: &Object, client: u32) -> String {
    let mut out = head(o);
    out.push_str(&labels("", &o.meta.labels));
    out.push_str(&annotations("", &o.meta.annotations));
    out.push_str(&controlled_by(o));
    out.push_str(&format!("Parallelism:\t{}\n", o.doc.int_at("spec.parallelism").unwrap_or(1)));
    let completions = o.doc.int_at("spec.completions").map_or_else(|| "<unset>".to_owned(), |n| n.to_string());
    out.push_str(&format!("Completions:\t{completions}\n"));
    for (title, path) in [
        ("Completion Mode", "spec.completionMode"),
        ("Suspend", "spec.suspend"),
        ("Backoff Limit", "spec.backoffLimit"),
        ("TTL Seconds After Finished", "spec.ttlSecondsAfterFinished"),
    ] {
        match o.doc.at(path) {
            Value::Null => {}
            value => out.push_str(&format!("{title}:\t{}\n", amount(value))),
        }
    }
    for (title, path) in [("Start Time", "status.startTime"), ("Completed At", "status.completionTime")] {
        if let Some(at) = o.doc.str_at(path) {
            out.push_str(&format!("{title}:\t{}\n", age::rfc1123z(Some(at))));
        }
    }
    let at = |p: &str| o.doc.str_at(p).and_then(objects::time::parse_rfc3339);
    if let (Some(start), Some(end)) = (at("status.startTime"), at("status.completionTime")) {
        out.push_str(&format!("Duration:\t{}\n", age::human(end - start)));
    }
    if let Some(seconds) = o.doc.int_at("spec.activeDeadlineSeconds") {
        out.push_str(&format!("Active Deadline Seconds:\t{seconds}s\n"));
    }
    let n = |p: &str| int(o, p);
    out.push_str(&format!(
        "Pods Statuses:\t{} Active ({} Ready) / {} Succeeded / {} Failed\n",
        n("status.active"),
        n("status.ready"),
        n("status.succeeded"),
        n("status.failed")
    ));
    pod_template(o, client, &mut out);
    out
}
