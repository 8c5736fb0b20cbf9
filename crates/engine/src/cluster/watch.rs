//! What happens at the server, kind by kind, into one inbox.

use super::observe::{SETTINGS, chain, resource};
use futures::StreamExt;
use kube::Client;
use kube::api::{Api, DynamicObject};
use kube::runtime::watcher;
use objects::{DocExt, Kind, Value};
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{Instant, sleep};

/// So long a watch stands before it is opened again: a server that has gone silently is noticed soon after.
pub const STANDS: Duration = Duration::from_secs(60);
/// Before a kind is listed again after trouble; twice as long each further time.
const PAUSE: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// One piece of news.
#[derive(Debug)]
pub enum News {
    /// A list of the kind begins: what is not in it is gone.
    Begins(Kind),
    Object(Kind, Value),
    /// The list is complete.
    Complete(Kind),
    Gone(Kind, Value),
    /// The watch stands still; the kind is listed again in a while.
    Trouble(Kind, Trouble),
}

/// Why a watch stands still.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What was asked: `list` or `watch`.
    pub verb: &'static str,
    /// The HTTP status; 0 where there was no answer.
    pub code: u16,
    pub message: String,
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

/// Watches a kind until nobody reads the news any more, through restarts of the server and versions that have expired. Of each
/// object arrives what `keep` leaves.
pub async fn watch(client: Client, kind: Kind, keep: fn(Kind, &mut Value), inbox: UnboundedSender<News>) {
    let api: Api<DynamicObject> = Api::all_with(client, &resource(kind));
    let mut config = watcher::Config::default().timeout(u32::try_from(STANDS.as_secs()).unwrap_or(u32::MAX));
    if kind == Kind::ConfigMap {
        config = config.fields(&format!("metadata.name={SETTINGS}"));
    }
    let document = |object: DynamicObject| {
        let mut doc = document(kind, object);
        keep(kind, &mut doc);
        doc
    };
    let mut pause = PAUSE;
    loop {
        let begun = Instant::now();
        // A watch that could not be opened again would go on without a word when it is: a new one begins with a list.
        let mut events = watcher(api.clone(), config.clone()).boxed();
        let mut verb = "list";
        while let Some(event) = events.next().await {
            let news = match event {
                Ok(watcher::Event::Init) => News::Begins(kind),
                Ok(watcher::Event::InitApply(object) | watcher::Event::Apply(object)) => News::Object(kind, document(object)),
                Ok(watcher::Event::InitDone) => {
                    verb = "watch";
                    News::Complete(kind)
                }
                Ok(watcher::Event::Delete(object)) => News::Gone(kind, document(object)),
                Err(error) => News::Trouble(kind, trouble(verb, &error)),
            };
            let ends = matches!(news, News::Trouble(..));
            if inbox.send(news).is_err() {
                return;
            }
            if ends {
                break;
            }
        }
        if begun.elapsed() > STANDS {
            pause = PAUSE;
        }
        sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

fn trouble(verb: &'static str, error: &watcher::Error) -> Trouble {
    use watcher::Error;
    let (code, message) = match error {
        Error::InitialListFailed(kube::Error::Api(status))
        | Error::WatchStartFailed(kube::Error::Api(status))
        | Error::WatchFailed(kube::Error::Api(status))
        | Error::WatchError(status) => (status.code, status.message.clone()),
        Error::InitialListFailed(error) | Error::WatchStartFailed(error) | Error::WatchFailed(error) => (0, chain(error)),
        Error::NoResourceVersion => (0, chain(error)),
    };
    Trouble { verb, code, message }
}

/// Lists leave out what every item has in common.
fn document(kind: Kind, object: DynamicObject) -> Value {
    let mut doc = serde_json::to_value(object).unwrap_or_default();
    doc.set("apiVersion", kind.api_version());
    doc.set("kind", kind.name());
    doc
}
