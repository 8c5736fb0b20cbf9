//! Parsing of flags by the rules of spf13/pflag: flags anywhere, `--` ends them, `-n5` and `-n=5`, short booleans in one
//! cluster. Error texts are pflag's.

use super::commands::{Command, Flag, Takes};
use objects::collections::VecMap;

/// The values given, by flag name.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    values: VecMap<&'static str, Vec<String>>,
    dash: Option<usize>,
}

impl Flags {
    /// Whether a boolean flag is set.
    pub fn on(&self, name: &str) -> bool {
        self.values.get(name).and_then(|v| v.last()).is_some_and(|v| v == "true")
    }

    /// Whether a boolean flag that is on unless told otherwise is on.
    pub fn on_by_default(&self, name: &str) -> bool {
        self.values.get(name).and_then(|v| v.last()).is_none_or(|v| v == "true")
    }

    /// How many operands stand behind `--`.
    pub fn dash(&self) -> Option<usize> {
        self.dash
    }

    pub fn given(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name).and_then(|v| v.last()).map(String::as_str)
    }

    pub fn int(&self, name: &str) -> Option<i64> {
        self.text(name).and_then(|v| v.parse().ok())
    }

    /// Milliseconds.
    pub fn duration(&self, name: &str) -> Option<i64> {
        self.text(name).and_then(objects::duration::parse_go_ms)
    }

    pub fn list(&self, name: &str) -> &[String] {
        self.values.get(name).map_or(&[], Vec::as_slice)
    }

    /// The names of the flags that were given.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.values.keys().copied()
    }

    fn set(&mut self, flag: &Flag, value: &str) {
        let values = self.values.entry(flag.name).or_default();
        let value = match value {
            // What Go's ParseBool takes.
            "1" | "t" | "T" | "TRUE" | "True" if flag.takes == Takes::Bool => "true",
            "0" | "f" | "F" | "FALSE" | "False" if flag.takes == Takes::Bool => "false",
            other => other,
        };
        if flag.takes == Takes::List {
            values.extend(value.split(',').filter(|v| !v.is_empty()).map(str::to_owned));
        } else {
            values.push(value.to_owned());
        }
    }
}

/// Splits arguments into operands and the flags of `command`; the error is pflag's text.
pub fn parse(args: &[String], command: &Command) -> Result<(Vec<String>, Flags), String> {
    let mut operands = Vec::new();
    let mut flags = Flags::default();
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        if arg == "--" {
            flags.dash = Some(rest.len());
            operands.extend(rest.by_ref().cloned());
            break;
        }
        if let Some(body) = arg.strip_prefix("--") {
            let (name, value) = body.split_once('=').map_or((body, None), |(n, v)| (n, Some(v)));
            let flag = command.flag(name).ok_or_else(|| format!("unknown flag: --{name}"))?;
            let value = match (value, flag.bare) {
                (Some(value), _) => value.to_owned(),
                (None, _) if flag.takes == Takes::Bool => "true".to_owned(),
                (None, Some(bare)) => bare.to_owned(),
                (None, None) => rest.next().cloned().ok_or_else(|| format!("flag needs an argument: --{name}"))?,
            };
            check(&flag, &value)?;
            flags.set(&flag, &value);
            continue;
        }
        let Some(letters) = arg.strip_prefix('-').filter(|l| !l.is_empty()) else {
            operands.push(arg.clone());
            continue;
        };
        let mut letters = letters;
        while let Some(letter) = letters.chars().next() {
            let tail = letters.get(letter.len_utf8()..).unwrap_or_default();
            let flag =
                command.flag_by_letter(letter).ok_or_else(|| format!("unknown shorthand flag: '{letter}' in -{letters}"))?;
            if flag.takes == Takes::Bool {
                if let Some(value) = tail.strip_prefix('=') {
                    check(&flag, value)?;
                    flags.set(&flag, value);
                    break;
                }
                flags.set(&flag, "true");
                letters = tail;
                continue;
            }
            let value = match tail.strip_prefix('=').unwrap_or(tail) {
                "" if !tail.starts_with('=') => {
                    rest.next().cloned().ok_or_else(|| format!("flag needs an argument: '{letter}' in -{letters}"))?
                }
                value => value.to_owned(),
            };
            check(&flag, &value)?;
            flags.set(&flag, &value);
            break;
        }
    }
    Ok((operands, flags))
}

