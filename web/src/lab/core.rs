//! Session, clock and terminals: what a frame moves.

use super::clock::{Clock, Pace, SKIP_LIMIT_MS};
use super::lesson::LessonState;
use super::term::{Term, Told};
use crate::i18n::texts;
use crate::scenario::Plan;
use crate::tools::{self, Given, Tools};
use engine::session::{Advance, NextEvent, Request};
use engine::{Session, SimTime, Snapshot};
use shell::{Edit, Want};
use std::rc::Rc;
use std::sync::Arc;
use view::Lang;

pub struct Core {
    pub session: Session,
    pub clock: Clock,
    pub terms: Vec<Term>,
    pub lesson: Option<LessonState>,
    /// Counts resets, so that panels that keep own state (editor, prompt) start anew.
    pub generation: u32,
    exact: Option<((u64, u64), Rc<str>)>,
    /// The language of terminals that have no shell yet.
    lang: Lang,
    pub tools: Supply,
    /// Lines of earlier visits, which every shell begins with.
    typed: Vec<String>,
}

/// Whether the tools that come later are here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Supply {
    None,
    Asked,
    Here,
}

/// Actor runs between two looks at the wall clock.
const SLICE: usize = 8;

/// Terminals on the page.
pub const TERMINALS: usize = 3;

impl Core {
    pub fn new(plan: &Plan, lang: Lang, typed: Vec<String>) -> Result<Core, String> {
        let session = Session::at_rest(plan.scenario.clone()).map_err(|e| e.message)?;
        let mut core = Core {
            clock: Clock::new(plan.speed),
            terms: (0..TERMINALS).map(|_| Term::new()).collect(),
            lesson: plan.lesson.clone().map(|lesson| LessonState::open(lesson, plan.step, &session)),
            session,
            generation: 0,
            exact: None,
            lang,
            tools: Supply::None,
            typed,
        };
        core.clock.playing = plan.playing;
        if let Some(tools) = tools::get() {
            core.equip(Ok(tools));
        }
        Ok(core)
    }

    /// Gives every terminal its shell, and runs what was typed meanwhile; or says there that it did not come.
    pub fn equip(&mut self, tools: Result<Tools, &str>) {
        self.tools = Supply::None;
        if let Ok(tools) = tools {
            self.session.attach((tools.parts)());
            self.tools = Supply::Here;
        }
        let mut terms = std::mem::take(&mut self.terms);
        terms.iter_mut().for_each(|t| self.equip_term(t, tools));
        self.terms = terms;
        self.poll_terms();
    }

    /// The same for a terminal that is not on the page.
    pub fn equip_term(&mut self, term: &mut Term, tools: Result<Tools, &str>) {
        match tools {
            Ok(tools) => term.equip(tools, self.lang, &self.typed, &mut self.session),
            Err(error) => term.refuse(&format!("{} ({error})", texts(self.lang).no_shell)),
        }
    }

    /// Lines that went to a shell since this was asked last.
    pub fn take_typed(&mut self) -> Vec<String> {
        let lines: Vec<String> = self.terms.iter_mut().flat_map(Term::take_typed).collect();
        self.typed.extend(lines.iter().cloned());
        lines
    }

    pub fn typed_before(&self) -> &[String] {
        &self.typed
    }

    pub fn lang(&self) -> Lang {
        self.lang
    }

    pub fn set_lang(&mut self, lang: Lang) {
        self.lang = lang;
        self.terms.iter_mut().for_each(|t| t.set_lang(lang));
    }

