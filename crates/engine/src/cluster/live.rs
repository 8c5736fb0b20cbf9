//! A real cluster as it changes: watches keep what is drawn of it current. What stands in their way is said and not fatal.

use super::keep::{drawn, shown};
use super::observe::{self, ObserveError, Options, READ};
use super::picture::{self, Prices};
use super::watch::{News, Trouble, watch};
use crate::store::WATCH_LOG;
use crate::{Era, SimTime, Snapshot, Store};
use kube::api::{Api, DynamicObject, ListParams};
use objects::{Kind, ObjectKey, time};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::sync::{mpsc, watch as flag};

/// So long after a list nothing must have gone wrong until trouble counts as over.
const CALM_MS: i64 = 2_000;

const FORBIDDEN: u16 = 403;
const ABSENT: u16 = 404;

/// What is wanted of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// What eks-node-viewer draws.
    Picture,
    /// What the page shows: more of each object, and events.
    Page,
}

impl Detail {
    fn kinds(self) -> impl Iterator<Item = Kind> {
        READ.into_iter().chain((self == Detail::Page).then_some(Kind::Event))
    }

    /// Changes that are remembered: of a picture nobody asks what was before.
    fn watch_log(self) -> usize {
        match self {
            Detail::Picture => 1,
            Detail::Page => WATCH_LOG,
        }
    }
}

/// A cluster that is watched for as long as this lives.
pub struct Live {
    pub(super) copy: Copy,
    news: mpsc::UnboundedReceiver<News>,
    stopped: flag::Receiver<bool>,
    // Dropped last: the watches are its tasks.
    runtime: tokio::runtime::Runtime,
}

impl Live {
    /// Begins to watch all that [`observe::observe`] reads, and for the page events too.
    ///
    /// # Errors
    /// No usable kubeconfig, or an API server that does not answer or refuses the list of nodes.
    pub fn begin(options: &Options, detail: Detail) -> Result<Live, ObserveError> {
        let runtime = observe::runtime()?;
        let (inbox, news) = mpsc::unbounded_channel();
        let (stop, stopped) = flag::channel(false);
        runtime.block_on(async {
            let nodes: Api<DynamicObject> = Api::all_with(observe::connect(options).await?, &observe::resource(Kind::Node));
            nodes.list(&ListParams::default().limit(1)).await.map_err(observe::unreachable)?;
            let client = observe::watching(options).await?;
            let keep = match detail {
                Detail::Picture => drawn,
                Detail::Page => shown,
            };
            for kind in detail.kinds() {
                tokio::spawn(watch(client.clone(), kind, keep, inbox.clone()));
            }
            tokio::spawn(async move {
                observe::told_to_stop().await;
                let _ = stop.send(true);
            });
            Ok::<_, ObserveError>(())
        })?;
        Ok(Live { copy: Copy::new(detail), news, stopped, runtime })
    }

    /// Lets the watches work until there is news, for `time` at most; true where there was some. `clock` tells the present, Unix
    /// milliseconds.
    pub fn wait(&mut self, time: Duration, clock: fn() -> i64) -> bool {
        let Live { copy, news, stopped, runtime } = self;
        let mut next = runtime.block_on(async {
            let first = futures::future::select(Box::pin(news.recv()), Box::pin(stopped.changed()));
            match tokio::time::timeout(time, first).await {
                Ok(futures::future::Either::Left((news, _))) => news,
                _ => None,
            }
        });
        let any = next.is_some();
        let now = clock();
        while let Some(one) = next {
            copy.hear(one, now);
            next = news.try_recv().ok();
        }
        copy.settle(now);
        any
    }

    /// Whether the process was told to stop (SIGINT, SIGTERM).
    pub fn is_stopped(&self) -> bool {
        *self.stopped.borrow()
    }

    /// Whether every kind that there is and may be read has been read once.
    pub fn is_complete(&self) -> bool {
        self.copy.kinds.values().all(|s| s.listed || s.trouble.is_some())
    }

    /// The cluster as it is known, and what to say of it, one sentence each: first what is not current and why, then what has no
    /// price.
    pub fn snapshot(&mut self, unix_ms: i64) -> (Snapshot, Vec<String>) {
        let mut notes = self.copy.notes();
        let (snapshot, unpriced) = picture::snapshot(&self.copy.store, unix_ms, &mut self.copy.prices);
        notes.extend(unpriced);
        (snapshot, notes)
    }
}

/// What is known of one kind.
#[derive(Debug, Default)]
struct Sight {
    /// Names in the list that is under way.
    names: Option<BTreeSet<ObjectKey>>,
    /// Whether a list has ever been complete.
    listed: bool,
    /// What stands in the way, and since when.
    trouble: Option<(i64, Trouble)>,
    /// When a list was complete, until it has proved to be more than a moment's.
    complete_ms: Option<i64>,
}

