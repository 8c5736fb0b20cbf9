//! The run that was recorded, as a list of steps, and its recordings.

use crate::Failure;
use std::path::Path;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A command; its recording is in the file of this name where there is one.
    Command {
        file: String,
        command: String,
    },
    /// A command whose output is nobody's business.
    Setup(String),
    Sleep(u64),
    /// A command that is run again and again until it succeeds.
    Until(String),
}

/// One step of a set: `a`, `b`, ...
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub set: char,
    pub what: What,
}

/// Reads a sequence: `## set from N` begins a set, then a line a step, tab-separated (see tests/kubectl/README.md).
pub fn parse(text: &str) -> Result<Vec<Step>, Failure> {
    let mut steps = Vec::new();
    let mut set = None;
    for (n, line) in text.lines().enumerate() {
        let wrong = |why: &str| Failure::usage(format!("line {}: {why}: {line}", n + 1));
        if let Some(number) = line.strip_prefix("## set from ") {
            let number: u8 = number.trim().parse().map_err(|_| wrong("the set's number is no number"))?;
            set = char::from_u32(u32::from(b'a') + u32::from(number).wrapping_sub(1)).filter(char::is_ascii_lowercase);
            continue;
        }
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let set = set.ok_or_else(|| wrong("no `## set from N` stands above"))?;
        let mut fields = line.split('\t');
        let (first, second) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
        let quoted = || unquote(second).ok_or_else(|| wrong("the command is no quoted string"));
        let what = match first {
            "  setup" => What::Setup(quoted()?),
            "  wait until" => What::Until(quoted()?),
            "  sleep" => {
                let seconds = second.trim_end_matches(" s").parse::<f64>().ok().filter(|s| (0.0..=86_400.0).contains(s));
                let seconds = seconds.ok_or_else(|| wrong("not of the form `N s`"))?;
                What::Sleep(std::time::Duration::from_secs_f64(seconds).as_millis().try_into().unwrap_or(0))
            }
            file if !file.starts_with(' ') => What::Command { file: file.to_owned(), command: quoted()? },
            _ => return Err(wrong("unknown step")),
        };
        steps.push(Step { set, what });
    }
    Ok(steps)
}

/// A string as Python's `repr` writes it.
fn unquote(text: &str) -> Option<String> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let inside = text.strip_prefix(quote)?.strip_suffix(quote)?;
    let mut out = String::new();
    let mut chars = inside.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next()? {
            'n' => out.push('\n'),
            't' => out.push('\t'),
            'r' => out.push('\r'),
            other => out.push(other),
        }
    }
    Some(out)
}

/// What a command printed on the real cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recording {
    pub meta: String,
    pub command: String,
    pub exit: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Recording {
    /// Sections `--- meta`, `--- command`, `--- exit`, `--- stdout`, `--- stderr`. The output stands as it came, so that
    /// the last mark may follow a line that was not ended.
    pub fn parse(text: &str) -> Option<Recording> {
        let (head, rest) = text.split_once("--- stdout\n")?;
        let at = rest.rfind("--- stderr")?;
        let (stdout, stderr) = rest.split_at_checked(at)?;
        let stderr = stderr.strip_prefix("--- stderr")?.trim_start_matches('\n');
        let (meta, head) = head.split_once("--- command\n")?;
        let (command, exit) = head.split_once("--- exit\n")?;
        Some(Recording {
            meta: meta.trim_start_matches("--- meta\n").trim_end().to_owned(),
            command: command.trim_end_matches('\n').to_owned(),
            exit: exit.trim().parse().ok()?,
            stdout: stdout.to_owned(),
            stderr: stderr.to_owned(),
        })
    }

    /// Whether the client was the one that era v1 speaks as.
    pub fn is_current(&self) -> bool {
        self.meta.contains("kubectl v1.35")
    }
}

/// The recordings of a folder by file name, variants of other clients (`NAME.kubectl-VERSION.txt`) left out.
pub fn recordings(folder: &Path) -> Result<Vec<(String, Recording)>, Failure> {
    let fail = |error: std::io::Error| Failure::usage(format!("{}: {error}", folder.display()));
    let mut out = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(fail)? {
        let name = entry.map_err(fail)?.file_name().to_string_lossy().into_owned();
        let numbered = name.get(1..4).is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()));
        if !name.ends_with(".txt") || name.contains(".kubectl-") || !numbered {
            continue;
        }
        let text = std::fs::read_to_string(folder.join(&name)).map_err(fail)?;
        let recording = Recording::parse(&text);
        out.push((name.clone(), recording.ok_or_else(|| Failure::usage(format!("{name}: not a recording")))?));
    }
    out.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(out)
}

/// Puts recorded commands that the sequence does not list (those of an older client) where their names belong, so that
/// what they changed is changed.
pub fn fill(steps: &mut Vec<Step>, recordings: &[(String, Recording)]) {
    for (file, recording) in recordings {
        let is = |s: &Step| matches!(&s.what, What::Command { file: f, .. } if f == file);
        let Some(set) = file.chars().next().filter(|_| !steps.iter().any(is)) else { continue };
        let later = |s: &Step| s.set > set || s.set == set && matches!(&s.what, What::Command { file: f, .. } if f > file);
        let at = steps.iter().position(later).unwrap_or(steps.len());
        let what = What::Command { file: file.clone(), command: recording.command.clone() };
        steps.insert(at, Step { set, what });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_steps() {
        let steps =
            parse("## set from 2\nb1-x.txt\t'echo \\'a\\'\\n'\tnote\n  setup\t\"b\"\n  sleep\t0.2 s\n  wait until\t'c'\n");
        let what: Vec<(char, What)> = steps.unwrap().into_iter().map(|s| (s.set, s.what)).collect();
        let command = What::Command { file: "b1-x.txt".to_owned(), command: "echo 'a'\n".to_owned() };
        let rest = [What::Setup("b".to_owned()), What::Sleep(200), What::Until("c".to_owned())];
        let want: Vec<(char, What)> = std::iter::once(command).chain(rest).map(|w| ('b', w)).collect();
        assert_eq!(what, want);
        assert_eq!(parse("  sleep\t1 s\n").unwrap_err().message, "line 1: no `## set from N` stands above:   sleep\t1 s");
        assert!(parse("## set from 1\n  sleep\tlong\n").is_err());
    }

    #[test]
    fn reads_recordings_with_unfinished_lines() {
        let text = "--- meta\nkubectl v1.35.4; x\n--- command\nkubectl a\n--- exit\n1\n--- stdout\n0--- stderr\nb\n";
        let r = Recording::parse(text).unwrap();
        assert_eq!((r.command.as_str(), r.exit, r.stdout.as_str(), r.stderr.as_str()), ("kubectl a", 1, "0", "b\n"));
        assert!(r.is_current());
    }
}
