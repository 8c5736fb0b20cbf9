//! Share and help.

use crate::dom;
use crate::hooks::{use_lab, use_texts, use_view};
use crate::lab::{Dialog, Lab};
use crate::widgets::{Icon, IconButton};
use web_sys::{HtmlElement, KeyboardEvent};
use yew::prelude::*;

#[component]
pub fn Dialogs() -> Html {
    let lab = use_lab();
    let t = use_texts();
    let open = use_view(|lab| lab.ui().dialog);
    let card = use_node_ref();
    {
        let card = card.clone();
        // Focus goes into the dialog and back to where it came from.
        use_effect_with(open, move |open| {
            let before = open.and_then(|_| dom::document()).and_then(|d| d.active_element());
            if let (Some(_), Some(c)) = (open, card.cast::<web_sys::Element>()) {
                dom::focus_selector(&c, "button, input, textarea");
            }
            move || {
                if let Some(e) = before.and_then(|b| wasm_bindgen::JsCast::dyn_into::<HtmlElement>(b).ok()) {
                    dom::focus(&e);
                }
            }
        });
    }
    let Some(dialog) = open else { return html! {} };
    let close = {
        let lab = lab.clone();
        move || lab.show(|ui| ui.dialog = None)
    };
    let onclose = {
        let close = close.clone();
        Callback::from(move |_: MouseEvent| close())
    };
    let onkeydown = {
        let card = card.clone();
        Callback::from(move |e: KeyboardEvent| {
            if e.key() == "Escape" {
                e.stop_propagation();
                close();
            } else if e.key() == "Tab" {
                keep_inside(&card, &e);
            }
        })
    };
    let title = match dialog {
        Dialog::Share => t.share,
        Dialog::Help => t.help,
    };
    html! {
        <div class="nw-modal" {onkeydown}>
            <div class="nw-modal-ground" onclick={onclose.clone()}></div>
            <div class="nw-dialog" role="dialog" aria-modal="true" aria-label={title} ref={card}>
                <header><h2>{ title }</h2><IconButton icon={Icon::Close} label={t.close} onclick={onclose} /></header>
                { match dialog {
                    Dialog::Share => html! { <Share /> },
                    Dialog::Help => html! { <Help /> },
                } }
            </div>
        </div>
    }
}

/// Tab goes round within the dialog.
fn keep_inside(card: &NodeRef, e: &KeyboardEvent) {
    let Some(card) = card.cast::<web_sys::Element>() else { return };
    let Ok(all) = card.query_selector_all("button, input, textarea, a[href]") else { return };
    let at = |i: u32| all.item(i).and_then(|n| wasm_bindgen::JsCast::dyn_into::<HtmlElement>(n).ok());
    let (first, last) = (at(0), at(all.length().saturating_sub(1)));
    let now = dom::document().and_then(|d| d.active_element());
    let is = |e: &Option<HtmlElement>| e.as_ref().is_some_and(|e| now.as_ref().is_some_and(|n| n.is_same_node(Some(e.as_ref()))));
    let wanted = if e.shift_key() && is(&first) {
        last
    } else if !e.shift_key() && is(&last) {
        first
    } else {
        None
    };
    if let Some(w) = wanted {
        e.prevent_default();
        let _ = w.focus();
    }
}

/// The address of this page with what makes the same start: lesson, era, seed, region, language.
fn address(lab: &Lab) -> String {
    let base = dom::window()
        .map(|w| w.location())
        .and_then(|l| Some(format!("{}{}", l.origin().ok()?, l.pathname().ok()?)))
        .unwrap_or_default();
    let (ui, core) = (lab.ui(), lab.core());
    let scenario = core.session.scenario();
    let mut query = format!("?era={}&seed={}&lang={}", scenario.era.as_str(), scenario.seed, ui.lang.code());
    if scenario.region != engine::session::LAB_REGION {
        query += &format!("&region={}", scenario.region);
    }
    if let Some(lesson) = &ui.options.lesson {
        query += &format!("&lesson={lesson}");
    }
    format!("{base}{query}")
}

#[component]
fn Share() -> Html {
    let lab = use_lab();
    let t = use_texts();
    let link = address(&lab);
    let embed = link.replacen("/?", "/embed.html?", 1).replace("index.html", "embed.html");
    let frame = format!(
        "<iframe title=\"nodewright\" loading=\"lazy\" width=\"100%\" height=\"480\" src=\"{embed}\" allow=\"clipboard-write; fullscreen\"></iframe>"
    );
    let commands = {
        let core = lab.core();
        core.session.history().iter().map(|e| e.line.clone()).collect::<Vec<_>>()
    };
    let mut script: Vec<String> = Vec::new();
    for line in commands {
        if script.last() != Some(&line) {
            script.push(line);
        }
    }
    html! {
        <>
            <p>{ t.share_note }</p>
            <Field label={t.link} text={link} />
            <Field label={t.frame} text={frame} />
            { if script.is_empty() { html! {} } else { html! { <Field label={t.commands_so_far} text={script.join("\n")} /> } } }
        </>
    }
}

#[derive(Properties, PartialEq)]
struct FieldProps {
    label: AttrValue,
    text: String,
}

/// A field that can be selected, and a button that copies it.
#[component]
fn Field(props: &FieldProps) -> Html {
    let t = use_texts();
    let told = use_state_eq(|| None::<bool>);
    let copy = {
        let (text, told) = (props.text.clone(), told.clone());
        Callback::from(move |_: MouseEvent| {
            let told = told.clone();
            dom::copy(&text, move |ok| told.set(Some(ok)));
        })
    };
    html! {
        <div class="nw-field">
            <label>{ props.label.clone() }
                <textarea readonly=true rows={props.text.lines().count().clamp(1, 6).to_string()} value={props.text.clone()} /></label>
            <IconButton icon={Icon::Copy} label={t.copy} text=true onclick={copy} class="nw-small" />
            <span role="status" class="nw-muted">{ match *told { Some(true) => t.copied, Some(false) => t.copy_failed, None => "" } }</span>
        </div>
    }
}

#[component]
fn Help() -> Html {
    let t = use_texts();
    html! {
        <div class="nw-help">
            <p>{ t.help_intro }</p>
            <dl>{ for t.shortcuts.iter().map(|(keys, what)| html! { <><dt><kbd>{ *keys }</kbd></dt><dd>{ *what }</dd></> }) }</dl>
            <h3>{ t.not_modelled_title }</h3>
            <ul>{ for t.not_modelled.iter().map(|line| html! { <li>{ *line }</li> }) }</ul>
        </div>
    }
}
