//! Text to syntax tree: a recursive-descent parser for the part of POSIX shell grammar that people type.
//! Messages are bash's.

mod command;
mod parameter;
mod redirect;
mod word;

use super::ast::{AndOr, Command, List, Pipeline, Timed, Word};
use objects::collections::VecMap;
use std::rc::Rc;

/// What came of a text.
#[derive(Debug)]
pub struct Parsed {
    /// Complete lines before the first mistake.
    pub list: List,
    pub heredocs: Rc<Vec<Word>>,
    /// The mistake, without `bash: `.
    pub error: Option<String>,
}

#[derive(Debug)]
enum Stop {
    /// The text ends inside something.
    More,
    Wrong(String),
}

type Res<T> = Result<T, Stop>;

/// Most nesting of groups and substitutions; deeper text is refused.
const DEPTH: usize = 40;

/// Parses what is typed. `None` where it is unfinished (an open quote, heredoc, pipe or block).
pub fn parse(text: &str, aliases: &VecMap<String, String>) -> Option<Parsed> {
    let (parsed, finished) = read(text, aliases);
    finished.then_some(parsed)
}

/// Parses a text to which nothing will be added: what is unfinished is its mistake.
pub fn script(text: &str, aliases: &VecMap<String, String>) -> Parsed {
    let (parsed, finished) = read(text, aliases);
    let error = parsed.error.or_else(|| (!finished).then(|| "syntax error: unexpected end of file".to_owned()));
    Parsed { error, ..parsed }
}

/// Complete lines, and whether the text is finished.
fn read(text: &str, aliases: &VecMap<String, String>) -> (Parsed, bool) {
    let mut p = Parser {
        chars: text.chars().collect(),
        at: 0,
        pending: Vec::new(),
        heredocs: Vec::new(),
        aliases,
        alias_end: 0,
        depth: 0,
    };
    let mut list = Vec::new();
    let (error, ended) = loop {
        if p.skip_newlines_or_more().is_err() {
            break (None, false);
        }
        if p.peek().is_none() {
            break (None, true);
        }
        match p.line() {
            Ok(items) => list.extend(items),
            Err(Stop::More) => break (None, false),
            Err(Stop::Wrong(message)) => break (Some(message), true),
        }
    };
    let finished = ended && (p.pending.is_empty() || error.is_some());
    (Parsed { list: Rc::new(list), heredocs: Rc::new(p.heredocs), error }, finished)
}

struct Here {
    number: usize,
    delimiter: String,
    quoted: bool,
    strip_tabs: bool,
}

struct Parser<'a> {
    chars: Vec<char>,
    at: usize,
    pending: Vec<Here>,
    heredocs: Vec<Word>,
    aliases: &'a VecMap<String, String>,
    /// Text before this offset came out of an alias and is not looked up again.
    alias_end: usize,
    depth: usize,
}

const RESERVED: [&str; 10] = ["then", "elif", "else", "fi", "do", "done", "}", "in", "esac", "!"];

