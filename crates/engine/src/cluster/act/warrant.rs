//! A saved plan as the only thing that may be done: the controllers decide as they always do, and a decision that the plan
//! does not hold is taken back before anything of it is written. What was begun until then is brought to its end, and nothing
//! more is decided.

use super::deputy::{Deputy, Said, Turn, key_of};
use crate::SimTime;
use crate::actor::{Action, Intent};
use crate::cluster::plan::{self, Done, Plan, Reason};
use crate::decisions::{Decision, What};
use crate::store::Store;
use objects::collections::{VecMap, VecSet};
use objects::{Kind, ObjectKey};

/// One action of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// The plan's own words for it.
    pub title: String,
    /// The disruption method, or why a claim goes without one; `None` where pods wait for a node.
    pub reason: Option<String>,
    /// The nodes that go.
    pub nodes: Vec<String>,
    pub launches: Vec<Expected>,
    /// It was given up when it was planned, and may be again.
    pub optional: bool,
}

/// A claim that is to be made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    pub pool: String,
    /// `namespace/name` of the pods that it is for.
    pub pods: Vec<String>,
    /// What its node is called in the plan; the real one gets a name of its own.
    pub node: String,
}

impl Step {
    /// Its words, and the nodes that it is about.
    pub fn label(&self) -> String {
        let nodes = if self.nodes.is_empty() { String::new() } else { format!(" ({})", self.nodes.join(", ")) };
        format!("{}{nodes}", self.title)
    }

    /// The actions of a plan, in order.
    pub fn all(plan: &Plan, title: impl Fn(&plan::Action) -> String) -> Vec<Step> {
        let of = |action: &plan::Action| Step {
            title: title(action),
            reason: match &action.reason {
                Reason::Provisioning => None,
                Reason::Disruption(method) => Some((*method).to_owned()),
                Reason::Removal(why) => Some((*why).to_owned()),
            },
            nodes: action.nodes.iter().map(|m| m.node.clone()).collect(),
            launches: action
                .launches
                .iter()
                .map(|l| Expected {
                    pool: l.pool.clone(),
                    pods: l.pods.clone(),
                    node: l.given.as_ref().map(|m| m.node.clone()).unwrap_or_default(),
                })
                .collect(),
            optional: matches!(action.done, Done::Abandoned(_)),
        };
        plan.actions.iter().map(of).collect()
    }
}

/// How far a plan was carried out.
#[derive(Clone, Debug)]
pub struct Warrant {
    steps: Vec<Step>,
    /// Launches of each step that have been decided; `None` where the step has not begun.
    begun: Vec<Option<VecSet<usize>>>,
    /// The real claim of each planned node.
    claims: VecMap<String, String>,
    /// Nodes that may go.
    going: VecSet<String>,
    /// The disruption whose replacements are made at this instant.
    replacing: Option<(SimTime, usize)>,
    /// Why nothing more is decided.
    objection: Option<String>,
    told: bool,
    /// When something was decided last, Unix milliseconds.
    decided_ms: Option<i64>,
}

impl Warrant {
    pub fn new(steps: Vec<Step>) -> Warrant {
        Warrant {
            begun: vec![None; steps.len()],
            steps,
            claims: VecMap::new(),
            going: VecSet::new(),
            replacing: None,
            objection: None,
            told: false,
            decided_ms: None,
        }
    }

    /// What of the plan cannot be done from the beginning: nodes that it removes and that are neither there nor of its making.
    pub fn objection(&self, store: &Store) -> Option<String> {
        let made: VecSet<&str> = self.steps.iter().flat_map(|s| &s.launches).map(|l| l.node.as_str()).collect();
        let named = self.steps.iter().flat_map(|s| &s.nodes).map(String::as_str);
        let missing: Vec<&str> =
            named.filter(|n| !n.is_empty() && !made.contains(n) && store.cluster(Kind::Node, n).is_none()).collect();
        (!missing.is_empty())
            .then(|| format!("the plan is of another cluster or another time: there is no node {}", missing.join(", ")))
    }

