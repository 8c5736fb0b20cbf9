//! Reads nodes, pods and Karpenter's objects of a real API server once, into a [`Store`].

use crate::{Era, SimTime, Store};
use kube::api::{Api, ApiResource, DynamicObject, ListParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use objects::collections::VecSet;
use objects::{DocExt, Kind};
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

const READ: [Kind; 8] = [
    Kind::Node,
    Kind::Pod,
    Kind::NodePool,
    Kind::NodeClaim,
    Kind::EC2NodeClass,
    Kind::Provisioner,
    Kind::Machine,
    Kind::AWSNodeTemplate,
];

/// Reads the cluster once. Nodes must be readable; everything else that is missing or forbidden becomes a note.
///
/// # Errors
/// No usable kubeconfig, or an API server that does not answer or refuses the list of nodes.
pub fn observe(options: &Options) -> Result<Observed, ObserveError> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| ObserveError::Runtime(e.to_string()))?;
    runtime.block_on(read_all(options))
}

async fn read_all(options: &Options) -> Result<Observed, ObserveError> {
    let client = connect(options).await?;
    let mut observed = Observed { store: Store::default(), era: Era::V1, notes: Vec::new() };
    let mut absent = VecSet::new();
    for kind in READ {
        match read_kind(&client, kind, &mut observed.store).await {
            Ok(()) => {}
            // A server without the resource answers 404: that Karpenter is not installed, which is no fault.
            Err(Refusal::Absent) => {
                absent.insert(kind);
            }
            Err(Refusal::Forbidden(message)) if kind != Kind::Node => observed
                .notes
                .push(format!("no permission to list {}: {message} (grant the verb list on it to see them)", kind.resource())),
            Err(Refusal::Forbidden(message) | Refusal::Failed(message)) => return Err(ObserveError::Unreachable(message)),
        }
    }
    if absent.contains(&Kind::NodePool) {
        if absent.contains(&Kind::Provisioner) {
            observed.notes.push("the server has no Karpenter API: neither NodePools nor Provisioners".to_owned());
        } else {
            observed.era = Era::V1alpha5;
        }
    }
    Ok(observed)
}

async fn connect(options: &Options) -> Result<Client, ObserveError> {
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
    config.read_timeout = Some(PATIENCE);
    Client::try_from(config).map_err(|e| ObserveError::Unreachable(chain(&e)))
}

enum Refusal {
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

/// An error with its causes: the outer text alone (`ServiceError`) tells nobody that the connection was refused.
fn chain(error: &dyn std::error::Error) -> String {
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

async fn read_kind(client: &Client, kind: Kind, store: &mut Store) -> Result<(), Refusal> {
    let info = kind.info();
    let resource = ApiResource {
        group: info.group.to_owned(),
        version: info.version.to_owned(),
        api_version: kind.api_version(),
        kind: info.kind.to_owned(),
        plural: info.plural.to_owned(),
    };
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
    let mut params = ListParams::default().limit(PAGE);
    loop {
        let page = api.list(&params).await?;
        for object in page.items {
            if let Ok(mut doc) = serde_json::to_value(&object) {
                // Lists leave out what every item has in common.
                doc.set("apiVersion", kind.api_version());
                doc.set("kind", info.kind);
                store.put(kind, doc, SimTime::ZERO);
            }
        }
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => return Ok(()),
        }
    }
}
