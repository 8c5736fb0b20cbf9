//! The claim object of a planned claim: labels, requirements, requests, taints, owner. Sources: kubernetes-sigs/karpenter
//! pkg/controllers/provisioning/scheduling/machinetemplate.go v0.29.2, nodeclaimtemplate.go v1.14.1.

use super::super::context::Cx;
use super::super::hashes;
use super::super::messages::quantities;
use super::super::names::{CAPACITY_TYPE, INSTANCE_TYPE, Names, ON_DEMAND, SPOT};
use super::super::state::State;
use crate::scheduling::{Cluster, PlannedClaim, Requirement, Requirements};
use objects::collections::Order as _;
use objects::resources::CPU;
use objects::selector::{Expression, Operator};
use objects::typed::Taint;
use objects::{DocExt, Era, Object, Resources, Value, json};

/// A claim to create, independent of the round that planned it.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimPlan {
    pub pool: String,
    /// `namespace/name` of the pods it was planned for.
    pub pods: Vec<String>,
    pub requests: Resources,
    pub daemon_requests: Resources,
    pub requirements: Vec<Expression>,
    /// Names of the types it may become, cheapest first.
    pub types: Vec<String>,
    /// Cheapest (type, micro-dollars per hour), at most five.
    pub cheapest: Vec<(String, i64)>,
    pub funnel: Vec<(&'static str, usize)>,
    /// 1.14: whether minValues were given up; `None` for a claim that no scheduling made.
    pub min_values_relaxed: Option<bool>,
}

impl ClaimPlan {
    pub fn of(planned: &PlannedClaim, cluster: &Cluster) -> Result<ClaimPlan, String> {
        let kept = planned.kept_types(&cluster.types, &cluster.rules)?;
        Ok(ClaimPlan {
            pool: planned.pool.clone(),
            pods: planned.pods.iter().filter_map(|p| cluster.pods.get(*p)).map(|p| p.id()).collect(),
            requests: planned.requests.clone(),
            daemon_requests: planned.daemon_requests.clone(),
            requirements: planned.expressions(&cluster.types, &cluster.rules),
            types: kept.iter().filter_map(|i| cluster.types.get(*i)).map(|t| t.name.to_string()).collect(),
            cheapest: planned.cheapest(&cluster.types, 5),
            funnel: planned.funnel.clone(),
            min_values_relaxed: Some(planned.min_values_relaxed),
        })
    }

    /// The claim of a static pool: what the pool says, and nothing of pods or types.
    pub fn of_pool(pool: &Object, names: &Names) -> ClaimPlan {
        let typed = pool.pool().cloned().unwrap_or_default();
        let mut requirements = Requirements::of_expressions(&typed.requirements);
        let mut labels = typed.labels;
        labels.insert(names.pool_label.to_owned(), pool.meta.name.clone());
        labels.insert(names.class_label.to_owned(), typed.node_class);
        for (key, value) in &labels {
            requirements.add(Requirement::is_in(key, [value]));
        }
        ClaimPlan {
            pool: pool.meta.name.clone(),
            pods: Vec::new(),
            requests: Resources::default(),
            daemon_requests: Resources::default(),
            requirements: requirements.expressions(Era::V1),
            types: Vec::new(),
            cheapest: Vec::new(),
            funnel: Vec::new(),
            min_values_relaxed: None,
        }
    }

    /// The types in order of name, as the object and the log carry them.
    pub fn sorted_types(&self) -> Vec<String> {
        let mut types = self.types.clone();
        types.order();
        types
    }

    /// The capacity types it may become.
    pub fn capacity_types(&self) -> Vec<&str> {
        let requirement = self.requirements.iter().find(|r| r.key == CAPACITY_TYPE);
        let allowed = |ct: &str| match requirement.map(|r| (r.operator, &r.values)) {
            Some((Operator::In, values)) => values.iter().any(|v| v == ct),
            Some((Operator::NotIn, values)) => !values.iter().any(|v| v == ct),
            Some((Operator::DoesNotExist, _)) => false,
            _ => true,
        };
        [ON_DEMAND, SPOT].into_iter().filter(|ct| allowed(ct)).collect()
    }

