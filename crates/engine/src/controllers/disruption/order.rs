//! A command that is carried out: which nodes go, what comes in their place, and how the era words it. Sources:
//! kubernetes-sigs/karpenter pkg/controllers/deprovisioning/types.go v0.29.2, pkg/controllers/disruption/types.go v1.14.1.

use super::super::context::Cx;
use super::super::messages::{Disrupted, Say, dollars, five};
use super::super::names::{CAPACITY_TYPE, INSTANCE_TYPE, ON_DEMAND, SPOT};
use super::super::provisioning::ClaimPlan;
use super::picture::{Picture, Subject};
use crate::decisions::What;
use crate::scheduling::Plan;
use crate::scheduling::consolidation::Command;
use objects::{Era, ObjectKey};

/// The ways to disrupt, in the order of era A; era B has no Expiration among them, and Emptiness first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    Expiration,
    Drift,
    /// Era B's static pools.
    StaticDrift,
    Emptiness,
    EmptyMachines,
    Multi,
    Single,
}

impl Method {
    /// As the decision record names it.
    pub fn id(self) -> &'static str {
        match self {
            Method::Expiration => "expiration",
            Method::Drift | Method::StaticDrift => "drift",
            Method::Emptiness => "emptiness",
            Method::EmptyMachines => "empty-consolidation",
            Method::Multi => "multi-consolidation",
            Method::Single => "single-consolidation",
        }
    }

    /// The word of era A's log.
    pub fn word(self) -> &'static str {
        match self {
            Method::Expiration => "expiration",
            Method::Drift | Method::StaticDrift => "drift",
            Method::Emptiness => "emptiness",
            Method::EmptyMachines | Method::Multi | Method::Single => "consolidation",
        }
    }

    /// The disruption reason of era B.
    pub fn reason(self) -> &'static str {
        match self {
            Method::Emptiness | Method::EmptyMachines => "Empty",
            Method::Drift | Method::StaticDrift => "Drifted",
            _ => "Underutilized",
        }
    }
}

/// A node that goes.
#[derive(Clone, Debug)]
pub struct Target {
    pub node: String,
    pub claim: String,
    pub pool: String,
    pub instance_type: String,
    pub capacity_type: String,
    pub price_micro: i64,
    pub pods: usize,
}

#[derive(Clone, Debug)]
pub struct Order {
    pub method: Method,
    pub targets: Vec<Target>,
    pub replacements: Vec<ClaimPlan>,
    pub price_after_micro: i64,
    /// Existing nodes (by claim name, else node name) that pods were planned onto; era B nominates them.
    pub nominated: Vec<String>,
    /// The decision as the solver took it, for the validation after the wait.
    pub command: Option<Command>,
    pub id: String,
}

impl Target {
    fn of(subject: &Subject) -> Target {
        Target {
            node: subject.name().to_owned(),
            claim: subject.claim.meta.name.clone(),
            pool: subject.pool.meta.name.clone(),
            instance_type: subject.label(INSTANCE_TYPE).to_owned(),
            capacity_type: subject.label(CAPACITY_TYPE).to_owned(),
            price_micro: subject.candidate.as_ref().map_or(0, |c| c.price_micro),
            pods: subject.pods.len(),
        }
    }
}

impl Order {
    /// Deletes nodes and replaces nothing.
    pub fn delete(method: Method, subjects: &[Subject], cx: &Cx<'_, '_>) -> Order {
        let targets: Vec<Target> = subjects.iter().map(Target::of).collect();
        Order {
            id: id(&targets, cx),
            method,
            targets,
            replacements: Vec::new(),
            price_after_micro: 0,
            nominated: Vec::new(),
            command: None,
        }
    }

    /// Deletes one node and makes what its pods need first; `None` where a claim cannot be made of a replacement.
    pub fn replace(method: Method, subject: &Subject, plan: &Plan, picture: &Picture, cx: &Cx<'_, '_>) -> Option<Order> {
        let mut order = Order::delete(method, std::slice::from_ref(subject), cx);
        for claim in &plan.claims {
            order.replacements.push(ClaimPlan::of(claim, &picture.cluster).ok()?);
        }
        order.price_after_micro = order.replacements.iter().filter_map(|r| r.cheapest.first()).map(|(_, p)| *p).sum();
        order.nominated = nominated(plan, picture);
        Some(order)
    }

    /// What the solver decided; `None` where a claim cannot be made of the replacement.
    pub fn of(method: Method, command: Command, picture: &Picture, cx: &Cx<'_, '_>) -> Option<Order> {
        let subject = |name: &String| picture.subjects.iter().find(|s| s.name() == name);
        let targets: Vec<Target> = command.candidates.iter().filter_map(|c| subject(&c.name)).map(Target::of).collect();
        let replacements = match &command.replacement {
            Some(claim) => vec![ClaimPlan::of(claim, &picture.cluster).ok()?],
            None => Vec::new(),
        };
        Some(Order {
            id: id(&targets, cx),
            method,
            price_after_micro: command.price_after_micro(&picture.cluster),
            nominated: nominated(&command.plan, picture),
            targets,
            replacements,
            command: Some(command),
        })
    }

