//! Intents as calls to an API server. Every write says which version of its object it was decided on; where somebody else has
//! changed the object meanwhile, it is made to fit what is there now.

use super::deputy::{Answer, Version};
use super::own::{self, FleetKind};
use super::rebase::rebase;
use crate::Era;
use crate::actor::Action;
use crate::cluster::observe::{chain, resource};
use kube::Client;
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams, PostParams, Preconditions};
use kube::core::Status;
use objects::{ApiError, DocExt, Kind, ObjectKey, Reason, Value, json};
use std::cell::RefCell;
use std::time::Duration;

/// How often a patch is made to fit before it is given up.
const ATTEMPTS: u32 = 5;
/// Whose fields these are.
pub const MANAGER: &str = "nodewright";

/// Why something was not done.
#[derive(Debug)]
pub enum Failure {
    /// The server has an answer, and it is no.
    Refused(ApiError),
    /// There is no answer, or one (of this code) that says to ask again, after so long if it says when.
    Unanswered { message: String, code: Option<u16>, wait: Option<Duration> },
}

/// An object as those know it who decided.
#[derive(Clone, Debug)]
pub struct Known {
    pub version: Version,
    pub doc: Value,
}

pub struct Hands {
    pub client: Client,
    pub era: Era,
    pub fleet: FleetKind,
    pub identity: String,
    /// The UID of the pod whose eviction was sent last and is not known to be done.
    pub evicting: RefCell<Option<String>>,
}

impl Hands {
    pub fn api(&self, kind: Kind, namespace: &str) -> Api<DynamicObject> {
        match kind.namespaced() && !namespace.is_empty() {
            true => Api::namespaced_with(self.client.clone(), namespace, &resource(kind)),
            false => Api::all_with(self.client.clone(), &resource(kind)),
        }
    }

    /// Does what the action says. `known` is its object, as far as there is one.
    pub async fn carry_out(&self, action: &Action, known: Option<&Known>) -> Result<Answer, Failure> {
        match action {
            Action::Create(doc) => self.create(doc).await,
            Action::Patch { key, patch } => self.patch(key, patch, known.ok_or_else(|| gone(key))?).await,
            Action::Delete { key, grace_s } => self.delete(key, *grace_s, known.ok_or_else(|| gone(key))?).await,
            Action::Evict { pod, grace_s } => self.evict(pod, *grace_s, known.ok_or_else(|| gone(pod))?).await,
            // kube-scheduler's own, and what is not for servers.
            Action::Bind { .. } | Action::Event(_) | Action::Log(_) | Action::Decide(_) => Ok(Answer::Done),
        }
    }

    async fn create(&self, doc: &Value) -> Result<Answer, Failure> {
        let mut doc = doc.clone();
        own::write(&mut doc, self.era, self.fleet);
        let text = |path: &str| doc.str_at(path).unwrap_or_default();
        let Some(kind) = Kind::of(text("apiVersion"), text("kind")) else { return Ok(Answer::Done) };
        let api = self.api(kind, text("metadata.namespace"));
        let name = text("metadata.name").to_owned();
        let Ok(object) = serde_json::from_value::<DynamicObject>(doc) else { return Ok(Answer::Done) };
        let params = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
        match api.create(&params, &object).await {
            Ok(made) => Ok(shown(made)),
            Err(error) => match failure(error) {
                // The answer to an earlier attempt may have been lost.
                Failure::Refused(e) if e.reason == Reason::AlreadyExists => match api.get_opt(&name).await.map_err(failure)? {
                    Some(there) if self.has_made(&there) => Ok(shown(there)),
                    _ => Err(Failure::Refused(e)),
                },
                other => Err(other),
            },
        }
    }

    fn has_made(&self, object: &DynamicObject) -> bool {
        let annotations = object.metadata.annotations.as_ref();
        annotations.and_then(|a| a.get(own::MADE_BY)).is_some_and(|by| *by == self.identity)
    }

    /// `status` goes its own way, as a subresource.
    async fn patch(&self, key: &ObjectKey, patch: &Value, known: &Known) -> Result<Answer, Failure> {
        let mut known = known.clone();
        let mut rest = patch.clone();
        rest.remove_at("status");
        let status = patch.at("status");
        let mut answer = Answer::Done;
        if rest.as_object().is_some_and(|m| !m.is_empty()) {
            answer = self.patch_part(key, rest, false, &mut known).await?;
        }
        if !status.is_null() && !matches!(answer, Answer::Gone) {
            answer = self.patch_part(key, json!({"status": status}), true, &mut known).await?;
        }
        Ok(answer)
    }

    async fn patch_part(&self, key: &ObjectKey, mut part: Value, status: bool, known: &mut Known) -> Result<Answer, Failure> {
        let api = self.api(key.kind, &key.namespace);
        let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
        let mut attempt = 1;
        loop {
            let mut sent = part.clone();
            own::write(&mut sent, self.era, self.fleet);
            sent.set("metadata.resourceVersion", known.version.resource.as_str());
            sent.set("metadata.uid", known.version.uid.as_str());
            let patch = Patch::Merge(&sent);
            let done = match status {
                true => api.patch_status(&key.name, &params, &patch).await,
                false => api.patch(&key.name, &params, &patch).await,
            };
            let conflict = match done.map_err(failure) {
                Ok(object) => {
                    let answer = shown(object);
                    if let Answer::Object(doc) = &answer {
                        *known = self.known(doc.clone());
                    }
                    return Ok(answer);
                }
                Err(Failure::Refused(e)) if e.reason == Reason::Conflict && attempt < ATTEMPTS => e,
                Err(other) => return Err(other),
            };
            attempt += 1;
            let Some(there) = api.get_opt(&key.name).await.map_err(failure)? else { return Err(gone(key)) };
            let fresh = self.known(value(there));
            if fresh.version.uid != known.version.uid {
                return Err(Failure::Refused(conflict));
            }
            part = rebase(&part, &known.doc, &fresh.doc);
            *known = fresh;
        }
    }

