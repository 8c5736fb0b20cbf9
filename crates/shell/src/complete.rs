//! Tab completion: commands, verbs, flags, kinds, names, namespaces, label keys, containers and files.

use crate::kubectl::{Command, Flag, Operands, VERBS, command, contexts, current_namespace, globals, resource_kinds};
use crate::run::State;
use crate::tools::{OWN_COMMANDS, TOOLS};
use engine::Snapshot;
use objects::collections::Order as _;
use objects::collections::VecSet;
use objects::{DocExt, Kind};

/// What Tab offers: replace `start..cursor` of the line by one of `candidates`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completion {
    /// Byte offset in the line where the completed word begins.
    pub start: usize,
    /// Full words, in order; a trailing space means that the word is complete.
    pub candidates: Vec<String>,
}

/// Most candidates offered.
const MOST: usize = 200;

pub fn complete(line: &str, cursor: usize, state: &State, snapshot: &Snapshot) -> Completion {
    let mut cursor = cursor.min(line.len());
    while !line.is_char_boundary(cursor) {
        cursor -= 1;
    }
    let before = line.get(..cursor).unwrap_or_default();
    // The command that the cursor is in begins behind the last separator.
    let from = before.rfind(['|', ';', '&', '\n', '(']).map_or(0, |i| i + 1);
    let segment = before.get(from..).unwrap_or_default();
    let start = segment.rfind(char::is_whitespace).map_or(from, |i| from + i + 1);
    let word = before.get(start..).unwrap_or_default();
    let mut words: Vec<String> = before.get(from..start).unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    if let Some(value) = words.first().and_then(|first| state.aliases.get(first)) {
        let expanded: Vec<String> = value.split_whitespace().map(str::to_owned).collect();
        words.splice(0..1, expanded);
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (head, candidates) = match words.as_slice() {
        [] => (String::new(), commands(state)),
        ["kubectl", rest @ ..] => kubectl(rest, word, state, snapshot),
        ["nodewright"] => (String::new(), spaced(OWN_COMMANDS.iter().map(|c| c.name))),
        ["nodewright", "explain", ..] => (String::new(), explained(snapshot, state)),
        ["which" | "man" | "type" | "help", ..] => (String::new(), commands(state)),
        ["watch" | "timeout", .., "kubectl"] => kubectl(&[], word, state, snapshot),
        ["eks-node-viewer", ..] if word.starts_with('-') => {
            (String::new(), crate::viewer::flags().map(|f| format!("--{f} ")).collect())
        }
        _ => (String::new(), files(word, state)),
    };
    let all = candidates.into_iter().map(|c| head.clone() + &c);
    let mut found: Vec<String> = all.filter(|c| c.starts_with(word) && c != word).collect();
    found.order();
    found.dedup();
    found.truncate(MOST);
    Completion { start, candidates: found }
}

fn spaced<'a>(words: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    words.into_iter().map(|w| format!("{w} ")).collect()
}

fn commands(state: &State) -> Vec<String> {
    let mut out = spaced(TOOLS.iter().map(|t| t.name).filter(|n| n.len() > 1));
    out.extend(state.aliases.keys().map(|a| format!("{a} ")));
    out
}

/// What `nodewright explain` can be asked about.
fn explained(snapshot: &Snapshot, state: &State) -> Vec<String> {
    let (claim, namespace) = (Kind::claim(snapshot.profile.era), current_namespace(state));
    let of = |kind: Kind| {
        let there = snapshot.store.list(kind).filter(|o| !kind.namespaced() || o.meta.namespace == namespace);
        there.map(|o| format!("{}/{} ", kind.name().to_lowercase(), o.meta.name)).collect::<Vec<_>>()
    };
    [Kind::Node, claim, Kind::Pod].into_iter().flat_map(of).collect()
}

/// Files of the directory that the word names so far.
fn files(word: &str, state: &State) -> Vec<String> {
    let (directory, head) = match word.rfind('/') {
        Some(at) => (word.get(..=at).unwrap_or_default(), word.get(..=at).unwrap_or_default()),
        None => (".", ""),
    };
    let path = state.path(directory);
    state
        .files
        .list(&path)
        .into_iter()
        .map(|name| {
            let full = format!("{}/{name}", path.trim_end_matches('/'));
            let end = if state.files.is_dir(&full) { "/" } else { " " };
            format!("{head}{name}{end}")
        })
        .collect()
}

