//! Where a person is in a lesson, and what the panel shows of it.

use engine::session::Seen;
use engine::{Session, Snapshot};
use lessons::{Lesson, LessonRun, LessonText, StepState, StepText};
use std::sync::Arc;
use view::Lang;

pub struct LessonState {
    run: LessonRun,
    /// Steps passed so far, by number.
    passed: Vec<bool>,
    /// Rungs of the hint ladder that are open in this step.
    hints: usize,
    /// Chosen answer of the prediction.
    predicted: Option<usize>,
    /// Wrong answer of the quiz, to say so.
    wrong: Option<usize>,
    revision: u64,
    /// What the last evaluation was made from.
    evaluated: (u64, u64),
}

/// What the lesson panel shows.
#[derive(Clone, Debug, PartialEq)]
pub struct LessonView {
    pub lesson: LessonText,
    pub step: StepText,
    pub state: StepState,
    pub passed: Vec<bool>,
    pub hints: usize,
    pub predicted: Option<usize>,
    pub wrong: Option<usize>,
    pub finished: bool,
}

fn lang(lang: Lang) -> lessons::Lang {
    match lang {
        Lang::Ko => lessons::Lang::Ko,
        Lang::En => lessons::Lang::En,
    }
}

impl LessonState {
    pub fn open(lesson: Arc<Lesson>, step: usize, session: &Session) -> LessonState {
        let snapshot = session.snapshot();
        let passed = vec![false; lesson.steps.len()];
        let mut run = LessonRun::start(lesson, &snapshot);
        if step > 0 {
            run.go_to(step, &snapshot);
        }
        LessonState { run, passed, hints: 0, predicted: None, wrong: None, revision: 0, evaluated: (0, u64::MAX) }
    }

    pub fn revision(&self) -> u64 {
        self.revision
    }

    pub fn title(&self, l: Lang) -> String {
        self.run.lesson().title.get(lang(l)).to_owned()
    }

    pub fn position_and_title(&self, l: Lang) -> String {
        let title = self.run.step().map(|s| s.title.get(lang(l)).to_owned()).unwrap_or_default();
        format!("{}/{} {title}", self.run.step_number() + 1, self.passed.len())
    }

    /// Asks the checks again where the cluster has moved; passed steps stay passed.
    pub fn check(&mut self, session: &Session) {
        let snapshot = session.snapshot();
        let key = (self.revision, snapshot.hash);
        if self.evaluated == key {
            return;
        }
        let at = self.run.step_number();
        let done = self.passed.get(at).copied().unwrap_or(true);
        if !done && self.run.evaluate(&snapshot, lessons::Lang::En).is_passed() {
            if let Some(p) = self.passed.get_mut(at) {
                *p = true;
            }
            self.revision += 1;
        }
        self.evaluated = (self.revision, snapshot.hash);
    }

    pub fn seen(&mut self, seen: Seen) {
        self.run.observe(seen);
        self.revision += 1;
    }

    pub fn command_ended(&mut self, exit: i32, stderr: &str) {
        if exit == 0 || exit == 130 {
            self.run.succeeded();
        } else {
            self.run.failed(exit, stderr);
        }
        self.revision += 1;
    }

    pub fn restart(&mut self, session: &Session) {
        let lesson = self.run.lesson().clone();
        let revision = self.revision + 1;
        self.passed = vec![false; lesson.steps.len()];
        self.run = LessonRun::start(lesson, &session.snapshot());
        self.fresh_step();
        self.revision = revision;
    }

    pub fn go_to(&mut self, step: usize, session: &Session) {
        if step == self.run.step_number() + 1 {
            self.run.next(&session.snapshot());
        } else if step != self.run.step_number() {
            self.run.go_to(step, &session.snapshot());
        }
        self.fresh_step();
    }

    pub fn finish(&mut self, session: &Session) {
        self.run.next(&session.snapshot());
        self.revision += 1;
    }

    fn fresh_step(&mut self) {
        self.hints = 0;
        self.predicted = None;
        self.wrong = None;
        self.revision += 1;
    }

    /// Opens the next rung; the last one is the command.
    pub fn hint(&mut self) {
        let most = self.run.step().map_or(0, |s| s.hints.len());
        self.hints = (self.hints + 1).min(most);
        self.revision += 1;
    }

    pub fn predict(&mut self, option: usize) {
        self.predicted = Some(option);
        self.revision += 1;
    }

    pub fn answer(&mut self, option: usize) {
        self.wrong = (!self.run.answer(option)).then_some(option);
        self.revision += 1;
    }

    /// Commands of the present step.
    pub fn commands(&self) -> Vec<String> {
        self.run.step().map(|s| s.commands.iter().map(|c| c.run.clone()).collect()).unwrap_or_default()
    }

    pub fn view(&self, l: Lang, snapshot: &Snapshot) -> Option<LessonView> {
        let lesson = self.run.lesson();
        Some(LessonView {
            lesson: lesson.text(lang(l)),
            step: lesson.step_text(self.run.step_number(), lang(l))?,
            state: self.run.evaluate(snapshot, lang(l)),
            passed: self.passed.clone(),
            hints: self.hints,
            predicted: self.predicted,
            wrong: self.wrong,
            finished: self.run.is_finished(),
        })
    }
}
