//! What happens at the server, kind by kind, into one inbox.

use crate::cluster::observe::{SETTINGS, chain, resource};
use futures::StreamExt;
use kube::Client;
use kube::api::{Api, DynamicObject};
use kube::runtime::{WatchStreamExt, watcher};
use objects::{DocExt, Kind, Value};
use tokio::sync::mpsc::UnboundedSender;

/// One piece of news.
#[derive(Debug)]
pub enum News {
    /// A list of the kind begins: what is not in it is gone.
    Begins(Kind),
    Object(Kind, Value),
    /// The list is complete.
    Complete(Kind),
    Gone(Kind, Value),
    /// The watch stands still, for the reason given; it is tried again.
    Trouble(Kind, String),
}

/// Watches a kind until nobody reads the news any more, through restarts of the server and versions that have expired.
pub async fn watch(client: Client, kind: Kind, inbox: UnboundedSender<News>) {
    let api: Api<DynamicObject> = Api::all_with(client, &resource(kind));
    let mut config = watcher::Config::default();
    if kind == Kind::ConfigMap {
        config = config.fields(&format!("metadata.name={SETTINGS}"));
    }
    let mut events = watcher(api, config).default_backoff().boxed();
    while let Some(event) = events.next().await {
        let news = match event {
            Ok(watcher::Event::Init) => News::Begins(kind),
            Ok(watcher::Event::InitApply(object) | watcher::Event::Apply(object)) => News::Object(kind, document(kind, object)),
            Ok(watcher::Event::InitDone) => News::Complete(kind),
            Ok(watcher::Event::Delete(object)) => News::Gone(kind, document(kind, object)),
            Err(error) => News::Trouble(kind, chain(&error)),
        };
        if inbox.send(news).is_err() {
            return;
        }
    }
}

/// Lists leave out what every item has in common.
fn document(kind: Kind, object: DynamicObject) -> Value {
    let mut doc = super::wire::value(object);
    doc.set("apiVersion", kind.api_version());
    doc.set("kind", kind.name());
    doc
}
