//! What the keys of the prompt do.

use super::Recall;
use super::field::{around, caret_to_end, caret_to_start, insert, set_around_caret, set_value};
use crate::dom;
use crate::lab::Lab;
use crate::panels::terminal::interrupt;
use shell::Key;
use web_sys::{HtmlTextAreaElement, KeyboardEvent};

/// What the prompt has to do about a key, beyond what the key did to its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    Nothing,
    Submitted,
    Interrupted,
    Search,
}

/// Runs what stands at the prompt.
pub fn submit(lab: &Lab, terminal: usize, f: &HtmlTextAreaElement) {
    let text = f.value();
    set_value(f, "");
    lab.change(|c| c.submit(terminal, &text));
}

pub fn key(lab: &Lab, terminal: usize, f: &HtmlTextAreaElement, recall: &mut Recall, e: &KeyboardEvent) -> Then {
    let name = e.key();
    if lab.core().terms.get(terminal).is_some_and(|t| t.full_screen()) && !e.ctrl_key() && !e.meta_key() {
        let key = match name.as_str() {
            "ArrowLeft" | "PageUp" => Key::Left,
            "ArrowRight" | "PageDown" => Key::Right,
            "ArrowUp" => Key::Up,
            "ArrowDown" => Key::Down,
            "Escape" => Key::Char('\u{1b}'),
            _ if name.chars().count() == 1 => Key::Char(physical(e).unwrap_or_else(|| name.chars().next().unwrap_or(' '))),
            _ => return Then::Nothing,
        };
        e.prevent_default();
        lab.change(|c| {
            if let Some(term) = c.terms.get_mut(terminal) {
                term.key(key);
            }
            c.poll_terms();
        });
        return Then::Nothing;
    }
    let tab_again = std::mem::take(&mut recall.tabbed);
    let leaves = std::mem::take(&mut recall.escaped);
    if e.ctrl_key() && !e.alt_key() && !e.meta_key() {
        match e.code().as_str() {
            "KeyC" => {
                // With a selection, Ctrl+C copies, as in every terminal of the desktop.
                let selected = dom::window().and_then(|w| w.get_selection().ok().flatten()).is_some_and(|s| !s.is_collapsed());
                let in_field = f.selection_start().ok() != f.selection_end().ok();
                if !selected && !in_field {
                    e.prevent_default();
                    let typed = f.value();
                    set_value(f, "");
                    *recall = Recall::default();
                    interrupt(lab, &typed);
                    return Then::Interrupted;
                }
            }
            "KeyD" if f.value().is_empty() => {
                e.prevent_default();
                interrupt(lab, "");
            }
            "KeyL" => {
                e.prevent_default();
                lab.change(|c| {
                    if let Some(term) = c.terms.get_mut(terminal) {
                        term.clear();
                    }
                });
            }
            "KeyU" => {
                e.prevent_default();
                set_value(f, "");
            }
            "KeyA" => {
                e.prevent_default();
                caret_to_start(f);
            }
            "KeyE" => {
                e.prevent_default();
                caret_to_end(f);
            }
            "KeyR" => {
                e.prevent_default();
                return Then::Search;
            }
            "KeyW" | "KeyK" => {
                e.prevent_default();
                cut(f, e.code() == "KeyW");
            }
            _ => {}
        }
        return Then::Nothing;
    }
    match name.as_str() {
        "Enter" if !e.shift_key() => {
            e.prevent_default();
            *recall = Recall::default();
            submit(lab, terminal, f);
            return Then::Submitted;
        }
        "Tab" if !e.shift_key() && !leaves => {
            if f.value().is_empty() {
                return Then::Nothing;
            }
            e.prevent_default();
            complete(lab, terminal, f, recall, tab_again);
        }
        "Escape" => recall.escaped = true,
        "ArrowUp" if !f.value().contains('\n') => {
            e.prevent_default();
            go(lab, terminal, f, recall, 1);
        }
        "ArrowDown" if !f.value().contains('\n') => {
            e.prevent_default();
            go(lab, terminal, f, recall, -1);
        }
        _ => {}
    }
    Then::Nothing
}

