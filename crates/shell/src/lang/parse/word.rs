//! Words: quotes, variables, substitutions.

use super::{DEPTH, Parser, Res, Stop};
use crate::lang::ast::{List, Part, Word};

impl Parser<'_> {
    /// A word, or `None` where none begins here.
    pub fn word(&mut self) -> Res<Option<Word>> {
        self.word_up_to(|c| c.is_ascii_whitespace() || ";&|()<>".contains(c))
    }

    /// A word that ends where `stops` says, or with the text.
    pub fn word_up_to(&mut self, stops: fn(char) -> bool) -> Res<Option<Word>> {
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut any = false;
        while let Some(c) = self.peek() {
            match c {
                c if stops(c) => break,
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
                '$' | '`' => self.expansion(c, false, &mut parts, &mut text)?,
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
    pub fn quoted_parts(&mut self, parts: &mut Vec<Part>, close: Option<char>) -> Res<()> {
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
                '$' | '`' => self.expansion(c, true, parts, &mut text)?,
                c => {
                    text.push(c);
                    self.at += 1;
                }
            }
        }
    }

    /// Adds what the character begins, or the character where it stands for itself.
    fn expansion(&mut self, c: char, quoted: bool, parts: &mut Vec<Part>, text: &mut String) -> Res<()> {
        match self.dollar(quoted)? {
            Some(part) => {
                flush(parts, text, quoted);
                parts.push(part);
            }
            None => text.push(c),
        }
        Ok(())
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
            // Brackets within do not end it.
            let mut text = String::new();
            let mut open = 0;
            while open > 0 || !self.eat("))") {
                let c = self.next().ok_or(Stop::More)?;
                open = if c == '(' {
                    open + 1
                } else if c == ')' && open > 0 {
                    open - 1
                } else {
                    open
                };
                text.push(c);
            }
            let word = self.operand(&text, true)?;
            return Ok(Some(Part::Arithmetic { word }));
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
            return self.parameter(quoted).map(Some);
        }
        match self.peek() {
            Some(c @ ('?' | '#' | '@' | '*' | '$' | '!' | '0'..='9')) => {
                self.at += 1;
                Ok(Some(Part::Variable { name: c.to_string(), change: None, quoted }))
            }
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                let name: String =
                    self.chars.iter().skip(self.at).take_while(|c| c.is_ascii_alphanumeric() || **c == '_').collect();
                self.at += name.len();
                Ok(Some(Part::Variable { name, change: None, quoted }))
            }
            _ => Ok(None),
        }
    }

    pub fn nested(&mut self, text: &str) -> Res<List> {
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

pub fn flush(parts: &mut Vec<Part>, text: &mut String, quoted: bool) {
    if !text.is_empty() {
        parts.push(Part::Text { text: std::mem::take(text), quoted });
    }
}
