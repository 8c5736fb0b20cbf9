//! What an API server is: objects by kind and name, resource versions, and a log of changes.
//!
//! The store holds no policy: defaulting, validation and admission happen in [`crate::session`]'s request path, and the
//! meaning of finalizers, grace periods and owner references in [`exec`].

pub mod exec;

use crate::SimTime;
use crate::kernel::{Ribbon, stable_hash};
use objects::collections::{VecMap, VecSet};
use objects::{DocExt, Kind, Object, ObjectKey, Value};
use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

/// How many changes the watch log keeps; an older resource version has expired (as HTTP 410 says on a real server).
pub const WATCH_LOG: usize = 20_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Added,
    Modified,
    Deleted,
}

/// One entry of the watch log.
#[derive(Clone, Debug)]
pub struct Change {
    pub revision: u64,
    pub at: SimTime,
    pub op: Op,
    pub object: Arc<Object>,
    /// The object before, where there was one.
    pub old: Option<Arc<Object>>,
}

impl Change {
    pub fn kind(&self) -> Kind {
        self.object.kind
    }

    pub fn key(&self) -> ObjectKey {
        self.object.key()
    }
}

type Name = (String, String);

/// A namespace and a name, or what they are looked up by.
trait Named {
    fn parts(&self) -> (&str, &str);
}

impl Named for Name {
    fn parts(&self) -> (&str, &str) {
        (&self.0, &self.1)
    }
}

impl Named for (&str, &str) {
    fn parts(&self) -> (&str, &str) {
        *self
    }
}

impl<'a> Borrow<dyn Named + 'a> for Name {
    fn borrow(&self) -> &(dyn Named + 'a) {
        self
    }
}

impl PartialEq for dyn Named + '_ {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for dyn Named + '_ {}

impl PartialOrd for dyn Named + '_ {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for dyn Named + '_ {
    fn cmp(&self, other: &Self) -> Ordering {
        self.parts().cmp(&other.parts())
    }
}

type Table = BTreeMap<Name, Arc<Object>>;
type Index = VecMap<String, VecSet<Name>>;

/// What objects are found by beside their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum By {
    /// Pods by the node that they are bound to.
    Node,
    /// Anything by the UID of its controller.
    Controller,
    /// Nodes and claims by provider ID.
    Provider,
    /// Events by the name of the object that they are about.
    About,
}

impl By {
    const ALL: [By; 4] = [By::Node, By::Controller, By::Provider, By::About];

    fn term(self, object: &Object) -> Option<&str> {
        let term = match self {
            By::Node => object.pod().map(|p| p.node_name.as_str()),
            By::Controller => object.meta.controller().map(|o| o.uid.as_str()),
            By::Provider => {
                let of_claim = || object.claim().map(|c| c.provider_id.as_str());
                object.node().map(|n| n.provider_id.as_str()).or_else(of_claim)
            }
            By::About => object.doc.str_at("involvedObject.name").filter(|_| object.kind == Kind::Event),
        };
        term.filter(|t| !t.is_empty())
    }
}

/// All objects. Cloning is cheap (tables are shared until written), so a clone is a snapshot.
#[derive(Clone, Debug)]
pub struct Store {
    tables: VecMap<Kind, Arc<Table>>,
    indexes: VecMap<(By, Kind), Arc<Index>>,
    /// The event of each series (object, reason, message, component, type), so that repetitions are counted.
    events: Arc<BTreeMap<u64, Name>>,
    correlator: Arc<exec::Correlator>,
    kind_revisions: VecMap<Kind, u64>,
    revision: u64,
    log: Ribbon<Arc<Change>>,
    /// Whether the log no longer reaches back to the first revision.
    log_cut: bool,
    hash: u64,
    /// Nobody asks for the hash.
    unhashed: bool,
}

impl Default for Store {
    fn default() -> Store {
        Store {
            tables: VecMap::new(),
            indexes: VecMap::new(),
            events: Arc::default(),
            correlator: Arc::default(),
            kind_revisions: VecMap::new(),
            revision: 0,
            log: Ribbon::new(WATCH_LOG),
            log_cut: false,
            hash: 0,
            unhashed: false,
        }
    }
}

impl Store {
    /// An empty one whose watch log keeps about so many changes.
    pub fn remembering(changes: usize) -> Store {
        Store { log: Ribbon::new(changes), ..Store::default() }
    }

