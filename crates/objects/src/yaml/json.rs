//! JSON with the error words of Go's decoder. Source: encoding/json/scanner.go, go1.24.

use crate::Value;

/// A syntax error in Go's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError {
    /// Bytes read, the offending one included.
    pub offset: usize,
    pub text: String,
}

/// Deepest nesting read.
const MAX_DEPTH: usize = 100;

/// Parses one JSON value; the error is Go's text (`invalid character 's' looking for beginning of object key string`).
pub fn parse(text: &str) -> Result<Value, String> {
    let mut s = Scanner { text, at: 0 };
    let check = s.value(0).and_then(|()| {
        s.blanks();
        if s.peek().is_some() { Err(s.unexpected("after top-level value")) } else { Ok(()) }
    });
    check.map_err(|e| e.text)?;
    decoded(text)
}

/// The value of a text whose syntax is right.
pub(super) fn decoded(text: &str) -> Result<Value, String> {
    let mut value = serde_json::from_str(text).map_err(|e| e.to_string())?;
    unsigned_zeros(&mut value);
    Ok(value)
}

/// Go reads `-0` as the integer 0; serde_json keeps the sign, as a float.
fn unsigned_zeros(value: &mut Value) {
    match value {
        Value::Number(n) if n.is_f64() && n.as_f64() == Some(0.0) => *value = Value::from(0),
        Value::Array(items) => items.iter_mut().for_each(unsigned_zeros),
        Value::Object(fields) => fields.values_mut().for_each(unsigned_zeros),
        _ => {}
    }
}

