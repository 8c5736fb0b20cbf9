//! How plain scalars become values, by the YAML 1.1 rules of kubectl's reader and by the mixed rules of kustomize's.
//! Source: sigs.k8s.io/yaml v1.4 (goyaml.v2/resolve.go): `yes`/`on`/`y` are booleans, `010` is octal, base-60 numbers and
//! timestamps stay text. go.yaml.in/yaml/v3 v3.0.4 (resolve.go): booleans are `true` and `false` alone, and a plain
//! timestamp is a time, which JSON writes in full.

use crate::Value;
use serde_json::Number;

/// What a plain scalar is read as.
enum Plain {
    Null,
    Bool(bool),
    Whole(Number),
    /// A decimal without underscores. Its value is asked for apart: the page writes YAML long before it reads any, and
    /// reading decimals takes tables of several kilobytes.
    Float(String),
    Text,
}

/// The value of a plain scalar.
pub fn resolve(text: &str) -> Value {
    let string = || Value::String(text.to_owned());
    match plain(text) {
        Plain::Null => Value::Null,
        Plain::Bool(b) => Value::Bool(b),
        Plain::Whole(n) => Value::Number(n),
        Plain::Float(digits) => digits.parse().ok().and_then(float).unwrap_or_else(string),
        Plain::Text => string(),
    }
}

/// The value of a plain scalar as yaml.v3 reads it.
pub fn resolve_v3(text: &str) -> Value {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => {
            Value::String(text.to_owned())
        }
        date if date.len() == 10 && is_timestamp(date) => Value::String(format!("{date}T00:00:00Z")),
        _ => resolve(text),
    }
}

/// Whether a string needs quotes to stay a string.
pub fn is_ambiguous(text: &str) -> bool {
    !matches!(plain(text), Plain::Text) || is_special_float(text) || is_base60(text) || is_timestamp(text) || text == "<<"
}

fn plain(text: &str) -> Plain {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Plain::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Plain::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Plain::Bool(false),
        _ => number(text).unwrap_or(Plain::Text),
    }
}

fn number(text: &str) -> Option<Plain> {
    let first = text.chars().next()?;
    if !(first.is_ascii_digit() || matches!(first, '+' | '-' | '.')) {
        return None;
    }
    let plain: String = text.chars().filter(|c| *c != '_').collect();
    let (negative, digits) = match plain.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, plain.strip_prefix('+').unwrap_or(&plain)),
    };
    if let Some(n) = integer(digits) {
        return match (negative, n) {
            (false, n) => Some(Plain::Whole(n.into())),
            (true, n) => i64::try_from(-i128::from(n)).ok().map(|n| Plain::Whole(n.into())),
        };
    }
    is_float(&plain).then_some(Plain::Float(plain))
}

/// An unsigned integer in Go's notation: decimal, `0x`, `0o`, `0b` or a leading zero for octal.
fn integer(digits: &str) -> Option<u64> {
    let (radix, digits) = match digits.get(..2) {
        Some("0x" | "0X") => (16, digits.get(2..)?),
        Some("0o" | "0O") => (8, digits.get(2..)?),
        Some("0b" | "0B") => (2, digits.get(2..)?),
        _ if digits.len() > 1 && digits.starts_with('0') => (8, digits.get(1..)?),
        _ => (10, digits),
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    u64::from_str_radix(digits, radix).ok()
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (text.get(..at).unwrap_or_default(), text.get(at + 1..)),
        None => (text, None),
    };
    let digits = |s: &str| s.chars().all(|c| c.is_ascii_digit());
    let exponent_ok = exponent.is_none_or(|e| {
        let e = e.strip_prefix(['-', '+']).unwrap_or(e);
        !e.is_empty() && digits(e)
    });
    let mantissa_ok = match mantissa.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty()),
        None => !mantissa.is_empty() && digits(mantissa),
    };
    exponent_ok && mantissa_ok
}

/// A whole number becomes an integer, as Go's JSON writes it.
fn float(f: f64) -> Option<Value> {
    if f.fract() == 0.0 && f.abs() < 9.0e15 {
        return Some(Value::Number((f as i64).into()));
    }
    Number::from_f64(f).map(Value::Number)
}

fn is_special_float(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    matches!(text, ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN")
}

/// YAML 1.1 base 60 (`190:20:30`), quoted so that other readers leave it alone.
fn is_base60(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let Some((first, rest)) = text.split_once(':') else { return false };
    let digits = |s: &str| !s.is_empty() && s.chars().all(|c| c.is_ascii_digit() || c == '_');
    let part = |s: &str| {
        let s = s.split_once('.').map_or(s, |(whole, _)| whole);
        (s.len() == 1 || (s.len() == 2 && s.starts_with(['0', '1', '2', '3', '4', '5']))) && digits(s)
    };
    digits(first) && rest.split(':').all(part)
}

/// `2001-12-14`, or that with a time of day.
fn is_timestamp(text: &str) -> bool {
    let (date, time) = match text.find(['T', 't', ' ']) {
        Some(at) => (text.get(..at).unwrap_or_default(), text.get(at + 1..)),
        None => (text, None),
    };
    let mut parts = date.split('-');
    let number = |part: Option<&str>, lengths: std::ops::RangeInclusive<usize>| {
        part.is_some_and(|p| lengths.contains(&p.len()) && p.chars().all(|c| c.is_ascii_digit()))
    };
    number(parts.next(), 4..=4)
        && number(parts.next(), 1..=2)
        && number(parts.next(), 1..=2)
        && parts.next().is_none()
        && time.is_none_or(|t| t.contains(':') && t.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    #[test]
    fn resolves_as_go_does() {
        for (text, want) in [
            ("yes", json!(true)),
            ("off", json!(false)),
            ("~", json!(null)),
            ("", json!(null)),
            ("010", json!(8)),
            ("0x1F", json!(31)),
            ("1_000", json!(1000)),
            ("-5", json!(-5)),
            ("1e3", json!(1000)),
            ("0.5", json!(0.5)),
            (".5", json!(0.5)),
            ("1.2.3", json!("1.2.3")),
            ("0    //", json!("0    //")),
            ("12:30", json!("12:30")),
            ("2001-12-14", json!("2001-12-14")),
            ("100m", json!("100m")),
            ("-", json!("-")),
            ("+", json!("+")),
            (".", json!(".")),
            ("0o14", json!(12)),
            ("08", json!(8)),
            ("18446744073709551615", json!(18446744073709551615u64)),
        ] {
            assert_eq!(resolve(text), want, "{text}");
        }
    }

    #[test]
    fn tells_what_needs_quotes() {
        for text in ["1", "true", "no", "null", "", "2026-11-23T20:57:31Z", "1e3", ".nan", "12:30", "0x10"] {
            assert!(is_ambiguous(text), "{text}");
        }
        for text in ["v3", "m5.xlarge", "10%", "0s", "1000Gi", "1.2.3.4", "a: b"] {
            assert!(!is_ambiguous(text), "{text}");
        }
    }
}