    pub fn get(&self, key: &ObjectKey) -> Option<&Arc<Object>> {
        self.named(key.kind, &key.namespace, &key.name)
    }

    fn named(&self, kind: Kind, namespace: &str, name: &str) -> Option<&Arc<Object>> {
        self.tables.get(&kind)?.get(&(namespace, name) as &dyn Named)
    }

    /// A cluster-scoped object by name.
    pub fn cluster(&self, kind: Kind, name: &str) -> Option<&Arc<Object>> {
        self.named(kind, "", name)
    }

    /// All objects of a kind, by namespace and name.
    pub fn list(&self, kind: Kind) -> impl Iterator<Item = &Arc<Object>> {
        self.tables.get(&kind).into_iter().flat_map(|t| t.values())
    }

    /// Every object, kind by kind.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Object>> {
        self.tables.values().flat_map(|t| t.values())
    }

    pub fn count(&self, kind: Kind) -> usize {
        self.tables.get(&kind).map_or(0, |t| t.len())
    }

    /// The objects of a kind in one namespace, by name.
    pub fn list_in<'s>(&'s self, kind: Kind, namespace: &str) -> impl Iterator<Item = &'s Arc<Object>> {
        // No name is before the empty one.
        let first = (namespace, "");
        let from_there = self.tables.get(&kind).map(|t| {
            let bounds = (Bound::Included(&first as &dyn Named), Bound::Unbounded);
            t.range::<dyn Named + '_, _>(bounds)
        });
        from_there.into_iter().flatten().map_while(move |(name, object)| (name.0 == namespace).then_some(object))
    }

    /// The pods bound to a node, by namespace and name.
    pub fn pods_on(&self, node: &str) -> impl Iterator<Item = &Arc<Object>> {
        self.indexed(By::Node, Kind::Pod, node)
    }

    /// What the object with this UID controls, by namespace and name.
    pub fn controlled_by(&self, kind: Kind, uid: &str) -> impl Iterator<Item = &Arc<Object>> {
        self.indexed(By::Controller, kind, uid)
    }

    /// The nodes or claims of a machine, by name.
    pub fn with_provider_id(&self, kind: Kind, id: &str) -> impl Iterator<Item = &Arc<Object>> {
        self.indexed(By::Provider, kind, id)
    }

    /// The events about objects of this name, by namespace and name.
    pub fn events_about(&self, name: &str) -> impl Iterator<Item = &Arc<Object>> {
        self.indexed(By::About, Kind::Event, name)
    }

    fn indexed(&self, by: By, kind: Kind, term: &str) -> impl Iterator<Item = &Arc<Object>> {
        let table = self.tables.get(&kind);
        let names = self.indexes.get(&(by, kind)).and_then(|index| index.get(term));
        names.into_iter().flatten().filter_map(move |name| table?.get(name))
    }

    /// The event that says the same as `doc` about the same object.
    pub fn event_like(&self, doc: &Value) -> Option<&Arc<Object>> {
        self.tables.get(&Kind::Event)?.get(self.events.get(&event_series(doc))?)
    }

    /// What those who record events remember.
    fn correlator(&mut self) -> &mut exec::Correlator {
        Arc::make_mut(&mut self.correlator)
    }

    /// The last resource version given out.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The resource version at which an object of `kind` last changed; what memoised views compare.
    pub fn kind_revision(&self, kind: Kind) -> u64 {
        self.kind_revisions.get(&kind).copied().unwrap_or(0)
    }

    /// The resource version at which anything but events last changed: nobody decides by those.
    pub fn revision_of_matters(&self) -> u64 {
        self.kind_revisions.iter().filter(|(kind, _)| **kind != Kind::Event).map(|(_, revision)| *revision).max().unwrap_or(0)
    }

    /// Rolling hash of the change log: equal hashes mean equal histories.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// From now on the hash stays as it is: to write every change down for it is dear.
    pub fn stop_hashing(&mut self) {
        self.unhashed = true;
    }

    /// Lets go of changes up to that revision, which keep what objects were like before alive.
    pub fn forget_changes(&mut self, revision: u64) {
        self.log_cut |= self.log.drop_while(|c| c.revision <= revision);
    }

    /// Changes after `revision`, oldest first; `None` where the log no longer reaches back that far.
    pub fn changes_since(&self, revision: u64) -> Option<impl Iterator<Item = &Arc<Change>>> {
        if self.log_cut && self.log.first().is_some_and(|c| c.revision > revision + 1) {
            return None;
        }
        Some(self.log.from(move |c| c.revision <= revision))
    }

    /// Writes an object as it is, giving it the next resource version. The caller has decided that it may be written.
    pub fn put(&mut self, kind: Kind, mut doc: Value, at: SimTime) -> Arc<Change> {
        self.revision += 1;
        doc.set("metadata.resourceVersion", self.revision.to_string());
        let object = Arc::new(Object::from_doc(kind, doc));
        let name = (object.meta.namespace.clone(), object.meta.name.clone());
        let table = Arc::make_mut(self.tables.entry(kind).or_default());
        let old = table.insert(name.clone(), object.clone());
        self.index(&name, old.as_deref(), Some(&object));
        if kind == Kind::Event {
            Arc::make_mut(&mut self.events).insert(event_series(&object.doc), name);
        }
        let op = if old.is_some() { Op::Modified } else { Op::Added };
        self.append(op, object, old, at)
    }

    /// Removes an object; `None` where there is none.
    pub fn remove(&mut self, key: &ObjectKey, at: SimTime) -> Option<Arc<Change>> {
        let name = (key.namespace.clone(), key.name.clone());
        let old = Arc::make_mut(self.tables.get_mut(&key.kind)?).remove(&name)?;
        self.revision += 1;
        self.index(&name, Some(&old), None);
        if key.kind == Kind::Event {
            Arc::make_mut(&mut self.events).remove(&event_series(&old.doc));
        }
        Some(self.append(Op::Deleted, old.clone(), Some(old), at))
    }

    fn index(&mut self, name: &Name, old: Option<&Object>, new: Option<&Object>) {
        let Some(kind) = old.or(new).map(|o| o.kind) else { return };
        for by in By::ALL {
            let (before, after) = (old.and_then(|o| by.term(o)), new.and_then(|o| by.term(o)));
            if before == after {
                continue;
            }
            let index = Arc::make_mut(self.indexes.entry((by, kind)).or_default());
            if let Some(term) = before {
                let empty = index.get_mut(term).is_some_and(|set| {
                    set.remove(name);
                    set.is_empty()
                });
                if empty {
                    index.remove(term);
                }
            }
            if let Some(term) = after {
                index.entry(term.to_owned()).or_default().insert(name.clone());
            }
        }
    }

    fn append(&mut self, op: Op, object: Arc<Object>, old: Option<Arc<Object>>, at: SimTime) -> Arc<Change> {
        self.kind_revisions.insert(object.kind, self.revision);
        if !self.unhashed {
            let text = object.doc.to_string();
            self.hash = stable_hash(&[&self.hash.to_string(), &at.0.to_string(), &format!("{op:?}"), &text]);
        }
        let change = Arc::new(Change { revision: self.revision, at, op, object, old });
        self.log_cut |= self.log.push(change.clone());
        change
    }
}

