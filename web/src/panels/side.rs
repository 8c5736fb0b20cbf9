//! The tab strip beside the terminal.

use super::{cost::cost, events::events, logs::logs, why::reasons, yaml::yaml};
use crate::dom::flag;
use crate::hooks::{click_at, use_lab, use_texts, use_view};
use crate::lab::Pane;
use crate::widgets::{Hook, part};
use web_sys::{HtmlElement, KeyboardEvent, wasm_bindgen::JsCast};
use yew::prelude::*;

pub fn side() -> Html {
    part("side", |ctx, ()| use_side().run(ctx))
}

#[hook]
fn use_side() -> Html {
    let lab = use_lab();
    let t = use_texts();
    let (shown, strip, opened) = use_view(|lab| {
        let ui = lab.ui();
        (ui.shown(), ui.strip(), ui.editor_opened)
    });
    // By place in the strip; should the layout change meanwhile, the click says nothing.
    let choose = |at: usize| {
        click_at(&lab, at, |lab, at| {
            let pane = lab.ui().strip().get(at).copied();
            if let Some(pane) = pane {
                lab.show(|ui| ui.open(pane));
            }
        })
    };
    let arrows = {
        let lab = lab.clone();
        Callback::from(move |e: KeyboardEvent| {
            let Some(at) = strip.iter().position(|p| *p == shown) else { return };
            let next = match e.key().as_str() {
                "ArrowRight" => (at + 1) % strip.len(),
                "ArrowLeft" => (at + strip.len() - 1) % strip.len(),
                "Home" => 0,
                "End" => strip.len() - 1,
                _ => return,
            };
            e.prevent_default();
            if let Some(pane) = strip.get(next) {
                lab.show(|ui| ui.open(*pane));
                let tab = e.current_target().and_then(|t| t.dyn_into::<web_sys::Element>().ok());
                if let Some(tab) = tab.and_then(|t| t.children().item(u32::try_from(next).unwrap_or(0))) {
                    let _ = tab.dyn_into::<HtmlElement>().map(|e| e.focus());
                }
            }
        })
    };
    html! {
        <section class="nw-pane nw-side" aria-label={t.more_panes}>
            <div class="nw-tabs" role="tablist" aria-label={t.more_panes} onkeydown={arrows}>
                { for strip.iter().enumerate().map(|(at, p)| html! {
                    <button key={p.token()} type="button" role="tab" id={format!("nw-tab-{}", p.token())} aria-selected={flag(*p == shown)}
                        aria-controls={(*p == shown).then_some("nw-side-panel")} tabindex={if *p == shown { "0" } else { "-1" }}
                        data-tab={p.token()} onclick={choose(at)}>{ t.pane(*p) }</button>
                }) }
            </div>
            <div class="nw-side-in" id="nw-side-panel" role="tabpanel" aria-labelledby={format!("nw-tab-{}", shown.token())} data-shown={shown.token()}>
                { match shown {
                    Pane::Logs => logs(),
                    Pane::Events => events(),
                    Pane::Cost => cost(),
                    Pane::Why => reasons(),
                    Pane::Terminal | Pane::Nodes | Pane::Yaml => html! {},
                } }
                // The editor keeps its undo history: it is only hidden while another pane shows.
                { if opened || shown == Pane::Yaml { html! { <div class="nw-keep" hidden={shown != Pane::Yaml}>{ yaml() }</div> } } else { html! {} } }
            </div>
        </section>
    }
}
