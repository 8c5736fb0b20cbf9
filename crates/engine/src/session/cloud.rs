//! What goes wrong in the cloud when somebody asks for it: notices about the instance of a node, instances and kubelets
//! that end without Karpenter, and faults that last until they are switched off. Faults are objects of the internal kind
//! `CloudFault`, so they are part of checkpoints and records as everything else is.

use super::world::Cluster;
use super::{Outcome, Verdict};
use crate::store::exec;
use objects::{ApiError, DocExt, Kind, Object, ObjectKey, Reason, Value, json};
use std::sync::Arc;

/// What happens. The first group is about the instance of a node, the second about every launch from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloudWhat {
    /// EC2 expects to take the spot instance back sometime.
    Rebalance,
    /// AWS Health announces maintenance.
    ScheduledChange,
    /// Status checks of the instance or of its host begin to fail.
    InstanceStatus,
    SystemStatus,
    /// TerminateInstances, by somebody else.
    Terminate,
    /// The kubelet falls silent, and speaks again.
    KubeletDown,
    KubeletUp,
    /// Offerings have no capacity.
    NoCapacity,
    /// CreateFleet answers with an error that is not about capacity.
    LaunchErrors,
    /// Instances start, but their nodes never join.
    LostBoots,
}

const NAMES: [(&str, CloudWhat); 10] = [
    ("rebalance", CloudWhat::Rebalance),
    ("scheduled-change", CloudWhat::ScheduledChange),
    ("instance-status", CloudWhat::InstanceStatus),
    ("system-status", CloudWhat::SystemStatus),
    ("terminate", CloudWhat::Terminate),
    ("kubelet-down", CloudWhat::KubeletDown),
    ("kubelet-up", CloudWhat::KubeletUp),
    ("no-capacity", CloudWhat::NoCapacity),
    ("launch-errors", CloudWhat::LaunchErrors),
    ("lost-boots", CloudWhat::LostBoots),
];

impl CloudWhat {
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(_, what)| *what == self).map_or("", |(name, _)| name)
    }

    /// Whether it lasts until it is switched off, and is about no node.
    pub fn is_fault(self) -> bool {
        matches!(self, CloudWhat::NoCapacity | CloudWhat::LaunchErrors | CloudWhat::LostBoots)
    }
}

/// A request to the cloud. Texts that do not matter to what happens are empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloudEvent {
    pub what: CloudWhat,
    /// Name of the node whose instance is meant.
    pub node: String,
    /// Which offerings have no capacity; an empty text means any.
    pub capacity_type: String,
    pub instance_type: String,
    pub zone: String,
    /// The code of launch errors; `RequestLimitExceeded` where it is empty.
    pub code: String,
    /// Whether a fault begins or ends.
    pub on: bool,
}

const FIELDS: [&str; 5] = ["node", "capacityType", "instanceType", "zone", "code"];

impl CloudEvent {
    fn texts(&self) -> [&String; 5] {
        [&self.node, &self.capacity_type, &self.instance_type, &self.zone, &self.code]
    }

    /// As share records and embedders write it: `{"cloud": "no-capacity", "capacityType": "spot", "on": true}`.
    pub fn write(&self) -> Value {
        let mut doc = json!({"cloud": self.what.name(), "on": self.on});
        for (field, text) in FIELDS.into_iter().zip(self.texts()).filter(|(_, text)| !text.is_empty()) {
            doc.set(field, text.as_str());
        }
        doc
    }

    /// The error says what is missing or unknown.
    pub fn read(doc: &Value) -> Result<CloudEvent, String> {
        let name = doc.str_at("cloud").unwrap_or_default();
        let what = NAMES.iter().find(|(n, _)| *n == name).map(|(_, what)| *what);
        let what = what.ok_or_else(|| format!("cloud: {name:?} is none of {}", NAMES.map(|(n, _)| n).join(", ")))?;
        let text = |field: &str| doc.str_at(field).unwrap_or_default().to_owned();
        let event = CloudEvent {
            what,
            node: text("node"),
            capacity_type: text("capacityType"),
            instance_type: text("instanceType"),
            zone: text("zone"),
            code: text("code"),
            on: doc.bool_at("on").unwrap_or(true),
        };
        if event.node.is_empty() && !what.is_fault() { Err(format!("{name}: the node's name is missing")) } else { Ok(event) }
    }
}

