//! Pods of a cluster: which wait for Karpenter, which would move, what they use of their nodes.

use super::super::cluster::{Cluster, DaemonInput, PodInput};
use super::super::labels;
use super::super::pod_class::Shape;
use super::super::rules::Rules;
use super::{Source, volumes};
use objects::collections::VecMap;
use objects::resources::PODS;
use objects::selector::Operator;
use objects::typed::{NodeSelectorTerm, Pdb, Pod, PodSpec};
use objects::{DocExt, Kind, Object, duration, time};
use std::iter::Peekable;
use std::sync::Arc;

/// Pods as they were read last, and what else was read for them.
#[derive(Debug, Default)]
pub struct Before {
    rules: Option<Rules>,
    budgets: u64,
    /// In order of namespace and name.
    pods: Vec<(Arc<Object>, Arc<PodInput>)>,
}

impl Before {
    /// What may be read once more, which is forgotten.
    fn take(&mut self, source: &Source<'_>) -> Vec<(Arc<Object>, Arc<PodInput>)> {
        let budgets = source.store.kind_revision(Kind::PodDisruptionBudget);
        let pods = std::mem::take(&mut self.pods);
        let same = self.budgets == budgets && self.rules.as_ref() == Some(&source.rules);
        (self.budgets, self.rules) = (budgets, Some(source.rules.clone()));
        if same { pods } else { Vec::new() }
    }
}

pub fn read(source: &Source<'_>, c: &mut Cluster, node_of: &VecMap<String, usize>, before: &mut Before) {
    let mut known = before.take(source).into_iter().peekable();
    let budgets: Vec<(&Object, &Pdb)> =
        source.store.list(Kind::PodDisruptionBudget).filter_map(|o| Some((&**o, o.pdb()?))).collect();
    let mut newest: VecMap<String, &Object> = VecMap::new();
    for o in source.store.list(Kind::Pod) {
        let Some(pod) = o.pod() else { continue };
        let node = node_of.get(&pod.node_name).copied();
        occupy(c, o, pod, node);
        if pod.is_daemon()
            && let Some(owner) = o.meta.controller()
        {
            let newer = |old: &&&Object| (old.meta.created_ms, &old.meta.name) >= (o.meta.created_ms, &o.meta.name);
            let id = format!("{}/{}", o.meta.namespace, owner.name);
            if newest.get(&id).filter(newer).is_none() {
                newest.insert(id, o);
            }
        }
        if waits(pod) {
            let input = pod_input(source, o, pod, node, &budgets);
            let refused = refusal(source, o, pod, &input);
            let pending = refused.is_none();
            if let Some(why) = refused {
                c.ignored.insert(c.pods.len(), why);
            }
            c.pods.push(Arc::new(PodInput { pending, ..input }));
            continue;
        }
        let input = again(&mut known, o, node).unwrap_or_else(|| Arc::new(pod_input(source, o, pod, node, &budgets)));
        if lasts(o, pod) {
            before.pods.push((o.clone(), input.clone()));
        }
        c.pods.push(input);
    }
    c.daemons = source.store.list(Kind::DaemonSet).filter_map(|o| daemon(o, &newest)).collect();
}

/// What was read of the very same pod on the same node.
fn again(
    known: &mut Peekable<impl Iterator<Item = (Arc<Object>, Arc<PodInput>)>>,
    o: &Arc<Object>,
    node: Option<usize>,
) -> Option<Arc<PodInput>> {
    let is_past = |object: &Arc<Object>| {
        let (a, b) = (&object.meta, &o.meta);
        !Arc::ptr_eq(object, o) && (&a.namespace, &a.name) < (&b.namespace, &b.name)
    };
    while known.next_if(|(object, _)| is_past(object)).is_some() {}
    let (_, input) = known.next_if(|(object, _)| Arc::ptr_eq(object, o))?;
    (input.node == node).then_some(input)
}

/// Whether nothing but the pod itself, its node and the budgets says what is read of it: no time and no volumes.
fn lasts(o: &Object, pod: &Pod) -> bool {
    o.meta.annotations.get(labels::DO_NOT_DISRUPT).is_none_or(|v| v == "true")
        && pod.spec.claims_of(&o.meta.name).next().is_none()
}

/// Karpenter may give the pod a node: the scheduler failed, it preempts nothing, and it belongs to no node.
fn waits(pod: &Pod) -> bool {
    !pod.is_bound() && pod.nominated_node.is_empty() && pod.unschedulable && !pod.is_daemon() && !pod.is_static()
}

