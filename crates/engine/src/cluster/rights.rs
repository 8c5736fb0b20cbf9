//! What each verb needs to be allowed, as manifests for RBAC, and whether a server allows it. The manifests are the only list
//! of it: what they grant is what is asked for at the start.

use super::observe::{ObserveError, Refusal};
use futures::{StreamExt, TryStreamExt};
use kube::Client;
use objects::collections::VecMap;
use objects::{DocExt, Value, json, yaml};
use std::fmt;

/// Where the manifests put their service accounts, and the Lease of those that act.
pub const NAMESPACE: &str = "kube-system";

/// Questions that are under way at once.
const AT_ONCE: usize = 16;

/// Who needs rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Observe,
    /// The page of `observe --web`: what is watched, and what its plans read.
    ObserveWeb,
    /// The export and the rehearsal of acting need the same.
    Plan,
    Act,
    /// Acting where another Karpenter makes the machines.
    ActNodeClaim,
}

impl Verb {
    /// ServiceAccount, roles and bindings as YAML, with the account and the Lease in `namespace`.
    pub fn manifest(self, namespace: &str) -> String {
        let text = match self {
            Verb::Observe => include_str!("../../../../deploy/rbac/observe.yaml"),
            Verb::ObserveWeb => include_str!("../../../../deploy/rbac/observe-web.yaml"),
            Verb::Plan => include_str!("../../../../deploy/rbac/plan.yaml"),
            Verb::Act => include_str!("../../../../deploy/rbac/act.yaml"),
            Verb::ActNodeClaim => include_str!("../../../../deploy/rbac/act-nodeclaim.yaml"),
        };
        text.replace(&format!("namespace: {NAMESPACE}"), &format!("namespace: {namespace}"))
    }

    /// What the manifest grants, one by one.
    pub fn rights(self, namespace: &str) -> Vec<Right> {
        let documents = yaml::parse(&self.manifest(namespace)).documents;
        documents.iter().flat_map(|d| granted(&d.value)).collect()
    }
}

/// One request that a rule of RBAC allows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    pub group: String,
    pub resource: String,
    pub subresource: String,
    pub verb: String,
    /// The only object that it is about; any, where it is empty.
    pub name: String,
    /// The only namespace; all, where it is empty.
    pub namespace: String,
}

impl Right {
    /// What it is about: `nodeclaims.karpenter.sh/status`.
    fn object(&self) -> String {
        let mut out = self.resource.clone();
        for (mark, part) in [('.', &self.group), ('/', &self.subresource), (' ', &self.name)] {
            if !part.is_empty() {
                out.push(mark);
                out.push_str(part);
            }
        }
        if !self.namespace.is_empty() {
            out.push_str(&format!(" in {}", self.namespace));
        }
        out
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.object())
    }
}

