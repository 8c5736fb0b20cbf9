//! Session, clock and terminals: what a frame moves.

use super::clock::{Clock, Pace, SKIP_LIMIT_MS};
use super::lesson::LessonState;
use super::term::{Term, Told};
use crate::scenario::Plan;
use engine::session::{Advance, NextEvent, Request};
use engine::{Session, SimTime, Snapshot};
use shell::{Options, Poll, Shell, Start};
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
}

/// Actor runs between two looks at the wall clock.
const SLICE: usize = 8;

/// Terminals on the page.
pub const TERMINALS: usize = 3;

impl Core {
    pub fn new(plan: &Plan, lang: Lang) -> Result<Core, String> {
        let mut session = Session::new(plan.scenario.clone()).map_err(|e| e.message)?;
        if plan.lesson.is_none() {
            crate::scenario::prepare(&mut session)?;
        }
        let mut core = Core {
            clock: Clock::new(plan.speed),
            terms: (0..TERMINALS).map(|_| Term::new(lang)).collect(),
            lesson: plan.lesson.as_deref().and_then(|id| LessonState::open(id, plan.step, &session)),
            session,
            generation: 0,
            exact: None,
        };
        core.clock.playing = plan.playing;
        Ok(core)
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
        let mut shell = Shell::new(Options { kubectl_ms: 0, columns: 170, ..Options::script() });
        let mut text = String::new();
        if let Start::Job(mut job) = shell.start("eks-node-viewer", &mut self.session) {
            // One frame is there at once; anything else would wait for time to pass.
            let _: Poll = shell.poll(&mut job, &mut self.session);
            job.take_output().iter().for_each(|c| text.push_str(&c.text));
        }
        let text: Rc<str> = text.into();
        self.exact = Some((key, text.clone()));
        text
    }

    /// Lets `wall_ms` pass while `may_go_on` says so.
    pub fn frame(&mut self, wall_ms: f64, may_go_on: &dyn Fn() -> bool) {
        if let Pace::Skipping { limit } = self.clock.pace {
            self.skip(limit, may_go_on);
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
