//! Runs shell texts on a session to their end and gives what came out.
#![allow(clippy::panic, reason = "test support, included by several tests")]

use engine::{Era, Scenario, Session};
use nodewright_shell::{Extras, Options, Ran, Shell};
use objects::Value;

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
            provider: Default::default(),
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
    pub fn run(&mut self, text: &str) -> Ran {
        self.shell.run(text, &mut self.session, 600_000).unwrap_or_else(|| panic!("unfinished: {text}"))
    }
}

fn shell() -> Shell {
    let mut shell = Shell::new(Options::script());
    shell.attach(Extras::all());
    shell
}