pub(super) fn carry_out(cluster: &mut Cluster, event: &CloudEvent) -> Result<Outcome, ApiError> {
    if event.what.is_fault() {
        return switch(cluster, event);
    }
    let (node, instance) = instance_of(cluster, &event.node)?;
    let (store, ctx) = cluster.writer();
    let name = event.what.name();
    let id = &instance.meta.name;
    let status = |patch: Value| json!({"status": patch});
    let down = instance.doc.str_at("status.kubelet") == Some("down");
    let patch = match event.what {
        CloudWhat::Terminate => {
            exec::delete(store, &ctx, &instance.key(), None)?;
            return Ok(done(node));
        }
        CloudWhat::KubeletDown if !down => status(json!({"kubelet": "down"})),
        CloudWhat::KubeletUp if down => status(json!({"kubelet": null})),
        CloudWhat::KubeletDown | CloudWhat::KubeletUp => return Err(refused(format!("{name}: it is so already"))),
        CloudWhat::Rebalance if instance.doc.str_at("spec.capacityType") != Some("spot") => {
            return Err(refused(format!("instance {id} behind node {} is no spot instance", event.node)));
        }
        _ if !instance.doc.at("status.notices").field(name).is_null() => {
            return Err(refused(format!("instance {id} behind node {} has had this notice", event.node)));
        }
        _ => {
            let mut notices = json!({});
            notices.set(name, ctx.now.ms());
            status(json!({"notices": notices}))
        }
    };
    exec::patch(store, &ctx, &instance.key(), &patch)?;
    Ok(done(node))
}

/// The node of a name and the instance behind it.
pub(super) fn instance_of(cluster: &Cluster, node: &str) -> Result<(Arc<Object>, Arc<Object>), ApiError> {
    let key = ObjectKey::cluster(Kind::Node, node);
    let object = cluster.store.get(&key).cloned().ok_or_else(|| exec::not_found(&key))?;
    let id = object.node().and_then(|n| n.provider_id.rsplit('/').next()).unwrap_or_default();
    match cluster.store.cluster(Kind::Instance, id).cloned() {
        Some(instance) => Ok((object, instance)),
        None => Err(refused(format!("node {node} has no instance that could be interrupted"))),
    }
}

fn switch(cluster: &mut Cluster, event: &CloudEvent) -> Result<Outcome, ApiError> {
    let parts: Vec<&str> = [&event.capacity_type, &event.instance_type, &event.zone]
        .into_iter()
        .map(|t| if t.is_empty() { "any" } else { t.as_str() })
        .collect();
    let name = match event.what {
        CloudWhat::NoCapacity => format!("{}.{}", event.what.name(), parts.join(".")),
        _ => event.what.name().to_owned(),
    };
    let key = ObjectKey::cluster(Kind::CloudFault, &name);
    let is_on = cluster.store.get(&key).is_some();
    if is_on == event.on {
        return Err(refused(format!("{name} is {} already", if is_on { "on" } else { "off" })));
    }
    let (store, ctx) = cluster.writer();
    if event.on {
        let doc = json!({
            "apiVersion": Kind::CloudFault.api_version(), "kind": Kind::CloudFault.name(), "metadata": {"name": name},
            "spec": {
                "what": event.what.name(), "capacityType": event.capacity_type, "instanceType": event.instance_type,
                "zone": event.zone, "code": if event.code.is_empty() { "RequestLimitExceeded" } else { event.code.as_str() },
            },
        });
        exec::create(store, &ctx, doc)?;
    } else {
        exec::delete(store, &ctx, &key, None)?;
    }
    Ok(Outcome { verdict: Verdict::Done, object: None, warnings: Vec::new() })
}

fn done(node: Arc<Object>) -> Outcome {
    Outcome { verdict: Verdict::Done, object: Some(node), warnings: Vec::new() }
}

fn refused(why: String) -> ApiError {
    ApiError::new(Reason::BadRequest, why)
}

#[cfg(test)]
mod tests {
    use super::super::{PatchStyle, Request, Scenario, Session, Validation};
    use super::*;
    use crate::Era;

    struct Lab {
        session: Session,
        era: Era,
    }

    impl Lab {
        /// The lab with one pod that asks for a node.
        fn new(era: Era) -> Lab {
            Lab::of(era, json!({}))
        }

