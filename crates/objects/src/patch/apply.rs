//! Client-side `kubectl apply`: what a document changes, given what the previous apply had set.
//! Source: k8s.io/kubectl/pkg/cmd/apply/{apply,patcher}.go and pkg/util/apply.go, v1.27.

use super::three_way::three_way;
use crate::{ApiError, DocExt, Kind, Reason, Value};

/// The annotation that keeps the previous document.
pub const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The patch that applying `doc` over `live` sends: what `doc` says otherwise than `live`, and the removal of what the
/// previous apply had set and `doc` leaves out. Empty where nothing is to be changed.
///
/// Errors: `BadRequest` where the annotation of `live` is no JSON.
pub fn apply_patch(kind: Kind, live: &Value, doc: &Value) -> Result<Value, ApiError> {
    Ok(three_way(kind, &last_applied(kind, live)?, &with_last_applied(doc), live))
}

/// [`apply_patch`] without the annotation, as `kubectl diff` asks for it.
///
/// Errors: as [`apply_patch`].
pub fn diff_patch(kind: Kind, live: &Value, doc: &Value) -> Result<Value, ApiError> {
    let mut new = with_last_applied(doc);
    if let Value::Object(annotations) = new.slot("metadata.annotations") {
        annotations.remove(LAST_APPLIED);
    }
    Ok(three_way(kind, &last_applied(kind, live)?, &new, live))
}

fn last_applied(kind: Kind, live: &Value) -> Result<Value, ApiError> {
    match live.at("metadata.annotations").field(LAST_APPLIED) {
        Value::String(text) => serde_json::from_str(text)
            .map_err(|e| ApiError::new(Reason::BadRequest, format!("reading {LAST_APPLIED} annotation of {}: {e}", kind.name()))),
        _ => Ok(Value::Null),
    }
}

/// The object that results when `doc` is applied over `live`.
///
/// Errors: as [`apply_patch`], and where the patch makes no sense.
pub fn apply(kind: Kind, live: &Value, doc: &Value) -> Result<Value, ApiError> {
    patched(kind, live, &apply_patch(kind, live, doc)?)
}

/// `live` with a patch of [`apply_patch`] carried out; kinds of CRDs are patched by plain merge patches.
///
/// Errors: where the patch makes no sense.
pub fn patched(kind: Kind, live: &Value, patch: &Value) -> Result<Value, ApiError> {
    let mut result = live.clone();
    if kind.is_crd() {
        super::merge(&mut result, patch);
    } else {
        super::strategic(kind, &mut result, patch)?;
    }
    Ok(result)
}

/// `doc` with its last-applied annotation, as a first apply creates it: the document itself, compact, with an empty
/// annotation map where it has none, and a newline behind it.
pub fn with_last_applied(doc: &Value) -> Value {
    let mut plain = doc.clone();
    if let Value::Object(annotations) = plain.slot("metadata.annotations") {
        annotations.remove(LAST_APPLIED);
    } else {
        plain.set("metadata.annotations", crate::json!({}));
    }
    let mut text = crate::json::as_go(&plain);
    text.push('\n');
    if let Value::Object(annotations) = plain.slot("metadata.annotations") {
        annotations.insert(LAST_APPLIED.to_owned(), text.into());
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    fn deployment(extra: Value) -> Value {
        let mut doc =
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "inflate", "namespace": "default"}});
        doc.set("spec", extra);
        doc
    }

    /// Applies `first`, lets the cluster make `change`, applies `second`.
    fn check(kind: Kind, first: Value, change: Value, second: Value, want: Value) {
        let mut live = with_last_applied(&deployment(first));
        crate::patch::merge(&mut live, &json!({ "spec": change }));
        let got = apply(kind, &live, &deployment(second)).unwrap();
        assert_eq!(got.at("spec"), &want);
    }

    #[test]
    fn keeps_what_others_set_and_drops_what_was_applied_before() {
        // Scaled by hand, then applied without replicas in both documents: the scale stays.
        check(Kind::Deployment, json!({"a": 1}), json!({"replicas": 5}), json!({"a": 2}), json!({"a": 2, "replicas": 5}));
        // Applied before, left out now: it goes.
        check(
            Kind::Deployment,
            json!({"a": 1, "b": {"c": 1}}),
            json!({"b": {"d": 2}}),
            json!({"a": 1, "b": {}}),
            json!({"a": 1, "b": {"d": 2}}),
        );
        // Scaled by hand, then applied with replicas: the document wins.
        check(Kind::Deployment, json!({"replicas": 0}), json!({"replicas": 5}), json!({"replicas": 0}), json!({"replicas": 0}));
        // null in the document removes.
        check(Kind::Deployment, json!({}), json!({"x": 1}), json!({"x": null}), json!({}));
    }

    #[test]
    fn merges_containers_by_name() {
        let c = |image: &str| json!({"template": {"spec": {"containers": [{"name": "a", "image": image}]}}});
        check(
            Kind::Deployment,
            c("x"),
            json!({"template": {"spec": {"containers": [{"name": "a", "image": "x", "imagePullPolicy": "Always"}, {"name": "side"}]}}}),
            c("y"),
            json!({"template": {"spec": {"containers": [{"name": "a", "image": "y", "imagePullPolicy": "Always"}, {"name": "side"}]}}}),
        );
        // Kinds of CRDs have lists without keys.
        check(
            Kind::NodePool,
            json!({"taints": [{"key": "a"}]}),
            json!({}),
            json!({"taints": [{"key": "b"}]}),
            json!({"taints": [{"key": "b"}]}),
        );
    }

    #[test]
    fn applying_the_same_twice_changes_nothing() {
        let doc = deployment(json!({"replicas": 0}));
        let live = with_last_applied(&doc);
        assert_eq!(apply(Kind::Deployment, &live, &doc).unwrap(), live);
        let text = live.at("metadata.annotations").field(LAST_APPLIED).as_str().unwrap();
        assert_eq!(
            text,
            "{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"annotations\":{},\"name\":\"inflate\",\"namespace\":\"default\"},\"spec\":{\"replicas\":0}}\n"
        );
    }
}
