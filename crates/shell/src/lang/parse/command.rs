//! Commands: compound ones, simple ones, aliases and assignments.

use super::RESERVED;
use super::{Parser, Res, Stop, is_name};
use crate::lang::ast::{Command, Simple, Word};
use std::rc::Rc;

impl Parser<'_> {
    pub fn command_inner(&mut self) -> Res<Command> {
        if self.eat("(") {
            let (list, _) = self.block(&[")"])?;
            return Ok(Command::Subshell(list, self.redirects()?));
        }
        if let Some(name) = self.function_name() {
            self.skip_newlines()?;
            let body = Rc::new(self.command()?);
            return match body.as_ref() {
                Command::Simple(_) | Command::Function { .. } => Err(self.unexpected()),
                _ => Ok(Command::Function { name, body }),
            };
        }
        match self.eat_end(&["{", "for", "while", "until", "if", "case"]).as_deref() {
            Some("{") => {
                let (list, _) = self.block(&["}"])?;
                Ok(Command::Group(list, self.redirects()?))
            }
            Some("for") => self.for_loop(),
            Some("case") => self.case(),
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

    /// `name()` and `function name`.
    fn function_name(&mut self) -> Option<String> {
        let start = self.at;
        let keyword = self.eat_end(&["function"]).is_some();
        if keyword {
            while self.peek() == Some(' ') {
                self.at += 1;
            }
        }
        let name: String =
            self.chars.iter().skip(self.at).take_while(|c| c.is_ascii_alphanumeric() || "_-.".contains(**c)).collect();
        self.at += name.chars().count();
        let blank = |p: &Self| p.chars.iter().skip(p.at).take_while(|c| **c == ' ').count();
        let (before, brackets) = (self.at, blank(self));
        self.at += brackets;
        let found = self.eat("(") && {
            self.at += blank(self);
            self.eat(")")
        };
        if name.is_empty() || !(found || keyword) {
            self.at = start;
            return None;
        }
        if !found {
            self.at = before;
        }
        Some(name)
    }

    fn case(&mut self) -> Res<Command> {
        self.skip_blanks()?;
        let word = self.word()?.ok_or_else(|| self.unexpected())?;
        self.skip_newlines()?;
        if self.eat_end(&["in"]).is_none() {
            return Err(self.unexpected());
        }
        let mut arms = Vec::new();
        loop {
            self.skip_newlines()?;
            if self.eat_end(&["esac"]).is_some() {
                return Ok(Command::Case { word, arms, redirects: self.redirects()? });
            }
            self.eat("(");
            let mut patterns = Vec::new();
            loop {
                self.skip_blanks()?;
                patterns.push(self.word()?.ok_or_else(|| self.unexpected())?);
                self.skip_blanks()?;
                if self.eat(")") {
                    break;
                }
                if !self.eat("|") {
                    return Err(self.unexpected());
                }
            }
            let (body, end) = self.block(&[";;", "esac"])?;
            arms.push((patterns, body));
            if end == "esac" {
                return Ok(Command::Case { word, arms, redirects: self.redirects()? });
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
}
