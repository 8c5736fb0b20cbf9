//! A dump as a world that goes on: the objects as they are, an instance behind each node, a market of the zones that are in
//! use, and stand-ins for what the dump has not. Karpenter works on it from outside.

mod carried;
mod cloud;
pub(super) mod prices;
pub(super) mod slim;
mod workloads;

#[cfg(all(feature = "kube", not(target_arch = "wasm32")))]
pub(super) use cloud::{instances, stand_in_class};

use super::Dump;
use crate::controllers::Names;
use crate::profile::Profile;
use crate::session::{Parts, World};
use crate::{Era, SimTime};
use objects::collections::VecSet;
use objects::{Api, DocExt, Kind, ObjectKey, Provider, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a dump does not say itself.
#[derive(Clone, Debug, Default)]
pub struct Choices {
    /// When the cluster was as the dump says, Unix milliseconds.
    pub at_ms: i64,
    /// Seed of what is drawn: which of equal pools the cloud serves, and how long machines take to boot.
    pub seed: u64,
    /// Region of prices and types; that of the nodes where it is left out.
    pub region: Option<String>,
    /// The instance types file of Karpenter's kwok provider; the types that it is built with where it is left out.
    pub types: Option<String>,
    /// A region that is not built in, and its packed text.
    pub prices: Option<(String, Arc<str>)>,
}

#[derive(Clone, Debug)]
pub struct Adopted {
    pub world: World,
    /// The region of the prices; empty where there are none.
    pub region: String,
    /// What could not be read or priced, and what was assumed instead.
    pub notes: Vec<String>,
}

/// Objects by kind and name.
type Objects = BTreeMap<ObjectKey, Value>;

const KWOK_CLASS: &str = "KWOKNodeClass";

/// How long before the dump the world's time begins, so that what happened shortly before has a time of its own.
const HINDSIGHT_MS: u64 = 3_600_000;

/// The namespaces that Karpenter's charts are installed in, as its guides have them: settings are read there.
const NAMESPACES: [&str; 2] = ["karpenter", "kube-system"];

/// The world that begins with the dump. Nothing in a dump is fatal: what cannot be used becomes a note.
pub fn adopt(dump: Dump, choices: &Choices) -> Adopted {
    let era = dump.era();
    let api = Api { era, provider: provider(&dump) };
    let mut notes = dump.notes.clone();
    notes.extend(missing(&dump, era));
    let mut objects = usable(dump.objects, api);
    namespaces(&mut objects);
    let profile = profile(&objects, api, &mut notes);
    cloud::give_classes(&mut objects, &dump.unread, api, &mut notes);
    carried::translate(&mut objects, era);
    workloads::complete(&mut objects, &mut notes);
    let prices::Found { market, region } = prices::of(&objects, api, choices, &mut notes);
    let instances = cloud::instances(&objects, &market, api);
    let epoch_ms = choices.at_ms.saturating_sub_unsigned(HINDSIGHT_MS);
    let mut world = World::new(profile, Arc::new(market), epoch_ms, choices.seed);
    world.attach(Parts::all());
    world.cluster.now = SimTime(HINDSIGHT_MS);
    // Nodes take their price from their instance, so that one is there first.
    let instances = instances.into_iter().map(|doc| (Kind::Instance, doc));
    world.adopt(instances.chain(objects.into_iter().map(|(key, doc)| (key.kind, doc))));
    Adopted { world, region, notes }
}

/// The kwok provider where pools are of its node class.
fn provider(dump: &Dump) -> Provider {
    provider_of(dump.of(Kind::KWOKNodeClass).chain(dump.of(Kind::NodePool)).map(|(_, doc)| doc))
}

/// The same of documents.
pub(super) fn provider_of<'d>(mut docs: impl Iterator<Item = &'d Value>) -> Provider {
    let is_kwoks = |doc: &'d Value| {
        doc.str_at("kind") == Some(KWOK_CLASS) || doc.str_at("spec.template.spec.nodeClassRef.kind") == Some(KWOK_CLASS)
    };
    if docs.any(is_kwoks) { Provider::Kwok } else { Provider::Aws }
}

