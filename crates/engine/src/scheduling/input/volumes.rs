//! Where the volumes of a pod can be.
//! Source: kubernetes-sigs/karpenter pkg/controllers/provisioning/scheduling/volumetopology.go v0.31.4 and v1.14.1.

use super::super::labels;
use super::super::requirements::Requirements;
use super::super::rules::Rules;
use crate::store::Store;
use objects::selector::{Expression, Operator};
use objects::typed::{NodeSelectorTerm, PodSpec};
use objects::{DocExt, Kind, Object, ObjectKey, Value};
use std::sync::Arc;

/// Kubernetes marks a claim that it has bound to its volume.
pub const BIND_COMPLETED: &str = "pv.kubernetes.io/bind-completed";

/// Alternatives for all volumes of the pod together; none where they can be anywhere.
pub fn alternatives(store: &Store, rules: &Rules, pod: &Object, spec: &PodSpec) -> Vec<Vec<Expression>> {
    let mut all: Vec<Vec<Expression>> = Vec::new();
    for (_, claim) in claims(store, pod, spec) {
        let Some(claim) = claim else { continue };
        let mut terms = of_claim(store, rules, claim);
        if !rules.is_v1() {
            // This era takes the first alternative only.
            terms.truncate(1);
        }
        if terms.is_empty() {
            continue;
        }
        if all.is_empty() {
            all = terms;
            continue;
        }
        let agree =
            |a: &[Expression], b: &[Expression]| Requirements::of_expressions(a).intersects(&Requirements::of_expressions(b));
        let pairs = || all.iter().flat_map(|a| terms.iter().map(move |b| (a, b)));
        let mut joined: Vec<_> = pairs().filter(|(a, b)| agree(a, b)).collect();
        if joined.is_empty() {
            joined = pairs().collect();
        }
        all = joined.into_iter().map(|(a, b)| a.iter().chain(b).cloned().collect()).collect();
    }
    all
}

/// Names of the pod's claims and the claims, as far as they exist.
fn claims<'s>(store: &'s Store, pod: &Object, spec: &PodSpec) -> impl Iterator<Item = (String, Option<&'s Arc<Object>>)> {
    let key = |name: &String| ObjectKey::new(Kind::PersistentVolumeClaim, &pod.meta.namespace, name);
    spec.claims_of(&pod.meta.name).map(move |name| (store.get(&key(&name)), name)).map(|(claim, name)| (name, claim))
}

/// Era v1 leaves a bound pod out of its plans where it cannot find out where the volumes are.
pub fn are_lost(store: &Store, pod: &Object, spec: &PodSpec) -> bool {
    claims(store, pod, spec).any(|(_, claim)| {
        let Some(claim) = claim else { return true };
        let names = |path: &str| claim.doc.str_at(path).filter(|v| !v.is_empty());
        match (names("spec.volumeName"), names("spec.storageClassName")) {
            (Some(volume), _) => store.cluster(Kind::PersistentVolume, volume).is_none(),
            (None, Some(class)) => store.cluster(Kind::StorageClass, class).is_none(),
            (None, None) => false,
        }
    })
}

/// Era v1alpha5 writes the requirement of volumes into every required term of the pod.
pub fn written_into(spec: &Arc<PodSpec>, term: &[Expression]) -> Arc<PodSpec> {
    let mut spec = (**spec).clone();
    let terms = &mut spec.affinity.node_required;
    if terms.is_empty() {
        terms.push(NodeSelectorTerm::default());
    }
    terms.iter_mut().for_each(|t| t.expressions.extend(term.iter().cloned()));
    Arc::new(spec)
}

