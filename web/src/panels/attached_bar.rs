//! The bar of a page that is attached to a real cluster: whose it is, and that nothing is written to it.

use super::bar::{appearance, brand};
use crate::hooks::{use_texts, use_view};
use crate::widgets::{Hook, part};
use view::format;
use yew::prelude::*;

pub fn attached_bar() -> Html {
    part("attached-bar", |ctx, ()| use_attached_bar().run(ctx))
}

#[hook]
fn use_attached_bar() -> Html {
    let t = use_texts();
    let (name, notes, connected) = use_view(|lab| {
        let ui = lab.ui();
        (ui.options.attached.clone().unwrap_or_default(), ui.notes.clone(), ui.connected)
    });
    let (clock, zone) = use_view(|lab| {
        let clock = lab.clock();
        (clock.time(lab.core().snapshot().unix_ms()), clock.zone.name())
    });
    let rate = use_view(|lab| lab.models().overview(&lab.core()).rate_micro);
    html! {
        <header class="nw-bar nw-attached-bar">
            { brand(name) }
            <span class="nw-read-only">{ if connected { t.read_only } else { t.not_connected } }</span>
            <span class="nw-clock"><time>{ clock }</time>{ " " }{ zone }</span>
            <span class="nw-rate" data-rate={rate.to_string()}><b>{ format::usd(rate, 3) }</b><span>{ t.per_hour }</span></span>
            { if notes.is_empty() { html! {} } else { html! {
                <details class="nw-notes"><summary>{ format!("⚠ {}", notes.len()) }</summary>
                    <ul lang="en">{ for notes.iter().map(|n| html! { <li>{ n.clone() }</li> }) }</ul></details>
            } } }
            <div class="nw-bar-tools">{ appearance() }</div>
        </header>
    }
}
