//! The run that was recorded, as a list of steps, and its recordings.

use crate::Failure;
use std::path::Path;

/// What takes longer has waited: nine in ten recorded commands took less than 0.26 s.
const LONGEST_CALL_MS: u64 = 300;

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
        let stderr = stderr.strip_prefix("--- stderr")?;
        let stderr = stderr.strip_prefix('\n').unwrap_or(stderr);
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

    /// When it began, in milliseconds of Unix time, and how long it took: `taken TIME` is when it had ended, to the second.
    pub fn timing(&self) -> Option<(i64, u64)> {
        let (_, rest) = self.meta.split_once("taken ")?;
        let (taken, rest) = rest.split_once("; took ")?;
        let seconds = rest.split('s').next()?.parse::<f64>().ok().filter(|s| (0.0..=86_400.0).contains(s))?;
        let took = u64::try_from(std::time::Duration::from_secs_f64(seconds).as_millis()).ok()?;
        Some((objects::time::parse_rfc3339(taken)?.checked_sub_unsigned(took)?, took))
    }

    /// How long one call of kubectl took: those of a command shared its time. One that waited for something says nothing.
    pub fn call_ms(&self) -> Option<u64> {
        let (_, took) = self.timing()?;
        let calls = self.command.matches("kubectl").count().max(1) as u64;
        Some(took / calls).filter(|ms| *ms <= LONGEST_CALL_MS)
    }

    /// The client's minor version.
    pub fn client(&self) -> Option<u32> {
        let (_, version) = self.meta.split_once("kubectl v1.")?;
        version.split('.').next()?.parse().ok()
    }
}

/// Of which recording `NAME.kubectl-VERSION.txt` is the same command by another client.
pub fn variant_of(file: &str) -> Option<&str> {
    file.split_once(".kubectl-").map(|(name, _)| name)
}

/// The recordings of a folder by file name.
pub fn recordings(folder: &Path) -> Result<Vec<(String, Recording)>, Failure> {
    let fail = |error: std::io::Error| Failure::usage(format!("{}: {error}", folder.display()));
    let mut out = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(fail)? {
        let name = entry.map_err(fail)?.file_name().to_string_lossy().into_owned();
        let numbered = name.get(1..4).is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()));
        if !name.ends_with(".txt") || !numbered {
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
/// what they changed is changed. Of such a command the sequence has the sleep that followed it.
pub fn fill(steps: &mut Vec<Step>, recordings: &[(String, Recording)]) {
    let mut filled: Option<&str> = None;
    for (file, recording) in recordings.iter().filter(|(file, _)| variant_of(file).is_none()) {
        let is = |s: &Step| matches!(&s.what, What::Command { file: f, .. } if f == file);
        let Some(set) = file.chars().next().filter(|_| !steps.iter().any(is)) else { continue };
        let before = |s: &Step| s.set == set && matches!(&s.what, What::Command { file: f, .. } if f < file);
        let at = steps.iter().rposition(before);
        let (mut at, mut sleeps) = match at.and_then(|at| Some((at, steps.get(at)?))) {
            Some((at, Step { what: What::Command { file: last, .. }, .. })) => {
                let listed = usize::from(filled != Some(last.as_str()));
                (at + 1, number(file).saturating_sub(number(last) + listed))
            }
            _ => (steps.iter().position(|s| s.set >= set).unwrap_or(steps.len()), 0),
        };
        while sleeps > 0 && steps.get(at).is_some_and(|s| matches!(s.what, What::Sleep(_))) {
            at += 1;
            sleeps -= 1;
        }
        // Without sleeps: behind whatever else belongs to the command before.
        let next = |s: &Step| s.set != set || matches!(s.what, What::Command { .. } | What::Sleep(_));
        at += steps.iter().skip(at).position(next).unwrap_or(steps.len().saturating_sub(at));
        let what = What::Command { file: file.clone(), command: recording.command.clone() };
        steps.insert(at, Step { set, what });
        filled = Some(file);
    }
}

/// The number in a file's name: 21 in `c021-old-apply.txt`.
fn number(file: &str) -> usize {
    file.get(1..4).and_then(|n| n.parse().ok()).unwrap_or(0)
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

    /// The third command is recorded, the second is not; each was followed by a sleep.
    #[test]
    fn commands_that_are_not_listed_stand_before_their_sleep() {
        let listed = "## set from 1\na001-x.txt\t'x'\n  sleep\t1 s\n  sleep\t2 s\n  sleep\t3 s\na005-y.txt\t'y'\n";
        let mut steps = parse(listed).unwrap();
        let of = |name: &str| (name.to_owned(), Recording { command: name.to_owned(), ..Recording::default() });
        fill(&mut steps, &[of("a001-x.txt"), of("a003-o.txt"), of("a004-p.txt"), of("a004-p.kubectl-1.32.4.txt")]);
        let show = |s: &Step| match &s.what {
            What::Command { file, .. } => file.get(..4).unwrap_or_default().to_owned(),
            What::Sleep(ms) => ms.to_string(),
            other => format!("{other:?}"),
        };
        assert_eq!(steps.iter().map(show).collect::<Vec<_>>(), ["a001", "1000", "a003", "2000", "a004", "3000", "a005"]);
    }

    #[test]
    fn reads_recordings_with_unfinished_lines() {
        let text = "--- meta\nkubectl v1.35.4; x\n--- command\nkubectl a\n--- exit\n1\n--- stdout\n0--- stderr\nb\n";
        let r = Recording::parse(text).unwrap();
        assert_eq!((r.command.as_str(), r.exit, r.stdout.as_str(), r.stderr.as_str()), ("kubectl a", 1, "0", "b\n"));
        assert_eq!((r.client(), r.timing(), r.call_ms()), (Some(35), None, None));
        let meta = "kubectl v1.35.4; taken 2026-11-23T20:57:31Z; took 0.18s\nnote: x".to_owned();
        let r = Recording { meta, command: "kubectl get $(kubectl get po -o name)".to_owned(), ..r };
        assert_eq!((r.timing(), r.call_ms()), (Some((1_795_467_450_820, 180)), Some(90)));
        assert_eq!(variant_of("a1-x.kubectl-1.32.4.txt"), Some("a1-x"));
        assert_eq!(variant_of("a1-x.txt"), None);
    }
}
