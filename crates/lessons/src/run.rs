//! A person's way through a lesson.

use crate::check::{Check, Evidence, Since};
use crate::lesson::{Lesson, Step};
use crate::text::{Lang, MistakeText};
use engine::session::Seen;
use engine::{SimTime, Snapshot};
use objects::collections::VecMap;
use std::sync::Arc;

/// Most things remembered as seen; the oldest go first.
const SEEN: usize = 2_000;

/// One condition of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub done: bool,
    pub text: String,
    /// How many there are and how many are wanted, where the condition counts.
    pub counts: Option<(i64, i64)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepState {
    /// Not yet; with what is done already and the wrong paths that are recognised.
    Open { parts: Vec<Part>, mistakes: Vec<MistakeText> },
    /// Done, with the text of the success card.
    Passed { success: String },
}

impl StepState {
    pub fn is_passed(&self) -> bool {
        matches!(self, StepState::Passed { .. })
    }
}

/// Cloning is cheap enough to keep one beside each snapshot for undo.
#[derive(Clone, Debug)]
pub struct LessonRun {
    lesson: Arc<Lesson>,
    step: usize,
    starts: Vec<(SimTime, u64)>,
    start_rate_micro: i64,
    seen: Vec<(usize, Seen)>,
    failure: String,
    answered: bool,
    finished: bool,
}

impl LessonRun {
    /// Begins the lesson at its first step.
    pub fn start(lesson: Arc<Lesson>, snapshot: &Snapshot) -> LessonRun {
        let mut run = LessonRun {
            lesson,
            step: 0,
            starts: Vec::new(),
            start_rate_micro: 0,
            seen: Vec::new(),
            failure: String::new(),
            answered: false,
            finished: false,
        };
        run.enter(0, snapshot);
        run
    }

    fn enter(&mut self, step: usize, snapshot: &Snapshot) {
        self.step = step;
        // Steps that were jumped over began now as well.
        self.starts.truncate(step);
        self.starts.resize(step + 1, (snapshot.now, snapshot.store.revision()));
        self.start_rate_micro = snapshot.ledger.rate_micro();
        self.failure.clear();
        self.answered = false;
    }

    pub fn lesson(&self) -> &Arc<Lesson> {
        &self.lesson
    }

    /// Number of the present step, from 0.
    pub fn step_number(&self) -> usize {
        self.step
    }

    pub fn step(&self) -> Option<&Step> {
        self.lesson.steps.get(self.step)
    }

    /// The last step was passed and left.
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// Tells what a command that succeeded has shown.
    pub fn observe(&mut self, seen: Seen) {
        self.failure.clear();
        if self.seen.len() >= SEEN {
            self.seen.remove(0);
        }
        self.seen.push((self.step, seen));
    }

    /// Tells that a command failed, with its exit status and its error output. A command that failed without a word
    /// (a `grep` that found nothing) counts as `exit status 1`.
    pub fn failed(&mut self, status: i32, stderr: &str) {
        let text: String = stderr.trim().chars().take(4_000).collect();
        self.failure = if text.is_empty() { format!("exit status {status}") } else { text };
    }

    /// Tells that a command went well without showing anything.
    pub fn succeeded(&mut self) {
        self.failure.clear();
    }

    /// Answers the quiz of the step; tells whether it was right.
    pub fn answer(&mut self, option: usize) -> bool {
        let right = self.step().and_then(|s| s.quiz.as_ref()).is_some_and(|q| q.answer == option);
        self.answered |= right;
        right
    }

    fn evidence(&self) -> Evidence<'_> {
        Evidence {
            seen: &self.seen,
            step: self.step,
            starts: &self.starts,
            start_rate_micro: self.start_rate_micro,
            answered: self.answered,
            failure: &self.failure,
        }
    }

    /// Whether `check` holds now, with what this run has seen.
    pub fn holds(&self, check: &Check, snapshot: &Snapshot) -> bool {
        check.holds(snapshot, &self.evidence())
    }

    /// How the present step stands.
    pub fn evaluate(&self, snapshot: &Snapshot, lang: Lang) -> StepState {
        let Some(step) = self.step() else {
            return StepState::Passed { success: String::new() };
        };
        let evidence = self.evidence();
        let done: Vec<bool> = step.checks.iter().map(|(c, _)| c.holds(snapshot, &evidence)).collect();
        if done.iter().all(|d| *d) || self.answered {
            return StepState::Passed { success: step.success.fill(lang, &self.values(snapshot)) };
        }
        let parts = step.checks.iter().zip(done).map(|((check, text), done)| Part {
            done,
            text: text.get(lang).to_owned(),
            counts: check.counted(snapshot),
        });
        let mistakes = step.mistakes.iter().filter(|m| m.when.holds(snapshot, &evidence));
        StepState::Open {
            parts: parts.collect(),
            mistakes: mistakes.map(|m| MistakeText { hint: m.hint.get(lang).to_owned(), repair: m.repair.clone() }).collect(),
        }
    }

    /// Measured values for texts: rates, costs, durations of the step's measures, names of the nodes' types.
    pub fn values(&self, snapshot: &Snapshot) -> VecMap<String, String> {
        let rate = snapshot.ledger.rate_micro();
        let mut values = VecMap::from([
            ("rate_before".to_owned(), dollars(self.start_rate_micro)),
            ("rate_after".to_owned(), dollars(rate)),
            ("total_cost".to_owned(), dollars(snapshot.ledger.total_micro(snapshot.now))),
            ("elapsed_min".to_owned(), (snapshot.elapsed_ms() / 60_000).to_string()),
        ]);
        let saved = self.start_rate_micro.saturating_sub(rate);
        let percent =
            if self.start_rate_micro > 0 { (saved.saturating_mul(200) / self.start_rate_micro + saved.signum()) / 2 } else { 0 };
        values.insert("saved_percent".to_owned(), percent.to_string());
        let revision = self.evidence().revision(Since::Step);
        for m in self.step().into_iter().flat_map(|s| &s.measures) {
            let text = m.seconds(snapshot, revision).map_or_else(|| "?".to_owned(), |s| s.to_string());
            values.insert(m.name.clone(), text);
        }
        values
    }

    /// Goes on to the next step, whether or not this one is passed (a trainer may skip). False at the end.
    pub fn next(&mut self, snapshot: &Snapshot) -> bool {
        if self.step + 1 >= self.lesson.steps.len() {
            self.finished = true;
            return false;
        }
        self.enter(self.step + 1, snapshot);
        true
    }

    /// Goes to a step, back or forth; numbers beyond the last are the last.
    pub fn go_to(&mut self, step: usize, snapshot: &Snapshot) {
        self.finished = false;
        self.enter(step.min(self.lesson.steps.len().saturating_sub(1)), snapshot);
    }
}

/// `$0.9600`: four decimals, cut off.
fn dollars(micro: i64) -> String {
    format!("${}.{:04}", micro / 1_000_000, micro % 1_000_000 / 100)
}
