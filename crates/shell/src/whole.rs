//! Texts run to their end at one go, for owners that show nothing in between.

use crate::{Poll, Shell, Start, Stream};
use engine::Session;

/// What a text printed, and its exit status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ran {
    pub exit: i32,
    pub stdout: String,
    pub stderr: String,
    pub hints: String,
}

impl Shell {
    /// Runs `text` and lets simulated time pass as it needs. What would go on for more than `most_ms`, or for ever with
    /// nothing left to happen, is interrupted as by Ctrl+C. `None` for an unfinished text.
    pub fn run(&mut self, text: &str, session: &mut Session, most_ms: u64) -> Option<Ran> {
        let Start::Job(mut job) = self.start(text, session) else { return None };
        let mut ran = Ran::default();
        let limit = session.now() + most_ms;
        loop {
            let poll = self.poll(&mut job, session);
            for chunk in job.take_output() {
                match chunk.stream {
                    Stream::Stdout => ran.stdout.push_str(&chunk.text),
                    Stream::Stderr => ran.stderr.push_str(&chunk.text),
                    Stream::Hint => ran.hints.push_str(&chunk.text),
                }
            }
            match poll {
                Poll::Done { exit } => return Some(Ran { exit, ..ran }),
                Poll::Running { wake } => {
                    let next = [wake, session.next_wake()].into_iter().flatten().min();
                    match next.filter(|t| *t <= limit) {
                        Some(t) => session.advance_to(t.max(session.now())),
                        None => job.interrupt(),
                    }
                }
            }
        }
    }
}
