//! The text field itself: its value, its caret, its height.

use web_sys::HtmlTextAreaElement;
use yew::prelude::*;

pub fn area(field: &NodeRef) -> Option<HtmlTextAreaElement> {
    field.cast::<HtmlTextAreaElement>()
}

fn units(text: &str) -> u32 {
    u32::try_from(text.encode_utf16().count()).unwrap_or(u32::MAX)
}

/// Writes a text, with the caret at its end.
pub fn set_value(f: &HtmlTextAreaElement, text: &str) {
    set_around_caret(f, text, "");
}

/// Writes a text, with the caret between its two parts.
pub fn set_around_caret(f: &HtmlTextAreaElement, before: &str, after: &str) {
    f.set_value(&format!("{before}{after}"));
    let at = units(before);
    let _ = f.set_selection_range(at, at);
    fit(f);
}

pub fn caret_to_start(f: &HtmlTextAreaElement) {
    let _ = f.set_selection_range(0, 0);
}

pub fn caret_to_end(f: &HtmlTextAreaElement) {
    let end = units(&f.value());
    let _ = f.set_selection_range(end, end);
}

/// Grows the field with its text, by CSSOM.
pub fn fit(f: &HtmlTextAreaElement) {
    let style = f.style();
    let _ = style.set_property("height", "auto");
    let _ = style.set_property("height", &format!("{}px", f.scroll_height()));
}

/// What stands before and behind the selection.
pub fn around(f: &HtmlTextAreaElement) -> (String, String) {
    let units: Vec<u16> = f.value().encode_utf16().collect();
    let at = |p: Option<u32>| (p.unwrap_or(0) as usize).min(units.len());
    let (a, b) = (at(f.selection_start().ok().flatten()), at(f.selection_end().ok().flatten()));
    let part = |from: usize, to: usize| String::from_utf16_lossy(units.get(from..to).unwrap_or_default());
    (part(0, a), part(b, units.len()))
}

/// Puts a text in place of the selection.
pub fn insert(f: &HtmlTextAreaElement, text: &str) {
    let (before, after) = around(f);
    set_around_caret(f, &format!("{before}{text}"), &after);
}