    /// Lets the next controller run that is due. A turn with a decision that the plan does not hold is taken back.
    pub fn turn(&mut self, deputy: &mut Deputy, now_ms: i64) -> Option<Turn> {
        if self.objection.is_some() {
            return deputy.turn(now_ms);
        }
        deputy.wake_at_ms().filter(|at| *at <= now_ms)?;
        let (before, mine) = (deputy.clone(), self.clone());
        let turn = deputy.turn(now_ms)?;
        let Err(objection) = self.admit(&turn, deputy, now_ms) else { return Some(turn) };
        *self = mine;
        self.objection = Some(objection);
        *deputy = before;
        deputy.finish();
        deputy.turn(now_ms)
    }

    /// Why nothing more is decided, once.
    pub fn take_news(&mut self) -> Option<String> {
        let objection = self.objection.clone()?;
        (!std::mem::replace(&mut self.told, true)).then(|| format!("{objection}: brings to its end what was begun"))
    }

    /// Whether it is over, and with which objection; `None` while there is something to do or to be brought to its end.
    pub fn ended(&mut self, deputy: &Deputy, now_ms: i64) -> Option<Result<(), String>> {
        let since = *self.decided_ms.get_or_insert(now_ms);
        if deputy.is_under_way() {
            return None;
        }
        let left = self.left();
        if left.is_empty() {
            return Some(Ok(()));
        }
        let done = self.steps.len() - left.len();
        let what = left.iter().map(|s| s.label()).collect::<Vec<_>>().join("; ");
        let counted = format!("{done} of {} actions of the plan were carried out, not: {what}", self.steps.len());
        if let Some(objection) = &self.objection {
            return Some(Err(format!("{objection}. {counted}")));
        }
        let quiet = i64::try_from(plan::quiet_ms(deputy.store(), deputy.era(), u64::MAX)).unwrap_or(i64::MAX);
        (now_ms.saturating_sub(since) > quiet).then(|| Err(format!("the rest of the plan is not to be done any more. {counted}")))
    }

    /// Steps that have not begun, or lack a claim.
    fn left(&self) -> Vec<&Step> {
        let is_left = |(step, begun): &(&Step, &Option<VecSet<usize>>)| match begun {
            None => !step.optional,
            Some(made) => made.len() < step.launches.len(),
        };
        self.steps.iter().zip(&self.begun).filter(is_left).map(|(step, _)| step).collect()
    }

    fn admit(&mut self, turn: &Turn, deputy: &Deputy, now_ms: i64) -> Result<(), String> {
        for said in deputy.said() {
            if let Said::Decision(decision) = said {
                self.decided(decision, deputy, now_ms)?;
            }
        }
        for intent in &turn.intents {
            self.removed(intent, deputy, now_ms)?;
        }
        Ok(())
    }

    fn decided(&mut self, decision: &Decision, deputy: &Deputy, now_ms: i64) -> Result<(), String> {
        match &decision.what {
            What::Launch { pool, pods, .. } => {
                let replacing = self.replacing.filter(|(at, _)| *at == decision.at).map(|(_, index)| index);
                let (step, launch) = self
                    .launch(pool, pods, replacing, deputy.store())
                    .ok_or_else(|| format!("the plan has no claim of the pool {pool} for {}", count(pods.len(), "pod")))?;
                if let Some(Expected { node, .. }) = self.steps.get(step).and_then(|s| s.launches.get(launch)) {
                    self.claims.insert(node.clone(), decision.about.name.clone());
                }
                if let Some(begun) = self.begun.get_mut(step) {
                    begun.get_or_insert_default().insert(launch);
                }
            }
            What::Disrupt { method, nodes, replacement_types, .. } => {
                let real: VecSet<&str> = nodes.iter().map(String::as_str).collect();
                let is_it = |s: &Step| s.reason.as_deref() == Some(*method) && self.real(&s.nodes, deputy) == Some(real.clone());
                let step = self.find(is_it).ok_or_else(|| format!("the plan has no {method} of {}", nodes.join(", ")))?;
                self.begin(step, nodes);
                self.replacing = (!replacement_types.is_empty()).then_some((decision.at, step));
            }
            _ => return Ok(()),
        }
        self.decided_ms = Some(now_ms);
        Ok(())
    }

