//! Lessons (ko, en) and their checker.
//!
//! A lesson is a data file (`data/*.yaml`); its checks look at the state of the cluster, at decisions and at what a person
//! has seen, never at command text. A panel holds a [`LessonRun`], tells it what was seen, asks [`LessonRun::evaluate`]
//! with each new snapshot, and shows [`StepText`] and [`StepState`].

mod check;
mod lesson;
mod measure;
mod predicate;
mod read;
mod run;
mod text;

pub use check::{Check, Evidence, Since};
pub use lesson::{Command, Lesson, Mistake, Observe, Pane, Predict, Quiz, Reference, Repair, Step};
pub use run::{LessonRun, Part, StepState};
pub use text::{CardText, Lang, LessonText, MistakeText, QuizText, StepText, Text};

use objects::Era;

/// Why a lesson file cannot be read: where and what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LessonError(pub String);

impl std::fmt::Display for LessonError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for LessonError {}

/// Every lesson, in the order they are taught: its id and its era.
pub const LESSONS: [(&str, Era); 1] = [("karpenter-basics-v1alpha5", Era::V1alpha5)];

/// Their files, which the build made JSON.
#[cfg(feature = "builtin")]
const FILES: [&str; LESSONS.len()] = [include_str!(concat!(env!("OUT_DIR"), "/karpenter-basics-v1alpha5.json"))];

/// Reads a lesson that is built in.
///
/// # Errors
/// There is none of that id, or its file breaks the form (which the tests rule out).
#[cfg(feature = "builtin")]
pub fn load(id: &str) -> Result<Lesson, LessonError> {
    let mut known = LESSONS.iter().zip(FILES);
    let (_, file) = known.find(|((i, _), _)| *i == id).ok_or_else(|| LessonError(format!("there is no lesson `{id}`")))?;
    from_json(file)
}

/// Reads a lesson from its file as JSON.
///
/// # Errors
/// The text is no JSON, or breaks the form of a lesson; the place is named.
pub fn from_json(file: &str) -> Result<Lesson, LessonError> {
    let document = serde_json::from_str(file).map_err(|e| LessonError(e.to_string()))?;
    read::lesson(&document)
}

/// Reads a lesson from the text of its file.
pub fn parse(file: &str) -> Result<Lesson, LessonError> {
    read::lesson(&objects::yaml::single(file).map_err(LessonError)?)
}
