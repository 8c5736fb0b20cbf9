//! What is answered there: files, the cluster as it changes, and plans.

use super::guard::{Door, Head, Refusal};
use futures::stream::{self, Stream};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::{self, HeaderName};
use hyper::{Request, Response, StatusCode};
use std::borrow::Cow;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::sync::{Mutex, mpsc};

/// Texts that wait for a listener; one that takes no more of them is cut off, and hears all of it when it asks again.
const WAITING: usize = 64;

/// One that listens to the cluster.
pub type Listener = mpsc::Sender<String>;
type Body = BoxBody<Bytes, Infallible>;

/// A file of the page.
#[derive(Clone, Debug)]
pub struct File {
    pub bytes: Cow<'static, [u8]>,
    /// Whether the bytes are compressed.
    pub gzip: bool,
    /// Its media type.
    pub mime: String,
}

/// Finds the file of a name below the address; the page itself has none.
pub type Files = dyn Fn(&str) -> Option<File> + Send + Sync;
/// A plan for the cluster as it is now, JSON; or why there is none. It may take long.
pub type Plans = dyn Fn() -> Result<String, String> + Send + Sync;

/// What the page is made of.
pub struct Page {
    pub file: Box<Files>,
    pub plan: Box<Plans>,
}

pub(super) struct Served {
    pub door: Door,
    pub page: Arc<Page>,
    /// One plan is made at a time.
    pub turn: Arc<Mutex<()>>,
    /// Where those who want to listen come to.
    pub joining: mpsc::UnboundedSender<Listener>,
}

pub(super) async fn answer(request: Request<Incoming>, served: Arc<Served>) -> Response<Body> {
    let text = |name: HeaderName| request.headers().get(name).and_then(|v| v.to_str().ok());
    let head = Head {
        method: request.method().as_str(),
        path: request.uri().path(),
        host: text(header::HOST),
        origin: text(header::ORIGIN),
        site: text(HeaderName::from_static("sec-fetch-site")),
    };
    let name = match served.door.admit(&head) {
        Ok(name) => name,
        Err(refusal) => return refused(refusal),
    };
    match name {
        "cluster" => {
            let (listener, texts) = mpsc::channel(WAITING);
            // Where nobody follows the cluster any more the stream ends at once.
            let _ = served.joining.send(listener);
            let body = StreamBody::new(spoken(texts)).boxed();
            response(StatusCode::OK, "text/event-stream", body)
        }
        "plan" => match plan(&served).await {
            Ok(plan) => whole(StatusCode::OK, "application/json", plan.into_bytes()),
            Err(message) => whole(StatusCode::BAD_GATEWAY, "text/plain; charset=utf-8", message.into_bytes()),
        },
        file => match (served.page.file)(file) {
            Some(file) => {
                let mut response = whole(StatusCode::OK, &file.mime, file.bytes.into_owned());
                if file.gzip {
                    response.headers_mut().insert(header::CONTENT_ENCODING, header::HeaderValue::from_static("gzip"));
                }
                response
            }
            None => refused(Refusal::Unknown),
        },
    }
}

async fn plan(served: &Served) -> Result<String, String> {
    // Whoever goes away meanwhile leaves a plan that is made for nobody; the next one waits for its end.
    let turn = Arc::clone(&served.turn).lock_owned().await;
    let page = Arc::clone(&served.page);
    let made = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        (page.plan)()
    });
    made.await.unwrap_or_else(|e| Err(format!("the plan came to no end: {e}")))
}

/// Texts as server-sent events.
fn spoken(texts: mpsc::Receiver<String>) -> impl Stream<Item = Result<Frame<Bytes>, Infallible>> {
    stream::unfold((texts, "retry: 1000\n"), |(mut texts, begin)| async move {
        let text = texts.recv().await?;
        let event = format!("{begin}data: {text}\n\n");
        Some((Ok(Frame::data(Bytes::from(event))), (texts, "")))
    })
}

fn refused(refusal: Refusal) -> Response<Body> {
    let (status, text) = match refusal {
        Refusal::Method => (StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD: nothing can be changed from here\n"),
        Refusal::Elsewhere => (StatusCode::FORBIDDEN, "open the address that nodewright has printed, from this machine\n"),
        Refusal::Unknown => (StatusCode::NOT_FOUND, "not found; each start of nodewright has its own address\n"),
    };
    whole(status, "text/plain; charset=utf-8", text.as_bytes().to_vec())
}

fn whole(status: StatusCode, kind: &str, bytes: Vec<u8>) -> Response<Body> {
    response(status, kind, Full::new(Bytes::from(bytes)).boxed())
}

/// What every answer says: nobody keeps it, frames it or learns its address.
fn response(status: StatusCode, kind: &str, body: Body) -> Response<Body> {
    const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
                          font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; object-src 'none'; \
                          frame-ancestors 'none'";
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = [
        ("content-type", kind),
        ("content-security-policy", POLICY),
        ("x-frame-options", "DENY"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cache-control", "no-store"),
    ];
    for (name, value) in headers {
        if let Ok(value) = header::HeaderValue::from_str(value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    response
}
