//! Defaults of KWOKNodeClasses. Source: kubernetes-sigs/karpenter kwok/apis/v1alpha1/kwoknodeclass.go, v1.14.

use crate::{DocExt, Value, json};

/// No controller ever looks at the class: its schema says that it is ready.
pub(super) fn default_fields(doc: &mut Value) {
    if doc.at("status").is_null() {
        doc.set(
            "status",
            json!({"conditions": [{
                "lastTransitionTime": "2024-01-01T01:01:01Z", "message": "", "reason": "Ready", "status": "True", "type": "Ready",
            }]}),
        );
    }
}
