//! What a lesson consists of.

use crate::check::Check;
use crate::measure::Measure;
use crate::text::Text;
use engine::Era;

#[derive(Clone, Debug, PartialEq)]
pub struct Lesson {
    pub id: String,
    pub era: Era,
    pub title: Text,
    /// Minutes a person needs.
    pub minutes: u32,
    /// Id of the scenario the lesson starts from.
    pub start: String,
    pub seed: u64,
    pub steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub id: String,
    pub title: Text,
    pub goal: Text,
    pub commands: Vec<Command>,
    pub predict: Option<Predict>,
    pub observe: Vec<Observe>,
    /// Passed when all of these hold.
    pub checks: Vec<(Check, Text)>,
    /// Another way to pass.
    pub quiz: Option<Quiz>,
    pub mistakes: Vec<Mistake>,
    /// A nudge, where to look, the command itself.
    pub hints: Vec<Text>,
    /// The command of the last hint; it is inserted, not run.
    pub hint_command: String,
    /// Why it happened, shown after the step.
    pub why: Option<Text>,
    /// Shown when the step is passed; `{name}` stands for measured values.
    pub success: Text,
    pub measures: Vec<Measure>,
    /// How the step is solved, for tests and demonstrations.
    pub reference: Vec<Reference>,
    /// Further checks that hold for the lesson's own seed only; invisible to learners.
    pub golden: Vec<Check>,
}

/// A command to type, with a remark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// One command, or several lines where it holds a here-document.
    pub run: String,
    pub note: Option<Text>,
    /// The step can be passed without it.
    pub optional: bool,
}

/// A question before the command runs; any answer is fine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Predict {
    pub question: Text,
    pub options: Vec<Text>,
    pub answer: usize,
    pub reveal: Text,
}

/// A question whose right answer passes the step as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quiz {
    pub question: Text,
    pub options: Vec<Text>,
    pub answer: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pane {
    Terminal,
    Log,
    NodeViewer,
    OpsView,
    Yaml,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observe {
    pub pane: Pane,
    pub text: Text,
}

/// A wrong but reasonable path, recognised and explained.
#[derive(Clone, Debug, PartialEq)]
pub struct Mistake {
    pub when: Check,
    pub hint: Text,
    pub repair: Option<Repair>,
}

/// What one click puts right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Repair {
    /// Strip `//` remarks of what was just applied and apply it again.
    StripRemarks,
    /// Replace look-alike characters and apply again.
    Normalise,
    /// Insert this command.
    Command(String),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Reference {
    Run(String),
    /// Let simulated time pass.
    WaitS(u64),
    /// Until the step is passed, at most this long.
    WaitPassed {
        max_s: u64,
    },
    /// Until this holds, at most this long.
    WaitUntil {
        check: Check,
        max_s: u64,
    },
}