impl Sight {
    fn code(&self) -> Option<u16> {
        self.trouble.as_ref().map(|(_, t)| t.code)
    }
}

/// What the watches have told.
pub(super) struct Copy {
    pub store: Store,
    pub prices: Prices,
    kinds: BTreeMap<Kind, Sight>,
}

impl Copy {
    pub fn new(detail: Detail) -> Copy {
        let kinds = detail.kinds().map(|k| (k, Sight::default())).collect();
        Copy { store: Store::remembering(detail.watch_log()), prices: Prices::of(Era::V1), kinds }
    }

    pub fn hear(&mut self, news: News, now_ms: i64) {
        let (News::Begins(kind) | News::Object(kind, _) | News::Complete(kind) | News::Gone(kind, _) | News::Trouble(kind, _)) =
            news;
        let sight = self.kinds.entry(kind).or_default();
        match news {
            News::Begins(_) => {
                sight.names = Some(BTreeSet::new());
                sight.complete_ms = None;
            }
            News::Object(_, doc) => {
                if let Some(names) = &mut sight.names {
                    names.insert(ObjectKey::of(kind, &doc));
                }
                self.store.put(kind, doc, SimTime::ZERO);
            }
            News::Gone(_, doc) => drop(self.store.remove(&ObjectKey::of(kind, &doc), SimTime::ZERO)),
            News::Complete(_) => {
                sight.listed = true;
                sight.complete_ms = Some(now_ms);
                if let Some(names) = sight.names.take() {
                    self.only(kind, &names);
                }
            }
            News::Trouble(_, trouble) => {
                sight.names = None;
                sight.complete_ms = None;
                let since = sight.trouble.as_ref().map_or(now_ms, |(since, _)| *since);
                let absent = trouble.code == ABSENT;
                sight.trouble = Some((since, trouble));
                if absent {
                    self.only(kind, &BTreeSet::new());
                }
            }
        }
    }

    fn only(&mut self, kind: Kind, names: &BTreeSet<ObjectKey>) {
        let gone: Vec<ObjectKey> = self.store.list(kind).map(|o| o.key()).filter(|k| !names.contains(k)).collect();
        for key in gone {
            self.store.remove(&key, SimTime::ZERO);
        }
    }

    /// Forgets trouble that is over, and sees which era it is.
    fn settle(&mut self, now_ms: i64) {
        for sight in self.kinds.values_mut() {
            if sight.complete_ms.is_some_and(|at| now_ms.saturating_sub(at) >= CALM_MS) {
                sight.complete_ms = None;
                sight.trouble = None;
            }
        }
        let (era, _) = self.era();
        if era != self.prices.era {
            self.prices = Prices::of(era);
        }
    }

    fn era(&self) -> (Era, Option<&'static str>) {
        observe::era(&|kind| self.kinds.get(&kind).is_some_and(|s| s.code() == Some(ABSENT)))
    }

    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        // A server that is away says the same of all kinds.
        let mut away: BTreeMap<&str, (i64, Vec<&str>)> = BTreeMap::new();
        let mut unread = Vec::new();
        for (kind, sight) in &self.kinds {
            match &sight.trouble {
                None if sight.listed => {}
                None => unread.push(kind.info().plural),
                Some((_, trouble)) if trouble.code == ABSENT => {}
                Some((_, trouble)) if trouble.code == FORBIDDEN => {
                    notes.push(observe::no_permission(trouble.verb, *kind, &trouble.message));
                }
                Some((since, trouble)) => {
                    let (first, kinds) = away.entry(&trouble.message).or_insert((*since, Vec::new()));
                    *first = (*first).min(*since);
                    kinds.push(kind.info().plural);
                }
            }
        }
        let old = |(message, (since, kinds)): (&str, (i64, Vec<&str>))| {
            format!("not current since {}: {}: {message}", time::rfc3339(since), kinds.join(", "))
        };
        let mut all: Vec<String> = away.into_iter().map(old).collect();
        if !unread.is_empty() {
            all.push(format!("reads {}", unread.join(", ")));
        }
        all.append(&mut notes);
        all.extend(self.era().1.map(str::to_owned));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use objects::{Value, json};

    fn pod(name: &str, node: &str) -> Value {
        json!({"metadata": {"name": name, "namespace": "default", "managedFields": [{}], "annotations": {"a": "b"}},
            "spec": {"nodeName": node, "volumes": [{}], "containers": [
                {"name": "c", "image": "i", "env": [{}], "resources": {"requests": {"cpu": "250m"}}}]},
            "status": {"phase": "Running", "containerStatuses": [{}]}})
    }