/// What bears on where pods go: all that is not the user's data, a record of the past, or work that begins by itself later.
fn usable(objects: Objects, api: Api) -> Objects {
    let is_used = |key: &ObjectKey, doc: &Value| match key.kind {
        Kind::Event | Kind::Lease | Kind::Service | Kind::ServiceAccount => false,
        Kind::CronJob | Kind::HorizontalPodAutoscaler | Kind::Job => false,
        Kind::ConfigMap => key.name == "karpenter-global-settings",
        // Old revisions of a Deployment have nothing to give.
        Kind::ReplicaSet => doc.int_at("spec.replicas") != Some(0) || doc.list_at("metadata.ownerReferences").is_empty(),
        kind => kind.served_in(api),
    };
    let slim = |(key, mut doc): (ObjectKey, Value)| {
        slim::slim(&key, &mut doc);
        (key, doc)
    };
    objects.into_iter().filter(|(key, doc)| is_used(key, doc)).map(slim).collect()
}

/// The namespaces that something is in.
fn namespaces(objects: &mut Objects) {
    let names: VecSet<String> = objects.keys().map(|k| k.namespace.clone()).filter(|n| !n.is_empty()).collect();
    for name in names.iter().map(String::as_str).chain(["default"]) {
        let doc = json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": name, "uid": format!("stand-in-{name}"), "labels": {"kubernetes.io/metadata.name": name}},
            "status": {"phase": "Active"},
        });
        objects.entry(ObjectKey::cluster(Kind::Namespace, name)).or_insert(doc);
    }
}

/// One sentence for each kind whose absence changes what is planned.
fn missing(dump: &Dump, era: Era) -> Vec<String> {
    let mut notes = Vec::new();
    let karpenters = dump.has(Kind::pool(era)) || dump.has(Kind::claim(era));
    if !karpenters {
        notes.push(
            "no NodePool, NodeClaim, Provisioner or Machine was read: no node is Karpenter's, and nothing is planned".to_owned(),
        );
    }
    for (kind, so) in [
        (Kind::Pod, "all nodes count as empty"),
        (Kind::PodDisruptionBudget, "every eviction counts as allowed"),
        (Kind::DaemonSet, "what they take of new nodes is read off their pods"),
        (Kind::Namespace, "they are taken to have no labels but their names"),
    ] {
        if karpenters && !dump.has(kind) {
            notes.push(format!("no {} was read: {so}", kind.name()));
        }
    }
    let owned = |(_, node): (&ObjectKey, &Value)| !node.at("metadata.labels").field(Names::of(era).pool_label).is_null();
    if karpenters && !dump.has(Kind::claim(era)) && dump.of(Kind::Node).any(owned) {
        let names = (Kind::claim(era).name(), Kind::pool(era).name());
        notes.push(format!(
            "no {} was read, but {}s: nodes stay as they are, since nothing says which are whose",
            names.0, names.1
        ));
    }
    for ((version, kind), n) in dump.unread.iter().filter(|((version, _), _)| version.starts_with("karpenter.sh/")) {
        notes.push(format!("{n} {kind} of {version} not used: this version of the API is not modelled, only v1alpha5 and v1"));
    }
    notes
}

/// The era's profile, with the namespace in which Karpenter's settings are.
fn profile(objects: &Objects, api: Api, notes: &mut Vec<String>) -> Profile {
    let era = api.era;
    let mut profile = if api.provider == Provider::Kwok { Profile::kwok() } else { Profile::of(era) };
    let (kind, name) = match era {
        Era::V1alpha5 => (Kind::ConfigMap, "karpenter-global-settings"),
        Era::V1 => (Kind::Deployment, "karpenter"),
    };
    let is_there = |namespace: &&&str| objects.contains_key(&ObjectKey::new(kind, namespace, name));
    match NAMESPACES.iter().find(is_there) {
        Some(namespace) => profile.karpenter_namespace = namespace,
        None if objects.keys().any(|k| k.kind == Kind::claim(era) || k.kind == Kind::pool(era)) => notes.push(format!(
            "Karpenter's settings are not there ({} {name} in namespace {}): its defaults are assumed",
            kind.name(),
            NAMESPACES.join(" or ")
        )),
        None => {}
    }
    profile
}

/// Writes a field of a map whose name may contain dots.
fn put(map: &mut Value, name: &str, value: impl Into<Value>) {
    if !map.is_object() {
        *map = json!({});
    }
    if let Value::Object(map) = map {
        map.insert(name.to_owned(), value.into());
    }
}

#[cfg(test)]
mod tests;
