//! What a program asks of the owner of the shell: only the page around a terminal knows its clock, its lesson and its address.

use crate::whole::Ran;
use engine::SimTime;

/// A question, or something to be done, for [`crate::Job::answer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// What the present step of the lesson is about.
    Goal,
    /// The next hint of that step.
    Hint,
    /// What of that step is done; status 1 where something is not.
    Check,
    /// How many simulated seconds pass in one; with a number, let so many pass.
    Speed(Option<u32>),
    /// The address that begins as this page did.
    Share,
    /// Let time pass at once: up to then, or without a time to the next visible event. Answer when it has begun; the program
    /// waits by itself until it is there.
    Skip(Option<SimTime>),
}

/// A question on its way to the owner and back.
#[derive(Debug, Default)]
pub(crate) enum Errand {
    /// There is nobody to ask.
    #[default]
    Nobody,
    None,
    Asked(Ask),
    Answered(Ran),
}
