//! Metrics and health of a process that acts, as Karpenter serves them: on all addresses, so that a pod's probes and
//! Prometheus reach them; on a thread of its own, so that they answer while a decision takes long.
//! Source: kubernetes-sigs/karpenter pkg/operator/operator.go v1.14.1, controller-runtime pkg/healthz.

use super::Metrics;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

/// A client that has not sent its request by then is cut off.
const PATIENCE: Duration = Duration::from_secs(10);
const TEXT: &str = "text/plain; charset=utf-8";

/// What a port is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Port {
    Metrics,
    Health,
}

/// Begins to serve on the two ports, 0 for none; it goes on until the process ends.
///
/// # Errors
/// A port that is taken, before anything is begun; the sentence names it.
#[expect(clippy::disallowed_methods, reason = "answers while the autoscaler's own thread decides")]
pub fn serve(metrics: &Arc<Metrics>, metrics_port: u16, health_port: u16) -> Result<(), String> {
    let mut listeners = Vec::new();
    for (port, number, what) in [(Port::Metrics, metrics_port, "metrics"), (Port::Health, health_port, "health probes")] {
        if number == 0 {
            continue;
        }
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, number)).and_then(|l| l.set_nonblocking(true).map(|()| l));
        listeners.push((port, listener.map_err(|e| format!("cannot serve {what} on port {number} (0 for none): {e}"))?));
    }
    if listeners.is_empty() {
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    let metrics = Arc::clone(metrics);
    std::thread::spawn(move || {
        runtime.block_on(async {
            for (port, listener) in listeners {
                tokio::spawn(accept(port, listener, Arc::clone(&metrics)));
            }
            std::future::pending::<()>().await;
        });
    });
    Ok(())
}

async fn accept(port: Port, listener: TcpListener, metrics: Arc<Metrics>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of files, perhaps: not at once again.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let metrics = Arc::clone(&metrics);
        tokio::spawn(async move {
            let service = service_fn(|request: Request<Incoming>| {
                let answer = answer(port, request.method(), request.uri().path(), &metrics);
                async move { Ok::<_, Infallible>(answer) }
            });
            let mut connection = hyper::server::conn::http1::Builder::new();
            connection.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
            // A client that goes away early is no matter of ours.
            let _ = connection.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

fn answer(port: Port, method: &Method, path: &str, metrics: &Metrics) -> Response<Full<Bytes>> {
    let reads = method == Method::GET || method == Method::HEAD;
    let (status, kind, body) = match (port, path) {
        _ if !reads => (StatusCode::METHOD_NOT_ALLOWED, TEXT.to_owned(), b"Method Not Allowed\n".to_vec()),
        (Port::Metrics, "/metrics") => (StatusCode::OK, metrics.content_type(), metrics.text()),
        (Port::Health, "/healthz") => (StatusCode::OK, TEXT.to_owned(), b"ok".to_vec()),
        (Port::Health, "/readyz") if metrics.is_ready() => (StatusCode::OK, TEXT.to_owned(), b"ok".to_vec()),
        (Port::Health, "/readyz") => {
            (StatusCode::INTERNAL_SERVER_ERROR, TEXT.to_owned(), b"the cluster has not been read yet\n".to_vec())
        }
        _ => (StatusCode::NOT_FOUND, TEXT.to_owned(), b"404 page not found\n".to_vec()),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    if let Ok(kind) = kind.parse() {
        response.headers_mut().insert(CONTENT_TYPE, kind);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(port: Port, method: Method, path: &str, want: u16) {
        let metrics = Metrics::new().unwrap();
        assert_eq!(answer(port, &method, path, &metrics).status().as_u16(), want, "{port:?} {method} {path}");
    }

    #[test]
    fn each_port_has_its_paths() {
        check(Port::Metrics, Method::GET, "/metrics", 200);
        check(Port::Metrics, Method::GET, "/", 404);
        check(Port::Metrics, Method::GET, "/healthz", 404);
        check(Port::Metrics, Method::POST, "/metrics", 405);
        check(Port::Health, Method::GET, "/healthz", 200);
        check(Port::Health, Method::HEAD, "/healthz", 200);
        check(Port::Health, Method::GET, "/metrics", 404);
        // Nothing has been read.
        check(Port::Health, Method::GET, "/readyz", 500);
    }
}
