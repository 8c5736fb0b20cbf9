//! The prompt: an uncontrolled text field. Its value is never written while a composition is under way, and no key acts
//! then: the browser and the input method own the text until it is committed.

use super::interrupt;
use crate::dom::{self, Listener, flag};
use crate::hooks::{use_lab, use_texts, use_view};
use crate::lab::{Lab, Layout};
use crate::widgets::{Hook, part_of};
use shell::Key;
use web_sys::{ClipboardEvent, Event, HtmlTextAreaElement, KeyboardEvent, wasm_bindgen::JsCast};
use yew::prelude::*;

/// More pasted lines than this are shown before they run.
const ASK_ABOVE: usize = 3;

/// Where a person is in the history, and the half-typed line it started from.
#[derive(Default)]
struct Recall {
    /// Steps back from the newest line; 0 is the line being typed.
    back: usize,
    draft: String,
    /// Tab was pressed with several candidates: the next Tab lists them.
    tabbed: bool,
    escaped: bool,
}

pub fn prompt_field(terminal: usize) -> Html {
    part_of("prompt", |ctx, terminal| use_prompt_field(*terminal).run(ctx), terminal)
}

#[hook]
fn use_prompt_field(terminal: usize) -> Html {
    let lab = use_lab();
    let t = use_texts();
    let field = use_node_ref();
    let recall = use_mut_ref(Recall::default);
    let composing = use_mut_ref(|| false);
    let pasted = use_state(|| None::<String>);
    let offer = use_state_eq(|| None::<String>);
    let (prompt, busy, full, waiting) = use_view(move |lab| {
        let core = lab.core();
        core.terms
            .get(terminal)
            .map_or(("$ ", false, false, 0), |t| (t.prompt().text(), t.busy(), t.full_screen(), t.waiting_lines()))
    });
    let phone = use_view(|lab| matches!(lab.ui().layout, Layout::Phone));
    let insert = use_view(|lab| lab.ui().insert.clone());
    {
        // A command card puts its text here; it never runs it.
        let (lab, field) = (lab.clone(), field.clone());
        use_effect_with(insert, move |insert| {
            if let (Some(text), Some(f)) = (insert.as_ref(), area(&field)) {
                set_value(&f, text);
                if !lab.ui().options.embed || dom::document().is_some_and(|d| d.has_focus().unwrap_or(false)) {
                    dom::focus(&f);
                }
                lab.show(|ui| ui.insert = None);
            }
        });
    }
    let onkeydown = {
        let (lab, field, recall, composing, offer) =
            (lab.clone(), field.clone(), recall.clone(), composing.clone(), offer.clone());
        Callback::from(move |e: KeyboardEvent| {
            if *composing.borrow() || e.is_composing() || e.key_code() == 229 {
                return;
            }
            let Some(f) = area(&field) else { return };
            key(&lab, terminal, &f, &mut recall.borrow_mut(), &e);
            offer.set(None);
        })
    };
    let oninput = {
        let (field, offer, composing) = (field.clone(), offer.clone(), composing.clone());
        Callback::from(move |_: InputEvent| {
            if let Some(f) = area(&field) {
                fit(&f);
                if !*composing.borrow() {
                    offer.set(crate::panels::terminal::hangul(&f.value()));
                }
            }
        })
    };
    let onpaste = {
        let (lab, field, pasted) = (lab.clone(), field.clone(), pasted.clone());
        Callback::from(move |e: Event| {
            let Some(text) =
                e.dyn_ref::<ClipboardEvent>().and_then(|e| e.clipboard_data()).and_then(|d| d.get_data("text/plain").ok())
            else {
                return;
            };
            if !text.trim_end_matches(['\n', '\r']).contains('\n') {
                return;
            }
            let Some(f) = area(&field) else { return };
            e.prevent_default();
            let whole = splice(&f, &text);
            if whole.trim_end().lines().count() > ASK_ABOVE {
                pasted.set(Some(whole));
            } else {
                run_all(&lab, terminal, &f, &whole);
            }
        })
    };
    {
        // Yew has no composition events; the field itself has.
        let (field, composing) = (field.clone(), composing.clone());
        use_effect_with((), move |()| {
            let listeners = area(&field).map(|f| {
                let listen = |name: &'static str, on: bool| {
                    let composing = composing.clone();
                    Listener::new(f.as_ref(), name, move |_| *composing.borrow_mut() = on)
                };
                [listen("compositionstart", true), listen("compositionend", false)]
            });
            move || drop(listeners)
        });
    }
    let decide = |run: bool| {
        let (lab, field, pasted) = (lab.clone(), field.clone(), pasted.clone());
        Callback::from(move |_: MouseEvent| {
            if let (Some(text), Some(f)) = ((*pasted).clone(), area(&field)) {
                if run {
                    run_all(&lab, terminal, &f, &text);
                }
                dom::focus(&f);
            }
            pasted.set(None);
        })
    };
    let convert = {
        let (field, offer) = (field.clone(), offer.clone());
        Callback::from(move |_: MouseEvent| {
            if let (Some(text), Some(f)) = ((*offer).clone(), area(&field)) {
                set_value(&f, &text);
                dom::focus(&f);
            }
            offer.set(None);
        })
    };
    let press = |what: &'static str| {
        let (lab, field, recall) = (lab.clone(), field.clone(), recall.clone());
        Callback::from(move |_: MouseEvent| {
            if let Some(f) = area(&field) {
                tap(&lab, terminal, &f, &mut recall.borrow_mut(), what);
            }
        })
    };
    let label = if busy { t.prompt_busy } else { t.prompt };
    html! {
        <>
            { match &*pasted {
                Some(text) => html! { <div class="nw-card" role="group" aria-label={t.pasted}><p>{ t.pasted_lines(text.trim_end().lines().count()) }</p>
                    <pre lang="en">{ text.clone() }</pre>
                    <button type="button" class="nw-btn nw-primary" data-action="run-paste" onclick={decide(true)}>{ t.run }</button>
                    <button type="button" class="nw-btn" onclick={decide(false)}>{ t.cancel }</button></div> },
                None => html! {},
            } }
            { match &*offer {
                Some(text) => html! { <div class="nw-card nw-offer" role="status"><p>{ t.hangul_offer }{ " " }<code lang="en">{ text.clone() }</code></p>
                    <button type="button" class="nw-btn nw-primary" onclick={convert}>{ t.convert }</button></div> },
                None => html! {},
            } }
            <div class="nw-prompt" data-busy={flag(busy)} data-full={flag(full)}>
                <span class="nw-ps" aria-hidden="true">{ if busy { "… " } else { prompt } }</span>
                <textarea ref={field.clone()} rows="1" lang="en" aria-label={label} spellcheck="false" autocomplete="off" autocapitalize="off" enterkeyhint="send"
                    data-terminal={(terminal + 1).to_string()} placeholder={if busy { t.prompt_busy_hint } else { "" }}
                    {onkeydown} {oninput} {onpaste} />
                { if waiting > 0 { html! { <span class="nw-muted">{ t.queued(waiting) }</span> } } else { html! {} } }
            </div>
            { if phone { html! {
                <div class="nw-keyrow" role="group" aria-label={t.keys}>
                    { for ["Tab", "^C", "↑", "|", "-", "/", "⏎"].into_iter().map(|k| html! {
                        <button type="button" key={k} onclick={press(k)} aria-label={t.key_name(k)}>{ k }</button> }) }
                </div>
            } } else { html! {} } }
        </>
    }
}