/// Takes the pod's requests and ports of its node.
fn occupy(c: &mut Cluster, o: &Object, pod: &Pod, node: Option<usize>) {
    let Some(node) = node.filter(|_| !pod.is_terminal()).and_then(|n| c.nodes.get_mut(n)) else { return };
    let requests = &pod.spec.requests;
    let of_pod = requests.0.iter().map(|(name, amount)| (name.as_str(), *amount)).filter(|(name, _)| *name != PODS);
    for (name, amount) in of_pod.chain([(PODS, 1)]) {
        // What a node does not list cannot be taken from it.
        if let Some(left) = node.available.0.get_mut(name) {
            *left = left.saturating_sub(amount);
        }
    }
    if pod.is_daemon() {
        node.daemon_requests.add(&requests.clone().with(PODS, 1));
    }
    if !pod.spec.host_ports.is_empty() {
        node.host_ports.push((format!("{}/{}", o.meta.namespace, o.meta.name), pod.spec.host_ports.clone()));
    }
}

fn pod_input(source: &Source<'_>, o: &Object, pod: &Pod, node: Option<usize>, budgets: &[(&Object, &Pdb)]) -> PodInput {
    let terminating = o.meta.is_deleting();
    let active = !pod.is_terminal() && !terminating;
    let v1 = source.rules.is_v1();
    let returns = active || (v1 && terminating && pod.owner_kind == "StatefulSet");
    let kept = |active: bool| active && (is_protected(o, source.now_ms) || is_blocked(o, pod, budgets));
    let stays = v1 && node.is_some() && (kept(active) || volumes::are_lost(source.store, o, &pod.spec));
    let mut spec = pod.spec.clone();
    let mut terms = volumes::alternatives(source.store, &source.rules, o, &pod.spec);
    if !v1 && let Some(term) = terms.pop() {
        spec = volumes::written_into(&spec, &term);
    }
    PodInput {
        namespace: o.meta.namespace.clone(),
        name: o.meta.name.clone(),
        uid: o.meta.uid.clone(),
        created_s: o.meta.created_ms.div_euclid(1000),
        labels: o.meta.labels.clone(),
        spec,
        node,
        pending: false,
        movable: node.is_some() && returns && !pod.is_daemon() && !pod.is_static(),
        stays,
        counts: pod.is_bound() && active,
        deletion_cost: o
            .meta
            .annotations
            .get("controller.kubernetes.io/pod-deletion-cost")
            .and_then(|c| c.parse().ok())
            .unwrap_or(0),
        volume_terms: terms,
        volumes: VecMap::new(),
    }
}

/// Era v1: the annotation do-not-disrupt holds, for good or for so long after the pod's start.
/// Source: pkg/utils/pod/scheduling.go v1.14.1.
pub fn is_protected(pod: &Object, now_ms: i64) -> bool {
    match pod.meta.annotations.get(labels::DO_NOT_DISRUPT).map(String::as_str) {
        None => false,
        Some("true") => true,
        Some(text) => {
            let start = pod.doc.str_at("status.startTime").and_then(time::parse_rfc3339);
            let length = duration::parse_go_ms(text).filter(|l| *l > 0);
            length.is_some_and(|l| start.is_none_or(|s| now_ms < s.saturating_add(l)))
        }
    }
}

/// A budget forbids every eviction of the pod, or several cover it, which the API refuses. Asked of active pods that
/// are not protected; a pod that tolerates the taint of disrupted nodes is not evicted at all.
/// Source: pkg/utils/pdb/pdb.go v1.14.1.
fn is_blocked(o: &Object, pod: &Pod, budgets: &[(&Object, &Pdb)]) -> bool {
    if pod.is_static() || pod.spec.tolerations.iter().any(|t| t.tolerates_as(labels::DISRUPTED, "", "NoSchedule")) {
        return false;
    }
    let mut covering = budgets.iter().filter(|(b, p)| covers(b, p, o)).map(|(_, p)| p);
    match (covering.next(), covering.next()) {
        (Some(_), Some(_)) => true,
        (Some(p), None) => blocks_all(p) && !(p.always_allow_unhealthy && is_unready(o)),
        _ => false,
    }
}

/// The pod says that it is not ready; one that says nothing is not meant.
pub fn is_unready(pod: &Object) -> bool {
    pod.condition("Ready").is_some_and(|c| c.str_at("status") == Some("False"))
}

/// A budget under which no pod may ever be evicted.
fn blocks_all(p: &Pdb) -> bool {
    p.max_unavailable.as_deref().is_some_and(|m| m == "0" || m == "0%") || p.min_available.as_deref() == Some("100%")
}

fn covers(budget: &Object, pdb: &Pdb, pod: &Object) -> bool {
    budget.meta.namespace == pod.meta.namespace && pdb.selector.as_ref().is_some_and(|s| s.matches(&pod.meta.labels))
}

