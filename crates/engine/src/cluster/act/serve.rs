//! Metrics and health of a process that acts, as Karpenter serves them: on all addresses, so that a pod's probes and
//! Prometheus reach them; on a thread of its own, so that they answer while a decision takes long.
//! Source: kubernetes-sigs/karpenter pkg/operator/operator.go v1.14.1, controller-runtime pkg/healthz.

use super::Metrics;
use crate::cluster::http;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::{Method, Request, Response, StatusCode};
use std::net::Ipv4Addr;
use std::sync::Arc;

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
pub fn serve(metrics: &Arc<Metrics>, metrics_port: u16, health_port: u16) -> Result<(), String> {
    let mut listeners = Vec::new();
    for (port, number, what) in [(Port::Metrics, metrics_port, "metrics"), (Port::Health, health_port, "health probes")] {
        if number == 0 {
            continue;
        }
        let listener = http::bind(Ipv4Addr::UNSPECIFIED, number);
        listeners.push((port, listener.map_err(|e| format!("cannot serve {what} on port {number} (0 for none): {e}"))?));
    }
    if listeners.is_empty() {
        return Ok(());
    }
    let metrics = Arc::clone(metrics);
    http::spawn(async move {
        for (port, listener) in listeners {
            tokio::spawn(http::accept(listener, Arc::new((port, Arc::clone(&metrics))), answered));
        }
        std::future::pending::<()>().await;
    })
}

async fn answered(request: Request<Incoming>, to: Arc<(Port, Arc<Metrics>)>) -> Response<Full<Bytes>> {
    answer(to.0, request.method(), request.uri().path(), &to.1)
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