fn area(field: &NodeRef) -> Option<HtmlTextAreaElement> {
    field.cast::<HtmlTextAreaElement>()
}

fn set_value(f: &HtmlTextAreaElement, text: &str) {
    f.set_value(text);
    let end = u32::try_from(text.encode_utf16().count()).unwrap_or(u32::MAX);
    let _ = f.set_selection_range(end, end);
    fit(f);
}

/// Grows the field with its text, by CSSOM.
fn fit(f: &HtmlTextAreaElement) {
    let style = f.style();
    let _ = style.set_property("height", "auto");
    let _ = style.set_property("height", &format!("{}px", f.scroll_height()));
}

/// The field's text with `text` in place of the selection.
fn splice(f: &HtmlTextAreaElement, text: &str) -> String {
    let units: Vec<u16> = f.value().encode_utf16().collect();
    let at = |p: Option<u32>| (p.unwrap_or(0) as usize).min(units.len());
    let (a, b) = (at(f.selection_start().ok().flatten()), at(f.selection_end().ok().flatten()));
    let part = |from: usize, to: usize| String::from_utf16_lossy(units.get(from..to).unwrap_or_default());
    format!("{}{}{}", part(0, a), text.replace("\r\n", "\n"), part(b, units.len()))
}

fn run_all(lab: &Lab, terminal: usize, f: &HtmlTextAreaElement, text: &str) {
    set_value(f, "");
    lab.change(|c| c.submit(terminal, text.trim_end_matches('\n')));
}