    /// A claim that goes without a decision: it has expired, or its machine is gone.
    fn removed(&mut self, intent: &Intent, deputy: &Deputy, now_ms: i64) -> Result<(), String> {
        let Action::Delete { .. } = &intent.action else { return Ok(()) };
        let Some(key) = key_of(&intent.action).filter(|k| k.kind == deputy.names().claim) else { return Ok(()) };
        let node = node_of(&key, deputy);
        if node.as_ref().is_some_and(|n| self.going.contains(n)) {
            return Ok(());
        }
        let name = node.clone().unwrap_or_default();
        let is_it =
            |s: &Step| s.launches.is_empty() && self.real(&s.nodes, deputy) == Some([name.as_str()].into_iter().collect());
        let (claim, why) = (&key.name, &intent.why);
        let step = self.find(is_it).ok_or_else(|| format!("the plan does not delete {} {claim} ({why})", key.kind.name()))?;
        self.begin(step, std::slice::from_ref(&name));
        self.decided_ms = Some(now_ms);
        Ok(())
    }

    fn begin(&mut self, step: usize, nodes: &[String]) {
        if let Some(begun) = self.begun.get_mut(step) {
            *begun = Some(VecSet::new());
        }
        self.going.extend(nodes.iter().cloned());
    }

    /// The first step of this kind that has not begun.
    fn find(&self, is_it: impl Fn(&Step) -> bool) -> Option<usize> {
        self.steps.iter().zip(&self.begun).position(|(step, begun)| begun.is_none() && is_it(step))
    }

    /// The launch that this one is: the same pool, as many pods, and those of the plan that are still there.
    fn launch(&self, pool: &str, pods: &[String], replacing: Option<usize>, store: &Store) -> Option<(usize, usize)> {
        let is_there = |pod: &&String| {
            pod.split_once('/').is_some_and(|(ns, name)| store.get(&ObjectKey::new(Kind::Pod, ns, name)).is_some())
        };
        let is_it = |e: &Expected| {
            e.pool == pool && e.pods.len() == pods.len() && e.pods.iter().filter(is_there).all(|p| pods.contains(p))
        };
        self.steps.iter().zip(&self.begun).enumerate().find_map(|(index, (step, begun))| {
            let fits = match replacing {
                Some(replaced) => replaced == index,
                None => step.reason.is_none(),
            };
            let is_free = |at: &usize| begun.as_ref().is_none_or(|made| !made.contains(at));
            let launch = (0..step.launches.len()).filter(is_free).find(|at| step.launches.get(*at).is_some_and(is_it));
            launch.filter(|_| fits).map(|launch| (index, launch))
        })
    }

    /// The real names of planned nodes; `None` where one has not been made yet.
    fn real<'s>(&'s self, planned: &'s [String], deputy: &'s Deputy) -> Option<VecSet<&'s str>> {
        let store = deputy.store();
        let real = |name: &'s String| match self.claims.get(name) {
            Some(claim) => {
                store.cluster(deputy.names().claim, claim)?.claim().map(|c| c.node_name.as_str()).filter(|n| !n.is_empty())
            }
            None => Some(name.as_str()),
        };
        planned.iter().map(real).collect()
    }
}

fn node_of(claim: &ObjectKey, deputy: &Deputy) -> Option<String> {
    let claim = deputy.store().get(claim)?;
    claim.claim().map(|c| c.node_name.clone()).filter(|n| !n.is_empty())
}

fn count(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}