fn namespace(words: &[&str], state: &State) -> String {
    let mut found = None;
    for (i, word) in words.iter().enumerate() {
        if matches!(*word, "-n" | "--namespace") {
            found = words.get(i + 1).copied().or(found);
        } else if let Some(value) = word.strip_prefix("--namespace=").or_else(|| word.strip_prefix("-n")) {
            found = Some(value).filter(|v| !v.is_empty()).or(found);
        }
    }
    found.map_or_else(|| current_namespace(state), str::to_owned)
}

/// The operands among the words, flags and their values left out.
fn operands<'a>(command: &Command, words: &[&'a str]) -> Vec<&'a str> {
    let mut out = Vec::new();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        if !word.starts_with('-') {
            out.push(*word);
        } else if !word.contains('=') && flag_of(command, word).is_some_and(|f| f.needs_value()) {
            rest.next();
        }
    }
    out
}

fn flag_of(command: &Command, word: &str) -> Option<Flag> {
    match word.strip_prefix("--") {
        Some(name) => command.flag(name),
        None => command.flag_by_letter(word.chars().nth(1).filter(|_| word.len() == 2)?),
    }
}

fn kubectl(words: &[&str], word: &str, state: &State, snapshot: &Snapshot) -> (String, Vec<String>) {
    let none = String::new;
    let is_value = |i: usize| i > 0 && matches!(words.get(i - 1), Some(&("-n" | "--namespace" | "--context")));
    let at = words.iter().enumerate().position(|(i, w)| !is_value(i) && !w.starts_with('-'));
    if matches!(words.last(), Some(&("-n" | "--namespace"))) {
        return (none(), spaced(snapshot.store.list(Kind::Namespace).map(|n| n.meta.name.as_str())));
    }
    let Some((name, rest)) = at.and_then(|at| Some((words.get(at)?, words.get(at + 1..)?))) else {
        return (none(), spaced(VERBS.iter().map(|v| v.name)));
    };
    let Some(verb) = VERBS.iter().find(|v| v.name == *name) else {
        return (none(), Vec::new());
    };
    let api = snapshot.profile.api();
    let Some(mut command) = command(verb.name) else {
        return (none(), Vec::new());
    };
    if let Some(below) = rest.iter().find(|w| !w.starts_with('-')).and_then(|w| command.subcommand(w)) {
        command = below;
    }
    let given = operands(&command, rest);
    let kind = given.iter().find_map(|o| Kind::parse(o.split('/').next().unwrap_or(o), api));
    if let Some(flag) = rest.last().filter(|w| w.starts_with('-') && !w.contains('=')).and_then(|w| flag_of(&command, w))
        && flag.needs_value()
    {
        return (none(), values(flag.name, kind.or((verb.name == "logs").then_some(Kind::Pod)), words, state, snapshot, word));
    }
    if let Some((head, _)) = word.split_once('=').filter(|(h, _)| h.starts_with("--")) {
        let flag = head.trim_start_matches("--");
        let typed = word.get(head.len() + 1..).unwrap_or_default();
        return (format!("{head}="), values(flag, kind, words, state, snapshot, typed));
    }
    if word.starts_with('-') {
        let known = command.flags.iter().copied().chain(globals()).filter(|f| !f.hidden && verb.has(f.name));
        return (none(), known.map(|f| format!("--{}{}", f.name, if f.needs_value() { "=" } else { " " })).collect());
    }
    let namespace = namespace(words, state);
    let names = |kind: Kind| -> Vec<String> {
        let all = snapshot.store.list(kind);
        let here = all.filter(|o| !kind.namespaced() || o.meta.namespace == namespace);
        here.map(|o| o.meta.name.clone()).collect()
    };
    let with_kinds = |given: &[&str]| -> (String, Vec<String>) {
        if let Some((head, _)) = word.split_once('/') {
            let found = Kind::parse(head, api).map(&names).unwrap_or_default();
            return (format!("{head}/"), spaced(found.iter().map(String::as_str)));
        }
        match given {
            [] => {
                let (head, _) = word.rsplit_once(',').map_or(("", ""), |(h, t)| (h, t));
                let head = if head.is_empty() { String::new() } else { format!("{head},") };
                (head, spaced(resource_kinds(api).iter().map(String::as_str)))
            }
            [first, ..] if !first.contains('/') => {
                let found = Kind::parse(first, api).map(&names).unwrap_or_default();
                let new: Vec<&String> = found.iter().filter(|n| !given.contains(&n.as_str())).collect();
                (String::new(), spaced(new.into_iter().map(String::as_str)))
            }
            _ => (String::new(), Vec::new()),
        }
    };
    match verb.operands {
        Operands::Nothing => (none(), Vec::new()),
        Operands::Files => (none(), files(word, state)),
        Operands::KindAndNames => with_kinds(&given),
        Operands::Nodes => (none(), spaced(names(Kind::Node).iter().map(String::as_str))),
        Operands::Pods if given.is_empty() && word.contains('/') => with_kinds(&given),
        Operands::Pods if given.is_empty() => {
            let mut out = spaced(names(Kind::Pod).iter().map(String::as_str));
            out.extend(["deploy/", "ds/"].map(str::to_owned));
            (none(), out)
        }
        Operands::Pods => (none(), Vec::new()),
        Operands::Words(list) => match given.split_first() {
            None => (none(), spaced(list.iter().copied())),
            Some((_, rest)) if matches!(verb.name, "rollout" | "set") => with_kinds(rest),
            Some((word, _)) if verb.name == "config" && word.ends_with("-context") => {
                (none(), spaced(contexts(state).iter().map(String::as_str)))
            }
            Some((first, _)) if verb.name == "top" => {
                let kind = if first.starts_with("no") { Kind::Node } else { Kind::Pod };
                (none(), spaced(names(kind).iter().map(String::as_str)))
            }
            _ => (none(), Vec::new()),
        },
        Operands::Fields => match word.rsplit_once('.') {
            Some((head, _)) => {
                let (kind, path) = head.split_once('.').unwrap_or((head, ""));
                let fields = Kind::parse(kind, api).map(|k| objects::schema::fields_at(k, path)).unwrap_or_default();
                (format!("{head}."), fields.iter().map(|f| f.name.to_owned()).collect())
            }
            None => (none(), resource_kinds(api)),
        },
    }
}