fn submit(lab: &Lab, terminal: usize, f: &HtmlTextAreaElement, recall: &mut Recall) {
    let text = f.value();
    set_value(f, "");
    *recall = Recall::default();
    lab.change(|c| c.submit(terminal, &text));
}

fn key(lab: &Lab, terminal: usize, f: &HtmlTextAreaElement, recall: &mut Recall, e: &KeyboardEvent) {
    let name = e.key();
    if lab.core().terms.get(terminal).is_some_and(|t| t.full_screen()) && !e.ctrl_key() && !e.meta_key() {
        let key = match name.as_str() {
            "ArrowLeft" | "PageUp" => Key::Left,
            "ArrowRight" | "PageDown" => Key::Right,
            "ArrowUp" => Key::Up,
            "ArrowDown" => Key::Down,
            "Escape" => Key::Char('\u{1b}'),
            _ if name.chars().count() == 1 => Key::Char(physical(e).unwrap_or_else(|| name.chars().next().unwrap_or(' '))),
            _ => return,
        };
        e.prevent_default();
        lab.change(|c| {
            if let Some(term) = c.terms.get_mut(terminal) {
                term.key(key);
            }
            c.poll_terms();
        });
        return;
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
                let _ = f.set_selection_range(0, 0);
            }
            "KeyE" => {
                e.prevent_default();
                let end = u32::try_from(f.value().encode_utf16().count()).unwrap_or(u32::MAX);
                let _ = f.set_selection_range(end, end);
            }
            "KeyW" | "KeyK" => {
                e.prevent_default();
                cut(f, e.code() == "KeyW");
            }
            _ => {}
        }
        return;
    }
    match name.as_str() {
        "Enter" if !e.shift_key() => {
            e.prevent_default();
            submit(lab, terminal, f, recall);
        }
        "Tab" if !e.shift_key() && !leaves => {
            if f.value().is_empty() {
                return;
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
}

/// The letter that the physical key would give on a Latin layout.
fn physical(e: &KeyboardEvent) -> Option<char> {
    let code = e.code();
    let letter = code.strip_prefix("Key")?.chars().next()?;
    Some(if e.shift_key() { letter } else { letter.to_ascii_lowercase() })
}

fn cut(f: &HtmlTextAreaElement, word: bool) {
    let units: Vec<u16> = f.value().encode_utf16().collect();
    let at = (f.selection_start().ok().flatten().unwrap_or(0) as usize).min(units.len());
    let part = |from: usize, to: usize| String::from_utf16_lossy(units.get(from..to).unwrap_or_default());
    let (before, after) = (part(0, at), part(at, units.len()));
    let kept = if word {
        let trimmed = before.trim_end();
        trimmed.rfind(char::is_whitespace).map_or(String::new(), |i| trimmed.get(..=i).unwrap_or_default().to_owned())
    } else {
        before
    };
    let after = if word { after } else { String::new() };
    set_value(f, &format!("{kept}{after}"));
    let end = u32::try_from(kept.encode_utf16().count()).unwrap_or(0);
    let _ = f.set_selection_range(end, end);
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
    let units: Vec<u16> = value.encode_utf16().collect();
    let at = (f.selection_start().ok().flatten().unwrap_or(0) as usize).min(units.len());
    let before = String::from_utf16_lossy(units.get(..at).unwrap_or_default());
    let after = String::from_utf16_lossy(units.get(at..).unwrap_or_default());
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
        set_value(f, &format!("{head}{common}{after}"));
        let end = u32::try_from(format!("{head}{common}").encode_utf16().count()).unwrap_or(0);
        let _ = f.set_selection_range(end, end);
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
fn tap(lab: &Lab, terminal: usize, f: &HtmlTextAreaElement, recall: &mut Recall, what: &str) {
    match what {
        "Tab" => complete(lab, terminal, f, recall, true),
        "^C" => {
            let typed = f.value();
            set_value(f, "");
            interrupt(lab, &typed);
        }
        "↑" => go(lab, terminal, f, recall, 1),
        "⏎" => submit(lab, terminal, f, recall),
        text => {
            let whole = splice(f, text);
            set_value(f, &whole);
        }
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
