//! What the page loads when it is first needed: the shell with kubectl, the checks of manifests, and the parts of the
//! engine that a cluster at rest does without.
//!
//! Most visits begin by looking. The module that starts the page therefore has no shell in it: [`load`] fetches the second
//! module once, at the first sign that somebody wants to type. Whatever was typed before waits for it.
//!
//! Nothing behind this door may call into JavaScript: only the first module has those imports.

mod later;

use crate::dom::{self, Listener};
use crate::lab::Lab;
use engine::session::{Parts, Seen};
use engine::{Era, Session, Snapshot};
use shell::{Chunk, Completion, Key, Poll, Repair};
use std::cell::{Cell, RefCell};
use view::Lang;
use view::problems::{Fix, Problem};
use web_sys::EventTarget;

/// A shell and at most one job in its foreground.
pub trait Runner {
    fn set_lang(&mut self, lang: Lang);
    /// Lines typed so far, oldest first.
    fn history(&self) -> &[String];
    fn complete(&self, line: &str, cursor: usize, snapshot: &Snapshot) -> Completion;
    /// Starts a text as the job; false where it is unfinished (a heredoc, a quote): come again with more of it.
    fn start(&mut self, text: &str, session: &mut Session) -> bool;
    /// Runs the job as far as the present allows; None without a job. The job is gone once it is done.
    fn poll(&mut self, session: &mut Session) -> Option<Polled>;
    fn busy(&self) -> bool;
    fn interrupt(&mut self);
    fn key(&mut self, key: Key);
}

/// What a job did since it was polled last.
pub struct Polled {
    pub poll: Poll,
    pub output: Vec<Chunk>,
    pub seen: Vec<Seen>,
    pub full_screen: bool,
    /// Of a job that is done: how its text could be mended.
    pub repair: Option<Repair>,
}

/// The doors into the second module.
#[derive(Clone, Copy)]
pub struct Tools {
    /// What the engine does not need for a cluster at rest.
    pub parts: fn() -> Parts,
    pub runner: fn(Lang) -> Box<dyn Runner>,
    /// One frame of eks-node-viewer, by the program itself.
    pub viewer: fn(&mut Session) -> String,
    pub problems: fn(&str, Era, Lang) -> Vec<Problem>,
    pub mend: fn(&str, Fix) -> String,
}

type Waiting = Box<dyn FnOnce(Result<Tools, &str>)>;

#[derive(Default)]
struct State {
    here: Cell<Option<Tools>>,
    /// Who waits for the tools that are under way.
    waiting: RefCell<Vec<Waiting>>,
}

thread_local! {
    static STATE: State = State::default();
}

/// The tools, if they are here.
pub fn get() -> Option<Tools> {
    STATE.with(|s| s.here.get())
}

/// Fetches the tools for a lab, unless it has them or they are under way.
pub fn load(lab: &Lab) {
    if lab.ask_for_tools() {
        with(lab, |_| ());
    }
}

/// Equips the lab and calls with the tools: at once if they are here, else as soon as they have arrived, or with what went
/// wrong; then the next call tries again.
pub fn with(lab: &Lab, call: impl FnOnce(Result<Tools, &str>) + 'static) {
    let lab = lab.clone();
    let call = move |tools: Result<Tools, &str>| {
        lab.equip(tools);
        call(tools);
    };
    if let Some(tools) = get() {
        return call(Ok(tools));
    }
    let first = STATE.with(|s| {
        let mut waiting = s.waiting.borrow_mut();
        waiting.push(Box::new(call));
        waiting.len() == 1
    });
    if first {
        yew::platform::spawn_local(async {
            let loaded = later::tools().await.map_err(|e| e.to_string());
            STATE.with(|s| s.here.set(loaded.as_ref().ok().copied()));
            for call in STATE.with(|s| s.waiting.take()) {
                call(loaded.as_ref().map(|t| *t).map_err(String::as_str));
            }
        });
    }
}

/// Fetches the tools at the first sign of interest, so that they are here before they are needed.
pub fn load_on_interest(lab: &Lab) {
    let Some(document) = dom::document() else { return };
    let target: &EventTarget = document.as_ref();
    let listeners = ["pointermove", "pointerdown", "keydown", "focusin"].map(|name| {
        let lab = lab.clone();
        Listener::with(target, name, true, move |_| load(&lab))
    });
    // For as long as the page lives: once the tools are here they do nothing.
    std::mem::forget(listeners);
}
