//! The cloud: EC2 Fleet answers requests for capacity, instances boot into nodes and end.

mod fleet;
mod instances;
mod machine;
mod node_doc;

pub use fleet::Fleet;
pub use instances::Instances;
pub(crate) use machine::node_dns_name;

use crate::View;
use objects::{DocExt, Kind, Object, Provider};
use std::sync::Arc;

/// The finalizer by which the cloud sees an instance through its termination.
pub(crate) const HELD: &str = "cloud.nodewright/termination";

/// The id behind a provider ID: `aws:///ap-northeast-2a/i-0123` is `i-0123`.
fn instance_id(provider_id: &str) -> Option<&str> {
    provider_id.rsplit('/').next().filter(|id| id.starts_with("i-"))
}

/// The instance behind a node, if the cloud still has a record of it.
pub(super) fn instance_of<'a>(node: &Object, view: &View<'a>) -> Option<&'a Arc<Object>> {
    view.store.cluster(Kind::Instance, instance_id(&node.node()?.provider_id)?)
}

/// Whether the machine behind a node runs. A node that no cloud knows (no EC2 provider ID) always does, and so does every
/// one where there is no cloud at all.
pub(super) fn is_running(node: &Object, view: &View<'_>) -> bool {
    if view.profile.provider == Provider::Kwok {
        return true;
    }
    match node.node().and_then(|n| instance_id(&n.provider_id)) {
        None => true,
        Some(id) => {
            let instance = view.store.cluster(Kind::Instance, id);
            instance.is_some_and(|i| {
                let silent = i.doc.str_at("status.kubelet") == Some("down");
                matches!(i.doc.str_at("status.state"), Some("pending" | "running")) && !silent
            })
        }
    }
}

/// A fault of this sort that is switched on. Faults of capacity are [`has_capacity`]'s.
pub(super) fn fault<'v>(what: &str, view: &View<'v>) -> Option<&'v Object> {
    view.store.list(Kind::CloudFault).find(|f| f.doc.str_at("spec.what") == Some(what)).map(|f| &**f)
}

/// Whether no fault takes the offering's capacity away.
pub(super) fn has_capacity(capacity_type: &str, instance_type: &str, zone: &str, view: &View<'_>) -> bool {
    let takes = |fault: &Object| {
        let is = |field: &str, value: &str| fault.doc.at("spec").str_at(field).is_none_or(|f| f.is_empty() || f == value);
        fault.doc.str_at("spec.what") == Some("no-capacity")
            && is("capacityType", capacity_type)
            && is("instanceType", instance_type)
            && is("zone", zone)
    };
    !view.store.list(Kind::CloudFault).any(|f| takes(f))
}

#[cfg(test)]
mod tests;
