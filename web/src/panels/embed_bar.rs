//! The one-row bar of an embed.

use super::bar::{reset, time_controls};
use crate::hooks::{click, use_lab, use_texts, use_view};
use crate::widgets::{Button, Hook, Icon, icon, part};
use view::format;
use yew::prelude::*;

pub fn embed_bar() -> Html {
    part("embed-bar", |ctx, ()| use_embed_bar().run(ctx))
}

#[hook]
fn use_embed_bar() -> Html {
    let lab = use_lab();
    let t = use_texts();
    let clock = use_view(|lab| lab.clock().time(lab.core().snapshot().unix_ms()));
    let rate = use_view(|lab| lab.models().overview(&lab.core()).rate_micro);
    let lesson = use_view(|lab| {
        let lang = lab.ui().lang;
        lab.core().lesson.as_ref().map(|l| l.position_and_title(lang))
    });
    let full = use_view(full_address);
    let onreset = click(&lab, reset);
    html! {
        <header class="nw-bar nw-embed-bar">
            { time_controls() }
            <h1 class="nw-embed-title">{ lesson.unwrap_or_else(|| t.brand.to_owned()) }</h1>
            <span class="nw-clock"><b>{ clock }</b></span>
            <span class="nw-rate" data-rate={rate.to_string()}><b>{ format::usd(rate, 3) }</b><span>{ t.per_hour }</span></span>
            { Button::new(Icon::Reset, t.reset, onreset).draw() }
            <a class="nw-btn" href={full} target="_blank" rel="noopener" title={t.open_full} aria-label={t.open_full}>
                { icon(Icon::Open) }
            </a>
        </header>
    }
}

/// The full page with the same lesson and language.
fn full_address(lab: &crate::lab::Lab) -> String {
    let ui = lab.ui();
    let mut query = format!("./?lang={}", ui.lang.code());
    if let Some(lesson) = &ui.options.lesson {
        query += &format!("&lesson={lesson}");
    }
    let scenario = lab.core();
    query += &format!("&era={}&seed={}", scenario.session.scenario().era.as_str(), scenario.session.scenario().seed);
    query
}
