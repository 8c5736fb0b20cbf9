//! The terminal: a real text field and an output list, so that composition, selection and readers work as anywhere.

pub mod ansi;
mod files;
mod hangul;
mod output;
mod prompt;

use crate::dom::flag;
use crate::hooks::{click, click_at, use_lab, use_texts, use_view};
use crate::lab::Lab;
use crate::widgets::{Button, Hook, Icon, part, part_of};
pub use hangul::hangul;
use output::output;
use prompt::prompt_field;
use yew::prelude::*;

pub fn terminal() -> Html {
    part("terminal", |ctx, ()| use_terminal().run(ctx))
}

#[hook]
fn use_terminal() -> Html {
    let lab = use_lab();
    let t = use_texts();
    let chosen = use_view(|lab| lab.ui().terminal);
    let busy = use_view(|lab| lab.core().terms.iter().map(|t| t.busy()).collect::<Vec<_>>());
    let running = busy.get(chosen).copied().unwrap_or(false);
    let choose = |i: usize| click_at(&lab, i, |lab, i| lab.show(|ui| ui.terminal = i));
    let stop = click(&lab, |lab| interrupt(lab, ""));
    let ondrop = {
        let lab = lab.clone();
        Callback::from(move |e: DragEvent| files::dropped(&lab, &e))
    };
    html! {
        <section class="nw-pane nw-term" data-pane="term" aria-label={t.terminal} ondragover={Callback::from(files::welcome)} {ondrop}>
            <header class="nw-pane-head">
                <h2 class="nw-sr">{ t.terminal }</h2>
                <div class="nw-term-tabs" role="group" aria-label={t.terminal}>
                    { for busy.iter().enumerate().map(|(i, busy)| html! {
                        <button key={i} type="button" aria-pressed={flag(i == chosen)} data-term={(i + 1).to_string()} data-busy={flag(*busy)}
                            onclick={choose(i)}>{ format!("{} {}", t.terminal, i + 1) }
                            { if *busy { html! { <span class="nw-sr">{ t.busy }</span> } } else { html! {} } }</button>
                    }) }
                </div>
                <div class="nw-pane-tools">
                    { files::picker() }
                    { if running { html! { { Button::new(Icon::Stop, t.stop, stop).text().class("nw-stop nw-small").draw() } } } else { html! {} } }
                </div>
            </header>
            { output(chosen) }
            { repair(chosen) }
            { chips() }
            { prompt_field(chosen) }
        </section>
    }
}

pub fn interrupt(lab: &Lab, typed: &str) {
    let chosen = lab.ui().terminal;
    lab.change(|c| c.interrupt(chosen, typed));
}

/// Where the lesson panel has no room beside the terminal: the step's commands as chips that fill the prompt.
fn chips() -> Html {
    part("chips", |ctx, ()| use_chips().run(ctx))
}

#[hook]
fn use_chips() -> Html {
    let lab = use_lab();
    let t = use_texts();
    let commands = use_view(|lab| {
        let ui = lab.ui();
        if !(ui.options.embed || ui.layout == crate::lab::Layout::Phone) {
            return Vec::new();
        }
        lab.core().lesson.as_ref().map(|l| l.commands()).unwrap_or_default()
    });
    if commands.is_empty() {
        return html! {};
    }
    html! {
        <ul class="nw-chips" aria-label={t.type_this}>
            { for commands.into_iter().map(|c| {
                let (lab, text) = (lab.clone(), c.clone());
                let onclick = Callback::from(move |_: MouseEvent| lab.show(|ui| ui.insert = Some(text.clone())));
                let first = c.lines().next().unwrap_or_default().to_owned();
                html! { <li key={c.clone()}><button type="button" class="nw-chip" lang="en" title={c.clone()} {onclick}>{ first }</button></li> }
            }) }
        </ul>
    }
}

/// The offer to mend `//` remarks and to run the mended text.
fn repair(terminal: usize) -> Html {
    part_of("repair", |ctx, terminal| use_repair(*terminal).run(ctx), terminal)
}

#[hook]
fn use_repair(terminal: usize) -> Html {
    let lab = use_lab();
    let t = use_texts();
    let lines = use_view(move |lab| lab.core().terms.get(terminal).and_then(|t| t.repair()).map(|r| r.lines.clone()));
    let Some(lines) = lines else { return html! {} };
    let apply = click_at(&lab, terminal, |lab, terminal| {
        lab.change(|c| {
            if let Some(term) = c.terms.get_mut(terminal) {
                term.accept_repair(&mut c.session);
            }
            c.poll_terms();
        });
    });
    let leave = click_at(&lab, terminal, |lab, terminal| {
        lab.change(|c| {
            if let Some(term) = c.terms.get_mut(terminal) {
                term.dismiss_repair();
            }
        })
    });
    let numbers = lines.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    html! {
        <div class="nw-card nw-repair" role="alert">
            <p>{ t.repair(lines.len(), &numbers) }</p>
            <button type="button" class="nw-btn nw-primary" data-action="repair" onclick={apply}>{ t.repair_apply }</button>
            <button type="button" class="nw-btn" onclick={leave}>{ t.repair_leave }</button>
        </div>
    }
}
