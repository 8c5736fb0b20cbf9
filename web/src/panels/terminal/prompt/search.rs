//! Ctrl+R: looks back through the history while a person types a part of a line. The field of the search is a real one,
//! so that Hangul can be searched for.

use super::field::set_value;
use super::keys::submit;
use crate::dom;
use crate::hooks::{use_lab, use_texts};
use crate::widgets::{Hook, part_of};
use web_sys::{HtmlInputElement, HtmlTextAreaElement, KeyboardEvent, wasm_bindgen::JsCast};
use yew::prelude::*;

/// The `nth` line, from the newest, that holds `query`; equal lines count once.
pub fn find(history: &[String], query: &str, nth: usize) -> Option<String> {
    let mut seen: Vec<&String> = Vec::new();
    for line in history.iter().rev() {
        if line.contains(query) && !seen.contains(&line) {
            if seen.len() == nth {
                return Some(line.clone());
            }
            seen.push(line);
        }
    }
    None
}

pub struct Search {
    pub terminal: usize,
    pub field: NodeRef,
    pub close: Callback<()>,
}

impl PartialEq for Search {
    fn eq(&self, other: &Self) -> bool {
        self.terminal == other.terminal
    }
}

pub fn search(search: Search) -> Html {
    part_of("search", |ctx, search| use_search(search).run(ctx), search)
}

#[hook]
fn use_search(props: &Search) -> Html {
    let lab = use_lab();
    let t = use_texts();
    let input = use_node_ref();
    let asked = use_state_eq(|| (String::new(), 0_usize));
    {
        let input = input.clone();
        use_effect_with((), move |()| {
            if let Some(e) = input.cast::<web_sys::HtmlElement>() {
                dom::focus(&e);
            }
        });
    }
    let look = |query: &str, nth: usize| {
        if query.is_empty() {
            return None;
        }
        let core = lab.core();
        core.terms.get(props.terminal).and_then(|t| find(t.history(), query, nth))
    };
    let found = look(&asked.0, asked.1);
    let oninput = {
        let asked = asked.clone();
        Callback::from(move |e: InputEvent| {
            if let Some(text) = dom::value(&e) {
                asked.set((text, 0));
            }
        })
    };
    let onkeydown = {
        let (lab, asked, found, field, close, terminal) =
            (lab.clone(), asked.clone(), found.clone(), props.field.clone(), props.close.clone(), props.terminal);
        let further = look(&asked.0, asked.1 + 1).is_some();
        Callback::from(move |e: KeyboardEvent| {
            if e.is_composing() || e.key_code() == 229 {
                return;
            }
            let Some(f) = field.cast::<HtmlTextAreaElement>() else { return };
            let command = e.ctrl_key() && !e.alt_key() && !e.meta_key();
            let (take, run) = match e.key().as_str() {
                "Enter" => (true, true),
                "Escape" | "Tab" => (true, false),
                "ArrowRight" if at_end(&e) => (true, false),
                _ if command && e.code() == "KeyR" => {
                    e.prevent_default();
                    if further {
                        asked.set((asked.0.clone(), asked.1 + 1));
                    }
                    return;
                }
                _ if command && matches!(e.code().as_str(), "KeyC" | "KeyG") => (false, false),
                _ => return,
            };
            e.prevent_default();
            if let (true, Some(line)) = (take, &found) {
                set_value(&f, line);
            }
            close.emit(());
            dom::focus(&f);
            if run && found.is_some() {
                submit(&lab, terminal, &f);
            }
        })
    };
    let missed = found.is_none() && !asked.0.is_empty();
    html! {
        <div class="nw-search" role="search">
            <label><span lang="en">{ if missed { "(failed reverse-i-search)" } else { "(reverse-i-search)" } }</span>
                <input ref={input} type="text" aria-label={t.search_history} spellcheck="false" autocomplete="off" autocapitalize="off" {oninput} {onkeydown} /></label>
            <output lang="en" aria-live="polite">{ found.unwrap_or_default() }</output>
        </div>
    }
}

fn at_end(e: &KeyboardEvent) -> bool {
    let input = e.target().and_then(|t| t.dyn_into::<HtmlInputElement>().ok());
    input.is_some_and(|i| i.selection_start().ok().flatten() == u32::try_from(i.value().encode_utf16().count()).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newest_first_and_each_once() {
        let history: Vec<String> = ["get po", "get no", "get po", "ls", "get po -w"].map(str::to_owned).to_vec();
        let all = |query: &str| (0..9).map_while(|n| find(&history, query, n)).collect::<Vec<_>>();
        assert_eq!(all("get"), ["get po -w", "get po", "get no"]);
        assert_eq!(all("nothing"), Vec::<String>::new());
    }
}
