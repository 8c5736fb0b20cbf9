//! The one table of kubectl's commands and flags: `data/commands.txt`. Parser, help, completion and the page of what is
//! supported read it; its few lines are read when someone asks for them.
//! Source: the command tree of k8s.io/kubectl v0.35.4 (pkg/cmd).

use objects::collections::VecMap;

const TABLE: &str = include_str!("data/commands.txt");

/// What a flag's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    Bool,
    Text,
    Int,
    /// A Go duration.
    Duration,
    /// Comma-separated, and may be repeated.
    List,
    /// May be repeated, commas are part of the value.
    Each,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flag {
    pub name: &'static str,
    pub short: Option<char>,
    pub takes: Takes,
    /// Go's name of the type; texts are quoted in help.
    pub ty: &'static str,
    /// What the flag is when its value is left out.
    pub bare: Option<&'static str>,
    pub default: &'static str,
    pub hidden: bool,
    pub about: &'static str,
}

impl Flag {
    /// Whether a value has to follow.
    pub fn needs_value(&self) -> bool {
        self.takes != Takes::Bool && self.bare.is_none()
    }
}

const fn bool_flag(name: &'static str, short: Option<char>, about: &'static str) -> Flag {
    Flag { name, short, takes: Takes::Bool, ty: "bool", bare: None, default: "false", hidden: true, about }
}

/// Every command takes it; cobra adds it.
pub const HELP: Flag = bool_flag("help", Some('h'), "Help for the command");

/// kubectl 1.27's; gone since 1.28.
pub const SHORT: Flag = bool_flag("short", None, "If true, print just the version number.");

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// `get`, `rollout status`.
    pub path: &'static str,
    /// The sentence in the list of commands.
    pub about: &'static str,
    /// Behind `kubectl ` in the usage line; `None` for what is not simulated.
    pub usage: Option<&'static str>,
    pub aliases: Vec<&'static str>,
    pub flags: Vec<Flag>,
}

impl Command {
    /// The last word of the path.
    pub fn name(&self) -> &'static str {
        self.path.rsplit(' ').next().unwrap_or(self.path)
    }

    /// The command's own flag, or one that every command takes.
    pub fn flag(&self, name: &str) -> Option<Flag> {
        if name == HELP.name {
            return Some(HELP);
        }
        if name == SHORT.name && self.path == "version" {
            return Some(SHORT);
        }
        self.flags.iter().copied().find(|f| f.name == name).or_else(|| globals().into_iter().find(|f| f.name == name))
    }

    pub fn flag_by_letter(&self, letter: char) -> Option<Flag> {
        if HELP.short == Some(letter) {
            return Some(HELP);
        }
        self.flags.iter().copied().chain(globals()).find(|f| f.short == Some(letter))
    }

    /// The commands right below this one, in order.
    pub fn subcommands(&self) -> Vec<Command> {
        let head = format!("{} ", self.path);
        paths().filter(|p| p.strip_prefix(&head).is_some_and(|name| !name.contains(' '))).filter_map(find).collect()
    }

    /// The subcommand of that name or alias.
    pub fn subcommand(&self, name: &str) -> Option<Command> {
        self.subcommands().into_iter().find(|c| c.name() == name || c.aliases.contains(&name))
    }
}

fn paths() -> impl Iterator<Item = &'static str> {
    TABLE.lines().filter_map(|l| l.strip_prefix("> "))
}

/// The commands at the top.
#[cfg(test)]
pub fn top() -> Vec<Command> {
    paths().filter(|p| !p.contains(' ')).filter_map(find).collect()
}

/// The sentences of all commands by their paths: a list of them needs no flags, which take long to read.
pub fn sentences() -> VecMap<&'static str, &'static str> {
    let mut path = "";
    let sentence = |line: &'static str| {
        path = line.strip_prefix("> ").unwrap_or(path);
        Some((path, line.strip_prefix("s ")?))
    };
    TABLE.lines().filter_map(sentence).collect()
}

/// The command of that path.
pub fn find(path: &str) -> Option<Command> {
    let mut lines = TABLE.lines().skip_while(|l| l.strip_prefix("> ") != Some(path));
    let path = lines.next()?.strip_prefix("> ")?;
    let mut found = Command { path, about: "", usage: None, aliases: Vec::new(), flags: Vec::new() };
    for line in lines.take_while(|l| !l.starts_with('>')) {
        let (mark, rest) = line.split_once(' ')?;
        match mark {
            "s" => found.about = rest,
            "u" => found.usage = Some(rest),
            "a" => found.aliases = rest.split(' ').collect(),
            _ => found.flags = flags(rest),
        }
    }
    Some(found)
}

/// The flags that every command takes.
pub fn globals() -> Vec<Flag> {
    flags(TABLE.lines().find_map(|l| l.strip_prefix("* ")).unwrap_or_default())
}

/// Flags by their names in the table (`output output/2`), which is read once for all of them.
fn flags(ids: &str) -> Vec<Flag> {
    let wanted: Vec<&str> = ids.split(' ').collect();
    let mut found: Vec<Option<Flag>> = vec![None; wanted.len()];
    for line in TABLE.lines().filter_map(|l| l.strip_prefix("- ")) {
        let Some((id, _)) = line.split_once(' ') else { continue };
        if let Some(slot) = wanted.iter().position(|w| *w == id).and_then(|at| found.get_mut(at)) {
            *slot = flag(line);
        }
    }
    found.into_iter().flatten().collect()
}

/// A flag by its line in the table.
fn flag(line: &'static str) -> Option<Flag> {
    let (facts, about) = line.split_once('|')?;
    let mut facts = facts.splitn(5, ' ');
    let id = facts.next()?;
    let given = |text: &'static str| (text != "-").then_some(text);
    let short = given(facts.next()?).and_then(|s| s.chars().next());
    let ty = facts.next()?;
    let bare = given(facts.next()?);
    let default = given(facts.next()?).unwrap_or("");
    let takes = match ty.trim_end_matches('!') {
        "bool" | "tristate" => Takes::Bool,
        "int" | "int32" | "int64" => Takes::Int,
        "duration" => Takes::Duration,
        "stringSlice" => Takes::List,
        "stringArray" | "stringToString" | "mapStringString" => Takes::Each,
        _ => Takes::Text,
    };
    let name = id.split('/').next().unwrap_or(id);
    Some(Flag { name, short, takes, ty: ty.trim_end_matches('!'), bare, default, hidden: ty.ends_with('!'), about })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole() {
        let mut flags = 0;
        for path in paths() {
            let command = find(path).unwrap_or_else(|| panic!("{path}"));
            assert!(!command.about.is_empty(), "{path}");
            flags += command.flags.len();
        }
        let line = TABLE.lines().filter_map(|l| l.strip_prefix("f "));
        assert_eq!(flags, line.flat_map(|l| l.split(' ')).count(), "every flag that a command names is there");
        assert_eq!(globals().len(), 29);
    }

    #[test]
    fn reads_commands_and_flags() {
        let get = find("get").unwrap();
        let chunk = get.flag("chunk-size").unwrap();
        assert_eq!((chunk.takes, chunk.default, chunk.short), (Takes::Int, "500", None));
        assert_eq!(get.flag_by_letter('n').map(|f| f.name), Some("namespace"));
        assert_eq!(find("apply").unwrap().flag("dry-run").and_then(|f| f.bare), Some("unchanged"));
        assert_eq!(find("top").unwrap().subcommand("po").map(|c| c.path), Some("top pod"));
        assert_eq!(find("attach").unwrap().usage, None);
    }
}