    pub fn action(&self) -> &'static str {
        if self.replacements.is_empty() { "delete" } else { "replace" }
    }

    pub fn price_before_micro(&self) -> i64 {
        self.targets.iter().map(|t| t.price_micro).sum()
    }

    pub fn nodes(&self) -> Vec<String> {
        self.targets.iter().map(|t| t.node.clone()).collect()
    }

    pub fn savings(&self) -> String {
        dollars(self.price_before_micro() - self.price_after_micro)
    }

    /// Era A's command text: `replace, terminating 2 machines a/m5.xlarge/on-demand, ... and replacing with ...`.
    pub fn text_v1alpha5(&self) -> String {
        let old: Vec<String> =
            self.targets.iter().map(|t| format!("{}/{}/{}", t.node, t.instance_type, t.capacity_type)).collect();
        let mut text = format!("{}, terminating {} machines {}", self.action(), self.targets.len(), old.join(", "));
        match self.replacements.as_slice() {
            [] => {}
            [one] => {
                let machine = match one.capacity_types().as_slice() {
                    [only] => format!("{only} machine"),
                    _ => "machine".to_owned(),
                };
                text.push_str(&format!(" and replacing with {machine} from types {}", five(&one.sorted_types())));
            }
            [first, ..] => {
                let count = |ct: &str| self.replacements.iter().filter(|r| r.capacity_types().contains(&ct)).count();
                text.push_str(&format!(
                    " and replacing with {} spot and {} on-demand machines from types {}",
                    count(SPOT),
                    count(ON_DEMAND),
                    five(&first.sorted_types())
                ));
            }
        }
        text
    }

    /// `[-> [1 replacement]]` and the nodes in front of it.
    fn shape_v1(&self) -> String {
        let mut text = format!("[{}]", self.nodes().join(", "));
        if !self.replacements.is_empty() {
            let plural = if self.replacements.len() == 1 { "replacement" } else { "replacements" };
            text.push_str(&format!(" -> [{} {plural}]", self.replacements.len()));
        }
        text
    }

    /// Era B's command text of the log.
    pub fn text_v1(&self) -> String {
        let mut pools: Vec<&str> = Vec::new();
        for target in &self.targets {
            if !pools.contains(&target.pool.as_str()) {
                pools.push(&target.pool);
            }
        }
        format!(
            "{}/{}: {}: nodepools=[{}]: {} (savings: {})",
            self.method.reason(),
            self.id,
            self.action(),
            pools.join(","),
            self.shape_v1(),
            self.savings()
        )
    }

    /// Era B's text of the events about one node of the command.
    pub fn text_for_node(&self, node: &str) -> String {
        match self.targets.as_slice() {
            [_] => format!("{}: {}", self.action(), self.shape_v1()),
            all => format!("{}: [{node}] (part of {}-node consolidation)", self.action(), all.len()),
        }
    }

    pub fn text(&self, era: Era) -> String {
        match era {
            Era::V1alpha5 => self.text_v1alpha5(),
            Era::V1 => self.text_v1(),
        }
    }

    /// Logs the command and records the decision.
    pub fn announce(&self, cx: &mut Cx<'_, '_>) {
        let nodes: Vec<Disrupted> = self
            .targets
            .iter()
            .map(|t| Disrupted {
                node: t.node.clone(),
                claim: t.claim.clone(),
                capacity_type: t.capacity_type.clone(),
                instance_type: t.instance_type.clone(),
            })
            .collect();
        let replacements: Vec<(String, String)> = self
            .replacements
            .iter()
            .map(|r| {
                let spot = r.capacity_types().contains(&SPOT);
                (if spot { SPOT } else { ON_DEMAND }.to_owned(), five(&r.types))
            })
            .collect();
        cx.log(Say::Disrupting {
            method: self.method.word(),
            command: &self.text(cx.era()),
            decision: self.action(),
            nodes: &nodes,
            replacements: &replacements,
            pods: self.targets.iter().map(|t| t.pods).sum(),
        });
        if let Some(first) = self.targets.first() {
            cx.decide(
                ObjectKey::cluster(objects::Kind::Node, &first.node),
                What::Disrupt {
                    method: self.method.id(),
                    action: self.action(),
                    nodes: self.nodes(),
                    replacement_types: self.replacements.first().map(ClaimPlan::sorted_types).unwrap_or_default(),
                    price_before_micro: self.price_before_micro(),
                    price_after_micro: self.price_after_micro,
                },
            );
        }
    }
}

fn nominated(plan: &Plan, picture: &Picture) -> Vec<String> {
    let node = |i: &usize| picture.cluster.nodes.get(*i).map(|n| n.claim.clone().unwrap_or_else(|| n.name.clone()));
    plan.existing.iter().filter_map(|(i, _)| node(i)).collect()
}

fn id(targets: &[Target], cx: &Cx<'_, '_>) -> String {
    let first = targets.first().map_or("", |t| t.claim.as_str());
    cx.view.stream("command", &format!("{first}/{}", cx.view.now)).uuid()
}
