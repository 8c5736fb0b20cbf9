//! What outlives a line: variables, aliases, files and history.

use super::Files;
use super::budget::Budget;
use super::function::Function;
use super::jobs::Jobs;
use super::machine::Unwind;
use crate::extras::{Extras, Want};
use crate::options::Options;
use objects::collections::{VecMap, VecSet};
use objects::schema::Docs;
use std::rc::Rc;

/// What a subshell gets a copy of.
#[derive(Clone, Debug)]
pub struct Env {
    /// `$0`
    pub name: String,
    pub variables: VecMap<String, String>,
    pub exported: VecSet<String>,
    pub home: String,
    pub cwd: String,
    /// `$?`
    pub status: i32,
    /// `$1`, `$2` and so on.
    pub arguments: Vec<String>,
    pub settings: Settings,
}

/// What `set` says, and what a shell is started with.
#[derive(Clone, Copy, Debug, Default)]
pub struct Settings {
    /// `-e`
    pub errexit: bool,
    /// `-o pipefail`
    pub pipefail: bool,
}

impl Settings {
    /// Takes `-e` or `+e`: false where bash has more letters than are simulated, `None` for one that it has not.
    pub fn letter(&mut self, letter: char, on: bool) -> Option<bool> {
        match letter {
            'e' => self.errexit = on,
            'u' | 'x' | 'v' => return Some(false),
            _ => return None,
        }
        Some(true)
    }

    /// The same for `-o NAME`.
    pub fn named(&mut self, name: &str, on: bool) -> Option<bool> {
        match name {
            "errexit" => self.errexit = on,
            "pipefail" => self.pipefail = on,
            "nounset" | "xtrace" => return Some(false),
            _ => return None,
        }
        Some(true)
    }
}

impl Env {
    /// Bytes that a copy takes.
    pub fn bytes(&self) -> usize {
        let variables: usize = self.variables.iter().map(|(name, value)| name.len() + value.len()).sum();
        variables + self.arguments.iter().map(String::len).sum::<usize>()
    }
}

#[derive(Debug)]
pub struct State {
    pub options: Options,
    pub env: Env,
    pub aliases: VecMap<String, String>,
    pub functions: VecMap<String, Function>,
    /// What runs behind the lines.
    pub jobs: Jobs,
    /// What `local` has hidden, for each function under way.
    pub locals: Vec<Vec<(String, Option<String>)>>,
    /// How deep calls of functions and scripts stand in one another at this moment.
    pub depth: usize,
    /// How many of them are files that the shell reads.
    pub sourcing: usize,
    /// The command that is being started is a condition: its failure does not end the shell under `set -e`.
    pub tested: bool,
    /// bash's message of an expansion that failed: its command is not run.
    pub failure: Option<String>,
    pub files: Files,
    /// Lines typed, oldest first.
    pub history: Vec<String>,
    /// Set by `break`, `continue` and `exit` until the machine has acted on it.
    pub unwind: Option<Unwind>,
    /// Descriptions of fields, for `kubectl explain`; none where they have yet to come.
    pub docs: Option<Rc<Docs>>,
    /// The rarely needed parts, once they are attached.
    pub extras: Option<Extras>,
    /// What a program has stopped for want of.
    pub wants: Option<Want>,
    /// What the line or job at work may yet do, however deep its machines stand in one another.
    pub budget: Budget,
}

/// Lines of history kept.
pub const HISTORY: usize = 1_000;

const HOME: &str = "/home/learner";

impl State {
    pub fn new(options: Options) -> State {
        let variables = [("HOME", HOME), ("USER", "learner"), ("SHELL", "/bin/bash"), ("TERM", "xterm-256color"), ("PWD", HOME)];
        let variables: VecMap<String, String> = variables.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        let exported = variables.keys().cloned().collect();
        let mut files = Files::new(HOME);
        let kubeconfig = format!("{HOME}/.kube");
        // A home that is empty has room for them.
        let made = files.make_dir(&kubeconfig, true);
        let _written =
            made.and_then(|()| files.write(&format!("{kubeconfig}/config"), &crate::kubectl::initial_kubeconfig(), false));
        State {
            env: Env {
                name: "bash".to_owned(),
                variables,
                exported,
                home: HOME.to_owned(),
                cwd: HOME.to_owned(),
                status: 0,
                arguments: Vec::new(),
                settings: Settings::default(),
            },
            aliases: [("k", "kubectl"), ("ll", "ls -l")].map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
            files,
            history: Vec::new(),
            functions: VecMap::new(),
            jobs: Jobs::default(),
            locals: Vec::new(),
            depth: 0,
            sourcing: 0,
            tested: false,
            failure: None,
            unwind: None,
            docs: Some(Docs::built_in()).filter(|d| !d.is_empty()).map(Rc::new),
            extras: None,
            wants: None,
            budget: Budget::default(),
            options,
        }
    }

    /// Whether nothing more may be done at this instant; what was read and written since is counted first.
    pub fn is_out(&mut self) -> bool {
        self.budget.spend_bytes(self.files.moved());
        self.budget.stopped().is_some()
    }

    /// Takes what an expansion has come to; nothing where there was more than one line may move.
    pub fn expanded(&mut self, text: String) -> String {
        self.budget.spend_bytes(text.len());
        if self.budget.stopped().is_some() { String::new() } else { text }
    }

    /// Does what may take as many comparisons as bytes may yet be worked on.
    pub fn with_fuel<T>(&mut self, work: impl FnOnce(&mut usize) -> T) -> T {
        let before = self.budget.bytes_left();
        let mut fuel = before;
        let done = work(&mut fuel);
        self.budget.spend_bytes(before - fuel);
        done
    }

    /// Puts back what the functions had hidden that a line leaves half-way.
    pub fn leave_functions(&mut self) {
        for (name, value) in std::mem::take(&mut self.locals).into_iter().flatten().rev() {
            self.restore(name, value);
        }
    }

    pub fn restore(&mut self, name: String, value: Option<String>) {
        match value {
            Some(value) => self.env.variables.insert(name, value),
            None => self.env.variables.remove(&name),
        };
    }

    /// The value of `$name`, specials included.
    pub fn variable(&self, name: &str) -> Option<String> {
        match name {
            "?" => Some(self.env.status.to_string()),
            "#" => Some(self.env.arguments.len().to_string()),
            "@" | "*" => Some(self.env.arguments.join(" ")),
            "$" => Some("1".to_owned()),
            "!" => self.jobs.last_pid().map(|pid| pid.to_string()),
            "0" => Some(self.env.name.clone()),
            _ => match name.parse::<usize>() {
                Ok(n) => self.env.arguments.get(n.wrapping_sub(1)).cloned(),
                Err(_) => self.env.variables.get(name).cloned(),
            },
        }
    }

    /// Where programs look for their files: `$HOME`, or else the user's own.
    pub fn home(&self) -> String {
        self.variable("HOME").filter(|home| !home.is_empty()).unwrap_or_else(|| self.env.home.clone())
    }

    /// The absolute form of a path that a person typed.
    pub fn path(&self, path: &str) -> String {
        Files::absolute(&self.env.cwd, path)
    }

    pub fn remember(&mut self, line: &str) {
        let line = line.trim_end();
        if line.trim().is_empty() || self.history.last().is_some_and(|l| l == line) {
            return;
        }
        if self.history.len() >= HISTORY {
            self.history.remove(0);
        }
        self.history.push(line.to_owned());
    }
}