    /// Somebody typed, and there is no shell; or the cluster has something to do that needs the rest of the engine.
    pub fn lacks_tools(&self) -> bool {
        self.session.waits_for_parts() || self.terms.iter().any(Term::lacks_shell)
    }

    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.session.snapshot()
    }

    pub fn terms_revision(&self) -> u64 {
        let terms: u64 = self.terms.iter().map(|t| t.revision()).sum();
        terms + self.lesson.as_ref().map_or(0, LessonState::revision)
    }

    /// One frame of eks-node-viewer, by the program itself.
    pub fn exact_viewer(&mut self) -> Rc<str> {
        let key = (self.session.snapshot().hash, self.session.now().ms() / 1000);
        if let Some((k, text)) = &self.exact
            && *k == key
        {
            return text.clone();
        }
        let Some(tools) = tools::get() else { return "".into() };
        let text = (tools.programs.viewer)(&mut self.session);
        let text: Rc<str> = text.into();
        self.exact = Some((key, text.clone()));
        text
    }

    /// Lets `wall_ms` pass while `may_go_on` says so.
    pub fn frame(&mut self, wall_ms: f64, may_go_on: &dyn Fn() -> bool) {
        if let Pace::Skipping { limit } = self.clock.pace {
            self.skip(limit, may_go_on);
        } else if let Pace::Until { limit } = self.clock.pace {
            self.play(limit.since(self.session.now()), may_go_on);
            if self.session.now() >= limit {
                self.clock.pace = Pace::Steady;
            }
        } else if self.clock.playing {
            let passed = self.clock.pass(wall_ms);
            self.play(passed, may_go_on);
        } else {
            self.poll_terms();
        }
        if let Some(lesson) = &mut self.lesson {
            lesson.check(&self.session);
        }
    }

    /// Plays up to `ms` milliseconds, stopping at every time at which a terminal wants to go on.
    fn play(&mut self, ms: u64, may_go_on: &dyn Fn() -> bool) {
        let mut target = self.session.now() + ms;
        if self.session.is_rewound() {
            target = target.min(self.session.present_time());
        }
        loop {
            let now = self.session.now();
            let wake = self.terms.iter().filter_map(Term::wake).filter(|w| *w > now).min();
            let stop = wake.map_or(target, |w| w.min(target));
            let done = self.session.advance(stop, SLICE) == Advance::Reached;
            if done {
                self.poll_terms();
                if stop >= target {
                    self.clock.behind = false;
                    return;
                }
            }
            if !may_go_on() {
                // The clock falls behind rather than block the page; results do not depend on it.
                self.clock.behind = true;
                return;
            }
        }
    }

    fn skip(&mut self, limit: SimTime, may_go_on: &dyn Fn() -> bool) {
        while may_go_on() {
            let wake = self.terms.iter().filter_map(Term::wake).filter(|w| *w > self.session.now()).min();
            let stop = wake.map_or(limit, |w| w.min(limit));
            match self.session.advance_to_next_event(stop, 1) {
                NextEvent::Working => continue,
                found => {
                    self.poll_terms();
                    if found == NextEvent::Found || stop >= limit || wake.is_some_and(|w| w <= self.session.now()) {
                        self.clock.pace = Pace::Steady;
                        return;
                    }
                }
            }
        }
    }

    /// Goes to the next visible event within the coming frames.
    pub fn next_event(&mut self) {
        let limit = self.session.now() + SKIP_LIMIT_MS;
        self.clock.pace = Pace::Skipping { limit };
    }

    /// Runs every terminal as far as the present allows.
    pub fn poll_terms(&mut self) {
        let told: Vec<Told> = self.terms.iter_mut().flat_map(|t| t.poll(&mut self.session)).collect();
        self.hear(told);
    }

    /// Tells the lesson what a terminal, or the editor, has to tell.
    pub fn hear(&mut self, told: Vec<Told>) {
        let Some(lesson) = &mut self.lesson else { return };
        for t in told {
            match t {
                Told::Seen(seen) => lesson.seen(seen),
                Told::Ended { exit, stderr } => lesson.command_ended(exit, &stderr),
            }
        }
    }

    /// What jobs wait for and nobody has been asked for yet, with their terminals.
    pub fn take_wants(&mut self) -> Vec<(usize, Want)> {
        self.terms.iter_mut().enumerate().filter_map(|(i, t)| Some((i, t.take_want()?))).collect()
    }

    /// Gives a job what it waits for, or ends it with what is said there.
    pub fn give(&mut self, terminal: usize, given: Result<Given, &str>) {
        let why = given.as_ref().err().map(|e| format!("{} ({e})", texts(self.lang).no_part));
        if let Some(term) = self.terms.get_mut(terminal) {
            term.give(given.map_err(|_| why.as_deref().unwrap_or_default()));
        }
        self.poll_terms();
    }

    /// Answers what the terminals' jobs ask the page.
    pub fn answer(&mut self, address: &str) {
        let Some(tools) = tools::get() else { return };
        for at in 0..self.terms.len() {
            if let Some(ask) = self.terms.get(at).and_then(Term::asking) {
                let said = (tools.programs.answer)(ask, self, address);
                if let Some(term) = self.terms.get_mut(at) {
                    term.answer(said);
                }
            }
        }
        self.poll_terms();
    }

    pub fn is_asked(&self) -> bool {
        self.terms.iter().any(|t| t.asking().is_some())
    }

    /// The text that a terminal's job wants edited, and which terminal.
    pub fn editing(&self) -> Option<(usize, &Edit)> {
        self.terms.iter().enumerate().find_map(|(i, t)| t.editing().map(|e| (i, e)))
    }

    /// Gives that job the text, or nothing where the editor was left without saving.
    pub fn edited(&mut self, terminal: usize, text: Option<String>) {
        if let Some(term) = self.terms.get_mut(terminal) {
            term.edited(text);
        }
        self.poll_terms();
    }

    /// Writes a file into the home of a terminal; or says why not.
    pub fn keep_file(&mut self, terminal: usize, name: &str, text: &str) -> Result<(), String> {
        self.terms.get_mut(terminal).map_or(Ok(()), |t| t.keep_file(name, text)).map_err(str::to_owned)
    }

    /// Ctrl+C in a terminal; `typed` is what stood at its prompt. Time that is skipped for it is skipped no longer.
    pub fn interrupt(&mut self, terminal: usize, typed: &str) {
        if let Some(term) = self.terms.get_mut(terminal) {
            if term.busy() {
                self.clock.pace = Pace::Steady;
            }
            term.interrupt(typed);
        }
        self.poll_terms();
    }

    pub fn submit(&mut self, terminal: usize, text: &str) {
        if let Some(term) = self.terms.get_mut(terminal) {
            term.submit(text, &mut self.session);
        }
        self.poll_terms();
    }

    /// A request from a panel other than the terminal; `line` is the command that would do the same.
    pub fn request(&mut self, line: &str, request: Request) -> Result<(), String> {
        self.session.begin_line();
        self.session.request(line, request).map(|_| ()).map_err(|e| e.message)
    }

    pub fn undo(&mut self) -> bool {
        let done = self.session.undo();
        self.after_jump();
        done
    }

    pub fn redo(&mut self) -> bool {
        let done = self.session.redo();
        self.after_jump();
        done
    }

    pub fn reset(&mut self) {
        self.session.reset();
        self.generation += 1;
        if let Some(lesson) = &mut self.lesson {
            lesson.restart(&self.session);
        }
        self.after_jump();
    }

    pub fn seek(&mut self, time: SimTime) {
        self.clock.playing = false;
        self.session.seek(time);
        self.after_jump();
    }

    fn after_jump(&mut self) {
        self.clock.pace = Pace::Steady;
        self.poll_terms();
    }
}
