//! What the page loads when it is first needed: the shell with kubectl and the parts of the engine that a cluster at rest
//! does without ([`Tools`]), and what an editor of manifests knows and what draws charts ([`Extras`]).
//!
//! Most visits begin by looking. The module that starts the page therefore has no shell in it: [`load`] fetches shell and
//! parts once, at the first sign that somebody wants to type. Whatever was typed before waits for them. The extras come
//! when the pane of the editor or of the cost opens ([`extras`]), jq when a line needs it.
//!
//! Nothing behind these doors may call into JavaScript: only the first module has those imports.

mod answers;
mod extras;
mod jq;
mod later;

use crate::dom::{self, Listener};
use crate::lab::{Core, Lab};
use engine::session::{Parts, Seen};
use engine::{Era, Session, SimTime, Snapshot};
use lint::{Effect, Finding};
use objects::schema::Docs;
use shell::import::Imported;
use shell::{Ask as Question, Chunk, Completion, Edit, Key, Poll, Ran, Repair, Want};
use std::cell::RefCell;
use std::rc::Rc;
use std::thread::LocalKey;
use view::simulated::Table;
use view::{Clock, CostSeries, Lang, Why};
use web_sys::EventTarget;

/// A shell and at most one job in its foreground.
pub trait Runner {
    fn set_lang(&mut self, lang: Lang);
    /// Lines typed so far, oldest first.
    fn history(&self) -> &[String];
    /// Takes over lines that were typed on earlier visits.
    fn recall(&mut self, lines: &[String]);
    fn complete(&self, line: &str, cursor: usize, snapshot: &Snapshot) -> Completion;
    /// Starts a text as the job; false where it is unfinished (a heredoc, a quote): come again with more of it.
    fn start(&mut self, text: &str, session: &mut Session) -> bool;
    /// Runs the job as far as the present allows, or what is in the background; None where there is neither. The job is
    /// gone once it is done.
    fn poll(&mut self, session: &mut Session) -> Option<Polled>;
    fn busy(&self) -> bool;
    fn interrupt(&mut self);
    fn key(&mut self, key: Key);
    /// Brings what the job waits for, or says why it does not come.
    fn give(&mut self, given: Result<Given, &str>);
    /// What the job asks the page, and the answer.
    fn asking(&self) -> Option<Question>;
    fn answer(&mut self, said: Ran);
    /// Writes a file into the shell's home; or says why not.
    fn keep(&mut self, name: &str, text: &str) -> Result<(), &'static str>;
    /// The text that the job wants edited, while it waits for that.
    fn editing(&self) -> Option<&Edit>;
    /// The editor was left with this text, or without saving.
    fn edited(&mut self, text: Option<String>);
}

/// What a job did since it was polled last.
pub struct Polled {
    pub poll: Poll,
    pub output: Vec<Chunk>,
    pub seen: Vec<Seen>,
    pub full_screen: bool,
    /// Of a job that is done: how its text could be mended.
    pub repair: Option<Repair>,
    /// What it waits for.
    pub wants: Option<Want>,
}

impl Polled {
    /// Nothing new; there is more to do at this time.
    pub fn running(wake: Option<SimTime>) -> Polled {
        let poll = Poll::Running { wake };
        Polled { poll, output: Vec::new(), seen: Vec::new(), full_screen: false, repair: None, wants: None }
    }
}

/// What a job may wait for.
pub enum Given {
    Extras(shell::Extras),
    Docs(Rc<Docs>),
}

/// The doors into the modules that come first.
#[derive(Clone, Copy)]
pub struct Tools {
    /// What the engine does not need for a cluster at rest.
    pub parts: fn() -> Parts,
    pub programs: Programs,
}

/// The shell and what else reads texts.
#[derive(Clone, Copy)]
pub struct Programs {
    pub runner: fn(Lang) -> Box<dyn Runner>,
    /// One frame of eks-node-viewer, by the program itself.
    pub viewer: fn(&mut Session) -> String,
    /// Answers what a line of a terminal asks the page; the address is this page's.
    pub answer: fn(Question, &mut Core, &str) -> Ran,
    /// The text without characters that look like others.
    pub normalise: fn(&str) -> String,
    /// Names of characters that look like others, each once.
    pub hidden: fn(&str) -> Vec<String>,
}

/// Problems of a text, and the same as an editor marks them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checked {
    pub findings: Vec<Finding>,
    /// JSON: `[{range, severity, message, fixes: [{title, edits}]}]`.
    pub marks: String,
}

/// What applying a document would do to an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub object: String,
    pub effect: Effect,
    /// `- path: before` and `+ path: after`.
    pub lines: Vec<String>,
    pub refusal: Option<String>,
}

/// A question about a place of a text, answered in JSON.
type Ask = fn(&str, u32, u32, &Session, Lang) -> Option<String>;

