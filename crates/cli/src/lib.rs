//! The `nodewright` command line: labs replayed headless, in virtual time. The binary is a thin wrapper; tests use the
//! same functions.

#[cfg(feature = "kube")]
pub mod act;
pub mod bench;
pub mod cases;
pub mod conform;
pub mod expect;
pub mod export;
pub mod lab;
pub mod lint;
#[cfg(feature = "kube")]
pub mod observe;
pub mod plan;
pub mod replay;
pub mod report;

use std::fmt;

/// What ends the program early: a message for standard error and the exit status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub message: String,
    pub exit: u8,
}

impl Failure {
    /// Something that was asked for wrongly: status 2.
    pub fn usage(message: impl fmt::Display) -> Failure {
        Failure { message: message.to_string(), exit: 2 }
    }
}