/// The letter that the physical key would give on a Latin layout.
fn physical(e: &KeyboardEvent) -> Option<char> {
    let code = e.code();
    let letter = code.strip_prefix("Key")?.chars().next()?;
    Some(if e.shift_key() { letter } else { letter.to_ascii_lowercase() })
}

fn cut(f: &HtmlTextAreaElement, word: bool) {
    let (before, after) = around(f);
    if !word {
        return set_around_caret(f, &before, "");
    }
    let trimmed = before.trim_end();
    let kept = trimmed.rfind(char::is_whitespace).and_then(|i| trimmed.get(..=i)).unwrap_or_default();
    set_around_caret(f, kept, &after);
}

fn go(lab: &Lab, terminal: usize, f: &HtmlTextAreaElement, recall: &mut Recall, by: i32) {
    let core = lab.core();
    let Some(term) = core.terms.get(terminal) else { return };
    let history = term.history();
    let to = if by > 0 { (recall.back + 1).min(history.len()) } else { recall.back.saturating_sub(1) };
    if to == recall.back {
        return;
    }
    if recall.back == 0 {
        recall.draft = f.value();
    }
    recall.back = to;
    let text = if to == 0 { recall.draft.clone() } else { history.get(history.len() - to).cloned().unwrap_or_default() };
    drop(core);
    set_value(f, &text);
}

fn complete(lab: &Lab, terminal: usize, f: &HtmlTextAreaElement, recall: &mut Recall, again: bool) {
    let value = f.value();
    let (before, after) = around(f);
    let found = {
        let core = lab.core();
        let Some(term) = core.terms.get(terminal) else { return };
        term.complete(&value, before.len(), &core.session)
    };
    let Some(found) = found else { return };
    let Some(head) = before.get(..found.start) else { return };
    let common = common_prefix(&found.candidates);
    let typed = before.get(found.start..).unwrap_or_default();
    if common.len() > typed.len() || found.candidates.len() == 1 {
        set_around_caret(f, &format!("{head}{common}"), &after);
        recall.tabbed = found.candidates.len() > 1;
    } else if again && !found.candidates.is_empty() {
        let list: Vec<&str> = found.candidates.iter().map(|c| c.trim_end()).collect();
        lab.change(|c| {
            if let Some(term) = c.terms.get_mut(terminal) {
                term.list(&value, &list.join("  "));
            }
        });
    } else {
        recall.tabbed = true;
    }
}

fn common_prefix(all: &[String]) -> String {
    let Some(first) = all.first() else { return String::new() };
    let mut len = first.len();
    for other in all {
        len = first.bytes().zip(other.bytes()).take(len).take_while(|(a, b)| a == b).count();
    }
    while !first.is_char_boundary(len) {
        len -= 1;
    }
    first.get(..len).unwrap_or_default().to_owned()
}

/// A key of the row above a phone's keyboard.
pub fn tap(lab: &Lab, terminal: usize, f: &HtmlTextAreaElement, recall: &mut Recall, what: &str) {
    match what {
        "Tab" => complete(lab, terminal, f, recall, true),
        "^C" => {
            let typed = f.value();
            set_value(f, "");
            interrupt(lab, &typed);
        }
        "↑" => go(lab, terminal, f, recall, 1),
        "⏎" => {
            *recall = Recall::default();
            submit(lab, terminal, f);
        }
        text => insert(f, text),
    }
    dom::focus(f);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_prefixes() {
        let list = |l: &[&str]| l.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        for (all, want) in [
            (vec![], ""),
            (vec!["nodes "], "nodes "),
            (vec!["pods", "poddisruptionbudgets"], "pod"),
            (vec!["가나", "가다"], "가"),
        ] {
            assert_eq!(common_prefix(&list(&all)), want);
        }
    }
}
