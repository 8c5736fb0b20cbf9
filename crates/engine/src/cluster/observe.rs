//! Reads a real API server once: nodes, pods and Karpenter's objects into a [`Store`] to look at, or all that a plan rests
//! on into a [`Dump`].

use super::Dump;
use super::watch::STANDS;
use crate::{Era, SimTime, Store};
use kube::api::{Api, ApiResource, DynamicObject, ListParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use objects::collections::VecSet;
use objects::{DocExt, Kind, Value};
use std::time::Duration;

/// Which cluster, as kubectl's flags of the same names say it.
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub context: Option<String>,
    pub kubeconfig: Option<String>,
}

/// What was read.
#[derive(Debug)]
pub struct Observed {
    pub store: Store,
    /// The era whose API the server has; `V1` where it has no Karpenter at all.
    pub era: Era,
    /// What could not be read, one sentence each: which kind, and what to do about it.
    pub notes: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum ObserveError {
    #[error("cannot read the kubeconfig: {0} (set KUBECONFIG, or pass --kubeconfig and --context)")]
    Config(String),
    #[error("cannot read the cluster: {0}")]
    Unreachable(String),
    #[error("cannot start: {0}")]
    Runtime(String),
}

/// Objects per list request: large enough for few round trips, small enough for a big cluster's memory.
const PAGE: u32 = 500;
/// A connection or a page that takes longer than this counts as unreachable.
const PATIENCE: Duration = Duration::from_secs(30);

/// The ConfigMap with the settings of Karpenter 0.29 to 0.31.
pub(super) const SETTINGS: &str = "karpenter-global-settings";

pub(super) const READ: [Kind; 8] = [
    Kind::Node,
    Kind::Pod,
    Kind::NodePool,
    Kind::NodeClaim,
    Kind::EC2NodeClass,
    Kind::Provisioner,
    Kind::Machine,
    Kind::AWSNodeTemplate,
];

/// What a plan rests on beside [`READ`].
pub(super) const PLANNED: [Kind; 12] = [
    Kind::KWOKNodeClass,
    Kind::Deployment,
    Kind::ReplicaSet,
    Kind::StatefulSet,
    Kind::DaemonSet,
    Kind::PodDisruptionBudget,
    Kind::PriorityClass,
    Kind::Namespace,
    Kind::PersistentVolumeClaim,
    Kind::PersistentVolume,
    Kind::StorageClass,
    Kind::ConfigMap,
];

/// Reads the cluster once. Nodes must be readable; everything else that is missing or forbidden becomes a note.
///
/// # Errors
/// No usable kubeconfig, or an API server that does not answer or refuses the list of nodes.
pub fn observe(options: &Options) -> Result<Observed, ObserveError> {
    runtime()?.block_on(read_all(options))
}

/// The name of the kubeconfig's context; `None` where there is no kubeconfig, as in a pod.
pub fn context(options: &Options) -> Option<String> {
    let read = || match &options.kubeconfig {
        Some(path) => Kubeconfig::read_from(path).ok(),
        None => Kubeconfig::read().ok(),
    };
    options.context.clone().or_else(|| read()?.current_context)
}

pub(super) fn runtime() -> Result<tokio::runtime::Runtime, ObserveError> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| ObserveError::Runtime(e.to_string()))
}

/// Waits for SIGINT or SIGTERM.
pub(super) async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
        return std::future::pending().await;
    };
    futures::future::select(Box::pin(term.recv()), Box::pin(int.recv())).await;
}

/// Reads all that a plan rests on. As with [`observe`], only the nodes must be readable.
///
/// # Errors
/// As [`observe`].
pub fn read(options: &Options) -> Result<Dump, ObserveError> {
    let mut dump = Dump::default();
    let kinds: Vec<Kind> = READ.into_iter().chain(PLANNED).collect();
    let mut docs = Vec::new();
    let (notes, _) = runtime()?.block_on(read_kinds(options, &kinds, &mut |_, doc| docs.push(doc)))?;
    for doc in docs {
        // What a server lists has a name.
        let _ = dump.add("the API server", doc);
    }
    dump.notes = notes;
    Ok(dump)
}

async fn read_all(options: &Options) -> Result<Observed, ObserveError> {
    let mut observed = Observed { store: Store::default(), era: Era::V1, notes: Vec::new() };
    let store = &mut observed.store;
    let mut put = |kind: Kind, doc: Value| {
        store.put(kind, doc, SimTime::ZERO);
    };
    let (notes, absent) = read_kinds(options, &READ, &mut put).await?;
    observed.notes = notes;
    let (era, note) = era(&|kind| absent.contains(&kind));
    observed.era = era;
    observed.notes.extend(note.map(str::to_owned));
    Ok(observed)
}

/// The era whose API the server has, and what to say where it has none.
pub(super) fn era(absent: &dyn Fn(Kind) -> bool) -> (Era, Option<&'static str>) {
    match (absent(Kind::NodePool), absent(Kind::Provisioner)) {
        (true, true) => (Era::V1, Some("the server has no Karpenter API: neither NodePools nor Provisioners")),
        (true, false) => (Era::V1alpha5, None),
        (false, _) => (Era::V1, None),
    }
}

