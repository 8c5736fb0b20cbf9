//! [`json!`](crate::json): documents written in place.
//!
//! The syntax of `serde_json::json!`, without its weight: there each value is serialized, unwrapped and inserted by
//! code of its own, here the pairs are laid out and one function makes the object. In the page that is a third.

use crate::collections::VecMap;
use serde_json::{Map, Value};
use std::sync::Arc;

/// Go's `%q`.
pub fn go_quote(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '\u{a0}' => out.push_str("\\u00a0"),
            '\u{feff}' => out.push_str("\\ufeff"),
            c if c.is_control() => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A document in one line as Go's encoder writes it: what could be taken for markup is escaped (encoding/json, `HTMLEscape`).
pub fn as_go(value: &Value) -> String {
    let mut text = value.to_string();
    for (plain, escaped) in
        [("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"), ("\u{2028}", "\\u2028"), ("\u{2029}", "\\u2029")]
    {
        if text.contains(plain) {
            text = text.replace(plain, escaped);
        }
    }
    text
}

/// A [`Value`] from JSON syntax, with expressions of [`ToDoc`] types (borrowed) for values and of string types, in
/// parentheses, for keys.
#[macro_export]
macro_rules! json {
    (null) => { $crate::Value::Null };
    ([ $($list:tt)* ]) => { $crate::json::list($crate::json_list!([] $($list)*)) };
    ({ $($entries:tt)* }) => { $crate::json::object($crate::json_entries!([] $($entries)*)) };
    ($value:expr) => { $crate::json::ToDoc::to_doc(&$value) };
}

#[doc(hidden)]
#[macro_export]
macro_rules! json_list {
    ([$($done:tt)*]) => { &mut [$($done)*] };
    ([$($done:tt)*] null $(, $($rest:tt)*)?) => { $crate::json_list!([$($done)* $crate::Value::Null,] $($($rest)*)?) };
    ([$($done:tt)*] [$($v:tt)*] $(, $($rest:tt)*)?) => {
        $crate::json_list!([$($done)* $crate::json!([$($v)*]),] $($($rest)*)?)
    };
    ([$($done:tt)*] {$($v:tt)*} $(, $($rest:tt)*)?) => {
        $crate::json_list!([$($done)* $crate::json!({$($v)*}),] $($($rest)*)?)
    };
    ([$($done:tt)*] $v:expr $(, $($rest:tt)*)?) => { $crate::json_list!([$($done)* $crate::json!($v),] $($($rest)*)?) };
}

#[doc(hidden)]
#[macro_export]
macro_rules! json_entries {
    ([$($done:tt)*]) => { &mut [$($done)*] };
    ([$($done:tt)*] $key:tt : null $(, $($rest:tt)*)?) => {
        $crate::json_entries!([$($done)* ($crate::json_key!($key), $crate::Value::Null),] $($($rest)*)?)
    };
    ([$($done:tt)*] $key:tt : [$($v:tt)*] $(, $($rest:tt)*)?) => {
        $crate::json_entries!([$($done)* ($crate::json_key!($key), $crate::json!([$($v)*])),] $($($rest)*)?)
    };
    ([$($done:tt)*] $key:tt : {$($v:tt)*} $(, $($rest:tt)*)?) => {
        $crate::json_entries!([$($done)* ($crate::json_key!($key), $crate::json!({$($v)*})),] $($($rest)*)?)
    };
    ([$($done:tt)*] $key:tt : $v:expr $(, $($rest:tt)*)?) => {
        $crate::json_entries!([$($done)* ($crate::json_key!($key), $crate::json!($v)),] $($($rest)*)?)
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! json_key {
    ($key:literal) => {
        $key
    };
    ($key:expr) => {
        ::core::convert::AsRef::<str>::as_ref(&$key)
    };
}

/// An object of the pairs, whose values are taken; of equal keys the last stays.
pub fn object(entries: &mut [(&str, Value)]) -> Value {
    let mut map = Map::new();
    for (key, value) in entries {
        map.insert((*key).to_owned(), value.take());
    }
    Value::Object(map)
}

/// An array of the values, which are taken.
pub fn list(values: &mut [Value]) -> Value {
    Value::Array(values.iter_mut().map(Value::take).collect())
}

/// An object of pairs that are made one by one; of equal keys the last stays. Collecting into a [`Map`] would bring
/// another copy of the standard sort.
pub fn map(entries: impl IntoIterator<Item = (String, Value)>) -> Map<String, Value> {
    let mut map = Map::new();
    entries.into_iter().for_each(|(key, value)| {
        map.insert(key, value);
    });
    map
}

/// What can stand as a value in [`json!`](crate::json).
pub trait ToDoc {
    fn to_doc(&self) -> Value;
}

impl ToDoc for Value {
    fn to_doc(&self) -> Value {
        self.clone()
    }
}

impl ToDoc for Map<String, Value> {
    fn to_doc(&self) -> Value {
        Value::Object(self.clone())
    }
}

impl ToDoc for str {
    fn to_doc(&self) -> Value {
        Value::String(self.to_owned())
    }
}

impl ToDoc for String {
    fn to_doc(&self) -> Value {
        self.as_str().to_doc()
    }
}

macro_rules! plain {
    ($($of:ty),*) => {
        $(impl ToDoc for $of {
            fn to_doc(&self) -> Value {
                Value::from(*self)
            }
        })*
    };
}

plain!(bool, u8, u16, u32, u64, usize, i32, i64, f64);

impl<T: ToDoc + ?Sized> ToDoc for &T {
    fn to_doc(&self) -> Value {
        (**self).to_doc()
    }
}

impl<T: ToDoc + ?Sized> ToDoc for Arc<T> {
    fn to_doc(&self) -> Value {
        (**self).to_doc()
    }
}

impl<T: ToDoc> ToDoc for Option<T> {
    fn to_doc(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::to_doc)
    }
}

impl<T: ToDoc> ToDoc for [T] {
    fn to_doc(&self) -> Value {
        Value::Array(self.iter().map(T::to_doc).collect())
    }
}

impl<T: ToDoc> ToDoc for Vec<T> {
    fn to_doc(&self) -> Value {
        self.as_slice().to_doc()
    }
}

impl<T: ToDoc, const N: usize> ToDoc for [T; N] {
    fn to_doc(&self) -> Value {
        self.as_slice().to_doc()
    }
}

impl<K: AsRef<str>, T: ToDoc> ToDoc for VecMap<K, T> {
    fn to_doc(&self) -> Value {
        Value::Object(map(self.iter().map(|(k, v)| (k.as_ref().to_owned(), v.to_doc()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_serde_json() {
        let (key, none, list) = ("k".to_owned(), None::<&str>, vec!["a", "b"]);
        macro_rules! both {
            ($($t:tt)*) => { (crate::json!($($t)*), serde_json::json!($($t)*)) };
        }
        let cases = [
            both!(null),
            both!([]),
            both!({}),
            both!([1, -2i64, 2.5, null, [true, {}], {"a": {}}, key,]),
            both!({"b": 1, "a": none, (key.as_str()): list, "n": null, "l": [{"x": key.as_str()}], "o": {"p": if list.len() > 1 { 1 } else { 2 }}}),
            both!({"twice": 1, "twice": 2,}),
        ];
        for (ours, theirs) in cases {
            assert_eq!(ours, theirs);
        }
        let labels = VecMap::from([("b".to_owned(), "2"), ("a".to_owned(), "1")]);
        assert_eq!(json!(labels), serde_json::json!({"a": "1", "b": "2"}));
    }
}
