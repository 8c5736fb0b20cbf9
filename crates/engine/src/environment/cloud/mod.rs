//! The cloud: EC2 Fleet answers requests for capacity, instances boot into nodes and end.

mod fleet;
mod instances;
mod machine;
mod node_doc;

pub use fleet::Fleet;
pub use instances::Instances;
pub(crate) use machine::node_dns_name;

use crate::View;
use objects::{DocExt, Kind, Object};
use std::sync::Arc;

/// The finalizer by which the cloud sees an instance through its termination.
const HELD: &str = "cloud.nodewright/termination";

/// The id behind a provider ID: `aws:///ap-northeast-2a/i-0123` is `i-0123`.
fn instance_id(provider_id: &str) -> Option<&str> {
    provider_id.rsplit('/').next().filter(|id| id.starts_with("i-"))
}

/// The instance behind a node, if the cloud still has a record of it.
pub(super) fn instance_of<'a>(node: &Object, view: &View<'a>) -> Option<&'a Arc<Object>> {
    view.store.cluster(Kind::Instance, instance_id(&node.node()?.provider_id)?)
}

/// Whether the machine behind a node runs. A node that no cloud knows (no EC2 provider ID) always does.
pub(super) fn is_running(node: &Object, view: &View<'_>) -> bool {
    match node.node().and_then(|n| instance_id(&n.provider_id)) {
        None => true,
        Some(id) => {
            let instance = view.store.cluster(Kind::Instance, id);
            instance.is_some_and(|i| matches!(i.doc.str_at("status.state"), Some("pending" | "running")))
        }
    }
}

#[cfg(test)]
mod tests;
