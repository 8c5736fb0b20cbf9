//! Why: decisions and refusals in words.

use crate::hooks::{click, use_lab, use_texts, use_view};
use crate::widgets::{Hook, part};
use view::{Why, format};
use yew::prelude::*;

pub fn reasons() -> Html {
    part("reasons", |ctx, ()| use_reasons().run(ctx))
}

#[hook]
fn use_reasons() -> Html {
    let lab = use_lab();
    let t = use_texts();
    let all = use_view(|lab| {
        let lang = lab.ui().lang;
        lab.models().why(&lab.core(), lang)
    });
    let epoch = use_view(|lab| lab.core().session.snapshot().epoch_ms);
    let node = use_view(|lab| lab.ui().node.clone());
    let rows: Vec<&Why> = match &node {
        Some(n) => all.iter().filter(|w| w.nodes.contains(n)).collect(),
        None => all.iter().collect(),
    };
    let show_all = click(&lab, |lab| lab.show(|ui| ui.node = None));
    html! {
        <div class="nw-why" data-pane="why" tabindex="0" role="group" aria-label={t.why}>
            { match &node {
                Some(n) => html! { <p class="nw-tools"><span>{ t.about }{ " " }<b lang="en">{ format::short_node(n).to_owned() }</b></span>
                    <button type="button" class="nw-btn nw-small" onclick={show_all}>{ t.show_all }</button></p> },
                None => html! {},
            } }
            { if rows.is_empty() { html! { <p class="nw-empty">{ t.no_decisions }</p> } } else { html! {} } }
            <ol>
            { for rows.iter().map(|w| html! {
                <li data-why={w.token}>
                    <time>{ format::clock(epoch.saturating_add_unsigned(w.at.ms())) }</time>
                    <p>{ w.sentence.clone() }</p>
                    { if w.facts.is_empty() { html! {} } else { html! { <dl>{ for w.facts.iter().map(|(k, v)| html! {
                        <><dt>{ k.clone() }</dt><dd lang="en">{ v.clone() }</dd></> }) }</dl> } } }
                    { if w.raw.is_empty() { html! {} } else { html! { <pre lang="en">{ w.raw.clone() }</pre> } } }
                </li>
            }) }
            </ol>
        </div>
    }
}
