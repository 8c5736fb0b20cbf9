//! Resource lists as Karpenter logs them and quantities as kubectl shows them.

use crate::json;
use crate::quantity::{Format, Quantity};
use crate::resources::{CPU, EPHEMERAL, MEMORY, Resources};
use serde_json::Value;

/// The quantity of `amount` units of resource `name` (milli-CPU for `cpu`), in the format Kubernetes gives it.
pub fn quantity(name: &str, amount: i64) -> Quantity {
    match name {
        CPU => Quantity::from_milli(amount),
        MEMORY | EPHEMERAL => Quantity::from_value(amount, Format::BinarySi),
        n if n.starts_with("hugepages-") => Quantity::from_value(amount, Format::BinarySi),
        _ => Quantity::from_value(amount, Format::DecimalSi),
    }
}

/// A resource list as JSON, sorted: `{"cpu": "5125m", "pods": "7"}`.
pub fn resources_value(r: &Resources) -> Value {
    let entries = r.0.iter().map(|(name, amount)| (name.clone(), Value::String(quantity(name, *amount).to_string())));
    Value::Object(json::map(entries))
}

/// [`resources_value`] as compact JSON text, as Karpenter logs it.
pub fn format_resources(r: &Resources) -> String {
    resources_value(r).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_karpenter_logs() {
        let r = Resources::default().with("pods", 7).with("cpu", 5125).with("memory", 16 << 30);
        assert_eq!(format_resources(&r), r#"{"cpu":"5125m","memory":"16Gi","pods":"7"}"#);
        assert_eq!(quantity(MEMORY, 1500).to_string(), "1500");
    }
}
