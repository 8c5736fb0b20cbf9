//! The page's server, on a thread of its own: files, the cluster as it changes, and plans.

use super::asked::Planner;
use super::guard::{Door, Head, Refusal};
use super::site::Site;
use futures::stream::{self, Stream};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::{self, HeaderName};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// A client that has not sent its request by then is cut off.
const PATIENCE: Duration = Duration::from_secs(10);
/// Texts that wait for a listener; one that takes no more of them is cut off, and hears all of it when it asks again.
const WAITING: usize = 64;

/// One that listens to the cluster.
pub type Listener = mpsc::Sender<String>;
type Body = BoxBody<Bytes, Infallible>;

/// What the page is made of.
pub struct Served {
    pub door: Door,
    pub site: Site,
    /// Whose cluster it is, as the page is told.
    pub cluster: String,
    pub planner: Planner,
    /// Where those who want to listen come to.
    pub joining: mpsc::UnboundedSender<Listener>,
}

/// A port of the loopback address; 0 takes any free one.
///
/// # Errors
/// A port that is taken.
pub fn bind(port: u16) -> Result<(TcpListener, u16), String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).and_then(|l| l.set_nonblocking(true).map(|()| l));
    let listener = listener.map_err(|e| format!("cannot serve the page on port {port} (0 for any): {e}"))?;
    let port = listener.local_addr().map_err(|e| e.to_string())?.port();
    Ok((listener, port))
}

/// Serves until the process ends.
///
/// # Errors
/// A machine that starts no runtime.
#[expect(clippy::disallowed_methods, reason = "answers while the program's own thread follows the cluster")]
pub fn serve(listener: TcpListener, served: Served) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    let served = Arc::new(served);
    std::thread::spawn(move || runtime.block_on(accept(listener, served)));
    Ok(())
}

async fn accept(listener: TcpListener, served: Arc<Served>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of files, perhaps: not at once again.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let served = Arc::clone(&served);
        tokio::spawn(async move {
            let service = service_fn(|request: Request<Incoming>| {
                let served = Arc::clone(&served);
                async move { Ok::<_, Infallible>(answer(&request, &served).await) }
            });
            let mut connection = hyper::server::conn::http1::Builder::new();
            connection.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
            // A client that goes away early is no matter of ours.
            let _ = connection.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(request: &Request<Incoming>, served: &Arc<Served>) -> Response<Body> {
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
        "" => match served.site.attached(&served.cluster) {
            Some(page) => whole(StatusCode::OK, "text/html; charset=utf-8", page.into_bytes()),
            None => refused(Refusal::Unknown),
        },
        "cluster" => {
            let (listener, texts) = mpsc::channel(WAITING);
            // Where nobody follows the cluster any more the stream ends at once.
            let _ = served.joining.send(listener);
            let body = StreamBody::new(spoken(texts)).boxed();
            response(StatusCode::OK, "text/event-stream", body)
        }
        "plan" => match served.planner.plan().await {
            Ok(plan) => whole(StatusCode::OK, "application/json", plan.into_bytes()),
            Err(message) => whole(StatusCode::BAD_GATEWAY, "text/plain; charset=utf-8", message.into_bytes()),
        },
        file => match served.site.file(file) {
            Some(file) => {
                let mut response = whole(StatusCode::OK, file.mime, file.bytes.into_owned());
                if file.gzip {
                    response.headers_mut().insert(header::CONTENT_ENCODING, header::HeaderValue::from_static("gzip"));
                }
                response
            }
            None => refused(Refusal::Unknown),
        },
    }
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
