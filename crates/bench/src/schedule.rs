//! kube-scheduler by itself: nodes that it knows, pods that wait, a cycle for each.

use crate::Outcome;
use engine::environment::scheduler::Scheduler;
use engine::pricing::Market;
use engine::profile::Profile;
use engine::scheduling::Cluster;
use engine::store::{Store, exec};
use engine::{Action, Actor, Era, SimTime, View};
use objects::{Kind, Value, json};

/// A cluster with all pods waiting.
#[derive(Debug)]
pub struct Board {
    nodes: Vec<Value>,
    pods: Vec<Value>,
    profile: Profile,
}

impl Board {
    /// The nodes of a cluster and its pods, by name, as if none had been bound.
    pub fn new(cluster: &Cluster, specs: Vec<Value>) -> Board {
        let node = |n: &engine::scheduling::NodeInput| {
            let amount = |(name, amount): (&String, &i64)| {
                let text = if name == "cpu" { format!("{amount}m") } else { amount.to_string() };
                (name.clone(), Value::from(text))
            };
            let allocatable: Vec<(String, Value)> = n.available.0.iter().map(amount).collect();
            json!({
                "apiVersion": "v1", "kind": "Node", "metadata": {"name": n.name, "labels": n.labels},
                "status": {
                    "allocatable": Value::Object(objects::json::map(allocatable)),
                    "conditions": [{"type": "Ready", "status": "True"}],
                },
            })
        };
        Board { nodes: cluster.nodes.iter().map(node).collect(), pods: specs, profile: Profile::of(Era::V1) }
    }

    /// Tries every pod once. `scheduler` is given what the scheduler does, piece by piece, to run and to measure; the
    /// API server's part is left out of that.
    pub fn run(&self, scheduler: &mut dyn FnMut(&mut dyn FnMut())) -> Outcome {
        let mut run = Run {
            store: Store::default(),
            market: Market::default(),
            profile: &self.profile,
            scheduler: Scheduler::new(&self.profile),
            now: SimTime::ZERO,
        };
        for node in &self.nodes {
            run.write(&Action::Create(node.clone()), &mut |work| work());
        }
        for pod in &self.pods {
            run.write(&Action::Create(pod.clone()), scheduler);
        }
        for _ in &self.pods {
            run.cycle(scheduler);
        }
        let bound = run.store.list(Kind::Pod).filter(|p| p.pod().is_some_and(|p| p.is_bound())).count();
        Outcome { pods: self.pods.len(), nodes: self.nodes.len(), errors: self.pods.len() - bound, scan: None }
    }
}

struct Run<'a> {
    store: Store,
    market: Market,
    profile: &'a Profile,
    scheduler: Scheduler,
    now: SimTime,
}

impl Run<'_> {
    fn write(&mut self, action: &Action, timed: &mut dyn FnMut(&mut dyn FnMut())) {
        let before = self.store.revision();
        let ctx = exec::Context { now: self.now, epoch_ms: 0, seed: 1, profile: self.profile };
        // Nothing is refused here: nobody else writes.
        if exec::execute(&mut self.store, &ctx, action).is_err() {
            return;
        }
        let changes: Vec<_> = self.store.changes_since(before).into_iter().flatten().cloned().collect();
        let view = View { store: &self.store, market: &self.market, profile: self.profile, now: self.now, epoch_ms: 0, seed: 1 };
        let scheduler = &mut self.scheduler;
        timed(&mut || changes.iter().for_each(|change| scheduler.observe(change, &view)));
    }

    fn cycle(&mut self, timed: &mut dyn FnMut(&mut dyn FnMut())) {
        let Some(at) = self.scheduler.wake_at() else { return };
        self.now = self.now.max(at);
        let view = View { store: &self.store, market: &self.market, profile: self.profile, now: self.now, epoch_ms: 0, seed: 1 };
        let (scheduler, mut intents) = (&mut self.scheduler, Vec::new());
        timed(&mut || intents = scheduler.act(&view));
        for intent in intents {
            self.write(&intent.action, timed);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::input::board;

    const TYPES: &str = r#"{"instanceTypes":[{"name":"m5.xlarge","capacity":{"cpu":"4","memory":"16Gi","pods":"58"},
        "offerings":[{"zone":"a","capacityType":"on-demand","price":0.2}]}]}"#;

    #[test]
    fn what_fits_is_bound() {
        let nodes = "node,instance_type,zone,capacity_type\nn1,m5.xlarge,a,on-demand\nn2,m5.xlarge,b,on-demand\n";
        let pods = "idx,class,label,selector,cpu_m,mem_mi\n0,generic,a,,3000,64\n1,generic,a,,3000,64\n2,generic,a,,3000,64\n3,anti-host,x,x,100,64\n";
        let mut pieces = 0;
        let outcome = board(nodes, pods, TYPES).unwrap().run(&mut |work| {
            pieces += 1;
            work();
        });
        assert_eq!((outcome.pods, outcome.nodes, outcome.errors), (4, 2, 1));
        assert!(pieces >= 8, "{pieces}");
        assert!(board(nodes, "idx\n0,odd,a,,1,1\n", TYPES).unwrap_err().contains("line 2"));
    }
}
