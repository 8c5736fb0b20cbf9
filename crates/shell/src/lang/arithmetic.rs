//! `$(( ))`: bash's integer arithmetic with its operators, by precedence.

use crate::run::State;

/// Binary operators from the loosest to the tightest.
const LEVELS: [&[&str]; 10] = [
    &["||"],
    &["&&"],
    &["|"],
    &["^"],
    &["&"],
    &["==", "!="],
    &["<=", ">=", "<", ">"],
    &["<<", ">>"],
    &["+", "-"],
    &["*", "/", "%"],
];
const DEPTH: usize = 40;

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    state: &'a mut State,
    /// The side that `&&`, `||` and `?:` do not take changes nothing.
    idle: bool,
}

/// The value; the error is bash's text behind `bash: `.
pub fn value(text: &str, state: &mut State) -> Result<i64, String> {
    let mut reader = Reader { text, at: 0, depth: 0, state, idle: false };
    reader.space();
    if reader.rest().is_empty() {
        return Ok(0);
    }
    let value = reader.expression()?;
    reader.space();
    match reader.rest() {
        "" => Ok(value),
        rest => Err(format!("{text}: syntax error in expression (error token is \"{rest}\")")),
    }
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn eat(&mut self, token: &str) -> bool {
        self.space();
        let found = self.rest().starts_with(token);
        self.at += if found { token.len() } else { 0 };
        found
    }

    fn name(&mut self) -> String {
        self.space();
        let word = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
        let name: String = self.rest().chars().take_while(word).collect();
        if name.starts_with(|c: char| c.is_ascii_digit()) {
            return String::new();
        }
        self.at += name.len();
        name
    }

    fn operand_expected(&self) -> String {
        let token = self.rest();
        let token = if token.is_empty() {
            self.text.trim_end().chars().last().map_or(String::new(), String::from)
        } else {
            token.to_owned()
        };
        format!("{}: syntax error: operand expected (error token is \"{token}\")", self.text)
    }

    /// Assignment, then `?:`.
    fn expression(&mut self) -> Result<i64, String> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(format!("{}: expression recursion level exceeded", self.text));
        }
        let start = self.at;
        let name = self.name();
        if !name.is_empty() {
            for op in ["=", "+=", "-=", "*=", "/=", "%="] {
                let at = self.at;
                if self.eat(op) && !(op == "=" && self.rest().starts_with('=')) {
                    let right = self.expression()?;
                    let value = match op.strip_suffix('=') {
                        Some("") | None => right,
                        Some(op) => self.apply(op, self.variable(&name), right)?,
                    };
                    self.assign(&name, value);
                    self.depth -= 1;
                    return Ok(value);
                }
                self.at = at;
            }
        }
        self.at = start;
        let condition = self.binary(0)?;
        let value = if self.eat("?") {
            let idle = self.idle;
            self.idle = idle || condition == 0;
            let yes = self.expression()?;
            if !self.eat(":") {
                return Err(format!(
                    "{}: `:' expected for conditional expression (error token is \"{}\")",
                    self.text,
                    self.rest()
                ));
            }
            self.idle = idle || condition != 0;
            let no = self.expression()?;
            self.idle = idle;
            if condition != 0 { yes } else { no }
        } else {
            condition
        };
        self.depth -= 1;
        Ok(value)
    }

    fn binary(&mut self, level: usize) -> Result<i64, String> {
        let Some(operators) = LEVELS.get(level) else {
            return self.power();
        };
        let mut left = self.binary(level + 1)?;
        loop {
            self.space();
            let rest = self.rest();
            let longer = |op: &str| {
                // `<` is not the start of `<<`, `|` not of `||`, and `+=` belongs to an assignment.
                let behind = rest.get(op.len()..).unwrap_or_default();
                (op.len() == 1 && "|&<>".contains(op) && behind.starts_with(op))
                    || (op != "==" && op != "!=" && op != "<=" && op != ">=" && behind.starts_with('='))
            };
            let Some(op) = operators.iter().find(|op| rest.starts_with(**op) && !longer(op)) else {
                return Ok(left);
            };
            self.at += op.len();
            let idle = self.idle;
            self.idle = idle || (*op == "&&" && left == 0) || (*op == "||" && left != 0);
            let right = self.binary(level + 1)?;
            left = self.apply(op, left, right)?;
            self.idle = idle;
        }
    }

    fn power(&mut self) -> Result<i64, String> {
        let base = self.unary()?;
        if !self.eat("**") {
            return Ok(base);
        }
        let exponent = self.power()?;
        let exponent = u32::try_from(exponent)
            .map_err(|_| format!("{}: exponent less than 0 (error token is \"{exponent}\")", self.text))?;
        Ok(base.wrapping_pow(exponent))
    }

    fn unary(&mut self) -> Result<i64, String> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(format!("{}: expression recursion level exceeded", self.text));
        }
        let value = if self.eat("++") || self.rest().starts_with("--") {
            let down = self.eat("--");
            let name = self.name();
            if name.is_empty() {
                return Err(self.operand_expected());
            }
            let value = self.variable(&name).wrapping_add(if down { -1 } else { 1 });
            self.assign(&name, value);
            value
        } else if self.eat("!") {
            i64::from(self.unary()? == 0)
        } else if self.eat("~") {
            !self.unary()?
        } else if self.eat("-") {
            self.unary()?.wrapping_neg()
        } else if self.eat("+") {
            self.unary()?
        } else if self.eat("(") {
            let value = self.expression()?;
            if !self.eat(")") {
                return Err(format!("{}: missing `)' (error token is \"{}\")", self.text, self.rest()));
            }
            value
        } else {
            self.atom()?
        };
        self.depth -= 1;
        Ok(value)
    }

    fn atom(&mut self) -> Result<i64, String> {
        let name = self.name();
        if !name.is_empty() {
            let value = self.variable(&name);
            for (op, step) in [("++", 1), ("--", -1)] {
                if self.eat(op) {
                    self.assign(&name, value.wrapping_add(step));
                }
            }
            return Ok(value);
        }
        let digits: String = self.rest().chars().take_while(char::is_ascii_alphanumeric).collect();
        if digits.is_empty() {
            return Err(self.operand_expected());
        }
        self.at += digits.len();
        let lower = digits.to_ascii_lowercase();
        let parsed = match (lower.strip_prefix("0x"), lower.strip_prefix('0')) {
            (Some(hex), _) => i64::from_str_radix(hex, 16),
            (None, Some(octal)) if !octal.is_empty() => i64::from_str_radix(octal, 8),
            _ => lower.parse(),
        };
        parsed.map_err(|_| format!("{digits}: value too great for base (error token is \"{digits}\")"))
    }

    fn variable(&self, name: &str) -> i64 {
        self.state.variable(name).and_then(|v| v.trim().parse().ok()).unwrap_or(0)
    }

    fn assign(&mut self, name: &str, value: i64) {
        if !self.idle {
            self.state.env.variables.insert(name.to_owned(), value.to_string());
        }
    }

    fn apply(&self, op: &str, a: i64, b: i64) -> Result<i64, String> {
        let shift = |n: i64| u32::try_from(n.rem_euclid(64)).unwrap_or(0);
        Ok(match op {
            "||" => i64::from(a != 0 || b != 0),
            "&&" => i64::from(a != 0 && b != 0),
            "|" => a | b,
            "^" => a ^ b,
            "&" => a & b,
            "==" => i64::from(a == b),
            "!=" => i64::from(a != b),
            "<=" => i64::from(a <= b),
            ">=" => i64::from(a >= b),
            "<" => i64::from(a < b),
            ">" => i64::from(a > b),
            "<<" => a.wrapping_shl(shift(b)),
            ">>" => a.wrapping_shr(shift(b)),
            "+" => a.wrapping_add(b),
            "-" => a.wrapping_sub(b),
            "*" => a.wrapping_mul(b),
            _ if b == 0 && self.idle => 0,
            _ if b == 0 => {
                return Err(format!("{}: division by 0 (error token is \"{}\")", self.text.trim_start(), self.last_operand()));
            }
            "/" => a.wrapping_div(b),
            _ => a.wrapping_rem(b),
        })
    }

    /// What bash names in a message: the text from the last operand on.
    fn last_operand(&self) -> &str {
        let before = self.text.get(..self.at).unwrap_or_default().trim_end();
        let from = before.rfind(|c: char| !c.is_ascii_alphanumeric() && c != '_').map_or(0, |i| i + 1);
        self.text.get(from..).unwrap_or_default()
    }
}