    fn known(&self, mut doc: Value) -> Known {
        let text = |path: &str| doc.str_at(path).unwrap_or_default().to_owned();
        let version = Version { uid: text("metadata.uid"), resource: text("metadata.resourceVersion") };
        own::read(&mut doc, self.era, self.fleet);
        Known { version, doc }
    }

    async fn delete(&self, key: &ObjectKey, grace_s: Option<i64>, known: &Known) -> Result<Answer, Failure> {
        let same = Preconditions { uid: Some(known.version.uid.clone()), resource_version: None };
        let mut params = DeleteParams::default().preconditions(same);
        params.grace_period_seconds = grace_s.and_then(|s| u32::try_from(s).ok());
        match self.api(key.kind, &key.namespace).delete(&key.name, &params).await.map_err(failure) {
            Ok(answer) => Ok(answer.left().map_or(Answer::Gone, shown)),
            Err(Failure::Refused(e)) if e.reason == Reason::NotFound => Ok(Answer::Gone),
            Err(other) => Err(other),
        }
    }

    async fn evict(&self, key: &ObjectKey, grace_s: Option<i64>, known: &Known) -> Result<Answer, Failure> {
        let api = self.api(Kind::Pod, &key.namespace);
        let uid = &known.version.uid;
        // Sent before, and then nothing was heard: what has begun to go is not told again.
        let sent = self.evicting.borrow().as_ref() == Some(uid);
        if sent {
            match api.get_opt(&key.name).await.map_err(failure)? {
                None => return Ok(Answer::Gone),
                Some(pod) if pod.metadata.deletion_timestamp.is_some() => return Ok(shown(pod)),
                Some(_) => {}
            }
        }
        self.evicting.replace(Some(uid.clone()));
        let mut eviction = json!({
            "apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": key.name, "namespace": key.namespace},
            "deleteOptions": {"preconditions": {"uid": known.version.uid}},
        });
        if let Some(grace) = grace_s {
            eviction.set("deleteOptions.gracePeriodSeconds", grace);
        }
        let answer: Result<Value, kube::Error> =
            api.create_subresource("eviction", &key.name, &PostParams::default(), &eviction).await;
        match answer {
            Ok(_) => {}
            // Budgets have their own number, which is not the one of a server that is too busy.
            Err(kube::Error::Api(status)) if status.code == 429 && is_budget(&status) => {
                self.evicting.take();
                return Err(Failure::Refused(ApiError::new(Reason::TooManyRequests, status.message.clone())));
            }
            Err(kube::Error::Api(status)) if status.code == 500 => {
                return Err(Failure::Refused(ApiError::new(Reason::InternalError, status.message.clone())));
            }
            Err(error) => return Err(failure(error)),
        }
        let pod = api.get_opt(&key.name).await.map_err(failure)?;
        self.evicting.take();
        Ok(pod.map_or(Answer::Gone, shown))
    }
}

fn is_budget(status: &Status) -> bool {
    status.details.as_ref().is_some_and(|d| d.causes.iter().any(|c| c.reason == "DisruptionBudget"))
}

fn gone(key: &ObjectKey) -> Failure {
    Failure::Refused(crate::store::exec::not_found(key))
}

pub fn value(object: DynamicObject) -> Value {
    serde_json::to_value(object).unwrap_or_default()
}

/// An object that a server answers with. What is about to go and held by nothing is gone.
fn shown(object: DynamicObject) -> Answer {
    let doc = value(object);
    let held =
        !doc.list_at("metadata.finalizers").is_empty() || doc.int_at("metadata.deletionGracePeriodSeconds").unwrap_or(0) > 0;
    match doc.str_at("metadata.deletionTimestamp").is_some() && !held {
        true => Answer::Gone,
        false => Answer::Object(doc),
    }
}

/// What an error of the client means.
pub fn failure(error: kube::Error) -> Failure {
    let status = match error {
        kube::Error::Api(status) => status,
        other => return Failure::Unanswered { message: chain(&other), code: None, wait: None },
    };
    let reason = match (status.code, status.reason.as_str()) {
        (400, _) => Reason::BadRequest,
        (401 | 403, _) => Reason::Forbidden,
        (404 | 410, _) => Reason::NotFound,
        (409, "AlreadyExists") => Reason::AlreadyExists,
        (409, _) => Reason::Conflict,
        (422, _) => Reason::Invalid,
        (code, _) if code == 429 || code >= 500 => {
            let seconds = status.details.as_ref().map_or(0, |d| d.retry_after_seconds);
            let wait = (seconds > 0).then(|| Duration::from_secs(u64::from(seconds)));
            return Failure::Unanswered { message: format!("{code} {}", status.message), code: Some(code), wait };
        }
        _ => Reason::BadRequest,
    };
    Failure::Refused(ApiError::new(reason, status.message.clone()))
}