    /// The object, and its name.
    pub fn document(&self, pool: &Object, state: &mut State, cx: &Cx<'_, '_>) -> (String, Value) {
        let names = cx.names;
        // Another process may have used the number before.
        let name = loop {
            let suffix = cx.view.stream("claim-name", &format!("{}/{}", pool.meta.uid, state.next_name())).suffix();
            let name = format!("{}-{suffix}", self.pool);
            if cx.view.store.cluster(names.claim, &name).is_none() {
                break name;
            }
        };
        let typed = pool.pool().cloned().unwrap_or_default();
        let mut labels: Value = json!(typed.labels);
        set(&mut labels, names.pool_label, &self.pool);
        let mut annotations: Value = json!(typed.annotations);
        for (key, value) in hashes::inherited(pool, hashes::pool_keys(names.era), cx.view) {
            set(&mut annotations, key, &value);
        }
        let mut spec = json!({"requirements": self.requirements.iter().map(expression).collect::<Vec<_>>()});
        if !self.requests.0.is_empty() {
            spec.set("resources.requests", quantities(&self.requests));
        }
        for (field, list) in [("taints", &typed.taints), ("startupTaints", &typed.startup_taints)] {
            if !list.is_empty() {
                spec.set(field, list.iter().map(taint).collect::<Vec<_>>());
            }
        }
        match names.era {
            Era::V1alpha5 => {
                if !pool.doc.at("spec.providerRef").is_null() {
                    spec.set("machineTemplateRef", pool.doc.at("spec.providerRef").clone());
                }
                if !pool.doc.at("spec.kubeletConfiguration").is_null() {
                    spec.set("kubelet", pool.doc.at("spec.kubeletConfiguration").clone());
                }
            }
            Era::V1 => {
                set(&mut labels, names.class_label, &typed.node_class);
                if let Some(relaxed) = self.min_values_relaxed {
                    set(&mut annotations, "karpenter.sh/nodeclaim-min-values-relaxed", &relaxed.to_string());
                }
                for field in ["nodeClassRef", "expireAfter", "terminationGracePeriod"] {
                    let value = pool.doc.at("spec.template.spec").field(field);
                    if !value.is_null() {
                        spec.set(field, value.clone());
                    }
                }
            }
        }
        let mut metadata = json!({
            "name": name, "generateName": format!("{}-", self.pool), "labels": labels,
            "ownerReferences": [{
                "apiVersion": names.pool.api_version(), "kind": names.pool.name(), "name": pool.meta.name,
                "uid": pool.meta.uid, "blockOwnerDeletion": true,
            }],
        });
        if annotations.as_object().is_some_and(|a| !a.is_empty()) {
            metadata.set("annotations", annotations);
        }
        let doc = json!({
            "apiVersion": names.claim.api_version(), "kind": names.claim.name(), "metadata": metadata, "spec": spec,
        });
        (name, doc)
    }
}

/// Labels have dots in their names, so they are set by field, not by path.
fn set(map: &mut Value, name: &str, value: &str) {
    if let Value::Object(map) = map {
        map.insert(name.to_owned(), value.into());
    }
}

fn expression(e: &Expression) -> Value {
    let mut v = json!({"key": e.key, "operator": e.operator.as_str()});
    if !e.values.is_empty() {
        let mut values = e.values.clone();
        if e.key == INSTANCE_TYPE {
            values.order();
        }
        v.set("values", values);
    }
    if let Some(n) = e.min_values {
        v.set("minValues", n);
    }
    v
}

fn taint(t: &Taint) -> Value {
    let mut v = json!({"key": t.key, "effect": t.effect});
    if !t.value.is_empty() {
        v.set("value", t.value.as_str());
    }
    v
}

/// The pool's usage beyond its limit, in Karpenter's words: the second check, at creation, against the pool's status.
pub fn limit_exceeded(pool: &Object) -> Option<String> {
    let limits = pool.pool()?.limits.clone()?;
    let usage = Resources::read(pool.doc.at("status.resources"));
    let over = usage.0.iter().find(|(name, amount)| limits.0.get(*name).is_some_and(|limit| *amount > limit));
    over.map(|(name, amount)| {
        let limit = limits.get(name);
        format!("{name} resource usage of {} exceeds limit of {}", decimal(name, *amount), decimal(name, limit))
    })
}

/// An amount as a plain decimal number, CPU in cores.
fn decimal(name: &str, amount: i64) -> String {
    if name != CPU || amount % 1000 == 0 {
        return if name == CPU { (amount / 1000).to_string() } else { amount.to_string() };
    }
    format!("{}.{:03}", amount / 1000, amount % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(limits: Value, used: Value, want: Option<&str>) {
        let doc = json!({"apiVersion": "karpenter.sh/v1alpha5", "kind": "Provisioner", "metadata": {"name": "default"},
                         "spec": {"limits": {"resources": limits}}, "status": {"resources": used}});
        let pool = Object::from_doc(objects::Kind::Provisioner, doc);
        assert_eq!(limit_exceeded(&pool).as_deref(), want);
    }

    #[test]
    fn limits_are_exceeded_only_beyond_them() {
        check(json!({"cpu": "8"}), json!({"cpu": "8"}), None);
        check(json!({"cpu": "8"}), json!({"cpu": "12"}), Some("cpu resource usage of 12 exceeds limit of 8"));
        check(json!({"memory": "1Gi"}), json!({"cpu": "12"}), None);
        check(json!({"cpu": "7500m"}), json!({"cpu": "8"}), Some("cpu resource usage of 8 exceeds limit of 7.500"));
    }
}
