//! What users have asked of the API server, from its audit log.

use super::control_plane::Cluster;
use engine::cluster::Right;
use objects::{DocExt, Value, json};

/// Requests of users of this group are written down, and no others.
pub const GROUP: &str = "audited";

pub fn policy() -> Value {
    json!({"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"],
        "rules": [{"level": "Metadata", "userGroups": [GROUP]}, {"level": "None"}]})
}

/// A request as RBAC sees it, and the status of the answer.
#[derive(Clone, Debug)]
pub struct Request {
    pub user: String,
    pub verb: String,
    pub group: String,
    pub resource: String,
    pub subresource: String,
    pub name: String,
    pub namespace: String,
    pub code: i64,
}

impl Cluster {
    /// A kubeconfig for a user whose requests are written down.
    pub fn audited(&self, user: &str) -> anyhow::Result<String> {
        self.kubeconfig_in(user, Some(GROUP))
    }

    /// All that users whose names begin so have asked of objects.
    pub fn requests_of(&self, user: &str) -> Vec<Request> {
        let log = std::fs::read_to_string(self.audit_log()).unwrap_or_default();
        let whose = format!("\"username\":\"{user}");
        let events = log.lines().filter(|l| l.contains(&whose)).filter_map(|l| serde_json::from_str::<Value>(l).ok());
        let request = |event: Value| {
            let text = |path: &str| event.str_at(path).unwrap_or_default().to_owned();
            Request {
                user: text("user.username"),
                verb: text("verb"),
                group: text("objectRef.apiGroup"),
                resource: text("objectRef.resource"),
                subresource: text("objectRef.subresource"),
                name: text("objectRef.name"),
                namespace: text("objectRef.namespace"),
                code: event.int_at("responseStatus.code").unwrap_or(0),
            }
        };
        events.map(request).filter(|r| !r.resource.is_empty()).collect()
    }

    /// Whether the server would let the user do this.
    pub fn may(&self, user: &str, right: &Right) -> bool {
        let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": {
            "user": user, "resourceAttributes": {
                "group": right.group, "resource": right.resource, "subresource": right.subresource, "verb": right.verb,
                "name": right.name, "namespace": right.namespace}}});
        let request = http::Request::post("/apis/authorization.k8s.io/v1/subjectaccessreviews")
            .header("content-type", "application/json")
            .body(review.to_string().into_bytes())
            .expect("a request");
        let answer: Value = self.block_on(self.client.request(request)).expect("the administrator may ask");
        answer.bool_at("status.allowed").unwrap_or(false)
    }
}