fn event_series(doc: &Value) -> u64 {
    let about = doc.at("involvedObject");
    let text = |v: &'static str| doc.str_at(v).unwrap_or_default();
    let of = |v: &'static str| about.str_at(v).unwrap_or_default();
    stable_hash(&[
        of("kind"),
        text("metadata.namespace"),
        of("name"),
        of("uid"),
        text("reason"),
        text("message"),
        text("reportingComponent"),
        text("type"),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use objects::json;

    fn pod(name: &str, node: &str) -> Value {
        json!({"metadata": {"name": name, "namespace": "default"}, "spec": {"nodeName": node}})
    }

    #[test]
    fn pods_are_found_by_node() {
        let mut store = Store::default();
        store.put(Kind::Pod, pod("a", ""), SimTime::ZERO);
        store.put(Kind::Pod, pod("b", "n"), SimTime::ZERO);
        assert_eq!(store.pods_on("n").count(), 1);
        store.put(Kind::Pod, pod("a", "n"), SimTime::ZERO);
        assert_eq!(store.pods_on("n").count(), 2);
        store.remove(&ObjectKey::new(Kind::Pod, "default", "b"), SimTime::ZERO);
        assert_eq!(store.pods_on("n").map(|p| p.meta.name.as_str()).collect::<Vec<_>>(), ["a"]);
        assert_eq!(store.pods_on("m").count(), 0);
    }

    #[test]
    fn objects_are_found_by_namespace_controller_and_machine() {
        fn names<'a>(found: impl Iterator<Item = &'a Arc<Object>>) -> Vec<String> {
            found.map(|o| format!("{}/{}", o.meta.namespace, o.meta.name)).collect()
        }
        let owned = |namespace: &str, name: &str, uid: &str| {
            let owners = json!([{"kind": "ReplicaSet", "name": "r", "uid": uid, "controller": true}]);
            json!({"metadata": {"name": name, "namespace": namespace, "ownerReferences": owners}})
        };
        let mut store = Store::default();
        for (namespace, name, uid) in [("a", "x", "1"), ("a", "y", "2"), ("b", "w", "1"), ("aa", "z", "1")] {
            store.put(Kind::Pod, owned(namespace, name, uid), SimTime::ZERO);
        }
        assert_eq!(names(store.list_in(Kind::Pod, "a")), ["a/x", "a/y"]);
        assert_eq!(names(store.list_in(Kind::Pod, "c")), [""; 0]);
        assert_eq!(names(store.controlled_by(Kind::Pod, "1")), ["a/x", "aa/z", "b/w"]);
        assert_eq!(names(store.controlled_by(Kind::Job, "1")), [""; 0]);
        store.put(Kind::Pod, owned("a", "x", "2"), SimTime::ZERO);
        store.remove(&ObjectKey::new(Kind::Pod, "b", "w"), SimTime::ZERO);
        assert_eq!(names(store.controlled_by(Kind::Pod, "1")), ["aa/z"]);
        assert_eq!(names(store.controlled_by(Kind::Pod, "2")), ["a/x", "a/y"]);

        let node = |id: &str| json!({"metadata": {"name": "n"}, "spec": {"providerID": id}});
        store.put(Kind::Node, node(""), SimTime::ZERO);
        assert_eq!(store.with_provider_id(Kind::Node, "").count(), 0);
        store.put(Kind::Node, node("aws:///z/i-1"), SimTime::ZERO);
        let claim = json!({"metadata": {"name": "c"}, "status": {"providerID": "aws:///z/i-1"}});
        store.put(Kind::NodeClaim, claim, SimTime::ZERO);
        assert_eq!(names(store.with_provider_id(Kind::Node, "aws:///z/i-1")), ["/n"]);
        assert_eq!(names(store.with_provider_id(Kind::NodeClaim, "aws:///z/i-1")), ["/c"]);
    }

    #[test]
    fn changes_may_be_forgotten_and_left_out_of_the_hash() {
        let mut store = Store::default();
        let put = |store: &mut Store, i: usize| {
            store.put(Kind::ConfigMap, json!({"metadata": {"name": "x"}, "data": {"i": i.to_string()}}), SimTime::ZERO);
        };
        (0..1_000).for_each(|i| put(&mut store, i));
        store.forget_changes(900);
        assert!(store.changes_since(0).is_none());
        assert_eq!(store.changes_since(900).map(Iterator::count), Some(100));
        let before = store.hash();
        put(&mut store, 1_000);
        assert_ne!(store.hash(), before);
        store.stop_hashing();
        let before = store.hash();
        put(&mut store, 1_001);
        assert_eq!((store.hash(), store.revision()), (before, 1_002));
    }

    #[test]
    fn the_watch_log_says_when_it_no_longer_reaches_back() {
        let mut store = Store::default();
        let mut early = store.clone();
        for i in 0..WATCH_LOG + 1_000 {
            store.put(Kind::ConfigMap, json!({"metadata": {"name": "x"}, "data": {"i": i.to_string()}}), SimTime::ZERO);
            if i == 2 {
                early = store.clone();
            }
        }
        assert!(store.changes_since(0).is_none());
        assert_eq!(store.changes_since(store.revision() - 3).map(Iterator::count), Some(3));
        assert_eq!(store.changes_since(store.revision()).map(Iterator::count), Some(0));
        assert_eq!(
            early.changes_since(0).map(|c| c.map(|c| c.op).collect::<Vec<_>>()),
            Some(vec![Op::Added, Op::Modified, Op::Modified])
        );
    }
}
