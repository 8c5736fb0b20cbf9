//! Inside the modules that come at the first sign of interest: the shell, and what the engine needs for a cluster in which
//! something happens. What only this file reaches is not in the module that starts the page.

#![allow(unsafe_code, reason = "the doors between the modules are functions imported from one of them")]

use super::answers::answer;
use super::{Given, Polled, Programs, Runner, Tools};
use engine::session::Parts;
use engine::{Session, Snapshot};
use objects::yaml::diagnose;
use shell::{Ask, Completion, Edit, Job, Key, Options, Poll, Ran, Shell, Start};
use view::Lang;
use wasm_split_helpers::{SplitLoaderError, wasm_split};
use yew::platform::spawn_local;

/// Both, fetched side by side.
pub async fn tools() -> Result<Tools, SplitLoaderError> {
    // Whoever comes second finds the module here or waits for it.
    spawn_local(async { drop(programs().await) });
    let parts = parts().await?;
    Ok(Tools { parts, programs: programs().await? })
}

#[wasm_split(parts, fallible)]
fn parts() -> Result<fn() -> Parts, SplitLoaderError> {
    Ok(Parts::all)
}

#[wasm_split(shell, fallible)]
fn programs() -> Result<Programs, SplitLoaderError> {
    Ok(Programs { runner, viewer, answer, normalise: diagnose::normalise, hidden })
}

fn runner(lang: Lang) -> Box<dyn Runner> {
    let options = Options { editor: true, asks: true, ..Options::terminal(lang) };
    Box::new(Terminal { shell: Shell::new(options), job: None })
}

fn viewer(session: &mut Session) -> String {
    let mut shell = Shell::new(Options { kubectl_ms: 0, columns: 170, ..Options::script() });
    let mut text = String::new();
    if let Start::Job(mut job) = shell.start("eks-node-viewer", session) {
        // One frame is there at once; anything else would wait for time to pass.
        let _: Poll = shell.poll(&mut job, session);
        job.take_output().iter().for_each(|c| text.push_str(&c.text));
    }
    text
}

fn hidden(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    for h in diagnose::hidden_characters(text) {
        let name = format!("{} (U+{:04X})", h.name, u32::from(h.found));
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

struct Terminal {
    shell: Shell,
    job: Option<Box<Job>>,
}

impl Runner for Terminal {
    fn set_lang(&mut self, lang: Lang) {
        self.shell.set_lang(lang);
    }

    fn history(&self) -> &[String] {
        self.shell.history()
    }

    fn recall(&mut self, lines: &[String]) {
        self.shell.recall_history(lines);
    }

    fn complete(&self, line: &str, cursor: usize, snapshot: &Snapshot) -> Completion {
        self.shell.complete(line, cursor, snapshot)
    }

    fn start(&mut self, text: &str, session: &mut Session) -> bool {
        match self.shell.start(text, session) {
            Start::NeedsMore => false,
            Start::Job(job) => {
                self.job = Some(job);
                true
            }
        }
    }

    fn poll(&mut self, session: &mut Session) -> Option<Polled> {
        let Some(mut job) = self.job.take() else {
            let (output, wake) = self.shell.has_background().then(|| self.shell.work(session))?;
            return Some(Polled { output, ..Polled::running(wake) });
        };
        let poll = self.shell.poll(&mut job, session);
        let polled = Polled {
            poll,
            output: job.take_output(),
            seen: job.take_seen(),
            full_screen: job.full_screen(),
            repair: job.repair().cloned(),
            wants: job.wants(),
        };
        if matches!(poll, Poll::Running { .. }) {
            self.job = Some(job);
        }
        Some(polled)
    }

    fn busy(&self) -> bool {
        self.job.is_some()
    }

    fn interrupt(&mut self) {
        if let Some(job) = &mut self.job {
            job.interrupt();
        }
    }

    fn key(&mut self, key: Key) {
        if let Some(job) = &mut self.job {
            job.key(key);
        }
    }

    fn give(&mut self, given: Result<Given, &str>) {
        match given {
            Ok(Given::Extras(extras)) => self.shell.attach(extras),
            Ok(Given::Docs(docs)) => self.shell.set_docs(docs),
            Err(why) => {
                if let Some(job) = &mut self.job {
                    job.refuse(why);
                }
            }
        }
    }

    fn asking(&self) -> Option<Ask> {
        self.job.as_ref().and_then(|j| j.asking())
    }

    fn answer(&mut self, said: Ran) {
        if let Some(job) = &mut self.job {
            job.answer(said);
        }
    }

    fn keep(&mut self, name: &str, text: &str) -> Result<(), &'static str> {
        self.shell.write_file(name, text)
    }

    fn editing(&self) -> Option<&Edit> {
        self.job.as_ref().and_then(|j| j.editing())
    }

    fn edited(&mut self, text: Option<String>) {
        if let Some(job) = &mut self.job {
            job.edited(text);
        }
    }
}
