//! What each consolidation method decides on a cluster that stands still: each alone, as if it were the first to look.
//! It asks the controller's own rules, for comparisons with recorded decisions.

use super::super::context::Cx;
use super::super::state::State;
use super::order::{Method, Order};
use super::picture::{Picture, Subject};
use super::record::Record;
use super::{Disruption, budgets};
use crate::actor::{Action, View};
use crate::scheduling::Cluster;
use crate::scheduling::consolidation::{Command, candidate};
use objects::collections::{VecMap, VecSet};
use objects::{Era, Kind};
use std::sync::Arc;

/// A node that a method would look at.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    pub node: String,
    pub pool: String,
    pub instance_type: String,
    pub zone: String,
    pub capacity_type: String,
    /// Micro-dollars per hour; 0 where it is not known.
    pub price_micro: i64,
    /// What moving its pods costs, in units of 1/[`candidate::ONE_POD`]; era v1 counts the node as one more.
    pub cost: i64,
}

/// One method's look at the cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// `emptiness`, `multi` or `single`.
    pub method: &'static str,
    pub candidates: Vec<Listed>,
    /// By pool how many nodes may go (era v1), where there is a candidate.
    pub budgets: VecMap<String, i64>,
    /// Names of the nodes that would go, and the solver's command where one was needed.
    pub command: Option<(Vec<String>, Option<Command>)>,
    /// By node why consolidation leaves it, in Karpenter's words.
    pub kept: VecMap<String, String>,
}

/// Emptiness, multi- and single-node consolidation on `cluster`, which was read from the view's store. `marked` are
/// claims that a command is removing already.
pub fn survey(view: &View<'_>, cluster: &Cluster, marked: &VecSet<String>) -> Vec<Finding> {
    let methods: [(&str, &[Method]); 3] = match view.era() {
        Era::V1 => [("emptiness", &[Method::Emptiness]), ("multi", &[Method::Multi]), ("single", &[Method::Single])],
        // Two methods of the era remove empty nodes: after a time, and at once.
        Era::V1alpha5 => [
            ("emptiness", &[Method::Emptiness, Method::EmptyMachines]),
            ("multi", &[Method::Multi]),
            ("single", &[Method::Single]),
        ],
    };
    let one = |(name, methods): (&'static str, &[Method])| {
        let mut finding =
            Finding { method: name, candidates: Vec::new(), budgets: VecMap::new(), command: None, kept: VecMap::new() };
        for method in methods {
            if finding.command.is_none() {
                ask(*method, &mut finding, view, cluster, marked);
            }
        }
        finding
    };
    methods.into_iter().map(one).collect()
}

fn ask(method: Method, finding: &mut Finding, view: &View<'_>, cluster: &Cluster, marked: &VecSet<String>) {
    let (mut controller, mut state, mut record) = (Disruption::new(), State::default(), Record::default());
    let cx = &mut Cx::new(view);
    state.mark(marked.iter().cloned(), view.now);
    let mut picture = Picture::of(Arc::new(cluster.clone()), &state, &VecSet::new(), &mut record, cx);
    picture.is_alone = true;
    let eligible = match view.era() {
        Era::V1 => controller.eligible(method, &picture, cx),
        Era::V1alpha5 => controller.willing(method, &picture, cx),
    };
    let found: Vec<Listed> = eligible.iter().map(|s| listed(s, cluster)).collect();
    if finding.candidates.is_empty() {
        finding.candidates = found;
    }
    if eligible.is_empty() {
        return;
    }
    let order = match view.era() {
        Era::V1 => {
            let mut allowed = budgets::mapping(method.reason(), &state, cx);
            finding.budgets = allowed.clone();
            let order = controller.choose(method, eligible, &mut allowed, &picture, &mut None, &mut state, cx);
            order.and_then(|o| controller.revalidate(&picture, o, &mut state, cx).ok())
        }
        Era::V1alpha5 => controller.compute(method, &picture, &mut state, cx),
    };
    finding.command = order.map(|o: Order| (o.nodes(), o.command));
    for intent in &cx.out {
        if let Action::Event(e) = &intent.action
            && e.reason == "Unconsolidatable"
            && e.about.kind == Kind::Node
        {
            finding.kept.insert(e.about.name.clone(), e.message.clone());
        }
    }
}

fn listed(s: &Subject, cluster: &Cluster) -> Listed {
    let cost = match (&s.candidate, cluster.rules.era) {
        (Some(c), Era::V1) => c.reschedule_cost,
        (Some(c), Era::V1alpha5) => cluster.movable_on(c.node).map(candidate::pod_cost).fold(0, i64::saturating_add),
        (None, _) => candidate::ONE_POD,
    };
    Listed {
        node: s.name().to_owned(),
        pool: s.pool.meta.name.clone(),
        instance_type: s.label(super::super::names::INSTANCE_TYPE).to_owned(),
        zone: s.label(super::super::names::ZONE).to_owned(),
        capacity_type: s.label(super::super::names::CAPACITY_TYPE).to_owned(),
        price_micro: s.candidate.as_ref().map_or(0, |c| c.price_micro),
        cost,
    }
}
