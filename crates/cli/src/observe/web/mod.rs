//! `nodewright observe --web`: the page, attached to a real cluster. It only looks: what it serves is read, and it has no other
//! way to the cluster than this program.

mod asked;
mod guard;
mod server;
mod site;

use super::failure;
use crate::Failure;
use asked::Planner;
use engine::cluster::{Detail, Live, Options, Teller, context};
use guard::Door;
use server::{Listener, Served};
pub use site::Site;
use std::time::Duration;
use tokio::sync::mpsc;

/// Those who want to listen are looked for so often.
const TICK: Duration = Duration::from_millis(50);
/// News is told after this time at the earliest, and that nothing happened after the other.
const EARLIEST_MS: u64 = 100;
const LATEST_MS: u64 = 1_000;

/// Serves the page of the cluster until the process is told to stop (SIGINT, SIGTERM). `port` 0 takes any free one; `ready` gets
/// the address once it can be opened. `clock` tells the present, Unix milliseconds.
///
/// # Errors
/// Status 2 for a kubeconfig that cannot be used, 3 for a cluster that does not answer or refuses to list its nodes, 1 for a port
/// that is taken.
pub fn serve(options: &Options, site: Site, port: u16, clock: fn() -> i64, ready: &mut dyn FnMut(&str)) -> Result<(), Failure> {
    let wrong = |message: String| Failure { message, exit: 1 };
    let mut live = Live::begin(options, Detail::Page).map_err(failure)?;
    let (listener, port) = server::bind(port).map_err(wrong)?;
    let door = Door::new(port).map_err(wrong)?;
    let address = door.address();
    let (joining, mut joins) = mpsc::unbounded_channel();
    let cluster = context(options).unwrap_or_else(|| "in-cluster".to_owned());
    let planner = Planner::new(options.clone(), clock);
    server::serve(listener, Served { door, site, cluster, planner, joining }).map_err(wrong)?;
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