/// Values of a flag.
fn values(flag: &str, kind: Option<Kind>, words: &[&str], state: &State, snapshot: &Snapshot, word: &str) -> Vec<String> {
    let keys = || -> VecSet<String> {
        let kind = kind.unwrap_or(Kind::Node);
        snapshot.store.list(kind).flat_map(|o| o.meta.labels.keys().cloned()).collect()
    };
    match flag {
        "output" if words.first() == Some(&"kustomize") => files(word, state),
        "output" => spaced(["wide", "yaml", "json", "name"])
            .into_iter()
            .chain(["jsonpath=", "jsonpath-as-json=", "custom-columns=", "go-template="].map(str::to_owned))
            .collect(),
        "filename" | "kustomize" => files(word, state),
        "load-restrictor" => spaced(["LoadRestrictionsNone", "LoadRestrictionsRootOnly"]),
        "context" => spaced(contexts(state).iter().map(String::as_str)),
        "namespace" => spaced(snapshot.store.list(Kind::Namespace).map(|n| n.meta.name.as_str())),
        "label-columns" => {
            let (head, _) = word.rsplit_once(',').map_or(("", word), |(h, t)| (h, t));
            let head = if head.is_empty() { String::new() } else { format!("{head},") };
            keys().into_iter().map(|k| format!("{head}{k}")).collect()
        }
        "selector" => match word.split_once('=') {
            Some((key, _)) => {
                let kind = kind.unwrap_or(Kind::Node);
                let found: VecSet<&String> = snapshot.store.list(kind).filter_map(|o| o.meta.labels.get(key)).collect();
                found.into_iter().map(|v| format!("{key}={v} ")).collect()
            }
            None => keys().into_iter().map(|k| format!("{k}=")).collect(),
        },
        "container" => {
            let namespace = namespace(words, state);
            let pods = snapshot.store.list(Kind::Pod).filter(|p| p.meta.namespace == namespace);
            let named: Vec<_> = pods.filter(|p| !words.contains(&"-l") || !p.meta.labels.is_empty()).collect();
            let wanted: Vec<_> = named.iter().filter(|p| words.contains(&p.meta.name.as_str())).collect();
            let list: Vec<_> = if wanted.is_empty() { named.iter().collect() } else { wanted };
            let names: VecSet<&str> =
                list.iter().flat_map(|p| p.doc.list_at("spec.containers")).filter_map(|c| c.str_at("name")).collect();
            spaced(names)
        }
        "dry-run" => spaced(["none", "client", "server"]),
        "type" => spaced(["json", "merge", "strategic"]),
        "sort-by" => spaced([".metadata.creationTimestamp", ".metadata.name"]),
        "for" => ["condition=", "delete ", "jsonpath="].map(str::to_owned).into(),
        "cascade" => spaced(["background", "foreground", "orphan"]),
        _ => Vec::new(),
    }
}
