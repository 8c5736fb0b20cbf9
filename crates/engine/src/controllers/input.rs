//! The cluster as the scheduler reads it, with what Karpenter remembers about it. Both eras decide by the rules of their
//! last release (0.31.4 and 1.14.1).

use super::names::{DO_NOT_DISRUPT, Names};
use super::state::State;
use super::{node_class, settings};
use crate::actor::View;
use crate::pricing::Kubelet;
use crate::scheduling::input::{Source, read_after};
use crate::scheduling::{Cluster, OfferingKey, TypeTable};
use objects::collections::VecSet;
use objects::{DocExt, Era, Kind, Object, Value};
use std::sync::Arc;

/// What the cloud sells, offerings that were out of capacity lately marked: the types as they are, and once more for
/// each of the kubelet settings.
#[derive(Clone, Debug, Default)]
pub struct Types {
    pub table: Arc<TypeTable>,
    kubelets: Vec<Kubelet>,
    gone: VecSet<OfferingKey>,
}

impl Types {
    /// The block of the table with these settings.
    pub fn block(&self, kubelet: &Kubelet) -> usize {
        self.kubelets.iter().position(|k| k == kubelet).map_or(0, |i| i + 1)
    }
}

/// The types as all pools see them, and as nodes with the settings of `also` would be.
pub fn types<'s>(view: &View<'_>, state: &'s mut State, also: &Kubelet) -> &'s Types {
    let pools = pools(view);
    shaped(view, state, pools.iter().map(|(_, kubelet)| kubelet).chain([also]))
}

/// Made anew only where settings or capacity changed.
fn shaped<'s, 'k>(view: &View<'_>, state: &'s mut State, wanted: impl Iterator<Item = &'k Kubelet>) -> &'s Types {
    let mut kubelets: Vec<Kubelet> = Vec::new();
    for kubelet in wanted.filter(|k| !k.is_plain()) {
        if !kubelets.contains(kubelet) {
            kubelets.push(kubelet.clone());
        }
    }
    let gone = state.unavailable(view.now);
    let kept = &mut state.types;
    if kept.table.is_empty() || kept.kubelets != kubelets || kept.gone != gone {
        *kept = Types { table: view.market.types_as(&gone, &kubelets, view.era()), kubelets, gone };
    }
    kept
}

/// Something worked out that may serve once more. A clone does without: each checkpoint would hold one of its own.
#[derive(Debug)]
pub struct Kept<T>(pub Option<T>);

impl<T> Clone for Kept<T> {
    fn clone(&self) -> Kept<T> {
        Kept(None)
    }
}

impl<T> Default for Kept<T> {
    fn default() -> Kept<T> {
        Kept(None)
    }
}

/// A cluster as it was read, and what it was read from beside the types.
#[derive(Debug)]
pub struct Seen {
    revision: u64,
    marked: VecSet<String>,
    cluster: Arc<Cluster>,
}

/// The cluster at this instant; the one that was read last where nothing has changed since.
pub fn cluster(view: &View<'_>, state: &mut State) -> Arc<Cluster> {
    let pools = pools(view);
    let types = shaped(view, state, pools.iter().map(|(_, kubelet)| kubelet));
    let (table, revision) = (types.table.clone(), view.store.revision_of_matters());
    let blocks = pools.into_iter().map(|(name, kubelet)| (name, types.block(&kubelet))).collect();
    let same =
        |seen: &&Seen| seen.revision == revision && seen.marked == *state.marked() && Arc::ptr_eq(&seen.cluster.types, &table);
    if let Some(seen) = state.seen.0.as_ref().filter(same) {
        return seen.cluster.clone();
    }
    let mut before = state.before.0.take().unwrap_or_default();
    let (rules, now_ms, marked) = (settings::rules(view), view.unix_ms(), state.marked());
    let source = Source { store: view.store, rules, types: table, blocks, now_ms, marked };
    let cluster = Arc::new(read_after(&source, &mut before));
    let lasts = !cluster.nodes.iter().any(|n| n.settling) && !view.store.list(Kind::Pod).any(|p| is_guarded_for_a_time(p));
    state.before = Kept(Some(before));
    state.seen = Kept(lasts.then(|| Seen { revision, marked: state.marked().clone(), cluster: cluster.clone() }));
    cluster
}

/// Whether the annotation that keeps the pod from being disrupted says for how long.
pub fn is_guarded_for_a_time(pod: &Object) -> bool {
    pod.meta.annotations.get(DO_NOT_DISRUPT).is_some_and(|v| v != "true" && v != "false")
}

/// Pools by name with the kubelet settings of their nodes: a pool's own in the older era, its node class's in the newer.
fn pools(view: &View<'_>) -> Vec<(String, Kubelet)> {
    let one = |pool: &Arc<Object>| {
        let class = pool.pool().map_or("", |p| p.node_class.as_str());
        (pool.meta.name.clone(), kubelet(pool.doc.at("spec.kubeletConfiguration"), class, view))
    };
    view.store.list(Names::of(view.api()).pool).map(one).collect()
}

/// Those of a claim's node.
pub fn kubelet_of_claim(claim: &Object, view: &View<'_>) -> Kubelet {
    let class = claim.claim().map_or("", |c| c.node_class.as_str());
    kubelet(claim.doc.at("spec.kubelet"), class, view)
}

fn kubelet(own: &Value, class: &str, view: &View<'_>) -> Kubelet {
    let class = view.store.cluster(Names::of(view.api()).node_class, class);
    let family = class.map(|c| node_class::family(c)).unwrap_or_default();
    let (reserved, bound_pods) = settings::interfaces(view);
    Kubelet::read(kubelet_doc(own, class, view.era()), &family, view.era()).with_interfaces(reserved, bound_pods)
}

/// Where the settings are written: `own` of the older era, the node class of the newer.
pub fn kubelet_doc<'d>(own: &'d Value, class: Option<&'d Arc<Object>>, era: Era) -> &'d Value {
    if era == Era::V1 { class.map_or(&Value::Null, |c| c.doc.at("spec.kubelet")) } else { own }
}