/// Why Karpenter leaves a waiting pod alone, in its words.
fn refusal(source: &Source<'_>, o: &Object, pod: &Pod, input: &PodInput) -> Option<String> {
    let rules = &source.rules;
    let label = rules.pool_label();
    let asked = Shape::of(input).requirements(true);
    if asked.get(label).is_some_and(|r| r.operator() == Operator::DoesNotExist) {
        return Some(match rules.is_v1() {
            true => "configured to not run on a Karpenter provisioned node via the karpenter.sh/nodepool label".to_owned(),
            false => format!("configured to not run on a Karpenter provisioned node via {label} DoesNotExist requirement"),
        });
    }
    let affinity = &pod.spec.affinity;
    let preferred = affinity.node_preferred.iter().map(|(_, t)| t).filter(|_| !rules.is_v1());
    let terms = || preferred.clone().chain(&affinity.node_required);
    if terms().any(|t| t.has_match_fields) {
        return Some("node selector term with matchFields is not supported".to_owned());
    }
    // Era v1 looks at the node selector too.
    let selected = pod.spec.node_selector.keys().filter(|_| rules.is_v1());
    selected
        .filter_map(|key| labels::restriction(rules.era, labels::normalized(key)))
        .next()
        .or_else(|| terms().find_map(|t| bad_requirement(rules, t)))
        .or_else(|| volumes::refusal(source.store, rules, o, &pod.spec))
}

/// Requirements that no pool could ever meet: restricted keys and bounds that are no numbers.
fn bad_requirement(rules: &Rules, term: &NodeSelectorTerm) -> Option<String> {
    term.expressions.iter().find_map(|e| {
        let (key, operator) = (labels::normalized(&e.key), e.operator);
        if let Some(why) = labels::restriction(rules.era, key) {
            return Some(why);
        }
        let bounded = matches!(operator, Operator::Gt | Operator::Lt | Operator::Gte | Operator::Lte);
        let one_number = e.values.len() == 1 && e.values.first().is_some_and(|v| v.parse::<u64>().is_ok());
        if bounded && !one_number {
            return Some(format!("key {key} with operator {} must have a single positive integer value", operator.as_str()));
        }
        if operator == Operator::In && e.values.is_empty() {
            return Some(format!("key {key} with operator In must have a value defined"));
        }
        None
    })
}

/// The DaemonSet's pod: the newest real one, which has the tolerations that its controller adds, or the template.
fn daemon(o: &Object, newest: &VecMap<String, &Object>) -> Option<DaemonInput> {
    let template = &o.workload()?.template;
    let id = format!("{}/{}", o.meta.namespace, o.meta.name);
    let mut spec = newest.get(&id).and_then(|p| p.pod()).map_or_else(|| template.clone(), |p| PodSpec::clone(&p.spec));
    if !template.affinity.node_required.is_empty() {
        spec.affinity.node_required = template.affinity.node_required.clone();
    }
    Some(DaemonInput { id, spec: Arc::new(spec) })
}

#[cfg(test)]
mod tests {
    use super::super::{Source, read};
    use super::*;
    use crate::SimTime;
    use crate::scheduling::TypeTable;
    use crate::store::Store;
    use objects::collections::VecSet;
    use objects::{Era, Value, json};

    const NOW: i64 = 1_767_268_800_000;

    /// One pod on node n, changed by `pod`, under `budgets`: whether it would move, and whether it stays all the same.
    fn check(pod: Value, budgets: &[Value], movable: bool, stays: bool) {
        let mut store = Store::default();
        store.put(Kind::Node, json!({"metadata": {"name": "n"}, "spec": {"providerID": "x"}}), SimTime::ZERO);
        let mut doc = json!({
            "metadata": {"name": "web-0", "namespace": "default", "labels": {"app": "web"}}, "spec": {"nodeName": "n"},
            "status": {"phase": "Running", "startTime": "2026-01-01T11:30:00Z", "conditions": [{"type": "Ready", "status": "True"}]}});
        objects::patch::merge(&mut doc, &pod);
        store.put(Kind::Pod, doc.clone(), SimTime::ZERO);
        for (i, spec) in budgets.iter().enumerate() {
            let mut b = json!({"metadata": {"name": format!("b{i}"), "namespace": "default"}, "spec": spec});
            b.set("spec.selector.matchLabels", json!({"app": "web"}));
            store.put(Kind::PodDisruptionBudget, b, SimTime::ZERO);
        }
        let (rules, types, marked) = (Rules::latest(Era::V1), Arc::new(TypeTable::default()), VecSet::new());
        let c = read(&Source { store: &store, rules, types, blocks: VecMap::new(), now_ms: NOW, marked: &marked });
        let p = c.pods.first().unwrap();
        assert_eq!((p.movable, p.stays), (movable, stays), "{doc} {budgets:?}");
    }

