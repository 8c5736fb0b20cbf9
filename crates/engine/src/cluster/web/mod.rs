//! The page attached to a real cluster: served on the loopback address to who has its address. It only looks: what it serves is
//! read, and it has no other way to the cluster than this program.

mod guard;
mod server;

use super::http;
use super::{Detail, Live, ObserveError, Options, Teller};
use guard::Door;
pub use server::{File, Page};
use server::{Listener, Served};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// Those who want to listen are looked for so often.
const TICK: Duration = Duration::from_millis(50);
/// News is told after this time at the earliest, and that nothing happened after the other.
const EARLIEST_MS: u64 = 100;
const LATEST_MS: u64 = 1_000;

#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    #[error(transparent)]
    Observe(#[from] ObserveError),
    #[error("cannot serve the page{0}")]
    Serve(String),
}

/// Serves the page of the cluster until the process is told to stop (SIGINT, SIGTERM). `port` 0 takes any free one; `ready` gets
/// the address once it can be opened. `clock` tells the present, Unix milliseconds.
///
/// # Errors
/// A cluster that cannot be watched, and a port that is taken.
pub fn attach(
    options: &Options,
    page: Page,
    port: u16,
    clock: fn() -> i64,
    ready: &mut dyn FnMut(&str),
) -> Result<(), AttachError> {
    let mut live = Live::begin(options, Detail::Page)?;
    let taken = |e: std::io::Error| AttachError::Serve(format!(" on port {port} (0 for any): {e}"));
    let listener = http::bind(Ipv4Addr::LOCALHOST, port).map_err(taken)?;
    let port = listener.local_addr().map_err(taken)?.port();
    let wrong = |why: String| AttachError::Serve(format!(": {why}"));
    let door = Door::new(port).map_err(wrong)?;
    let address = door.address();
    let (joining, mut joins) = mpsc::unbounded_channel();
    let served = Served { door, page: Arc::new(page), turn: Arc::default(), joining };
    http::spawn(http::accept(listener, Arc::new(served), server::answer)).map_err(wrong)?;
    ready(&address);

    let mut teller = Teller::default();
    let mut listeners: Vec<Listener> = Vec::new();
    let mut stale = false;
    let mut told_ms = clock();
    while !live.is_stopped() {
        stale |= live.wait(TICK, clock);
        let now = clock();
        let waited = now.abs_diff(told_ms);
        if waited >= LATEST_MS || (stale && waited >= EARLIEST_MS) {
            let text = teller.changes(&mut live, now);
            // One that has gone, or takes nothing more.
            listeners.retain(|l| l.try_send(text.clone()).is_ok());
            (stale, told_ms) = (false, now);
        }
        while let Ok(listener) = joins.try_recv() {
            if listener.try_send(Teller::whole(&mut live, now)).is_ok() {
                listeners.push(listener);
            }
        }
    }
    Ok(())
}
