//! A program that runs beside the tests and never longer than they do.

use anyhow::{Context, Result, bail};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The shell holds the program on a line: it sends the signal whose name comes in on the pipe, and KILL when the pipe
/// ends, so that a harness that is killed itself leaves nothing behind.
const HOLD: &str = r#"
exec 3<&0
"$@" </dev/null 3<&- &
program=$!
( read -r signal <&3 || signal=KILL; kill -s "$signal" "$program" 2>/dev/null ) &
holder=$!
exec 3<&-
wait "$program"
status=$?
kill "$holder" 2>/dev/null
exit "$status"
"#;

/// How long a program may take to stop when asked to.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct Process {
    pub name: String,
    log: PathBuf,
    shell: Child,
}

impl Process {
    /// Starts `program` with its output at the end of `log`.
    pub fn start(name: &str, program: &Path, args: &[String], env: &[(&str, String)], log: &Path) -> Result<Process> {
        let open = || OpenOptions::new().create(true).append(true).open(log).with_context(|| format!("open {}", log.display()));
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(HOLD).arg("hold").arg(program).args(args).envs(env.iter().map(|(k, v)| (k, v)));
        command.stdin(Stdio::piped()).stdout(open()?).stderr(open()?);
        let shell = command.spawn().with_context(|| format!("start {name}"))?;
        Ok(Process { name: name.to_owned(), log: log.to_path_buf(), shell })
    }

    /// Fails with the end of its log when it has ended by itself.
    pub fn check(&mut self) -> Result<()> {
        match self.shell.try_wait().with_context(|| format!("look after {}", self.name))? {
            None => Ok(()),
            Some(status) => bail!("{} has ended ({status}):\n{}", self.name, self.last_lines(20)),
        }
    }

    pub fn last_lines(&self, n: usize) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines.get(lines.len().saturating_sub(n)..).unwrap_or_default().join("\n")
    }

    /// Asks it to stop, and waits until it has.
    pub fn stop(self) {
        self.end("TERM");
    }

    /// Ends it as a crash would, without a chance to tidy up.
    pub fn kill(self) {
        self.end("KILL");
    }

    fn end(mut self, signal: &str) {
        if let Some(pipe) = self.shell.stdin.as_mut() {
            let _ = writeln!(pipe, "{signal}");
        }
        let start = Instant::now();
        while matches!(self.shell.try_wait(), Ok(None)) && start.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(20));
        }
        // What is dropped without having ended is killed.
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}
