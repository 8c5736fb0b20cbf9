//! Claims: a pod waits for claims that do not exist or are not bound, follows volumes that are tied to a zone, and where
//! the class binds late it is the pod's node that decides where the volume is made.
//!
//! Source: kubernetes pkg/scheduler/framework/plugins/volumebinding/{volume_binding,binder}.go, v1.28.

use crate::View;
use crate::environment::volumes::{SELECTED_NODE, binds_late, candidates, class_of, makes_volumes, topologies};
use objects::selector::Expression;
use objects::typed::PodSpec;
use objects::{DocExt, Kind, Object, ObjectKey};

type Terms = Vec<Vec<Expression>>;

#[derive(Default)]
pub(super) struct Need {
    pub blocked: Option<String>,
    /// Claims that are bound once a node has been chosen.
    pub unbound: Vec<ObjectKey>,
    /// Node affinity of each bound volume: any of its terms.
    bound: Vec<Terms>,
    gone: bool,
    late: Vec<Late>,
}

/// A claim that is bound once the pod has a node.
struct Late {
    /// The node that was chosen before.
    selected: Option<String>,
    /// Where volumes that are there can be reached.
    there: Vec<Terms>,
    /// Where the class makes a new one: anywhere if empty; `None` if it makes none.
    new: Option<Terms>,
}

impl Need {
    pub fn of(pod: &Object, spec: &PodSpec, view: &View<'_>) -> Need {
        let mut need = Need::default();
        for claim in &spec.claims {
            let key = ObjectKey::new(Kind::PersistentVolumeClaim, &pod.meta.namespace, claim);
            let Some(found) = view.store.get(&key) else {
                return Need::block(format!("persistentvolumeclaim \"{claim}\" not found"));
            };
            let volume = found.doc.str_at("spec.volumeName").filter(|v| !v.is_empty());
            if found.doc.str_at("status.phase") == Some("Lost") {
                let volume = volume.unwrap_or_default();
                return Need::block(format!(
                    "persistentvolumeclaim \"{claim}\" bound to non-existent persistentvolume \"{volume}\""
                ));
            }
            if found.meta.is_deleting() {
                return Need::block(format!("persistentvolumeclaim \"{claim}\" is being deleted"));
            }
            if let Some(volume) = volume {
                match view.store.cluster(Kind::PersistentVolume, volume) {
                    Some(volume) => need.bound.push(reach(volume)),
                    None => need.gone = true,
                }
                continue;
            }
            let class = class_of(found, view);
            if !class.is_some_and(binds_late) {
                return Need::block("pod has unbound immediate PersistentVolumeClaims".to_owned());
            }
            need.late.push(Late {
                selected: found.meta.annotations.get(SELECTED_NODE).cloned(),
                there: candidates(found, view).into_iter().map(reach).collect(),
                new: class.filter(|c| makes_volumes(c)).map(|c| topologies(c)),
            });
            need.unbound.push(key);
        }
        need
    }

    fn block(reason: String) -> Need {
        Need { blocked: Some(reason), ..Need::default() }
    }

    pub fn refuse(&self, node: &Object) -> Option<&'static str> {
        let reached = |terms: &Terms| terms.is_empty() || terms.iter().any(|t| t.iter().all(|e| e.matches(&node.meta.labels)));
        if !self.bound.iter().all(reached) {
            return Some("node(s) had volume node affinity conflict");
        }
        let can_bind = |late: &Late| match &late.selected {
            Some(selected) => *selected == node.meta.name,
            None => late.there.iter().any(reached) || late.new.as_ref().is_some_and(reached),
        };
        if !self.late.iter().all(can_bind) {
            return Some("node(s) didn't find available persistent volumes to bind");
        }
        self.gone.then_some("node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)")
    }
}

fn reach(volume: &std::sync::Arc<Object>) -> Terms {
    let terms = volume.doc.at("spec.nodeAffinity.required").list_at("nodeSelectorTerms");
    terms.iter().map(|t| Expression::read_list(t.list_at("matchExpressions"))).collect()
}