    #[test]
    fn what_has_not_changed_is_read_once() {
        let pod = |name: &str, more: Value| {
            let mut doc = json!({"metadata": {"name": name, "namespace": "default", "labels": {"app": name}},
                "spec": {"nodeName": "n"}, "status": {"phase": "Running"}});
            objects::patch::merge(&mut doc, &more);
            doc
        };
        let mut store = Store::default();
        let put = |store: &mut Store, kind: Kind, doc: Value| store.put(kind, doc, SimTime::ZERO);
        put(&mut store, Kind::Node, json!({"metadata": {"name": "n"}, "spec": {"providerID": "x"}}));
        let timed = json!({"metadata": {"annotations": {"karpenter.sh/do-not-disrupt": "1h"}}});
        let claimed = json!({"spec": {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}]}});
        for (name, more) in [("a", json!({})), ("b", timed), ("c", claimed), ("d", json!({})), ("e", json!({}))] {
            put(&mut store, Kind::Pod, pod(name, more));
        }
        let mut before = super::super::Before::default();
        let mut last: Vec<Arc<PodInput>> = Vec::new();
        // Reads as if for the first time, and gives the names of the pods that were not made anew.
        let mut check = |store: &Store, now_ms: i64, want: &[&str]| {
            let (rules, types, marked) = (Rules::latest(Era::V1), Arc::new(TypeTable::default()), VecSet::new());
            let source = Source { store, rules, types, blocks: VecMap::new(), now_ms, marked: &marked };
            let (fresh, c) = (read(&source), super::super::read_after(&source, &mut before));
            assert_eq!(format!("{:?}", c.pods), format!("{:?}", fresh.pods));
            let kept = c.pods.iter().filter(|p| last.iter().any(|l| Arc::ptr_eq(l, p)));
            assert_eq!(kept.map(|p| p.name.as_str()).collect::<Vec<_>>(), want);
            last = c.pods;
        };
        check(&store, NOW, &[]);
        check(&store, NOW, &["a", "d", "e"]);
        // Time changes what is guarded for a time, and a volume what needs it.
        put(&mut store, Kind::Pod, pod("d", json!({"metadata": {"labels": {"app": "other"}}})));
        put(&mut store, Kind::PersistentVolumeClaim, json!({"metadata": {"name": "c", "namespace": "default"}}));
        check(&store, NOW + 7_200_000, &["a", "e"]);
        store.remove(&objects::ObjectKey::new(Kind::Pod, "default", "a"), SimTime::ZERO);
        put(&mut store, Kind::Pod, pod("aa", json!({})));
        check(&store, NOW, &["d", "e"]);
        let budget = json!({"metadata": {"name": "x", "namespace": "default"}, "spec": {"maxUnavailable": 0, "selector": {"matchLabels": {"app": "e"}}}});
        put(&mut store, Kind::PodDisruptionBudget, budget);
        check(&store, NOW, &[]);
        // Another node before theirs has their number.
        put(&mut store, Kind::Node, json!({"metadata": {"name": "m"}, "spec": {"providerID": "y"}}));
        check(&store, NOW, &[]);
        check(&store, NOW, &["aa", "d", "e"]);
    }

    #[test]
    fn which_pods_stay() {
        let guarded = |value: &str| json!({"metadata": {"annotations": {"karpenter.sh/do-not-disrupt": value}}});
        let zero = || json!({"maxUnavailable": 0});
        check(json!({}), &[], true, false);
        check(guarded("true"), &[], true, true);
        check(guarded("1h"), &[], true, true);
        check(guarded("10m"), &[], true, false);
        check(guarded("soon"), &[], true, false);
        check(json!({}), &[zero()], true, true);
        check(json!({}), &[json!({"minAvailable": "100%"})], true, true);
        check(json!({}), &[json!({"maxUnavailable": 1})], true, false);
        // The API refuses to evict a pod under two budgets.
        check(json!({}), &[json!({"maxUnavailable": 1}), json!({"maxUnavailable": 1})], true, true);
        // Nobody evicts a pod that tolerates being disrupted, so no budget keeps it.
        check(json!({"spec": {"tolerations": [{"operator": "Exists"}]}}), &[zero()], true, false);
        let unready = json!({"status": {"conditions": [{"type": "Ready", "status": "False"}]}});
        check(unready.clone(), &[zero()], true, true);
        check(unready, &[json!({"maxUnavailable": 0, "unhealthyPodEvictionPolicy": "AlwaysAllow"})], true, false);
        let lost = json!({"spec": {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "gone"}}]}});
        check(lost, &[], true, true);
        check(
            json!({"metadata": {"ownerReferences": [{"kind": "DaemonSet", "name": "d", "uid": "u", "controller": true}]}}),
            &[],
            false,
            false,
        );
    }
}