fn of_claim(store: &Store, rules: &Rules, claim: &Object) -> Vec<Vec<Expression>> {
    if let Some(volume) = claim.doc.str_at("spec.volumeName").filter(|v| !v.is_empty()) {
        let Some(volume) = store.cluster(Kind::PersistentVolume, volume) else { return Vec::new() };
        // A new node has another host name, so a volume of this kind is given up with its node (era v1).
        let local = rules.is_v1() && !(volume.doc.at("spec.local").is_null() && volume.doc.at("spec.hostPath").is_null());
        let terms = volume.doc.list_at("spec.nodeAffinity.required.nodeSelectorTerms");
        let read = |t: &Value| {
            let mut list = Expression::read_list(t.list_at("matchExpressions"));
            // A term about nothing but the host name may be met anywhere; an empty one says nothing.
            let says = !list.is_empty();
            list.retain(|e| !(local && e.key == labels::HOSTNAME));
            says.then_some(list)
        };
        return terms.iter().filter_map(read).collect();
    }
    let class = claim.doc.str_at("spec.storageClassName").filter(|c| !c.is_empty());
    let class = class.and_then(|c| store.cluster(Kind::StorageClass, c)).or_else(|| default_class(store, rules));
    let one = |e: &Value| {
        let values = e.list_at("values").iter().filter_map(|v| v.as_str().map(str::to_owned)).collect();
        Some(Expression { key: e.str_at("key")?.to_owned(), operator: Operator::In, values, min_values: None })
    };
    let read = |t: &Value| t.list_at("matchLabelExpressions").iter().filter_map(one).collect::<Vec<_>>();
    let terms = class.map_or(&[][..], |c| c.doc.list_at("allowedTopologies"));
    terms.iter().map(read).filter(|t| !t.is_empty()).collect()
}

fn default_class<'a>(store: &'a Store, rules: &Rules) -> Option<&'a Arc<Object>> {
    let is_default =
        |o: &&Arc<Object>| o.meta.annotations.get("storageclass.kubernetes.io/is-default-class").is_some_and(|v| v == "true");
    if rules.is_v1() { None } else { store.list(Kind::StorageClass).find(is_default) }
}

/// Why a pod with these volumes is not looked at.
pub fn refusal(store: &Store, rules: &Rules, pod: &Object, spec: &PodSpec) -> Option<String> {
    let namespace = &pod.meta.namespace;
    claims(store, pod, spec).find_map(|(name, claim)| {
        let Some(claim) = claim else {
            return Some(match rules.is_v1() {
                true => format!("persistentvolumeclaims {name:?} not found"),
                false => format!("getting persistent volume claim {name:?}, PersistentVolumeClaim {name:?} not found"),
            });
        };
        let at = format!("PersistentVolumeClaim={namespace}/{name}");
        if rules.is_v1() && claim.meta.is_deleting() {
            return Some(format!("persistentvolumeclaim is being deleted ({at})"));
        }
        if rules.is_v1() && claim.doc.str_at("status.phase") == Some("Lost") {
            return Some(format!("persistentvolumeclaim bound to non-existent persistentvolume ({at})"));
        }
        if let Some(volume) = claim.doc.str_at("spec.volumeName").filter(|v| !v.is_empty()) {
            let missing = store.cluster(Kind::PersistentVolume, volume).is_none_or(|v| rules.is_v1() && v.meta.is_deleting());
            if missing {
                return Some(format!("persistentvolumes {volume:?} not found"));
            }
            let bound = claim.meta.annotations.contains_key(BIND_COMPLETED);
            return (rules.is_v1() && !bound).then(|| {
                format!(
                    "pvc is considered unbound because it does not contain annotation (annotation={BIND_COMPLETED}, \
                     PersistentVolumeClaim={name}, PersistentVolume={volume})"
                )
            });
        }
        let class = claim.doc.str_at("spec.storageClassName").unwrap_or_default();
        let found = store.cluster(Kind::StorageClass, class).or_else(|| default_class(store, rules));
        match found {
            None if class.is_empty() => Some(format!("unbound pvc must define a storage class ({at}, StorageClass=)")),
            None => Some(format!("storageclasses.storage.k8s.io {class:?} not found")),
            Some(c) if rules.is_v1() && c.doc.str_at("volumeBindingMode") == Some("Immediate") => Some(format!(
                "failed to validate pvc, pvc with immediate volume binding mode must be bound ({at}, StorageClass={class})"
            )),
            Some(_) => None,
        }
    })
}