/// Whether `text` may name a variable.
pub fn is_name(text: &str) -> bool {
    !text.starts_with(|c: char| c.is_ascii_digit())
        && !text.is_empty()
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A command's text as a list of jobs shows it: blanks outside quotes are one space each.
fn squeezed(chars: &[char]) -> String {
    let mut out = String::new();
    let mut quote = None;
    for c in chars {
        match quote {
            None if c.is_whitespace() => {
                if !out.ends_with(' ') {
                    out.push(' ');
                }
                continue;
            }
            None if matches!(c, '\'' | '"') => quote = Some(*c),
            Some(open) if open == *c => quote = None,
            _ => {}
        }
        out.push(*c);
    }
    let out = out.trim();
    match out.strip_prefix('(').and_then(|o| o.strip_suffix(')')) {
        Some(inner) => format!("( {} )", inner.trim()),
        None => out.to_owned(),
    }
}

impl Parser<'_> {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn peek_at(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += 1;
        Some(c)
    }

    fn eat(&mut self, text: &str) -> bool {
        let n = text.chars().count();
        let found = text.chars().enumerate().all(|(i, c)| self.peek_at(i) == Some(c));
        if found {
            self.at += n;
        }
        found
    }

    /// Blanks, `\`-newline and comments.
    fn skip_blanks(&mut self) -> Res<()> {
        loop {
            match self.peek() {
                Some(' ' | '\t' | '\r') => self.at += 1,
                Some('\\') if self.peek_at(1) == Some('\n') => self.at += 2,
                Some('\\') if self.peek_at(1) == Some('\r') && self.peek_at(2) == Some('\n') => self.at += 3,
                Some('\\') if self.peek_at(1).is_none() => return Err(Stop::More),
                Some('#') => {
                    while self.peek().is_some_and(|c| c != '\n') {
                        self.at += 1;
                    }
                }
                _ => return Ok(()),
            }
        }
    }

    fn newline(&mut self) -> Res<bool> {
        if self.peek() != Some('\n') {
            return Ok(false);
        }
        self.at += 1;
        for here in std::mem::take(&mut self.pending) {
            self.heredoc(here)?;
        }
        Ok(true)
    }

    fn skip_newlines_or_more(&mut self) -> Res<()> {
        loop {
            self.skip_blanks()?;
            if !self.newline()? {
                return Ok(());
            }
        }
    }

    /// Newlines where the grammar needs something after them.
    fn skip_newlines(&mut self) -> Res<()> {
        self.skip_newlines_or_more()?;
        if self.peek().is_none() { Err(Stop::More) } else { Ok(()) }
    }

    /// One line: and-or lists joined by `;`, up to a newline or the end.
    fn line(&mut self) -> Res<Vec<Rc<AndOr>>> {
        let mut items = Vec::new();
        loop {
            let (item, ended) = self.item()?;
            items.push(item);
            match self.peek() {
                None => return Ok(items),
                Some('\n') => {
                    self.newline()?;
                    return Ok(items);
                }
                Some(_) if ended => {}
                Some(_) => return Err(self.unexpected()),
            }
        }
    }

    /// A command of a list, and whether `;` or `&` has ended it.
    fn item(&mut self) -> Res<(Rc<AndOr>, bool)> {
        let start = self.at;
        let mut item = self.and_or()?;
        self.skip_blanks()?;
        let ended = match self.peek() {
            Some(';') => self.peek_at(1) != Some(';'),
            Some('&') => {
                item.background = Some(squeezed(self.chars.get(start..self.at).unwrap_or_default()));
                true
            }
            _ => false,
        };
        if ended {
            self.at += 1;
            self.skip_blanks()?;
        }
        Ok((Rc::new(item), ended))
    }

    fn unexpected(&self) -> Stop {
        let token: String = match self.peek() {
            None | Some('\n') => "newline".to_owned(),
            Some(c @ ('&' | '|' | ';')) if self.peek_at(1) == Some(c) => [c, c].iter().collect(),
            Some(c) if ";&|()<>".contains(c) => c.to_string(),
            Some(_) => self.chars.iter().skip(self.at).take_while(|c| !c.is_whitespace() && !";&|()<>".contains(**c)).collect(),
        };
        Stop::Wrong(format!("syntax error near unexpected token `{token}'"))
    }

    /// A block up to one of the `ends` (a keyword or `)`), which is consumed and returned.
    fn block(&mut self, ends: &[&str]) -> Res<(List, String)> {
        let mut items = Vec::new();
        loop {
            self.skip_newlines()?;
            if let Some(end) = self.eat_end(ends) {
                // An arm of `case` may be empty.
                if items.is_empty() && !ends.contains(&";;") {
                    return Err(Stop::Wrong(format!("syntax error near unexpected token `{end}'")));
                }
                return Ok((Rc::new(items), end));
            }
            let (item, ended) = self.item()?;
            items.push(item);
            match self.peek() {
                None => return Err(Stop::More),
                Some('\n') => {}
                Some(';') if self.peek_at(1) == Some(';') && ends.contains(&";;") => {}
                Some(')') if ends.contains(&")") => {}
                Some(_) if ended => {}
                Some(_) => return Err(self.unexpected()),
            }
        }
    }

    fn eat_end(&mut self, ends: &[&str]) -> Option<String> {
        for end in ends {
            let n = end.chars().count();
            let found = end.chars().enumerate().all(|(i, c)| self.peek_at(i) == Some(c));
            if found && (matches!(*end, ")" | ";;") || self.peek_at(n).is_none_or(|c| c.is_whitespace() || ";&|()<>".contains(c)))
            {
                self.at += n;
                return Some((*end).to_owned());
            }
        }
        None
    }

    fn and_or(&mut self) -> Res<AndOr> {
        let first = Rc::new(self.pipeline()?);
        let mut rest = Vec::new();
        loop {
            self.skip_blanks()?;
            let and = if self.eat("&&") {
                true
            } else if self.eat("||") {
                false
            } else {
                return Ok(AndOr { first, rest, background: None });
            };
            self.skip_newlines()?;
            rest.push((and, Rc::new(self.pipeline()?)));
        }
    }

    fn pipeline(&mut self) -> Res<Pipeline> {
        self.skip_blanks()?;
        let (mut negate, mut timed) = (false, None);
        loop {
            if self.peek() == Some('!') && self.peek_at(1).is_some_and(char::is_whitespace) {
                self.at += 1;
                negate = !negate;
                self.skip_blanks()?;
            } else if let Some(form) = self.timed()? {
                timed = Some(form);
            } else {
                break;
            }
        }
        if timed.is_some() && self.peek().is_none_or(|c| "\n;&)".contains(c)) {
            return Ok(Pipeline { negate, timed, ..Pipeline::default() });
        }
        let mut commands = vec![Rc::new(self.command()?)];
        let mut merged = Vec::new();
        loop {
            self.skip_blanks()?;
            if self.peek() != Some('|') || self.peek_at(1) == Some('|') {
                return Ok(Pipeline { negate, timed, commands, merged });
            }
            self.at += 1;
            if self.peek() == Some('&') {
                self.at += 1;
                merged.push(commands.len() - 1);
            }
            self.skip_newlines()?;
            commands.push(Rc::new(self.command()?));
        }
    }

    /// `time` and `time -p`.
    fn timed(&mut self) -> Res<Option<Timed>> {
        if self.eat_end(&["time"]).is_none() {
            return Ok(None);
        }
        self.skip_blanks()?;
        let posix = self.eat_end(&["-p"]).is_some();
        self.skip_blanks()?;
        Ok(Some(if posix { Timed::Posix } else { Timed::Bash }))
    }

    fn command(&mut self) -> Res<Command> {
        self.skip_blanks()?;
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(Stop::Wrong("the text is nested too deeply".to_owned()));
        }
        let command = self.command_inner();
        self.depth -= 1;
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, lines: Option<usize>, error: Option<&str>) {
        let parsed = parse(text, &VecMap::new());
        assert_eq!(parsed.as_ref().map(|p| p.list.len()), lines, "{text}");
        assert_eq!(parsed.and_then(|p| p.error).as_deref(), error, "{text}");
    }

    #[test]
    fn knows_what_is_unfinished() {
        check("echo a; echo b\necho c", Some(3), None);
        check("cat <<EOF | grep x\nbody", None, None);
        check("cat <<EOF | grep x\nbody\n", None, None);
        check("cat <<EOF | grep x\nbody\nEOF", Some(1), None);
        check("cat <<-EOF\n\tbody\n\tEOF\necho after", Some(2), None);
        check("echo 'open", None, None);
        check("echo \"open", None, None);
        check("echo a |", None, None);
        check("echo a &&", None, None);
        check("echo a \\", None, None);
        check("for i in 1 2; do echo $i", None, None);
        check("for i in 1 2; do echo $i; done | wc -l", Some(1), None);
        check("if true; then echo y; else echo n; fi", Some(1), None);
        check("echo $(echo a", None, None);
        check("# only a remark", Some(0), None);
        check("case x in a) echo 1;; *) ;; esac", Some(1), None);
        check("case x in\n  a|b) echo 1", None, None);
        check("f() { echo $1; }; f 2", Some(2), None);
        check("echo ${A:-${B:-c}} ${A%%.*}", Some(1), None);
        check("echo ${A", None, None);
        check("sleep 1 & sleep 2 & wait", Some(3), None);
        check("{ sleep 1 & wait; } 2>&1 & echo b", Some(2), None);
        check("for i in 1 2; do sleep $i & done; wait", Some(2), None);
        check("time", Some(1), None);
        check("time -p sleep 1 | cat; time; echo a", Some(3), None);
    }

    #[test]
    fn says_what_bash_says() {
        check("| grep x", Some(0), Some("syntax error near unexpected token `|'"));
        check("echo fine\necho a || && b", Some(1), Some("syntax error near unexpected token `&&'"));
        check("done", Some(0), Some("syntax error near unexpected token `done'"));
        check("& echo", Some(0), Some("syntax error near unexpected token `&'"));
        check("sleep 1 & ; echo", Some(0), Some("syntax error near unexpected token `;'"));
        check("echo )", Some(0), Some("syntax error near unexpected token `)'"));
    }
}
