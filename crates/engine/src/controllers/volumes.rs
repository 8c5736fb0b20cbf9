//! Where a pod's volumes can be, and whether its claims can be used at all. Source: kubernetes-sigs/karpenter
//! pkg/controllers/provisioning/scheduling/volumetopology.go v0.31.4 and v1.14.1.

use crate::actor::View;
use objects::selector::{Expression, Operator};
use objects::typed::Pod;
use objects::{DocExt, Era, Kind, Object, ObjectKey, Value};
use std::sync::Arc;

const HOSTNAME: &str = "kubernetes.io/hostname";

fn claim<'s>(pod: &Object, name: &str, view: &View<'s>) -> Option<&'s Arc<Object>> {
    view.store.get(&ObjectKey::new(Kind::PersistentVolumeClaim, &pod.meta.namespace, name))
}

/// `Err` says why Karpenter leaves the pod alone.
pub fn validate(pod: &Object, typed: &Pod, view: &View<'_>) -> Result<(), String> {
    for name in &typed.spec.claims {
        let Some(claim) = claim(pod, name, view) else {
            return Err(format!(
                "discovering persistent volume claim, getting persistent volume claim {name:?}, \
                 persistentvolumeclaims {name:?} not found"
            ));
        };
        if let Some(volume) = claim.doc.str_at("spec.volumeName").filter(|v| !v.is_empty()) {
            if view.store.cluster(Kind::PersistentVolume, volume).is_none() {
                return Err(format!("getting persistent volume {volume:?}, persistentvolumes {volume:?} not found"));
            }
            continue;
        }
        let class = claim.doc.str_at("spec.storageClassName").unwrap_or_default();
        if class.is_empty() {
            return Err(format!("unbound pvc {name:?} must define a storage class"));
        }
        let Some(class) = view.store.cluster(Kind::StorageClass, class) else {
            return Err(format!("getting storage class {class:?}, storageclasses.storage.k8s.io {class:?} not found"));
        };
        let immediate = class.doc.str_at("volumeBindingMode").unwrap_or("Immediate") == "Immediate";
        if immediate && view.era() == Era::V1 {
            return Err(format!("unbound pvc {name:?} uses immediate volume binding mode"));
        }
    }
    Ok(())
}

/// Alternatives per pod, each a list of expressions; none where volumes bind it to nothing. 0.31 knows the first
/// alternative only.
pub fn terms(pod: &Object, typed: &Pod, view: &View<'_>) -> Vec<Vec<Expression>> {
    let mut all: Vec<Vec<Expression>> = Vec::new();
    for name in &typed.spec.claims {
        let Some(claim) = claim(pod, name, view) else {
            continue;
        };
        let volume = claim.doc.str_at("spec.volumeName").and_then(|v| view.store.cluster(Kind::PersistentVolume, v));
        let mut of_claim: Vec<Vec<Expression>> = match volume {
            Some(volume) => {
                let terms = volume.doc.list_at("spec.nodeAffinity.required.nodeSelectorTerms");
                let read = |t: &Value| Expression::read_list(t.list_at("matchExpressions"));
                let local = volume.doc.at("spec.local").is_object() || volume.doc.at("spec.hostPath").is_object();
                let kept = |list: Vec<Expression>| list.into_iter().filter(|e| !(local && e.key == HOSTNAME)).collect();
                terms.iter().map(read).map(kept).collect()
            }
            None => {
                let class = claim.doc.str_at("spec.storageClassName");
                let class = class.and_then(|c| view.store.cluster(Kind::StorageClass, c));
                let terms = class.map(|c| c.doc.list_at("allowedTopologies")).unwrap_or_default();
                let read = |t: &Value| t.list_at("matchLabelExpressions").iter().filter_map(label_expression).collect();
                terms.iter().map(read).collect()
            }
        };
        of_claim.retain(|t| !t.is_empty());
        if view.era() == Era::V1alpha5 {
            of_claim.truncate(1);
        }
        if of_claim.is_empty() {
            continue;
        }
        // Every claim has to be satisfied: each alternative so far with each of this claim.
        let before = if all.is_empty() { vec![Vec::new()] } else { all };
        let joined = |a: &Vec<Expression>, b: &Vec<Expression>| a.iter().chain(b).cloned().collect();
        all = before.iter().flat_map(|a| of_claim.iter().map(move |b| joined(a, b))).collect();
    }
    all
}

fn label_expression(v: &Value) -> Option<Expression> {
    let values = v.list_at("values").iter().filter_map(|v| v.as_str().map(str::to_owned)).collect();
    Some(Expression { key: v.str_at("key")?.to_owned(), operator: Operator::In, values, min_values: None })
}