/// The doors into the extras.
#[derive(Clone, Copy)]
pub struct Extras {
    pub check: fn(&str, &Session, Lang) -> Checked,
    pub complete: Ask,
    pub hover: Ask,
    pub changes: fn(&str, &Session, Lang) -> Vec<Change>,
    /// What is simulated and what is not, from the text of the README.
    pub simulated: fn(&str) -> Vec<Table>,
    /// The picture of the cost, as SVG; empty where nothing can be drawn.
    pub chart: fn(&CostSeries, Clock) -> String,
    /// Decisions in words, newest first.
    pub why: fn(&Snapshot, Lang) -> Vec<Why>,
    pub watched: fn() -> Box<dyn Watched>,
    /// A plan from its text, with times that count from the instant given, Unix milliseconds; `None` for another text.
    pub read_plan: fn(&str, i64) -> Option<Planned>,
    /// A trace of SimKube as a script.
    pub import: fn(&[u8], Era) -> Result<Imported, String>,
    /// The text with a problem mended, in the way of that number.
    pub mend: fn(&str, &Finding, usize) -> Option<String>,
}

/// A cluster that somebody else watches, as far as it has been told of.
pub trait Watched {
    /// What cannot be read changes nothing.
    fn hear(&mut self, text: &str) -> Result<(), String>;
    fn picture(&self) -> Snapshot;
    fn notes(&self) -> &[String];
}

/// A plan for that cluster in words.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    pub ko: Vec<Why>,
    pub en: Vec<Why>,
    pub notes: Vec<String>,
}

type Waiting<T> = Box<dyn FnOnce(Result<T, &str>)>;

/// A module that is loaded once.
struct Door<T: 'static> {
    here: RefCell<Option<T>>,
    /// Who waits for it while it is under way.
    waiting: RefCell<Vec<Waiting<T>>>,
}

impl<T: Clone> Door<T> {
    const fn new() -> Door<T> {
        Door { here: RefCell::new(None), waiting: RefCell::new(Vec::new()) }
    }

    /// Calls with what lies behind: at once if it is here, else once `open` has brought it, or with what went wrong; then
    /// the next call tries again.
    fn with<F, E>(door: &'static LocalKey<Door<T>>, open: impl FnOnce() -> F + 'static, call: Waiting<T>)
    where
        F: Future<Output = Result<T, E>>,
        E: ToString,
    {
        if let Some(here) = door.with(|d| d.here.borrow().clone()) {
            return call(Ok(here));
        }
        let first = door.with(|d| {
            let mut waiting = d.waiting.borrow_mut();
            waiting.push(call);
            waiting.len() == 1
        });
        if first {
            yew::platform::spawn_local(async move {
                let loaded = open().await.map_err(|e| e.to_string());
                door.with(|d| d.here.replace(loaded.as_ref().ok().cloned()));
                for call in door.with(|d| d.waiting.take()) {
                    call(loaded.as_ref().cloned().map_err(String::as_str));
                }
            });
        }
    }
}

/// Where the descriptions of fields lie beside the page.
const DESCRIPTIONS: &str = "data/descriptions.txt";

thread_local! {
    static DOCS: Door<Rc<Docs>> = const { Door::new() };
    static TOOLS: Door<Tools> = const { Door::new() };
    static EXTRAS: Door<Extras> = const { Door::new() };
    static JQ: Door<shell::Extras> = const { Door::new() };
}

/// The tools, if they are here.
pub fn get() -> Option<Tools> {
    TOOLS.with(|d| *d.here.borrow())
}

/// The extras, if they are here.
pub fn get_extras() -> Option<Extras> {
    EXTRAS.with(|d| *d.here.borrow())
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
    Door::with(&TOOLS, later::tools, Box::new(call));
}

/// The same for the extras. The descriptions of fields come beside them.
pub fn extras(call: impl FnOnce(Result<Extras, &str>) + 'static) {
    docs(|_| ());
    Door::with(&EXTRAS, extras::extras, Box::new(call));
}

/// The same for the descriptions of fields.
fn docs(call: impl FnOnce(Result<Rc<Docs>, &str>) + 'static) {
    let fetched = || async {
        let text = dom::fetch_text(DESCRIPTIONS).await;
        text.map(|text| Rc::new(Docs::read(text))).ok_or(DESCRIPTIONS)
    };
    Door::with(&DOCS, fetched, Box::new(call));
}

/// The descriptions of fields, if they are here.
fn docs_here() -> Option<Rc<Docs>> {
    DOCS.with(|d| d.here.borrow().clone())
}

/// Fetches what the job of a terminal waits for, and gives it to it.
pub fn bring(lab: &Lab, terminal: usize, want: Want) {
    let lab = lab.clone();
    let give = move |given: Result<Given, &str>| lab.change(|c| c.give(terminal, given));
    match want {
        Want::Extras => Door::with(&JQ, jq::jq, Box::new(move |x| give(x.map(Given::Extras)))),
        Want::Docs => docs(move |d| give(d.map(Given::Docs))),
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
