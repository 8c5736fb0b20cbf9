//! `nodewright observe`: a real cluster, drawn once or for as long as somebody looks.

mod screen;
pub mod web;

use crate::Failure;
use engine::cluster::{Detail, Live, ObserveError, Options, observe};
use screen::{Frame, Screen, Wish};
use std::time::Duration;

/// Keys are looked for so often.
const TICK: Duration = Duration::from_millis(50);
/// News is drawn after this time at the earliest, and ages at the latest after the other.
const EARLIEST_MS: u64 = 100;
const LATEST_MS: u64 = 1_000;

/// What eks-node-viewer would show of the cluster, and notes on what could not be read or priced. `unix_ms` is the time
/// from which ages are counted.
///
/// # Errors
/// Status 2 for a kubeconfig that cannot be used, 3 for a cluster that does not answer or refuses, 1 for anything else.
pub fn picture(options: &Options, unix_ms: i64) -> Result<(String, Vec<String>), Failure> {
    let observed = observe(options).map_err(failure)?;
    let (snapshot, unpriced) = observed.snapshot(unix_ms);
    let notes = observed.notes.iter().cloned().chain(unpriced).collect();
    Ok((shell::node_viewer(&snapshot), notes))
}

/// Draws the cluster on the terminal until somebody has seen enough (q, Escape, Ctrl+C, SIGTERM). `clock` tells the present, Unix
/// milliseconds.
///
/// # Errors
/// As [`picture`] at the start, and 1 for a terminal that cannot be used; later the screen tells what is wrong.
pub fn live(options: &Options, clock: fn() -> i64) -> Result<(), Failure> {
    let mut live = Live::begin(options, Detail::Picture).map_err(failure)?;
    let terminal = |error: std::io::Error| Failure { message: format!("the terminal: {error}"), exit: 1 };
    let mut screen = Screen::enter().map_err(terminal)?;
    let (mut page, mut pages) = (0, 1);
    let mut stale = true;
    let mut drawn_ms = 0;
    loop {
        stale |= live.wait(TICK, clock);
        if live.is_stopped() {
            return Ok(());
        }
        let mut asked = false;
        while let Some(wish) = screen.wish().map_err(terminal)? {
            match wish {
                Wish::Leave => return Ok(()),
                Wish::Back => page = usize::min(page, pages - 1).saturating_sub(1),
                Wish::On => page = usize::min(page + 1, pages - 1),
                Wish::Redraw => screen.forget(),
            }
            asked = true;
        }
        let now = clock();
        let waited = now.abs_diff(drawn_ms);
        if asked || waited >= LATEST_MS || (stale && waited >= EARLIEST_MS) {
            let (snapshot, notes) = live.snapshot(now);
            let (columns, rows) = screen.size().map_err(terminal)?;
            let frame = Frame::of(&snapshot, &notes, page, columns, rows);
            pages = frame.pages;
            screen.draw(&frame).map_err(terminal)?;
            (stale, drawn_ms) = (false, now);
        }
    }
}

/// Status 2 for a kubeconfig that cannot be used, 3 for a cluster that does not answer or refuses, 1 for anything else.
pub fn failure(error: ObserveError) -> Failure {
    let exit = match error {
        ObserveError::Config(_) => 2,
        ObserveError::Unreachable(_) => 3,
        ObserveError::Runtime(_) => 1,
    };
    Failure { message: error.to_string(), exit }
}