    fn news(kind: Kind, mut doc: Value) -> News {
        drawn(kind, &mut doc);
        News::Object(kind, doc)
    }

    fn trouble(verb: &'static str, code: u16, message: &str) -> Trouble {
        Trouble { verb, code, message: message.to_owned() }
    }

    /// A cluster without Karpenter, of two pods.
    fn read() -> Copy {
        let mut copy = Copy::new(Detail::Picture);
        for kind in READ {
            copy.hear(News::Begins(kind), 0);
            if !matches!(kind, Kind::Node | Kind::Pod) {
                copy.hear(News::Trouble(kind, trouble("list", ABSENT, "404 page not found")), 0);
            }
        }
        assert_eq!(copy.notes()[0], "reads nodes, pods");
        let node = json!({"metadata": {"name": "n"}});
        for news in [news(Kind::Node, node), news(Kind::Pod, pod("a", "n")), news(Kind::Pod, pod("b", "n"))] {
            copy.hear(news, 0);
        }
        copy.hear(News::Complete(Kind::Node), 0);
        copy.hear(News::Complete(Kind::Pod), 0);
        copy.settle(0);
        copy
    }

    const NO_KARPENTER: &str = "the server has no Karpenter API: neither NodePools nor Provisioners";

    #[test]
    fn keeps_up_with_what_happens() {
        let mut copy = read();
        assert_eq!(copy.notes(), [NO_KARPENTER]);
        copy.hear(news(Kind::Pod, pod("c", "n")), 1);
        copy.hear(News::Gone(Kind::Pod, pod("a", "n")), 1);
        let names: Vec<&str> = copy.store.pods_on("n").map(|p| p.meta.name.as_str()).collect();
        assert_eq!(names, ["b", "c"]);
        // What went while nothing was heard is not in the next list.
        copy.hear(News::Begins(Kind::Pod), 2);
        copy.hear(news(Kind::Pod, pod("c", "")), 2);
        copy.hear(News::Complete(Kind::Pod), 2);
        assert_eq!(copy.store.count(Kind::Pod), 1);
        assert_eq!(copy.store.pods_on("n").count(), 0);
    }

    #[test]
    fn trouble_is_told_until_it_is_over() {
        let mut copy = read();
        let refused = "client error (Connect): tcp connect error: Connection refused (os error 111)";
        copy.hear(News::Trouble(Kind::Pod, trouble("watch", 0, refused)), 5_000);
        copy.hear(News::Trouble(Kind::Node, trouble("watch", 0, refused)), 6_000);
        let told = format!("not current since 1970-01-01T00:00:05Z: nodes, pods: {refused}");
        assert_eq!(copy.notes(), [told.as_str(), NO_KARPENTER]);
        assert_eq!(copy.store.count(Kind::Pod), 2, "what was known is shown");
        for kind in [Kind::Node, Kind::Pod] {
            copy.hear(News::Begins(kind), 9_000);
            copy.hear(News::Complete(kind), 9_000);
        }
        copy.settle(10_999);
        assert_eq!(copy.notes(), [told.as_str(), NO_KARPENTER]);
        copy.settle(11_000);
        assert_eq!(copy.notes(), [NO_KARPENTER]);
    }

    #[test]
    fn who_may_list_and_not_watch_sees_lists() {
        let mut copy = read();
        for at in [0, 40_000] {
            copy.hear(News::Trouble(Kind::Pod, trouble("watch", FORBIDDEN, "no")), at);
            copy.hear(News::Begins(Kind::Pod), at + 30_000);
            copy.hear(News::Complete(Kind::Pod), at + 30_000);
            copy.settle(at + 30_001);
            assert_eq!(copy.notes()[0], "no permission to watch pods: no (grant the verb watch on it to see them)");
        }
    }

    #[test]
    fn karpenter_may_come_and_go() {
        let mut copy = read();
        copy.hear(News::Begins(Kind::Provisioner), 1);
        copy.hear(news(Kind::Provisioner, json!({"metadata": {"name": "default"}})), 1);
        copy.hear(News::Complete(Kind::Provisioner), 1);
        copy.settle(CALM_MS + 1);
        assert_eq!((copy.era(), copy.prices.era), ((Era::V1alpha5, None), Era::V1alpha5));
        copy.hear(News::Trouble(Kind::Provisioner, trouble("list", ABSENT, "404 page not found")), CALM_MS + 2);
        copy.settle(CALM_MS + 2);
        assert_eq!((copy.prices.era, copy.store.count(Kind::Provisioner)), (Era::V1, 0));
    }
}
