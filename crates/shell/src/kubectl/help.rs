//! `kubectl help`, `kubectl VERB --help` and `kubectl options`, in the layout of kubectl's own templates.
//! Source: k8s.io/kubectl pkg/util/templates, v0.35.4; the texts are in `data/help.txt`.

use super::commands::{self, Command, Flag};
use super::verbs::VERBS;

const TEXTS: &str = include_str!("data/help.txt");

const TIP: &str = "Use \"kubectl options\" for a list of global command-line options (applies to all commands).\n";

/// The groups of commands, as `kubectl help` lists them.
fn groups() -> String {
    let mut out = String::new();
    let mut group = "";
    let sentences = commands::sentences();
    for verb in VERBS {
        if verb.group != group {
            group = verb.group;
            if group == "Other Commands" {
                out.push_str("\nSubcommands provided by plugins:\n");
            }
            out.push_str(&format!("\n{group}:\n"));
        }
        out.push_str(&format!("  {:<15} {}\n", verb.name, sentences.get(verb.name).copied().unwrap_or_default()));
    }
    out
}

pub fn overview() -> String {
    format!(
        "kubectl controls the Kubernetes cluster manager.\n\n Find more information at: \
         https://kubernetes.io/docs/reference/kubectl/\n{}",
        usage()
    )
}

fn usage() -> String {
    format!(
        "{}\nUsage:\n  kubectl [flags] [options]\n\nUse \"kubectl <command> --help\" for more information about a given \
         command.\n{TIP}",
        groups()
    )
}

/// `kubectl help foo`, where there is no `foo`.
pub fn unknown_topic(words: &[String]) -> String {
    format!("Unknown help topic [`{}`]\n\n{}", words.join("` `"), usage())
}

/// `kubectl options`.
pub fn options(home: &str) -> String {
    let mut out = "The following options can be passed to any command:\n\n".to_owned();
    for flag in commands::globals() {
        out.push_str(&flag_text(&flag).replace("='~/", &format!("='{home}/")));
    }
    out
}

fn flag_text(f: &Flag) -> String {
    let short = f.short.map(|c| format!("-{c}, ")).unwrap_or_default();
    let quote = if f.ty == "string" { "'" } else { "" };
    format!("    {short}--{}={quote}{}{quote}:\n\t{}\n\n", f.name, f.default, f.about)
}

/// The long text and the examples of a command.
fn texts(path: &str) -> (&'static str, &'static str) {
    let head = format!("=== {path}\n");
    let Some(at) = TEXTS.find(&head) else {
        return ("", "");
    };
    let body = TEXTS.get(at + head.len()..).unwrap_or_default();
    let body = body.get(..body.find("\n===").unwrap_or(body.len())).unwrap_or_default();
    body.split_once("\n+++\n").unwrap_or((body, ""))
}

/// `--help` of a command.
pub fn command(command: &Command) -> String {
    let (long, examples) = texts(command.path);
    let mut out = format!("{}\n\n", if long.is_empty() { command.about } else { long });
    if !command.aliases.is_empty() {
        out.push_str(&format!("Aliases:\n{}, {}\n\n", command.name(), command.aliases.join(", ")));
    }
    if !examples.is_empty() {
        out.push_str(&format!("Examples:\n{examples}\n\n"));
    }
    let below = command.subcommands();
    if !below.is_empty() {
        let width = below.iter().map(|c| c.name().len()).max().unwrap_or(0).max(11);
        out.push_str("Available Commands:\n");
        for c in &below {
            out.push_str(&format!("  {:<width$}   {}\n", c.name(), c.about));
        }
        out.push('\n');
    }
    let shown: Vec<&Flag> = command.flags.iter().filter(|f| !f.hidden).collect();
    if !shown.is_empty() {
        out.push_str("Options:\n");
        shown.iter().for_each(|f| out.push_str(&flag_text(f)));
    }
    if let Some(usage) = command.usage {
        out.push_str(&format!("Usage:\n  kubectl {usage}\n\n"));
    }
    if !below.is_empty() {
        out.push_str(&format!("Use \"kubectl {} <command> --help\" for more information about a given command.\n", command.path));
    }
    out.push_str(TIP);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FNV-1a of what kubectl v1.35.4 prints.
    fn digest(text: &str) -> u64 {
        text.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
    }

    #[test]
    fn every_help_is_kubectls() {
        let mut seen = 0;
        let mut wrong = Vec::new();
        for line in include_str!("data/help-digests.txt").lines() {
            let (path, want) = line.rsplit_once(' ').unwrap();
            let text = command(&commands::find(path).unwrap());
            seen += 1;
            if format!("{:016x}", digest(&text)) != want {
                wrong.push(format!("=== {path}\n{text}"));
            }
        }
        assert!(seen > 60, "{seen}");
        assert!(wrong.is_empty(), "{} differ\n{}", wrong.len(), wrong.join("\n"));
    }
}
