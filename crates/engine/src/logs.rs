//! Lines of controller logs, as data and as the era's text.

use crate::SimTime;
use objects::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

impl Level {
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Debug => "DEBUG",
            Level::Info => "INFO",
            Level::Warn => "WARN",
            Level::Error => "ERROR",
        }
    }
}

/// Most lines of controller log kept; the oldest go first.
pub const LOG_LINES: usize = 20_000;

/// One line that a container wrote.
#[derive(Clone, Debug, PartialEq)]
pub struct LogLine {
    pub at: SimTime,
    /// `namespace/name` of the pod; the executor fills in Karpenter's leader where it is empty.
    pub pod: String,
    pub container: String,
    pub level: Level,
    /// `controller.provisioner` (era A) or the `controller` field (era B).
    pub logger: String,
    pub message: String,
    pub fields: Vec<(String, Value)>,
    /// The line as the era prints it, without a newline.
    pub text: String,
}