/// Rights in few words: `get, list nodes; create pods/eviction`.
pub fn words(rights: &[Right]) -> String {
    let mut verbs: VecMap<String, Vec<&str>> = VecMap::new();
    for right in rights {
        verbs.entry(right.object()).or_default().push(&right.verb);
    }
    let one = |(object, verbs): (&String, &Vec<&str>)| format!("{} {object}", verbs.join(", "));
    verbs.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// What a ClusterRole or Role allows; nothing for other documents.
fn granted(role: &Value) -> Vec<Right> {
    let namespace = match role.str_at("kind") {
        Some("ClusterRole") => "",
        Some("Role") => role.str_at("metadata.namespace").unwrap_or_default(),
        _ => return Vec::new(),
    };
    let mut out = Vec::new();
    for rule in role.list_at("rules") {
        let list = |field: &str| rule.list_at(field).iter().filter_map(Value::as_str);
        let names: Vec<&str> = match rule.list_at("resourceNames") {
            [] => vec![""],
            _ => list("resourceNames").collect(),
        };
        for group in list("apiGroups") {
            for whole in list("resources") {
                let (resource, subresource) = whole.split_once('/').unwrap_or((whole, ""));
                for verb in list("verbs") {
                    out.extend(names.iter().map(|name| Right {
                        group: group.to_owned(),
                        resource: resource.to_owned(),
                        subresource: subresource.to_owned(),
                        verb: verb.to_owned(),
                        name: (*name).to_owned(),
                        namespace: namespace.to_owned(),
                    }));
                }
            }
        }
    }
    out
}

/// Which of the rights the server does not give this user, in their order.
///
/// # Errors
/// A server that does not answer, or will not say.
pub async fn missing(client: &Client, rights: Vec<Right>) -> Result<Vec<Right>, ObserveError> {
    let asked = futures::stream::iter(rights).map(|right| async move {
        let allowed = is_allowed(client, &right).await?;
        Ok::<_, ObserveError>((!allowed).then_some(right))
    });
    let answers: Vec<Option<Right>> = asked.buffered(AT_ONCE).try_collect().await?;
    Ok(answers.into_iter().flatten().collect())
}

/// What the authorizers say, whichever they are: a list of the user's rules may be incomplete.
async fn is_allowed(client: &Client, right: &Right) -> Result<bool, ObserveError> {
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {
            "group": right.group, "resource": right.resource, "subresource": right.subresource, "verb": right.verb,
            "name": right.name, "namespace": right.namespace}},
    });
    let request = http::Request::post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews")
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(review.to_string().into_bytes())
        .map_err(|e| ObserveError::Runtime(e.to_string()))?;
    match client.request::<Value>(request).await.map_err(Refusal::from) {
        Ok(answer) => Ok(answer.bool_at("status.allowed").unwrap_or(false)),
        Err(Refusal::Absent) => Err(ObserveError::Unreachable("it has no SelfSubjectAccessReviews".to_owned())),
        Err(Refusal::Forbidden(message) | Refusal::Failed(message)) => Err(ObserveError::Unreachable(message)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::observe::{PLANNED, READ};
    use objects::Kind;

    fn listed(verb: Verb, word: &str) -> Vec<String> {
        let rights = verb.rights(NAMESPACE);
        let mut names: Vec<String> = rights
            .iter()
            .filter(|r| r.verb == word && r.resource != "leases")
            .map(|r| format!("{}.{}", r.resource, r.group))
            .collect();
        names.sort();
        names
    }

    fn plurals(kinds: impl Iterator<Item = Kind>) -> Vec<String> {
        let mut names: Vec<String> = kinds.map(|k| format!("{}.{}", k.info().plural, k.info().group)).collect();
        names.sort();
        names
    }

    #[test]
    fn the_manifests_list_what_is_read() {
        let all = plurals(READ.into_iter().chain(PLANNED));
        assert_eq!(listed(Verb::Observe, "list"), plurals(READ.into_iter()));
        assert_eq!(listed(Verb::Plan, "list"), all);
        for verb in [Verb::Act, Verb::ActNodeClaim] {
            assert_eq!(listed(verb, "list"), all);
            assert_eq!(listed(verb, "watch"), all);
        }
        assert_eq!(listed(Verb::Observe, "watch"), plurals(READ.into_iter()));
        let with_events = || Some(Kind::Event).into_iter();
        assert_eq!(listed(Verb::ObserveWeb, "list"), plurals(READ.into_iter().chain(PLANNED).chain(with_events())));
        assert_eq!(listed(Verb::ObserveWeb, "watch"), plurals(READ.into_iter().chain(with_events())));
        let both = &["list", "watch"][..];
        for (verb, reads) in [(Verb::Observe, both), (Verb::ObserveWeb, both), (Verb::Plan, &["list"])] {
            assert!(verb.rights(NAMESPACE).iter().all(|r| reads.contains(&r.verb.as_str())), "{verb:?} writes");
        }
    }

    #[test]
    fn a_role_is_the_product_of_its_rules() {
        let role = json!({"kind": "Role", "metadata": {"namespace": "n"}, "rules": [
            {"apiGroups": [""], "resources": ["pods", "pods/eviction"], "verbs": ["get", "create"]},
            {"apiGroups": ["g"], "resources": ["leases"], "resourceNames": ["a", "b"], "verbs": ["update"]}]});
        let rights = granted(&role);
        let text: Vec<String> = rights.iter().map(Right::to_string).collect();
        assert_eq!(
            text,
            [
                "get pods in n",
                "create pods in n",
                "get pods/eviction in n",
                "create pods/eviction in n",
                "update leases.g a in n",
                "update leases.g b in n",
            ]
        );
        assert_eq!(words(&rights[..3]), "get, create pods in n; get pods/eviction in n");
        assert_eq!(granted(&json!({"kind": "ServiceAccount"})), []);
    }

    #[test]
    fn another_namespace_is_in_all_of_it() {
        let manifest = Verb::Act.manifest("autoscaling");
        assert!(!manifest.contains(NAMESPACE), "{manifest}");
        assert!(!Verb::ActNodeClaim.manifest("autoscaling").contains(NAMESPACE));
        assert!(Verb::Act.rights("autoscaling").iter().any(|r| r.to_string().ends_with(" nodewright-act in autoscaling")));
    }
}
