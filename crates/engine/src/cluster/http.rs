//! Serving on a thread of its own, until the process ends.

use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::future::Future;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

/// A client that has not sent its request by then is cut off.
const PATIENCE: Duration = Duration::from_secs(10);

/// Listens on a port of an address; 0 takes any free one. Nothing is answered yet.
///
/// # Errors
/// A port that is taken.
pub fn bind(address: std::net::Ipv4Addr, port: u16) -> std::io::Result<TcpListener> {
    let listener = TcpListener::bind((address, port))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Runs tasks that never end.
///
/// # Errors
/// A machine that starts no runtime.
#[expect(clippy::disallowed_methods, reason = "answers while the program's own thread decides, or follows the cluster")]
pub fn spawn(tasks: impl Future<Output = ()> + Send + 'static) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    std::thread::spawn(move || runtime.block_on(tasks));
    Ok(())
}

/// Takes connections, each as a task of its own, and answers their requests.
pub async fn accept<S, F, B>(listener: TcpListener, state: Arc<S>, answer: fn(Request<Incoming>, Arc<S>) -> F)
where
    S: Send + Sync + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: std::error::Error + Send + Sync,
{
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of files, perhaps: not at once again.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            let service = service_fn(|request: Request<Incoming>| {
                let answered = answer(request, Arc::clone(&state));
                async move { Ok::<_, Infallible>(answered.await) }
            });
            let mut connection = hyper::server::conn::http1::Builder::new();
            connection.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
            // A client that goes away early is no matter of ours.
            let _ = connection.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}
