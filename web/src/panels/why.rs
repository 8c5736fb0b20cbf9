//! Why: decisions and refusals in words.

use crate::attached;
use crate::hooks::{click, use_lab, use_texts, use_view};
use crate::lab::Lab;
use crate::tools;
use crate::widgets::{Hook, part};
use view::{Lang, Why, format};
use yew::prelude::*;

pub fn reasons() -> Html {
    part("reasons", |ctx, ()| use_reasons().run(ctx))
}

#[hook]
fn use_reasons() -> Html {
    let lab = use_lab();
    let t = use_texts();
    let (attached, plan, asking, unanswered, lang) = use_view(|lab| {
        let ui = lab.ui();
        (ui.options.attached.is_some(), ui.plan.clone(), ui.asking, ui.unanswered.clone(), ui.lang)
    });
    let words = use_state_eq(|| tools::get_extras().is_some());
    {
        let (words, lab) = (words.clone(), lab.clone());
        use_effect_with((), move |()| {
            tools::extras(move |x| words.set(x.is_ok()));
            if attached && lab.ui().plan.is_none() {
                attached::ask(&lab);
            }
        });
    }
    let decisions = use_view(|lab| {
        let lang = lab.ui().lang;
        lab.models().why(&lab.core(), lang)
    });
    let all: &[Why] = match (&plan, lang) {
        (Some(plan), Lang::Ko) => &plan.ko,
        (Some(plan), Lang::En) => &plan.en,
        (None, _) => &decisions,
    };
    let clock = use_view(Lab::clock);
    let node = use_view(|lab| lab.ui().node.clone());
    let rows: Vec<&Why> = match &node {
        Some(n) => all.iter().filter(|w| w.nodes.contains(n)).collect(),
        None => all.iter().collect(),
    };
    let show_all = click(&lab, |lab| lab.show(|ui| ui.node = None));
    let ask = click(&lab, attached::ask);
    let asked = if attached {
        html! {
            <>
            <p class="nw-tools"><button type="button" class="nw-btn nw-small" data-action="ask" disabled={asking} onclick={ask}>{ t.ask_plan }</button>
                <span role="status">{ if asking { t.asking.to_owned() } else { unanswered.unwrap_or_default() } }</span></p>
            { for plan.iter().flat_map(|p| &p.notes).map(|n| html! { <p class="nw-tools nw-muted" lang="en">{ n.clone() }</p> }) }
            </>
        }
    } else {
        html! {}
    };
    let empty = rows.is_empty() && !attached;
    html! {
        <div class="nw-why" data-pane="why" tabindex="0" role="group" aria-label={t.why}>
            { asked }
            { match &node {
                Some(n) => html! { <p class="nw-tools"><span>{ t.about }{ " " }<b lang="en">{ format::short_node(n).to_owned() }</b></span>
                    <button type="button" class="nw-btn nw-small" onclick={show_all}>{ t.show_all }</button></p> },
                None => html! {},
            } }
            { if empty { html! { <p class="nw-empty">{ t.no_decisions }</p> } } else { html! {} } }
            <ol>
            { for rows.iter().map(|w| html! {
                <li data-why={w.token}>
                    <time>{ clock.at(w.at) }</time>
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