/// Lists the kinds one after the other. Gives one sentence for each that may not be read, and the kinds that the server has
/// not: that Karpenter is not installed is no fault.
async fn read_kinds(
    options: &Options,
    kinds: &[Kind],
    put: &mut dyn FnMut(Kind, Value),
) -> Result<(Vec<String>, VecSet<Kind>), ObserveError> {
    let client = connect(options).await?;
    let (mut notes, mut absent) = (Vec::new(), VecSet::new());
    for kind in kinds.iter().copied() {
        match read_kind(&client, kind, put).await {
            Ok(()) => {}
            Err(Refusal::Absent) => {
                absent.insert(kind);
            }
            Err(Refusal::Forbidden(message)) if kind != Kind::Node => {
                notes.push(no_permission("list", kind, &message));
            }
            Err(Refusal::Forbidden(message) | Refusal::Failed(message)) => return Err(ObserveError::Unreachable(message)),
        }
    }
    Ok((notes, absent))
}

pub(super) fn no_permission(verb: &str, kind: Kind, message: &str) -> String {
    format!("no permission to {verb} {}: {message} (grant the verb {verb} on it to see them)", kind.resource())
}

pub(super) async fn connect(options: &Options) -> Result<Client, ObserveError> {
    client(patient(options).await?)
}

/// A client that hands on every answer as it comes. The usual one asks again by itself where the answer is 429, for minutes, and
/// whoever waits for it does nothing else.
pub(super) async fn plain(options: &Options) -> Result<Client, ObserveError> {
    let mut config = patient(options).await?;
    config.default_retry = false;
    client(config)
}

async fn patient(options: &Options) -> Result<Config, ObserveError> {
    let mut config = config(options).await?;
    config.read_timeout = Some(PATIENCE);
    Ok(config)
}

/// A client for watches, which are quiet for as long as nothing happens. Whoever watches asks again himself.
pub(super) async fn watching(options: &Options) -> Result<Client, ObserveError> {
    let mut config = config(options).await?;
    config.read_timeout = Some(STANDS + PATIENCE);
    config.default_retry = false;
    client(config)
}

fn client(config: Config) -> Result<Client, ObserveError> {
    Client::try_from(config).map_err(|e| ObserveError::Unreachable(chain(&e)))
}

async fn config(options: &Options) -> Result<Config, ObserveError> {
    let config_error = |e: &dyn std::fmt::Display| ObserveError::Config(e.to_string());
    let named = KubeConfigOptions { context: options.context.clone(), ..KubeConfigOptions::default() };
    let mut config = match &options.kubeconfig {
        Some(path) => {
            let file = Kubeconfig::read_from(path).map_err(|e| config_error(&e))?;
            Config::from_custom_kubeconfig(file, &named).await.map_err(|e| config_error(&e))?
        }
        None if options.context.is_some() => Config::from_kubeconfig(&named).await.map_err(|e| config_error(&e))?,
        None => Config::infer().await.map_err(|e| config_error(&e))?,
    };
    config.connect_timeout = Some(PATIENCE);
    Ok(config)
}

#[derive(Debug)]
pub(super) enum Refusal {
    Absent,
    Forbidden(String),
    Failed(String),
}

impl From<kube::Error> for Refusal {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) if status.code == 404 => Refusal::Absent,
            kube::Error::Api(status) if status.code == 403 => Refusal::Forbidden(status.message.clone()),
            kube::Error::Api(status) => Refusal::Failed(status.message.clone()),
            other => Refusal::Failed(chain(&other)),
        }
    }
}

pub(super) fn unreachable(error: kube::Error) -> ObserveError {
    ObserveError::Unreachable(match Refusal::from(error) {
        Refusal::Absent => "it has no nodes".to_owned(),
        Refusal::Forbidden(message) | Refusal::Failed(message) => message,
    })
}

/// An error with its causes: the outer text alone (`ServiceError`) tells nobody that the connection was refused.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(e) = cause {
        let more = e.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = e.source();
    }
    text
}

/// How a server names the resource of a kind.
pub(super) fn resource(kind: Kind) -> ApiResource {
    let info = kind.info();
    ApiResource {
        group: info.group.to_owned(),
        version: info.version.to_owned(),
        api_version: kind.api_version(),
        kind: info.kind.to_owned(),
        plural: info.plural.to_owned(),
    }
}

pub(super) async fn read_kind(client: &Client, kind: Kind, put: &mut dyn FnMut(Kind, Value)) -> Result<(), Refusal> {
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource(kind));
    let mut params = ListParams::default().limit(PAGE);
    if kind == Kind::ConfigMap {
        // Of the user's settings and secrets none is looked at.
        params = params.fields(&format!("metadata.name={SETTINGS}"));
    }
    loop {
        let page = api.list(&params).await?;
        for object in page.items {
            if let Ok(mut doc) = serde_json::to_value(&object) {
                // Lists leave out what every item has in common.
                doc.set("apiVersion", kind.api_version());
                doc.set("kind", kind.name());
                put(kind, doc);
            }
        }
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => return Ok(()),
        }
    }
}
