//! Claims: a pod waits for claims that do not exist, and follows volumes that are tied to a zone.
//!
//! Source: kubernetes pkg/scheduler/framework/plugins/{volumebinding,volumezone}, v1.28. Dynamic provisioning is taken to
//! succeed wherever the pod goes.

use crate::View;
use objects::selector::Expression;
use objects::typed::PodSpec;
use objects::{DocExt, Kind, Object, ObjectKey};

#[derive(Default)]
pub(super) struct Need {
    pub blocked: Option<String>,
    /// Node affinity of each bound volume: any of its terms.
    volumes: Vec<Vec<Vec<Expression>>>,
}

impl Need {
    pub fn of(pod: &Object, spec: &PodSpec, view: &View<'_>) -> Need {
        let mut need = Need::default();
        for claim in &spec.claims {
            let Some(found) = view.store.get(&ObjectKey::new(Kind::PersistentVolumeClaim, &pod.meta.namespace, claim)) else {
                need.blocked = Some(format!("persistentvolumeclaim \"{claim}\" not found"));
                return need;
            };
            if found.meta.is_deleting() {
                need.blocked = Some(format!("persistentvolumeclaim \"{claim}\" is being deleted"));
                return need;
            }
            let Some(volume) = found.doc.str_at("spec.volumeName") else {
                continue;
            };
            let Some(volume) = view.store.cluster(Kind::PersistentVolume, volume) else {
                continue;
            };
            let terms = volume.doc.at("spec.nodeAffinity.required").list_at("nodeSelectorTerms");
            if !terms.is_empty() {
                need.volumes.push(terms.iter().map(|t| Expression::read_list(t.list_at("matchExpressions"))).collect());
            }
        }
        need
    }

    pub fn refuse(&self, node: &Object) -> Option<&'static str> {
        let reachable = |terms: &Vec<Vec<Expression>>| terms.iter().any(|t| t.iter().all(|e| e.matches(&node.meta.labels)));
        (!self.volumes.iter().all(reachable)).then_some("node(s) had volume node affinity conflict")
    }
}
