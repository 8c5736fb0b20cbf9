//! The columns of `kubectl get`, by kind: what the server's table printers and the CRDs' printer columns give.
//! Source: kubernetes/kubernetes pkg/printers/internalversion/printers.go, v1.28 and v1.35; Karpenter's CRDs.

mod apps;
mod core;
mod karpenter;

pub use core::modes;

use super::age;
use objects::{DocExt, Era, Kind, Object, Value};

/// What a row depends on besides the object.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    pub now_ms: i64,
    pub era: Era,
}

/// A header; `wide` ones are shown by `-o wide` only.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    pub name: &'static str,
    pub wide: bool,
}

const fn col(name: &'static str) -> Column {
    Column { name, wide: false }
}

const fn wide(name: &'static str) -> Column {
    Column { name, wide: true }
}

/// Headers of a kind and how a row is filled; the cells are as many as the headers.
#[derive(Clone, Copy)]
pub struct Layout {
    pub columns: &'static [Column],
    pub row: Fill,
}

/// Makes a row's cells.
type Fill = fn(&Object, &Facts) -> Vec<String>;

const PLAIN: &[Column] = &[col("NAME"), col("AGE")];

fn plain(o: &Object, f: &Facts) -> Vec<String> {
    vec![o.meta.name.clone(), age_of(o, f)]
}

pub fn layout(kind: Kind, era: Era) -> Layout {
    let (columns, row): (&'static [Column], Fill) = match kind {
        Kind::Node => (core::NODE, core::node),
        Kind::Pod => (core::POD, core::pod),
        Kind::Namespace => (core::NAMESPACE, core::namespace),
        Kind::Service => (core::SERVICE, core::service),
        Kind::ServiceAccount if era == Era::V1alpha5 => (core::SERVICE_ACCOUNT, core::service_account),
        Kind::ConfigMap => (core::CONFIG_MAP, core::config_map),
        Kind::Event => (core::EVENT, core::event),
        Kind::PersistentVolumeClaim => (core::PVC, core::pvc),
        Kind::PersistentVolume => (core::PV, core::pv),
        Kind::Lease => (core::LEASE, core::lease),
        Kind::PriorityClass if era == Era::V1alpha5 => (core::PRIORITY_CLASS_OLD, core::priority_class_old),
        Kind::PriorityClass => (core::PRIORITY_CLASS, core::priority_class),
        Kind::StorageClass => (core::STORAGE_CLASS, core::storage_class),
        Kind::Deployment => (apps::DEPLOYMENT, apps::deployment),
        Kind::ReplicaSet => (apps::REPLICA_SET, apps::replica_set),
        Kind::DaemonSet => (apps::DAEMON_SET, apps::daemon_set),
        Kind::StatefulSet => (apps::STATEFUL_SET, apps::stateful_set),
        Kind::Job if era == Era::V1alpha5 => (apps::JOB_OLD, apps::job_old),
        Kind::Job => (apps::JOB, apps::job),
        Kind::CronJob if era == Era::V1alpha5 => (apps::CRON_JOB_OLD, apps::cron_job_old),
        Kind::CronJob => (apps::CRON_JOB, apps::cron_job),
        Kind::PodDisruptionBudget => (apps::PDB, apps::pdb),
        Kind::HorizontalPodAutoscaler => (apps::HPA, apps::hpa),
        Kind::Machine => (karpenter::MACHINE, karpenter::machine),
        Kind::NodePool => (karpenter::NODE_POOL, karpenter::node_pool),
        Kind::NodeClaim => (karpenter::NODE_CLAIM, karpenter::node_claim),
        Kind::EC2NodeClass => (karpenter::NODE_CLASS, karpenter::node_class),
        _ => (PLAIN, plain),
    };
    Layout { columns, row }
}

impl Layout {
    pub fn headers(&self, is_wide: bool) -> Vec<String> {
        self.columns.iter().filter(|c| is_wide || !c.wide).map(|c| c.name.to_owned()).collect()
    }

    pub fn cells(&self, object: &Object, facts: &Facts, is_wide: bool) -> Vec<String> {
        let cells = (self.row)(object, facts);
        cells.into_iter().zip(self.columns).filter(|(_, c)| is_wide || !c.wide).map(|(cell, _)| cell).collect()
    }
}

fn age_of(o: &Object, f: &Facts) -> String {
    age::since(o.doc.str_at("metadata.creationTimestamp"), f.now_ms)
}

/// A value as a CRD's column shows it: empty where there is none.
fn text(v: &Value) -> String {
    match v {
        Value::Null => String::new(),
        Value::String(s) => s.clone(),
        other => other.to_string(),
    }
}

fn or_none(text: Option<&str>) -> String {
    match text {
        None | Some("") => "<none>".to_owned(),
        Some(t) => t.to_owned(),
    }
}

/// `a=b,c in (d)`, as `metav1.FormatLabelSelector` writes a selector.
pub fn selector_text(selector: &Value) -> String {
    let mut parts: Vec<String> = selector.strings_at("matchLabels").into_iter().map(|(k, v)| format!("{k}={v}")).collect();
    for e in selector.list_at("matchExpressions") {
        let key = e.str_at("key").unwrap_or_default();
        let values: Vec<&str> = e.list_at("values").iter().filter_map(Value::as_str).collect();
        parts.push(match e.str_at("operator") {
            Some("In") => format!("{key} in ({})", values.join(",")),
            Some("NotIn") => format!("{key} notin ({})", values.join(",")),
            Some("DoesNotExist") => format!("!{key}"),
            _ => key.to_owned(),
        });
    }
    if parts.is_empty() { "<none>".to_owned() } else { parts.join(",") }
}

/// `a=b,c=d`, `<none>` where there are none.
pub fn labels_text(labels: &objects::collections::VecMap<String, String>) -> String {
    if labels.is_empty() {
        return "<none>".to_owned();
    }
    labels.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(",")
}