fn check(flag: &Flag, value: &str) -> Result<(), String> {
    let shown = flag.short.map_or_else(|| format!("--{}", flag.name), |c| format!("-{c}, --{}", flag.name));
    let wrong = |why: String| Err(format!("invalid argument \"{value}\" for \"{shown}\" flag: {why}"));
    match flag.takes {
        Takes::Bool if !matches!(value.to_lowercase().as_str(), "true" | "false" | "1" | "0" | "t" | "f") => {
            wrong(format!("strconv.ParseBool: parsing \"{value}\": invalid syntax"))
        }
        Takes::Int if value.parse::<i64>().is_err() => {
            let digits = value.trim_start_matches(['-', '+']);
            let why = if !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit()) {
                "value out of range"
            } else {
                "invalid syntax"
            };
            wrong(format!("strconv.ParseInt: parsing \"{value}\": {why}"))
        }
        Takes::Duration if objects::duration::parse_go_ms(value.trim_start_matches('-')).is_none() => {
            wrong(duration_error(value))
        }
        _ => Ok(()),
    }
}

/// Go's words for a duration that does not parse.
fn duration_error(value: &str) -> String {
    let digits = value.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let unit: String = digits.chars().take_while(|c| !c.is_ascii_digit() && *c != '.').collect();
    if digits.len() == value.len() || value.is_empty() {
        format!("time: invalid duration \"{value}\"")
    } else if unit.is_empty() {
        format!("time: missing unit in duration \"{value}\"")
    } else {
        format!("time: unknown unit \"{unit}\" in duration \"{value}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Operands, and flags with their values.
    type Parsed<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)]);

    fn check(line: &str, command: &str, want: Result<Parsed<'_>, &str>) {
        let args: Vec<String> = line.split(' ').map(str::to_owned).collect();
        match (parse(&args, &super::super::commands::find(command).unwrap()), want) {
            (Ok((operands, flags)), Ok((want, values))) => {
                assert_eq!(operands, want, "{line}");
                for (name, value) in values {
                    assert_eq!(flags.list(name).join(","), *value, "{line}");
                }
            }
            (Err(error), Err(want)) => assert_eq!(error, want, "{line}"),
            (got, want) => panic!("{line}: {got:?}, not {want:?}"),
        }
    }

    #[test]
    fn parses_as_pflag_does() {
        let get = "get";
        check("pods -n x -l a=b", get, Ok((&["pods"], &[("namespace", "x"), ("selector", "a=b")])));
        check("-oyaml pods x", get, Ok((&["pods", "x"], &[("output", "yaml")])));
        check("po -Aw -o=wide", get, Ok((&["po"], &[("all-namespaces", "true"), ("watch", "true"), ("output", "wide")])));
        check("no -L a,b -L c", get, Ok((&["no"], &[("label-columns", "a,b,c")])));
        check("a -- -b", get, Ok((&["a", "-b"], &[])));
        check("pods -z", get, Err("unknown shorthand flag: 'z' in -z"));
        check("pods -l", get, Err("flag needs an argument: 'l' in -l"));
        check("pods --replica 5", get, Err("unknown flag: --replica"));
        check("x --dry-run --validate=warn", "apply", Ok((&["x"], &[("dry-run", "unchanged"), ("validate", "warn")])));
        check(
            "x --replicas abc",
            "scale",
            Err("invalid argument \"abc\" for \"--replicas\" flag: strconv.ParseInt: parsing \"abc\": invalid syntax"),
        );
        check(
            "x --since=5x",
            "logs",
            Err("invalid argument \"5x\" for \"--since\" flag: time: unknown unit \"x\" in duration \"5x\""),
        );
    }
}
