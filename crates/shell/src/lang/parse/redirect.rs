//! Redirections and heredocs.

use super::{Here, Parser, Res, Stop};
use crate::lang::ast::{Part, Redirect, Word};

impl Parser<'_> {
    pub fn redirects(&mut self) -> Res<Vec<Redirect>> {
        let mut out = Vec::new();
        loop {
            self.skip_blanks()?;
            match self.redirect()? {
                Some(redirect) => out.push(redirect),
                None => return Ok(out),
            }
        }
    }

    pub fn redirect(&mut self) -> Res<Option<Redirect>> {
        let start = self.at;
        if self.eat("&>>") {
            return Ok(Some(Redirect::Out { fd: 1, append: true, both: true, target: self.target()? }));
        }
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

    pub fn heredoc(&mut self, here: Here) -> Res<()> {
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
}
