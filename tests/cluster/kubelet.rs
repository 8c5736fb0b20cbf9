//! A stand-in for the kubelets of all nodes: nodes become Ready and keep their Leases, bound pods run, and deleted pods
//! end. Containers do nothing, and stop the moment they are asked to.

use super::api::resource;
use anyhow::{Context, Result};
use futures::{StreamExt, TryStreamExt};
use kube::Client;
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, Preconditions, WatchEvent, WatchParams};
use objects::{DocExt, Kind, Value, json};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;

/// A pod with this annotation takes so many seconds to stop, at most its grace period.
pub const STOPS_AFTER: &str = "nodewright.test/stops-after";

/// As real kubelets do.
const RENEW: Duration = Duration::from_secs(10);
const LEASE_SECONDS: i64 = 40;
const LEASES: &str = "kube-node-lease";
/// Before asking again when the server does not answer.
const PAUSE: Duration = Duration::from_millis(200);

pub struct Kubelets {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

type Nodes = Arc<Mutex<BTreeSet<String>>>;

impl Kubelets {
    /// Works until dropped, through restarts of the server.
    pub fn start(kubeconfig: &str) -> Result<Kubelets> {
        let config = kube::config::Kubeconfig::read_from(kubeconfig).context("read the kubelets' kubeconfig")?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let work = async move {
            let config = kube::Config::from_custom_kubeconfig(config, &kube::config::KubeConfigOptions::default()).await;
            let client = Client::try_from(config.expect("the harness's own kubeconfig")).expect("a client");
            let nodes = Nodes::default();
            tokio::spawn(follow(client.clone(), Kind::Node, {
                let (client, nodes) = (client.clone(), Arc::clone(&nodes));
                move |doc, gone| tokio::spawn(node(client.clone(), Arc::clone(&nodes), doc, gone))
            }));
            tokio::spawn(follow(client.clone(), Kind::Pod, {
                let client = client.clone();
                move |doc, gone| tokio::spawn(pod(client.clone(), doc, gone))
            }));
            tokio::spawn(async move {
                loop {
                    let names: Vec<String> = nodes.lock().expect("no kubelet panics").iter().cloned().collect();
                    for name in names {
                        renew(&client, &name).await;
                    }
                    tokio::time::sleep(RENEW).await;
                }
            });
            // The runtime ends with this, and all tasks with it.
            let _ = stopped.await;
        };
        let thread = std::thread::spawn(move || runtime.block_on(work));
        Ok(Kubelets { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Kubelets {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Shows every object of a kind and each of its changes to `see`; `true` says that it is gone.
async fn follow<T>(client: Client, kind: Kind, see: impl Fn(Value, bool) -> T) {
    let api: Api<DynamicObject> = Api::all_with(client, &resource(kind));
    let show = |object: DynamicObject, gone| drop(serde_json::to_value(object).map(|doc| see(doc, gone)));
    loop {
        if let Ok(list) = api.list(&ListParams::default()).await {
            let version = list.metadata.resource_version.unwrap_or_default();
            list.items.into_iter().for_each(|object| show(object, false));
            if let Ok(changes) = api.watch(&WatchParams::default(), &version).await {
                let mut changes = changes.boxed();
                while let Ok(Some(change)) = changes.try_next().await {
                    match change {
                        WatchEvent::Added(object) | WatchEvent::Modified(object) => show(object, false),
                        WatchEvent::Deleted(object) => show(object, true),
                        WatchEvent::Bookmark(_) => {}
                        WatchEvent::Error(_) => break,
                    }
                }
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn node(client: Client, nodes: Nodes, doc: Value, gone: bool) {
    let name = doc.str_at("metadata.name").unwrap_or_default().to_owned();
    if gone {
        nodes.lock().expect("no kubelet panics").remove(&name);
        return;
    }
    if nodes.lock().expect("no kubelet panics").insert(name.clone()) {
        renew(&client, &name).await;
    }
    let ready =
        doc.list_at("status.conditions").iter().any(|c| c.str_at("type") == Some("Ready") && c.str_at("status") == Some("True"));
    if ready {
        return;
    }
    let now = now();
    let condition = |kind: &str, status: &str, reason: &str, message: &str| {
        json!({"type": kind, "status": status, "reason": reason, "message": message,
            "lastHeartbeatTime": now, "lastTransitionTime": now})
    };
    let conditions = json!([
        condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        condition("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
    ]);
    let status = json!({"status": {"conditions": conditions, "phase": "Running"}});
    let api: Api<DynamicObject> = Api::all_with(client, &resource(Kind::Node));
    // A change in between shows the node again.
    let _ = api.patch_status(&name, &PatchParams::default(), &Patch::Strategic(&status)).await;
}

async fn renew(client: &Client, node: &str) {
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), LEASES, &resource(Kind::Lease));
    let lease = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": node, "namespace": LEASES},
        "spec": {"holderIdentity": node, "leaseDurationSeconds": LEASE_SECONDS, "renewTime": format!("{:.6}", jiff::Timestamp::now())}});
    let _ = api.patch(node, &PatchParams::apply("kubelet").force(), &Patch::Apply(&lease)).await;
}

async fn pod(client: Client, doc: Value, gone: bool) {
    let (Some(name), Some(namespace)) = (doc.str_at("metadata.name"), doc.str_at("metadata.namespace")) else { return };
    if gone || doc.str_at("spec.nodeName").is_none() {
        return;
    }
    let api: Api<DynamicObject> = Api::namespaced_with(client, namespace, &resource(Kind::Pod));
    if doc.str_at("metadata.deletionTimestamp").is_some() {
        let grace = doc.int_at("metadata.deletionGracePeriodSeconds").unwrap_or(0);
        let stops = doc.at("metadata.annotations").get(STOPS_AFTER).and_then(Value::as_str).and_then(|s| s.parse().ok());
        let seconds = u64::try_from(grace.min(stops.unwrap_or(0))).unwrap_or(0);
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        let same = Preconditions { uid: doc.str_at("metadata.uid").map(str::to_owned), resource_version: None };
        let _ = api.delete(name, &DeleteParams::default().grace_period(0).preconditions(same)).await;
        return;
    }
    if doc.str_at("status.phase").is_some_and(|phase| phase != "Pending") {
        return;
    }
    let now = now();
    let condition = |kind: &&str| json!({"type": kind, "status": "True", "lastTransitionTime": now});
    let conditions: Vec<Value> =
        ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady"].iter().map(condition).collect();
    let containers: Vec<Value> = doc
        .list_at("spec.containers")
        .iter()
        .map(|c| {
            json!({"name": c.at("name"), "image": c.at("image"), "imageID": "", "ready": true, "started": true, "restartCount": 0,
            "state": {"running": {"startedAt": now}}})
        })
        .collect();
    let status = json!({"status": {"phase": "Running", "startTime": now, "conditions": conditions, "containerStatuses": containers,
        "hostIP": "127.0.0.1", "podIP": "127.0.0.1"}});
    let _ = api.patch_status(name, &PatchParams::default(), &Patch::Strategic(&status)).await;
}

/// Of this second, as the API writes times.
fn now() -> String {
    format!("{:.0}", jiff::Timestamp::now())
}