        fn of(era: Era, node_selector: Value) -> Lab {
            let mut lab = Lab { session: Session::new(Scenario::lab(era, 13)).unwrap(), era };
            lab.ask(Request::Apply {
                doc: json!({
                    "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "app"},
                    "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "app"}}, "template": {
                        "metadata": {"labels": {"app": "app"}},
                        "spec": {"nodeSelector": node_selector,
                                 "containers": [{"name": "c", "image": "pause", "resources": {"requests": {"cpu": "2"}}}]}}},
                }),
                dry_run: false,
                validation: Validation::Strict,
            })
            .unwrap();
            lab
        }

        fn ask(&mut self, request: Request) -> Result<Outcome, ApiError> {
            self.session.request("line", request)
        }

        fn cloud(&mut self, doc: Value) -> Result<Outcome, ApiError> {
            self.ask(Request::Cloud(CloudEvent::read(&doc).unwrap()))
        }

        fn pass(&mut self, seconds: u64) {
            self.session.advance_to(self.session.now() + seconds * 1000);
        }

        fn claims(&self) -> Vec<String> {
            self.session.world().cluster.store.list(Kind::claim(self.era)).map(|c| c.meta.name.clone()).collect()
        }

        fn node(&self) -> String {
            let of_claim = |n: &&Arc<Object>| n.meta.labels.contains_key("karpenter.sh/capacity-type");
            self.session.world().cluster.store.list(Kind::Node).find(of_claim).map(|n| n.meta.name.clone()).unwrap()
        }

        fn is_running(&self) -> bool {
            let store = &self.session.world().cluster.store;
            store.list(Kind::Pod).any(|p| p.meta.namespace == "default" && p.pod().is_some_and(|p| p.ready))
        }

        fn log(&self) -> String {
            self.session.snapshot().logs.iter().map(|l| l.text.replace('\t', " ")).collect::<Vec<_>>().join("\n")
        }
    }

    const ERAS: [Era; 2] = [Era::V1alpha5, Era::V1];

    /// Nothing to be had: the claim goes at once, the offerings are out for three minutes, and come back by themselves.
    #[test]
    fn capacity_that_is_out_comes_back() {
        for era in ERAS {
            let mut lab = Lab::of(era, json!({"node.kubernetes.io/instance-type": "m5.xlarge"}));
            lab.cloud(json!({"cloud": "no-capacity", "capacityType": "spot"})).unwrap();
            lab.pass(12);
            let error = "insufficient capacity, with fleet error(s), InsufficientInstanceCapacity: There is no Spot capacity available that matches your request.";
            assert!(lab.log().contains(error), "{}", lab.log());
            assert_eq!(lab.claims(), Vec::<String>::new());
            let snapshot = lab.session.snapshot();
            let events: Vec<&str> = snapshot.store.list(Kind::Event).filter_map(|e| e.doc.str_at("reason")).collect();
            assert!(events.contains(&"InsufficientCapacityError"), "{events:?}");
            lab.cloud(json!({"cloud": "no-capacity", "capacityType": "spot", "on": false})).unwrap();
            lab.pass(60);
            let more = lab.log();
            assert!(more.to_lowercase().contains("could not schedule pod"), "the cache still says there is none: {more}");
            assert!(!lab.is_running());
            lab.pass(240);
            assert!(lab.is_running(), "{}", lab.log());
        }
    }

    #[test]
    fn launches_that_fail_are_tried_again() {
        for era in ERAS {
            let mut lab = Lab::new(era);
            lab.cloud(json!({"cloud": "launch-errors", "code": "UnauthorizedOperation"})).unwrap();
            lab.pass(60);
            let first = lab.claims();
            assert_eq!(first.len(), 1, "{}", lab.log());
            assert!(lab.log().contains("UnauthorizedOperation: The request could not be carried out."), "{}", lab.log());
            let store = &lab.session.world().cluster.store;
            let claim = store.list(Kind::claim(era)).next().unwrap();
            let launched = if era == Era::V1 { "Launched" } else { "MachineLaunched" };
            assert_eq!(claim.condition(launched).and_then(|c| c.str_at("reason")), Some("LaunchFailed"));
            lab.pass(300);
            // 1.14 gives a claim five minutes to launch; its pods get another one.
            assert_eq!(lab.claims() == first, era == Era::V1alpha5, "{:?}", lab.claims());
            lab.cloud(json!({"cloud": "launch-errors", "on": false})).unwrap();
            lab.pass(180);
            assert!(lab.is_running(), "{}", lab.log());
        }
    }

    #[test]
    fn nodes_that_never_join_are_given_up_after_fifteen_minutes() {
        for era in ERAS {
            let mut lab = Lab::new(era);
            lab.cloud(json!({"cloud": "lost-boots"})).unwrap();
            lab.pass(890);
            let first = lab.claims();
            assert_eq!(first.len(), 1);
            lab.pass(40);
            assert!(!lab.claims().contains(&first[0]) || era == Era::V1, "{:?}", lab.claims());
            lab.pass(120);
            assert!(!lab.claims().contains(&first[0]), "{}", lab.log());
            let gone = "terminating machine due to registration ttl";
            assert_eq!(lab.log().contains(gone), era == Era::V1alpha5);
            lab.pass(1_000);
            if era == Era::V1 {
                let pool = lab.session.world().cluster.store.cluster(Kind::NodePool, "default").unwrap().clone();
                let healthy = pool.condition("NodeRegistrationHealthy").unwrap();
                assert_eq!(healthy.str_at("status"), Some("False"), "{healthy}");
            }
            lab.cloud(json!({"cloud": "lost-boots", "on": false})).unwrap();
            lab.pass(1_200);
            assert!(lab.is_running(), "{}", lab.log());
        }
    }

    #[test]
    fn an_instance_that_somebody_else_ends_is_replaced() {
        for (era, kind) in [(Era::V1alpha5, "StateChangeKind"), (Era::V1, "instance_terminated")] {
            let mut lab = Lab::new(era);
            lab.pass(90);
            assert!(lab.is_running());
            let node = lab.node();
            lab.cloud(json!({"cloud": "terminate", "node": node})).unwrap();
            lab.pass(4);
            assert!(lab.log().contains(kind), "{}", lab.log());
            lab.pass(240);
            assert!(lab.is_running(), "{}", lab.log());
            assert_ne!(lab.node(), node);
        }
    }

    #[test]
    fn a_silent_kubelet_is_repaired_where_the_gate_is_on() {
        for repair in [false, true] {
            let mut lab = Lab::new(Era::V1);
            let key = ObjectKey::new(Kind::Deployment, "karpenter", "karpenter");
            let gates = json!([{"name": "FEATURE_GATES", "value": format!("NodeRepair={repair}")}]);
            let patch = json!({"spec": {"template": {"spec": {"containers": [{"name": "controller", "env": gates}]}}}});
            lab.ask(Request::Patch { key, patch, style: PatchStyle::Strategic, dry_run: false }).unwrap();
            lab.pass(150);
            let node = lab.node();
            lab.cloud(json!({"cloud": "kubelet-down", "node": node})).unwrap();
            let again = lab.cloud(json!({"cloud": "kubelet-down", "node": node})).unwrap_err();
            assert_eq!(again.message, "kubelet-down: it is so already");
            lab.pass(70);
            let ready = |lab: &Lab| {
                let node = lab.session.world().cluster.store.cluster(Kind::Node, &node).cloned();
                node.and_then(|n| n.condition("Ready").and_then(|c| c.str_at("status").map(str::to_owned)))
            };
            assert_eq!(ready(&lab).as_deref(), Some("Unknown"));
            lab.pass(32 * 60);
            assert_eq!(lab.log().contains("deleting unhealthy node"), repair, "{}", lab.log());
            if !repair {
                lab.cloud(json!({"cloud": "kubelet-up", "node": node})).unwrap();
                lab.pass(20);
                assert_eq!(ready(&lab).as_deref(), Some("True"));
            }
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (doc, want) in [
            (
                json!({"cloud": "rain"}),
                "cloud: \"rain\" is none of rebalance, scheduled-change, instance-status, system-status, terminate, kubelet-down, kubelet-up, no-capacity, launch-errors, lost-boots",
            ),
            (json!({"cloud": "terminate"}), "terminate: the node's name is missing"),
        ] {
            assert_eq!(CloudEvent::read(&doc), Err(want.to_owned()));
        }
        let mut lab = Lab::new(Era::V1);
        lab.pass(90);
        let base =
            lab.session.world().cluster.store.list(Kind::Node).find(|n| n.meta.name != lab.node()).unwrap().meta.name.clone();
        let mut check = |doc: Value, want: &str| {
            let error = lab.cloud(doc).unwrap_err().message;
            assert!(error.contains(want), "{error}");
        };
        check(json!({"cloud": "terminate", "node": "nobody"}), "nodes \"nobody\" not found");
        check(json!({"cloud": "rebalance", "node": base}), "is no spot instance");
        check(json!({"cloud": "lost-boots", "on": false}), "lost-boots is off already");
    }
}