/// Where the first JSON value of `text` ends, in bytes.
pub(super) fn first_value(text: &str) -> Result<usize, JsonError> {
    let mut s = Scanner { text, at: 0 };
    s.value(0)?;
    Ok(s.at)
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at..)?.chars().next()
    }

    fn bump(&mut self) {
        self.at += self.peek().map_or(0, char::len_utf8);
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(' ' | '\t' | '\n' | '\r')) {
            self.at += 1;
        }
    }

    fn unexpected(&self, context: &str) -> JsonError {
        let text = match self.peek() {
            None => "unexpected end of JSON input".to_owned(),
            Some(c) => format!("invalid character {} {context}", quoted(c)),
        };
        JsonError { offset: self.at + 1, text }
    }

    fn value(&mut self, depth: usize) -> Result<(), JsonError> {
        if depth > MAX_DEPTH {
            return Err(JsonError { offset: self.at, text: "exceeded max depth".to_owned() });
        }
        self.blanks();
        match self.peek() {
            Some('{') => self.object(depth),
            Some('[') => self.array(depth),
            Some('"') => self.string(),
            Some('t') => self.literal("true"),
            Some('f') => self.literal("false"),
            Some('n') => self.literal("null"),
            Some('-' | '0'..='9') => self.number(),
            _ => Err(self.unexpected("looking for beginning of value")),
        }
    }

    fn object(&mut self, depth: usize) -> Result<(), JsonError> {
        self.bump();
        self.blanks();
        if self.peek() == Some('}') {
            self.bump();
            return Ok(());
        }
        loop {
            self.blanks();
            if self.peek() != Some('"') {
                return Err(self.unexpected("looking for beginning of object key string"));
            }
            self.string()?;
            self.blanks();
            if self.peek() != Some(':') {
                return Err(self.unexpected("after object key"));
            }
            self.bump();
            self.value(depth + 1)?;
            self.blanks();
            match self.peek() {
                Some(',') => self.bump(),
                Some('}') => {
                    self.bump();
                    return Ok(());
                }
                _ => return Err(self.unexpected("after object key:value pair")),
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<(), JsonError> {
        self.bump();
        self.blanks();
        if self.peek() == Some(']') {
            self.bump();
            return Ok(());
        }
        loop {
            self.value(depth + 1)?;
            self.blanks();
            match self.peek() {
                Some(',') => self.bump(),
                Some(']') => {
                    self.bump();
                    return Ok(());
                }
                _ => return Err(self.unexpected("after array element")),
            }
        }
    }

    fn string(&mut self) -> Result<(), JsonError> {
        self.bump();
        loop {
            match self.peek() {
                Some('"') => {
                    self.bump();
                    return Ok(());
                }
                Some('\\') => {
                    self.bump();
                    match self.peek() {
                        Some('u') => {
                            self.bump();
                            for _ in 0..4 {
                                if !self.peek().is_some_and(|c| c.is_ascii_hexdigit()) {
                                    return Err(self.unexpected("in \\u hexadecimal character escape"));
                                }
                                self.bump();
                            }
                        }
                        Some('b' | 'f' | 'n' | 'r' | 't' | '\\' | '/' | '"') => self.bump(),
                        _ => return Err(self.unexpected("in string escape code")),
                    }
                }
                Some(c) if c >= ' ' => self.bump(),
                _ => return Err(self.unexpected("in string literal")),
            }
        }
    }

    fn literal(&mut self, word: &str) -> Result<(), JsonError> {
        for want in word.chars() {
            if self.peek() != Some(want) {
                return Err(self.unexpected(&format!("in literal {word} (expecting {})", quoted(want))));
            }
            self.bump();
        }
        Ok(())
    }

    fn digits(&mut self, context: &str) -> Result<(), JsonError> {
        if !self.peek().is_some_and(|c| c.is_ascii_digit()) {
            return Err(self.unexpected(context));
        }
        while self.peek().is_some_and(|c| c.is_ascii_digit()) {
            self.bump();
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), JsonError> {
        if self.peek() == Some('-') {
            self.bump();
        }
        if self.peek() == Some('0') {
            self.bump();
        } else {
            self.digits("in numeric literal")?;
        }
        if self.peek() == Some('.') {
            self.bump();
            self.digits("after decimal point in numeric literal")?;
        }
        if matches!(self.peek(), Some('e' | 'E')) {
            self.bump();
            if matches!(self.peek(), Some('+' | '-')) {
                self.bump();
            }
            self.digits("in exponent of numeric literal")?;
        }
        Ok(())
    }
}

fn quoted(c: char) -> String {
    match c {
        '\'' => r"'\''".to_owned(),
        '"' => "'\"'".to_owned(),
        '\n' => r"'\n'".to_owned(),
        '\t' => r"'\t'".to_owned(),
        '\r' => r"'\r'".to_owned(),
        c if c.is_control() => format!("'\\x{:02x}'", u32::from(c)),
        c => format!("'{c}'"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fails_in_gos_words() {
        for (text, want) in [
            ("{spec", "invalid character 's' looking for beginning of object key string"),
            ("{\"a\": 1,}", "invalid character '}' looking for beginning of object key string"),
            ("{\"a\" 1}", "invalid character '1' after object key"),
            ("{\"a\": }", "invalid character '}' looking for beginning of value"),
            ("{\"a\": nul}", "invalid character '}' in literal null (expecting 'l')"),
            ("{\"a\": 1", "unexpected end of JSON input"),
            ("{\"a\":\"x\ny\"}", "invalid character '\\n' in string literal"),
            ("{} x", "invalid character 'x' after top-level value"),
            ("[1 2]", "invalid character '2' after array element"),
            ("", "unexpected end of JSON input"),
        ] {
            assert_eq!(parse(text), Err(want.to_owned()), "{text}");
        }
        assert_eq!(parse(" {\"a\": [1, -2.5e3, \"\\u00e9\"]} "), Ok(crate::json!({"a": [1, -2500.0, "é"]})));
        assert_eq!(parse("[-0, {\"a\": -0.0}]"), Ok(crate::json!([0, {"a": 0}])));
        assert!(parse("1e999").is_err());
        assert_eq!(parse(&"[".repeat(100_000)), Err("exceeded max depth".to_owned()));
    }
}
