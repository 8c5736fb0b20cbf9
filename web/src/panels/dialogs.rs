//! Share and help.

use crate::hooks::{click, use_lab, use_texts, use_view};
use crate::i18n::Texts;
use crate::lab::{Dialog, Lab};
use crate::widgets::{Button, Hook, Icon, part, part_of};
use crate::{dom, tools};
use view::simulated::Table;
use web_sys::{HtmlElement, KeyboardEvent};
use yew::prelude::*;

pub fn dialogs() -> Html {
    part("dialogs", |ctx, ()| use_dialogs().run(ctx))
}

#[hook]
fn use_dialogs() -> Html {
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
    let onclose = click(&lab, |lab| lab.show(|ui| ui.dialog = None));
    let onkeydown = {
        let (lab, card) = (lab.clone(), card.clone());
        Callback::from(move |e: KeyboardEvent| {
            if e.key() == "Escape" {
                e.stop_propagation();
                lab.show(|ui| ui.dialog = None);
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
                <header><h2>{ title }</h2>{ Button::new(Icon::Close, t.close, onclose).draw() }</header>
                { match dialog {
                    Dialog::Share => share(&lab, t),
                    Dialog::Help => help(t),
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

fn share(lab: &Lab, t: &Texts) -> Html {
    let link = lab.address();
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
            { field(t.link, link) }
            { field(t.frame, frame) }
            { if script.is_empty() { html! {} } else { field(t.commands_so_far, script.join("\n")) } }
        </>
    }
}

/// A field that can be selected, and a button that copies it.
fn field(label: &'static str, text: String) -> Html {
    part_of(label, |ctx, (label, text)| use_field(label, text).run(ctx), (label, text))
}

#[hook]
fn use_field(label: &'static str, text: &str) -> Html {
    let t = use_texts();
    let told = use_state_eq(|| None::<bool>);
    let copy = {
        let (text, told) = (text.to_owned(), told.clone());
        Callback::from(move |_: MouseEvent| {
            let told = told.clone();
            dom::copy(&text, move |ok| told.set(Some(ok)));
        })
    };
    html! {
        <div class="nw-field">
            <label>{ label }
                <textarea readonly=true rows={text.lines().count().clamp(1, 6).to_string()} value={text.to_owned()} /></label>
            { Button::new(Icon::Copy, t.copy, copy).text().class("nw-small").draw() }
            <span role="status" class="nw-muted">{ match *told { Some(true) => t.copied, Some(false) => t.copy_failed, None => "" } }</span>
        </div>
    }
}

fn help(t: &Texts) -> Html {
    html! {
        <div class="nw-help">
            <p>{ t.help_intro }</p>
            <dl>{ for t.shortcuts.iter().map(|(keys, what)| html! { <><dt><kbd>{ *keys }</kbd></dt><dd>{ *what }</dd></> }) }</dl>
            { simulated() }
        </div>
    }
}

/// What is simulated and what is not, as the project's README says it.
fn simulated() -> Html {
    part("simulated", |ctx, ()| use_simulated().run(ctx))
}

const README: &str = "docs/README.md";

#[hook]
fn use_simulated() -> Html {
    let t = use_texts();
    let tables = use_state_eq(|| None::<Vec<Table>>);
    {
        let tables = tables.clone();
        use_effect_with((), move |()| {
            tools::extras(move |extras| {
                let Ok(extras) = extras else { return tables.set(Some(Vec::new())) };
                yew::platform::spawn_local(async move {
                    let text = dom::fetch_text(README).await.unwrap_or_default();
                    tables.set(Some((extras.simulated)(&text)));
                });
            });
        });
    }
    let Some(all) = &*tables else { return html! {} };
    if all.is_empty() {
        return html! { <p class="nw-empty" role="status">{ t.simulated_missing }</p> };
    }
    html! {
        <>
            { for t.simulated.iter().zip(all).map(|((title, heads), table)| html! {
                <section class="nw-simulated">
                    <h3>{ *title }</h3>
                    <div class="nw-table-wrap" tabindex="0" role="group" aria-label={*title}><table class="nw-table">
                        <thead><tr>{ for heads.iter().map(|h| html! { <th scope="col">{ *h }</th> }) }</tr></thead>
                        <tbody lang="en">{ for table.rows.iter().map(|row| html! { <tr>{ for row.iter().enumerate().map(|(i, cell)| if i == 0 {
                            html! { <th scope="row">{ cell.clone() }</th> }
                        } else {
                            html! { <td>{ cell.clone() }</td> }
                        }) }</tr> }) }</tbody>
                    </table></div>
                </section>
            }) }
        </>
    }
}
