//! The prompt: an uncontrolled text field. Its value is never written while a composition is under way, and no key acts
//! then: the browser and the input method own the text until it is committed.

mod field;
mod keys;
mod paste;
mod search;

use crate::dom::{self, Listener, flag};
use crate::hooks::{use_lab, use_texts, use_view};
use crate::lab::{Layout, TERMINALS};
use crate::widgets::{Hook, part_of};
use field::{area, around, fit, insert, set_value};
use keys::{Then, submit, tap};
use paste::{Choices, Paste, Pasted};
use search::{Search, search};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use web_sys::{ClipboardEvent, Event, KeyboardEvent, wasm_bindgen::JsCast};
use yew::prelude::*;

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
    let pasted = use_state_eq(|| None::<Pasted>);
    let searching = use_state_eq(|| false);
    // Pasted lines that go to the prompt one after the other.
    let steps = use_state_eq(VecDeque::<String>::new);
    use_own_text(terminal, &field, &recall);
    let offer = use_state_eq(|| None::<String>);
    let (prompt, busy, full, waiting) = use_view(move |lab| {
        let core = lab.core();
        core.terms
            .get(terminal)
            .map_or(("$ ", false, false, 0), |t| (t.prompt().text(), t.busy(), t.full_screen(), t.waiting_lines()))
    });
    let phone = use_view(|lab| matches!(lab.ui().layout, Layout::Phone));
    let wanted = use_view(|lab| lab.ui().insert.clone());
    {
        // A command card puts its text here; it never runs it.
        let (lab, field) = (lab.clone(), field.clone());
        use_effect_with(wanted, move |wanted| {
            if let (Some(text), Some(f)) = (wanted.as_ref(), area(&field)) {
                set_value(&f, text);
                if !lab.ui().options.embed || dom::document().is_some_and(|d| d.has_focus().unwrap_or(false)) {
                    dom::focus(&f);
                }
                lab.show(|ui| ui.insert = None);
            }
        });
    }
    let onkeydown = {
        let (lab, field, recall, composing, offer, searching, steps) =
            (lab.clone(), field.clone(), recall.clone(), composing.clone(), offer.clone(), searching.clone(), steps.clone());
        Callback::from(move |e: KeyboardEvent| {
            if *composing.borrow() || e.is_composing() || e.key_code() == 229 {
                return;
            }
            let Some(f) = area(&field) else { return };
            match keys::key(&lab, terminal, &f, &mut recall.borrow_mut(), &e) {
                Then::Nothing => {}
                Then::Submitted => next_step(&steps, &f),
                Then::Interrupted => steps.set(VecDeque::new()),
                Then::Search => searching.set(true),
            }
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
            let Some(f) = area(&field) else { return };
            let (before, after) = around(&f);
            let decision = paste::decide(&text, (&before, &after));
            if decision != Paste::Plain {
                e.prevent_default();
            }
            match decision {
                Paste::Plain => {}
                Paste::Insert(text) => insert(&f, &text),
                Paste::Run(text) => {
                    set_value(&f, &text);
                    submit(&lab, terminal, &f);
                }
                Paste::Ask(text) => pasted.set(Some(text)),
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
    let choose = |choice: Choice| {
        let (lab, field, pasted, steps) = (lab.clone(), field.clone(), pasted.clone(), steps.clone());
        Callback::from(move |_: MouseEvent| {
            let (Some(p), Some(f)) = ((*pasted).clone(), area(&field)) else { return };
            match choice {
                Choice::Mend => return pasted.set(Some(paste::mended(&p))),
                Choice::Run if !p.text.contains('\n') => set_value(&f, &p.text),
                Choice::Run => {
                    set_value(&f, &p.text);
                    submit(&lab, terminal, &f);
                }
                Choice::Step => {
                    let mut lines: VecDeque<String> = p.text.lines().map(str::to_owned).collect();
                    set_value(&f, &lines.pop_front().unwrap_or_default());
                    steps.set(lines);
                }
                Choice::Cancel => {}
            }
            dom::focus(&f);
            pasted.set(None);
        })
    };
    let stop_steps = {
        let (steps, field) = (steps.clone(), field.clone());
        Callback::from(move |_: MouseEvent| {
            steps.set(VecDeque::new());
            if let Some(f) = area(&field) {
                set_value(&f, "");
                dom::focus(&f);
            }
        })
    };
    let close_search = {
        let searching = searching.clone();
        Callback::from(move |()| searching.set(false))
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
                Some(p) => paste::card(t, p, Choices {
                    run: choose(Choice::Run), step: choose(Choice::Step), mend: choose(Choice::Mend), cancel: choose(Choice::Cancel),
                }),
                None => html! {},
            } }
            { if steps.is_empty() { html! {} } else { html! {
                <div class="nw-steps-left"><span role="status">{ t.lines_left(steps.len()) }</span>
                    <button type="button" class="nw-btn nw-small" data-action="stop-steps" onclick={stop_steps}>{ t.cancel }</button></div>
            } } }
            { if *searching { search(Search { terminal, field: field.clone(), close: close_search }) } else { html! {} } }
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

/// What is done with a pasted text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Choice {
    Run,
    Step,
    Mend,
    Cancel,
}

fn next_step(steps: &UseStateHandle<VecDeque<String>>, f: &web_sys::HtmlTextAreaElement) {
    let mut left = (**steps).clone();
    if let Some(line) = left.pop_front() {
        set_value(f, &line);
        steps.set(left);
    }
}

/// Each terminal keeps what was typed in it while another shows.
#[hook]
fn use_own_text(terminal: usize, field: &NodeRef, recall: &Rc<RefCell<Recall>>) {
    let texts = use_mut_ref(|| [const { String::new() }; TERMINALS]);
    let (field, recall) = (field.clone(), recall.clone());
    use_effect_with(terminal, move |terminal| {
        let terminal = *terminal;
        if let Some(f) = area(&field) {
            let text = texts.borrow().get(terminal).cloned().unwrap_or_default();
            if f.value() != text {
                set_value(&f, &text);
            }
        }
        *recall.borrow_mut() = Recall::default();
        move || {
            if let (Some(f), Some(text)) = (area(&field), texts.borrow_mut().get_mut(terminal)) {
                *text = f.value();
            }
        }
    });
}
