//! Text to syntax tree: a recursive-descent parser for the part of POSIX shell grammar that people type.
//! Messages are bash's.

use super::ast::{AndOr, Command, List, Part, Pipeline, Redirect, Simple, Word};
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

/// Parses `text`. `None` where it is unfinished (an open quote, heredoc, pipe or block).
pub fn parse(text: &str, aliases: &VecMap<String, String>) -> Option<Parsed> {
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
    let error = loop {
        p.skip_newlines_or_more().ok()?;
        if p.peek().is_none() {
            break None;
        }
        match p.line() {
            Ok(items) => list.extend(items),
            Err(Stop::More) => return None,
            Err(Stop::Wrong(message)) => break Some(message),
        }
    };
    if !p.pending.is_empty() && error.is_none() {
        return None;
    }
    Some(Parsed { list: Rc::new(list), heredocs: Rc::new(p.heredocs), error })
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
            items.push(Rc::new(self.and_or()?));
            self.skip_blanks()?;
            match self.peek() {
                None => return Ok(items),
                Some('\n') => {
                    self.newline()?;
                    return Ok(items);
                }
                Some(';') if self.peek_at(1) != Some(';') => {
                    self.at += 1;
                    self.skip_blanks()?;
                    if matches!(self.peek(), None | Some('\n')) {
                        self.newline()?;
                        return Ok(items);
                    }
                }
                Some('&') => return Err(Stop::Wrong("background jobs (`&') are not supported here".to_owned())),
                Some(_) => return Err(self.unexpected()),
            }
        }
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
                if items.is_empty() {
                    return Err(Stop::Wrong(format!("syntax error near unexpected token `{end}'")));
                }
                return Ok((Rc::new(items), end));
            }
            items.push(Rc::new(self.and_or()?));
            self.skip_blanks()?;
            match self.peek() {
                None => return Err(Stop::More),
                Some('\n') => {}
                Some(';') => self.at += 1,
                Some(')') if ends.contains(&")") => {}
                Some(_) => return Err(self.unexpected()),
            }
        }
    }

    fn eat_end(&mut self, ends: &[&str]) -> Option<String> {
        for end in ends {
            let n = end.chars().count();
            let found = end.chars().enumerate().all(|(i, c)| self.peek_at(i) == Some(c));
            if found && (*end == ")" || self.peek_at(n).is_none_or(|c| c.is_whitespace() || ";&|()<>".contains(c))) {
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
                return Ok(AndOr { first, rest });
            };
            self.skip_newlines()?;
            rest.push((and, Rc::new(self.pipeline()?)));
        }
    }

    fn pipeline(&mut self) -> Res<Pipeline> {
        self.skip_blanks()?;
        let negate = self.peek() == Some('!') && self.peek_at(1).is_some_and(char::is_whitespace);
        if negate {
            self.at += 1;
        }
        let mut commands = vec![Rc::new(self.command()?)];
        loop {
            self.skip_blanks()?;
            if self.peek() != Some('|') || self.peek_at(1) == Some('|') {
                return Ok(Pipeline { negate, commands });
            }
            self.at += 1;
            if self.peek() == Some('&') {
                return Err(Stop::Wrong("`|&' is not supported here; write `2>&1 |'".to_owned()));
            }
            self.skip_newlines()?;
            commands.push(Rc::new(self.command()?));
        }
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

    fn command_inner(&mut self) -> Res<Command> {
        if self.eat("(") {
            let (list, _) = self.block(&[")"])?;
            return Ok(Command::Subshell(list, self.redirects()?));
        }
        match self.eat_end(&["{", "for", "while", "until", "if"]).as_deref() {
            Some("{") => {
                let (list, _) = self.block(&["}"])?;
                Ok(Command::Group(list, self.redirects()?))
            }
            Some("for") => self.for_loop(),
            Some(word @ ("while" | "until")) => {
                let until = word == "until";
                let (condition, _) = self.block(&["do"])?;
                let (body, _) = self.block(&["done"])?;
                Ok(Command::While { until, condition, body, redirects: self.redirects()? })
            }
            Some("if") => {
                let mut arms = Vec::new();
                let mut otherwise = None;
                loop {
                    let (condition, _) = self.block(&["then"])?;
                    let (body, end) = self.block(&["elif", "else", "fi"])?;
                    arms.push((condition, body));
                    if end == "else" {
                        otherwise = Some(self.block(&["fi"])?.0);
                    }
                    if end != "elif" {
                        return Ok(Command::If { arms, otherwise, redirects: self.redirects()? });
                    }
                }
            }
            _ => self.simple(),
        }
    }

    fn for_loop(&mut self) -> Res<Command> {
        self.skip_blanks()?;
        let variable = self.word()?.and_then(|w| w.plain().map(str::to_owned)).filter(|n| is_name(n));
        let variable = variable.ok_or_else(|| self.unexpected())?;
        self.skip_newlines()?;
        let mut words = Vec::new();
        if self.eat_end(&["in"]).is_some() {
            loop {
                self.skip_blanks()?;
                match self.word()? {
                    Some(word) => words.push(word),
                    None => break,
                }
            }
        }
        self.skip_blanks()?;
        if self.peek() == Some(';') {
            self.at += 1;
        }
        self.skip_newlines()?;
        if self.eat_end(&["do"]).is_none() {
            return Err(self.unexpected());
        }
        let (body, _) = self.block(&["done"])?;
        Ok(Command::For { variable, words, body, redirects: self.redirects()? })
    }

    fn redirects(&mut self) -> Res<Vec<Redirect>> {
        let mut out = Vec::new();
        loop {
            self.skip_blanks()?;
            match self.redirect()? {
                Some(redirect) => out.push(redirect),
                None => return Ok(out),
            }
        }
    }

    fn simple(&mut self) -> Res<Command> {
        let mut simple = Simple::default();
        loop {
            self.skip_blanks()?;
            if let Some(redirect) = self.redirect()? {
                simple.redirects.push(redirect);
                continue;
            }
            if simple.words.is_empty() {
                self.expand_alias();
                if let Some(assignment) = self.assignment()? {
                    simple.assignments.push(assignment);
                    continue;
                }
            }
            let Some(word) = self.word()? else {
                break;
            };
            if simple.words.is_empty() && word.plain().is_some_and(|w| RESERVED.contains(&w)) {
                let token = word.plain().unwrap_or_default();
                return Err(Stop::Wrong(format!("syntax error near unexpected token `{token}'")));
            }
            simple.words.push(word);
        }
        if simple.words.is_empty() && simple.assignments.is_empty() && simple.redirects.is_empty() {
            return Err(self.unexpected());
        }
        Ok(Command::Simple(simple))
    }

    /// Puts the alias's text in place of its name, once for each place.
    fn expand_alias(&mut self) {
        if self.at < self.alias_end {
            return;
        }
        let name: String =
            self.chars.iter().skip(self.at).take_while(|c| !c.is_whitespace() && !";&|()<>'\"\\$`".contains(**c)).collect();
        let Some(value) = self.aliases.get(&name) else {
            return;
        };
        let end = self.at + name.chars().count();
        if self.chars.get(end).is_some_and(|c| "'\"\\$`".contains(*c)) {
            return;
        }
        let value: Vec<char> = value.chars().collect();
        self.alias_end = self.at + value.len();
        self.chars.splice(self.at..end, value);
    }

    fn assignment(&mut self) -> Res<Option<(String, Word)>> {
        let name: String = self.chars.iter().skip(self.at).take_while(|c| c.is_ascii_alphanumeric() || **c == '_').collect();
        if !is_name(&name) || self.peek_at(name.len()) != Some('=') {
            return Ok(None);
        }
        self.at += name.len() + 1;
        Ok(Some((name, self.word()?.unwrap_or_default())))
    }

    fn redirect(&mut self) -> Res<Option<Redirect>> {
        let start = self.at;
        if self.eat("&>") {
            return Ok(Some(Redirect::Out { fd: 1, append: false, both: true, target: self.target()? }));
        }
        let mut fd = None;
        if let Some(d @ ('0' | '1' | '2')) = self.peek()
            && matches!(self.peek_at(1), Some('<' | '>'))
        {
            fd = d.to_digit(10);
            self.at += 1;
        }
        if self.eat(">>") {
            return Ok(Some(Redirect::Out { fd: fd.unwrap_or(1), append: true, both: false, target: self.target()? }));
        }
        if self.eat(">&") {
            return match self.next().and_then(|c| c.to_digit(10)) {
                Some(to @ (1 | 2)) => Ok(Some(Redirect::Dup { from: fd.unwrap_or(1), to })),
                _ => Err(self.unexpected()),
            };
        }
        if self.eat(">|") || self.eat(">") {
            return Ok(Some(Redirect::Out { fd: fd.unwrap_or(1), append: false, both: false, target: self.target()? }));
        }
        if self.eat("<<<") {
            return Ok(Some(Redirect::HereString(self.target()?)));
        }
        if self.eat("<<") {
            let strip_tabs = self.eat("-");
            self.skip_blanks()?;
            let (delimiter, quoted) = self.delimiter()?;
            let number = self.heredocs.len();
            self.heredocs.push(Word::default());
            self.pending.push(Here { number, delimiter, quoted, strip_tabs });
            return Ok(Some(Redirect::Here(number)));
        }
        if self.eat("<") {
            return Ok(Some(Redirect::In(self.target()?)));
        }
        self.at = start;
        Ok(None)
    }

    fn target(&mut self) -> Res<Word> {
        self.skip_blanks()?;
        self.word()?.ok_or_else(|| self.unexpected())
    }

    fn delimiter(&mut self) -> Res<(String, bool)> {
        let mut text = String::new();
        let mut quoted = false;
        while let Some(c) = self.peek() {
            match c {
                '\'' | '"' => {
                    quoted = true;
                    self.at += 1;
                    loop {
                        match self.next() {
                            None => return Err(Stop::More),
                            Some(q) if q == c => break,
                            Some(other) => text.push(other),
                        }
                    }
                }
                '\\' => {
                    quoted = true;
                    self.at += 1;
                    text.extend(self.next());
                }
                c if c.is_whitespace() || ";&|()<>".contains(c) => break,
                c => {
                    text.push(c);
                    self.at += 1;
                }
            }
        }
        if text.is_empty() && !quoted { Err(self.unexpected()) } else { Ok((text, quoted)) }
    }

    fn heredoc(&mut self, here: Here) -> Res<()> {
        let mut body = String::new();
        loop {
            if self.peek().is_none() {
                return Err(Stop::More);
            }
            let line: String = self.chars.iter().skip(self.at).take_while(|c| **c != '\n').collect();
            self.at += line.chars().count();
            let ended = self.peek().is_none();
            self.at += usize::from(!ended);
            let line = line.strip_suffix('\r').unwrap_or(&line);
            let line = if here.strip_tabs { line.trim_start_matches('\t') } else { line };
            if line == here.delimiter {
                break;
            }
            body.push_str(line);
            body.push('\n');
            if ended {
                return Err(Stop::More);
            }
        }
        let word = if here.quoted { Word(vec![Part::Text { text: body, quoted: true }]) } else { self.heredoc_word(&body)? };
        if let Some(slot) = self.heredocs.get_mut(here.number) {
            *slot = word;
        }
        Ok(())
    }

    /// The body of an unquoted heredoc: variables and substitutions are expanded, quotes are plain characters.
    fn heredoc_word(&mut self, body: &str) -> Res<Word> {
        let outer = std::mem::replace(&mut self.chars, body.chars().collect());
        let at = std::mem::replace(&mut self.at, 0);
        let mut parts = Vec::new();
        let result = self.quoted_parts(&mut parts, None);
        self.chars = outer;
        self.at = at;
        result.map(|()| Word(parts)).map_err(|stop| match stop {
            Stop::More => Stop::Wrong("unexpected EOF in a substitution of the here-document".to_owned()),
            wrong => wrong,
        })
    }

    /// A word, or `None` where none begins here.
    fn word(&mut self) -> Res<Option<Word>> {
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut any = false;
        while let Some(c) = self.peek() {
            match c {
                c if c.is_ascii_whitespace() || ";&|()<>".contains(c) => break,
                '\\' => {
                    self.at += 1;
                    match self.next() {
                        None => return Err(Stop::More),
                        Some('\n') => {}
                        Some(c) => {
                            flush(&mut parts, &mut text, false);
                            parts.push(Part::Text { text: c.to_string(), quoted: true });
                        }
                    }
                }
                '\'' => {
                    self.at += 1;
                    flush(&mut parts, &mut text, false);
                    let mut quoted = String::new();
                    loop {
                        match self.next() {
                            None => return Err(Stop::More),
                            Some('\'') => break,
                            Some(c) => quoted.push(c),
                        }
                    }
                    parts.push(Part::Text { text: quoted, quoted: true });
                }
                '"' => {
                    self.at += 1;
                    flush(&mut parts, &mut text, false);
                    let before = parts.len();
                    self.quoted_parts(&mut parts, Some('"'))?;
                    if parts.len() == before {
                        parts.push(Part::Text { text: String::new(), quoted: true });
                    }
                }
                '$' | '`' => {
                    if let Some(part) = self.dollar(false)? {
                        flush(&mut parts, &mut text, false);
                        parts.push(part);
                    } else {
                        text.push(c);
                    }
                }
                c => {
                    text.push(c);
                    self.at += 1;
                }
            }
            any = true;
        }
        flush(&mut parts, &mut text, false);
        Ok(any.then_some(Word(parts)))
    }

    /// Text with expansions up to `close` (a double quote), or to the end of a heredoc's body.
    fn quoted_parts(&mut self, parts: &mut Vec<Part>, close: Option<char>) -> Res<()> {
        let mut text = String::new();
        loop {
            let Some(c) = self.peek() else {
                flush(parts, &mut text, true);
                return if close.is_some() { Err(Stop::More) } else { Ok(()) };
            };
            match c {
                c if Some(c) == close => {
                    self.at += 1;
                    flush(parts, &mut text, true);
                    return Ok(());
                }
                '\\' => {
                    self.at += 1;
                    match self.next() {
                        None if close.is_some() => return Err(Stop::More),
                        None => text.push('\\'),
                        Some('\n') => {}
                        Some(c @ ('$' | '`' | '\\')) => text.push(c),
                        Some('"') if close.is_some() => text.push('"'),
                        Some(c) => {
                            text.push('\\');
                            text.push(c);
                        }
                    }
                }
                '$' | '`' => {
                    if let Some(part) = self.dollar(true)? {
                        flush(parts, &mut text, true);
                        parts.push(part);
                    } else {
                        text.push(c);
                    }
                }
                c => {
                    text.push(c);
                    self.at += 1;
                }
            }
        }
    }

    /// What `$` or a backquote begins; `None` (with the character consumed) where it stands for itself.
    fn dollar(&mut self, quoted: bool) -> Res<Option<Part>> {
        if self.eat("`") {
            let mut inner = String::new();
            loop {
                match self.next() {
                    None => return Err(Stop::More),
                    Some('`') => break,
                    Some('\\') => inner.extend(self.next()),
                    Some(c) => inner.push(c),
                }
            }
            return Ok(Some(Part::Substitution { list: self.nested(&inner)?, quoted }));
        }
        self.at += 1;
        if self.eat("((") {
            let mut text = String::new();
            while !self.eat("))") {
                text.push(self.next().ok_or(Stop::More)?);
            }
            return Ok(Some(Part::Arithmetic { text }));
        }
        if self.eat("(") {
            self.depth += 1;
            if self.depth > DEPTH {
                return Err(Stop::Wrong("the text is nested too deeply".to_owned()));
            }
            let (list, _) = self.block(&[")"])?;
            self.depth -= 1;
            return Ok(Some(Part::Substitution { list, quoted }));
        }
        if self.eat("{") {
            let mut inner = String::new();
            loop {
                match self.next() {
                    None => return Err(Stop::More),
                    Some('}') => break,
                    Some(c) => inner.push(c),
                }
            }
            let (name, default) = match inner.split_once(":-").or_else(|| inner.split_once('-')) {
                Some((name, default)) => (name.to_owned(), Some(default.to_owned())),
                None => (inner.clone(), None),
            };
            if !is_name(&name) && name != "?" {
                return Err(Stop::Wrong(format!("${{{inner}}}: bad substitution")));
            }
            return Ok(Some(Part::Variable { name, default, quoted }));
        }
        match self.peek() {
            Some(c @ ('?' | '#' | '@' | '*' | '$' | '0'..='9')) => {
                self.at += 1;
                Ok(Some(Part::Variable { name: c.to_string(), default: None, quoted }))
            }
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                let name: String =
                    self.chars.iter().skip(self.at).take_while(|c| c.is_ascii_alphanumeric() || **c == '_').collect();
                self.at += name.len();
                Ok(Some(Part::Variable { name, default: None, quoted }))
            }
            _ => Ok(None),
        }
    }

    fn nested(&mut self, text: &str) -> Res<List> {
        let mut chars: Vec<char> = text.chars().collect();
        chars.push(')');
        let outer = std::mem::replace(&mut self.chars, chars);
        let at = std::mem::replace(&mut self.at, 0);
        let result = self.block(&[")"]);
        self.chars = outer;
        self.at = at;
        result.map(|(list, _)| list)
    }
}

fn flush(parts: &mut Vec<Part>, text: &mut String, quoted: bool) {
    if !text.is_empty() {
        parts.push(Part::Text { text: std::mem::take(text), quoted });
    }
}

/// Whether `text` may name a variable.
fn is_name(text: &str) -> bool {
    !text.starts_with(|c: char| c.is_ascii_digit())
        && !text.is_empty()
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
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
    }

    #[test]
    fn says_what_bash_says() {
        check("| grep x", Some(0), Some("syntax error near unexpected token `|'"));
        check("echo fine\necho a || && b", Some(1), Some("syntax error near unexpected token `&&'"));
        check("done", Some(0), Some("syntax error near unexpected token `done'"));
        check("echo )", Some(0), Some("syntax error near unexpected token `)'"));
    }
}
