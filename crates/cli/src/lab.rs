//! Labs as text: Markdown with fenced `sh` blocks (and `expect` blocks that check them), or a plain shell script.
//! `docs/labs.md` describes the format to its users.

use crate::Failure;
use crate::expect::Expect;
use objects::{Era, Value, yaml};

/// How a lab's session begins; what a lab does not say is left to the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    pub era: Option<Era>,
    pub seed: Option<u64>,
    pub region: Option<String>,
    pub scenario: Option<String>,
}

/// Commands that stand together, and what they are expected to print.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// Number of the first line of commands, from 1.
    pub line: usize,
    pub commands: String,
    pub expect: Option<Expect>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Lab {
    pub settings: Settings,
    pub blocks: Vec<Block>,
}

impl Lab {
    /// Reads a lab; `name` decides: `.md` is Markdown, everything else a shell script.
    pub fn parse(name: &str, text: &str) -> Result<Lab, Failure> {
        let text = text.replace("\r\n", "\n");
        if name.ends_with(".md") || name.ends_with(".markdown") {
            return markdown(&text);
        }
        Ok(Lab { settings: Settings::default(), blocks: vec![Block { line: 1, commands: text, expect: None }] })
    }
}

fn markdown(text: &str) -> Result<Lab, Failure> {
    let mut lab = Lab { settings: Settings::default(), blocks: Vec::new() };
    let mut lines = text.lines().enumerate().peekable();
    if lines.peek().is_some_and(|(_, l)| l.trim_end() == "---") {
        lines.next();
        let mut front = String::new();
        let mut closed = false;
        for (_, line) in lines.by_ref() {
            if line.trim_end() == "---" {
                closed = true;
                break;
            }
            front.push_str(line);
            front.push('\n');
        }
        if !closed {
            return Err(Failure::usage("line 1: the front matter has no closing `---`"));
        }
        lab.settings = settings(&front)?;
    }
    while let Some((n, line)) = lines.next() {
        let indent = line.len() - line.trim_start().len();
        let body = line.trim_start();
        let mark = if body.starts_with("```") { '`' } else { '~' };
        let ticks = body.chars().take_while(|c| *c == mark).count();
        if ticks < 3 || indent > 3 {
            continue;
        }
        let info = body.get(ticks..).unwrap_or_default().trim().to_owned();
        let mut inside = String::new();
        let mut closed = false;
        for (_, line) in lines.by_ref() {
            let end = line.trim();
            if end.chars().all(|c| c == mark) && end.chars().count() >= ticks {
                closed = true;
                break;
            }
            // A fence that is indented takes its indent off its lines.
            let drop = line.chars().take(indent).take_while(|c| *c == ' ').count();
            inside.push_str(line.get(drop..).unwrap_or(line));
            inside.push('\n');
        }
        if !closed {
            return Err(Failure::usage(format!("line {}: the fenced block is not closed", n + 1)));
        }
        let kind = info.split_whitespace().next().unwrap_or_default();
        match kind {
            "sh" | "bash" => lab.blocks.push(Block { line: n + 2, commands: inside, expect: None }),
            "expect" => {
                let expect = Expect::parse(&info, &inside, n + 2)?;
                match lab.blocks.last_mut() {
                    Some(block) if block.expect.is_none() => block.expect = Some(expect),
                    Some(_) => {
                        return Err(Failure::usage(format!("line {}: the block before has an `expect` already", n + 1)));
                    }
                    None => {
                        return Err(Failure::usage(format!("line {}: an `expect` block must follow an `sh` block", n + 1)));
                    }
                }
            }
            _ => {}
        }
    }
    Ok(lab)
}

fn settings(front: &str) -> Result<Settings, Failure> {
    let stream = yaml::parse(front);
    if let Some(error) = stream.error {
        return Err(Failure::usage(format!("front matter: {error}")));
    }
    let value = stream.documents.into_iter().next().map(|d| d.value).unwrap_or(Value::Null);
    let mut settings = Settings::default();
    for (key, value) in value.as_object().into_iter().flatten() {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        match key.as_str() {
            "era" => settings.era = Some(era(&text)?),
            "seed" => {
                let seed = text.parse().map_err(|_| Failure::usage(format!("front matter: seed {text:?} is no whole number")))?;
                settings.seed = Some(seed);
            }
            "region" => settings.region = Some(text),
            "scenario" => settings.scenario = Some(text),
            // Titles and the like belong to whoever shows the lab.
            _ => {}
        }
    }
    Ok(settings)
}

/// Reads an era's name.
pub fn era(text: &str) -> Result<Era, Failure> {
    Era::parse(text).ok_or_else(|| Failure::usage(format!("era {text:?} is unknown: choose v1alpha5 or v1")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_front_matter_and_blocks() {
        let text = "---\nera: v1\nseed: 7\ntitle: x\n---\n# A lab\n\n```sh\nkubectl get no\n```\ntext\n```expect\n...\n```\n\n```yaml\nno: 1\n```\n\n```bash\necho a\n```\n";
        let lab = Lab::parse("x.md", text).unwrap();
        assert_eq!((lab.settings.era, lab.settings.seed), (Some(Era::V1), Some(7)));
        let blocks: Vec<(usize, &str, bool)> =
            lab.blocks.iter().map(|b| (b.line, b.commands.as_str(), b.expect.is_some())).collect();
        assert_eq!(blocks, [(9, "kubectl get no\n", true), (21, "echo a\n", false)]);
    }

    #[test]
    fn says_what_is_wrong_and_where() {
        let check = |text: &str, want: &str| {
            assert_eq!(Lab::parse("x.md", text).map_err(|f| f.message).unwrap_err(), want, "{text:?}");
        };
        check("---\nera: v2\n---\n", "era \"v2\" is unknown: choose v1alpha5 or v1");
        check("---\nera: v1\n", "line 1: the front matter has no closing `---`");
        check("a\n```sh\necho\n", "line 2: the fenced block is not closed");
        check("```expect\nx\n```\n", "line 1: an `expect` block must follow an `sh` block");
    }
}
