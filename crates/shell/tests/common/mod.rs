//! Runs shell texts on a session to their end and gives what came out.
#![allow(clippy::panic, reason = "test support, included by several tests")]

use engine::{Era, Scenario, Session};
use nodewright_shell::{Extras, Options, Poll, Shell, Start, Stream};
use objects::Value;

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Out {
    pub stdout: String,
    pub stderr: String,
    pub hints: String,
    pub exit: i32,
}

pub struct Lab {
    pub session: Session,
    pub shell: Shell,
}

#[allow(dead_code, reason = "each test file uses its part")]
impl Lab {
    pub fn new(era: Era, docs: Vec<Value>) -> Lab {
        let scenario = Scenario {
            id: "test".to_owned(),
            seed: 1,
            era,
            region: "ap-northeast-2".to_owned(),
            // The user's session begins at 14:10:00 in Seoul.
            epoch_ms: 1_690_348_200_000 - i64::try_from(engine::session::SETTLE_MS).unwrap_or(0),
            docs,
            prices: None,
            node_group: false,
            settle_ms: engine::session::SETTLE_MS,
        };
        Lab::of(scenario)
    }

    pub fn of(scenario: Scenario) -> Lab {
        let session = Session::new(scenario).unwrap_or_else(|error| panic!("{error}"));
        Lab { session, shell: shell() }
    }

    /// The same start again, without building it anew.
    pub fn again(&self) -> Lab {
        Lab { session: self.session.clone(), shell: shell() }
    }

    /// Runs `text` to its end; something that follows is interrupted when nothing is left to happen within ten minutes.
    pub fn run(&mut self, text: &str) -> Out {
        let Start::Job(mut job) = self.shell.start(text, &mut self.session) else {
            panic!("unfinished: {text}");
        };
        let mut out = Out::default();
        let limit = self.session.now() + 600_000;
        loop {
            let poll = self.shell.poll(&mut job, &mut self.session);
            for chunk in job.take_output() {
                match chunk.stream {
                    Stream::Stdout => out.stdout.push_str(&chunk.text),
                    Stream::Stderr => out.stderr.push_str(&chunk.text),
                    Stream::Hint => out.hints.push_str(&chunk.text),
                }
            }
            match poll {
                Poll::Done { exit } => {
                    out.exit = exit;
                    return out;
                }
                Poll::Running { wake } => {
                    let next = [wake, self.session.next_wake()].into_iter().flatten().min();
                    match next.filter(|t| *t <= limit) {
                        Some(t) => self.session.advance_to(t.max(self.session.now())),
                        None => job.interrupt(),
                    }
                }
            }
        }
    }
}

fn shell() -> Shell {
    let mut shell = Shell::new(Options::script());
    shell.attach(Extras::all());
    shell
}
