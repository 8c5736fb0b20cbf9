//! Resource lists in integer units: `cpu` in milli-CPU, everything else in whole units (bytes, counts).

use crate::collections::VecMap;
use crate::doc::DocExt;
use serde_json::Value;

pub const CPU: &str = "cpu";
pub const MEMORY: &str = "memory";
pub const PODS: &str = "pods";
pub const EPHEMERAL: &str = "ephemeral-storage";

/// Amounts by resource name. Missing and zero are the same for comparison, not for printing.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Resources(pub VecMap<String, i64>);

impl Resources {
    pub fn get(&self, name: &str) -> i64 {
        self.0.get(name).copied().unwrap_or(0)
    }

    pub fn cpu(&self) -> i64 {
        self.get(CPU)
    }

    pub fn memory(&self) -> i64 {
        self.get(MEMORY)
    }

    pub fn with(mut self, name: &str, amount: i64) -> Self {
        self.0.insert(name.to_owned(), amount);
        self
    }

    pub fn add(&mut self, other: &Resources) {
        for (name, amount) in &other.0 {
            let slot = self.0.entry(name.clone()).or_insert(0);
            *slot = slot.saturating_add(*amount);
        }
    }

    pub fn sub(&mut self, other: &Resources) {
        for (name, amount) in &other.0 {
            let slot = self.0.entry(name.clone()).or_insert(0);
            *slot = slot.saturating_sub(*amount);
        }
    }

    /// Per resource the larger of the two.
    pub fn raise_to(&mut self, other: &Resources) {
        for (name, amount) in &other.0 {
            let slot = self.0.entry(name.clone()).or_insert(0);
            *slot = (*slot).max(*amount);
        }
    }

    /// Whether every requested amount is at most `available`'s; a negative remainder fits nothing that asks for it.
    pub fn fits(&self, available: &Resources) -> bool {
        self.0.iter().all(|(name, amount)| *amount <= 0 || *amount <= available.get(name))
    }

    /// Reads a resource list (`{"cpu": "500m", "memory": "1Gi"}`); quantities that do not parse are left out.
    pub fn read(v: &Value) -> Resources {
        let Some(map) = v.as_object() else {
            return Resources::default();
        };
        let amount = |name: &String, v: &Value| {
            let text = match v {
                Value::String(s) => s.clone(),
                Value::Number(n) => n.to_string(),
                _ => return None,
            };
            let q = crate::quantity::Quantity::parse(&text).ok()?;
            Some((name.clone(), if name == CPU { q.milli() } else { q.value() }))
        };
        Resources(map.iter().filter_map(|(k, v)| amount(k, v)).collect())
    }

    /// Reads `spec.containers[].resources` into the effective request of a pod: per resource the larger of the sum
    /// over containers and each init container (restartable ones add to what runs beside them), plus overhead.
    /// Requests default to limits. Source: k8s.io/component-helpers/resource, kubernetes v1.28.
    pub fn of_pod_spec(spec: &Value) -> Resources {
        let container = |c: &Value| {
            let mut r = Resources::read(c.at("resources.limits"));
            for (name, amount) in Resources::read(c.at("resources.requests")).0 {
                r.0.insert(name, amount);
            }
            // A limit alone defaults the request; an explicit request wins.
            r
        };
        let mut sum = Resources::default();
        for c in spec.list_at("containers") {
            sum.add(&container(c));
        }
        let mut sidecars = Resources::default();
        let mut init = Resources::default();
        for c in spec.list_at("initContainers") {
            let mut r = container(c);
            if c.str_at("restartPolicy") == Some("Always") {
                sidecars.add(&r);
                r = sidecars.clone();
            } else {
                r.add(&sidecars);
            }
            init.raise_to(&r);
        }
        sum.add(&sidecars);
        sum.raise_to(&init);
        // What the pod asks for as a whole stands in place of the sum over its containers.
        for (name, amount) in Resources::read(spec.at("resources.requests")).0 {
            if name == CPU || name == MEMORY || name.starts_with("hugepages-") {
                sum.0.insert(name, amount);
            }
        }
        sum.add(&Resources::read(spec.at("overhead")));
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    #[test]
    fn what_a_pod_asks_for() {
        let container = |cpu: &str| json!({"resources": {"requests": {"cpu": cpu, "memory": "1"}}});
        let check = |more: Value, cpu: i64, memory: i64| {
            let mut spec = json!({"containers": [container("1"), container("2")], "overhead": {"cpu": "100m"}});
            for (key, value) in more.as_object().into_iter().flatten() {
                spec.set(key, value.clone());
            }
            let r = Resources::of_pod_spec(&spec);
            assert_eq!((r.cpu(), r.memory()), (cpu, memory), "{spec}");
        };
        let sidecar = json!({"restartPolicy": "Always", "resources": {"requests": {"cpu": "500m"}}});
        check(json!({}), 3_100, 2);
        check(json!({"initContainers": [container("5")]}), 5_100, 2);
        check(json!({"initContainers": [sidecar, container("3")]}), 3_600, 2);
        // The pod's own figures take the place of its containers', what it does not name stays.
        check(json!({"resources": {"requests": {"cpu": "4", "ephemeral-storage": "9"}}}), 4_100, 2);
    }
}
