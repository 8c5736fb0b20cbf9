//! The top bar: what this is, time, cost, and the few things that concern the whole page.

use crate::dom;
use crate::hooks::{click, use_lab, use_texts, use_view};
use crate::lab::{Dialog, Lab, Pace, PhoneTab};
use crate::options::{SPEEDS, Theme};
use crate::widgets::{Button, Hook, Icon, part};
use engine::Era;
use view::{Lang, format};
use yew::prelude::*;

/// Play, speed and "next event": shared with the embed.
pub fn time_controls() -> Html {
    part("time-controls", |ctx, ()| use_time_controls().run(ctx))
}

#[hook]
fn use_time_controls() -> Html {
    let lab = use_lab();
    let t = use_texts();
    let (playing, speed, skipping, behind) = use_view(|lab| {
        let core = lab.core();
        (core.clock.playing, core.clock.speed, core.clock.pace != Pace::Steady, core.clock.behind)
    });
    let toggle = click(&lab, |lab| lab.change(|c| c.clock.playing = !c.clock.playing));
    let next = click(&lab, |lab| lab.change(|c| c.next_event()));
    let set_speed = {
        let lab = lab.clone();
        Callback::from(move |e: Event| {
            if let Some(speed) = dom::value(&e).and_then(|v| v.parse().ok()) {
                lab.change(|c| c.clock.speed = speed);
            }
        })
    };
    let state = match (skipping, playing, behind) {
        (true, ..) => t.skipping,
        (_, false, _) => t.paused,
        (_, _, true) => t.behind,
        _ => t.running,
    };
    html! {
        <div class="nw-time" role="group" aria-label={t.time}>
            { Button::new(if playing { Icon::Pause } else { Icon::Play }, if playing { t.pause } else { t.play }, toggle).class("nw-play").draw() }
            <label class="nw-speed">
                <span class="nw-sr">{ t.speed }</span>
                <select onchange={set_speed} aria-label={t.speed}>
                    { for SPEEDS.iter().map(|s| html! {
                        <option value={s.to_string()} selected={*s == speed}>{ format!("{s}×") }</option>
                    }) }
                    { if SPEEDS.contains(&speed) { html! {} } else { html! {
                        <option value={speed.to_string()} selected=true>{ format!("{speed}×") }</option>
                    } } }
                </select>
            </label>
            { Button::new(Icon::Next, t.next_event, next).disabled(skipping).class("nw-next").draw() }
            <span class="nw-state" data-state={if playing { "running" } else { "paused" }}>{ state }</span>
        </div>
    }
}

pub fn bar() -> Html {
    part("bar", |ctx, ()| use_bar().run(ctx))
}

#[hook]
fn use_bar() -> Html {
    let lab = use_lab();
    let t = use_texts();
    let era = use_view(|lab| lab.core().session.scenario().era);
    let title = use_view(|lab| {
        let lang = lab.ui().lang;
        lab.core().lesson.as_ref().map(|l| l.title(lang))
    });
    let clock = use_view(|lab| {
        let s = lab.core().snapshot();
        let clock = lab.clock();
        (clock.time(s.unix_ms()), clock.date(s.unix_ms()), clock.zone.name())
    });
    let rate = use_view(|lab| lab.models().overview(&lab.core()).rate_micro);
    let (can_undo, can_redo) = use_view(|lab| {
        let core = lab.core();
        (core.session.can_undo(), core.session.can_redo())
    });
    let lesson_open = use_view(|lab| lab.ui().lesson_open);
    let act = |change: fn(&Lab)| click(&lab, change);
    let choose_era = {
        let lab = lab.clone();
        Callback::from(move |e: Event| {
            if let Some(era) = dom::value(&e).and_then(|v| Era::parse(&v)) {
                let mut options = lab.ui().options.clone();
                options.era = Some(era);
                options.lesson = None;
                let done = lab.restart(&options);
                lab.show(|ui| match done {
                    Ok(()) => {
                        ui.options = options;
                        ui.draft = None;
                    }
                    Err(message) => ui.toast = Some(message),
                });
            }
        })
    };
    html! {
        <header class="nw-bar">
            { brand(title.unwrap_or_else(|| t.brand.to_owned())) }
            <label class="nw-scenario">
                <span class="nw-sr">{ t.era }</span>
                <select onchange={choose_era} aria-label={t.era}>
                    <option value="v1alpha5" selected={era == Era::V1alpha5}>{ "Karpenter 0.29 (v1alpha5)" }</option>
                    <option value="v1" selected={era == Era::V1}>{ "Karpenter 1.14 (v1)" }</option>
                </select>
            </label>
            { time_controls() }
            <div class="nw-clock" title={t.sim_time_note}>
                <span class="nw-sr">{ t.sim_time }</span>
                <time><span class="nw-clock-date">{ clock.1 }</span>{ " " }<b>{ clock.0 }</b>{ " " }{ clock.2 }</time>
            </div>
            <div class="nw-rate" title={t.rate_note} data-rate={rate.to_string()}>
                <b>{ format::usd(rate, 3) }</b><span>{ t.per_hour }</span>
            </div>
            <div class="nw-bar-tools">
                { Button::new(Icon::Book, if lesson_open { t.hide_lesson } else { t.show_lesson }, act(|lab| lab.show(|ui| {
                        ui.lesson_open = !ui.lesson_open;
                        ui.phone = if ui.lesson_open { PhoneTab::Learn } else { PhoneTab::Map };
                    }))).pressed(lesson_open).draw() }
                { Button::new(Icon::Undo, t.undo, act(|lab| { lab.change(|c| c.undo()); })).disabled(!can_undo).draw() }
                { Button::new(Icon::Redo, t.redo, act(|lab| { lab.change(|c| c.redo()); })).disabled(!can_redo).class("nw-wide-only").draw() }
                { Button::new(Icon::Reset, t.reset, act(reset)).draw() }
                { Button::new(Icon::Share, t.share, act(|lab| lab.show(|ui| ui.dialog = Some(Dialog::Share)))).draw() }
                { appearance() }
                { Button::new(Icon::Help, t.help, act(|lab| lab.show(|ui| ui.dialog = Some(Dialog::Help)))).draw() }
            </div>
        </header>
    }
}

/// Language and theme.
pub fn appearance() -> Html {
    part("appearance", |ctx, ()| use_appearance().run(ctx))
}

#[hook]
fn use_appearance() -> Html {
    let lab = use_lab();
    let t = use_texts();
    let (lang, theme) = use_view(|lab| (lab.ui().lang, lab.ui().theme));
    html! {
        <>
            <button type="button" class="nw-btn nw-lang" lang={t.other_lang_code} title={t.other_lang} onclick={click(&lab, switch_lang)}>
                { t.other_lang }
            </button>
            { Button::new(Icon::Theme, format!("{}: {}", t.theme, theme_name(theme, lang)), click(&lab, next_theme)).draw() }
        </>
    }
}

/// The mark and the page's name.
pub fn brand(name: String) -> Html {
    html! {
            <div class="nw-brand">
                <svg class="nw-logo" viewBox="0 0 20 20" width="20" height="20" aria-hidden="true">
                    <path d="M10 1.500 17.500 5.800v8.400L10 18.500l-7.500-4.300V5.800z" fill="none" stroke="currentColor" stroke-width="1.600" />
                    <path d="M10 6.200 13.400 8.100v3.800L10 13.800l-3.400-1.900V8.100z" fill="currentColor" />
                </svg>
                <h1>{ name }</h1>
            </div>
    }
}

pub fn reset(lab: &Lab) {
    lab.change(|c| c.reset());
    let text = crate::i18n::texts(lab.ui().lang).reset_done.to_owned();
    lab.show(|ui| ui.toast = Some(text));
}

fn switch_lang(lab: &Lab) {
    let lang = if lab.ui().lang == Lang::Ko { Lang::En } else { Lang::Ko };
    lab.change(|c| c.set_lang(lang));
    lab.show(|ui| {
        ui.lang = lang;
        ui.remember("lang", lang.code());
    });
}

fn next_theme(lab: &Lab) {
    lab.show(|ui| {
        let at = Theme::ALL.iter().position(|t| *t == ui.theme).unwrap_or(0);
        ui.theme = Theme::ALL.get((at + 1) % Theme::ALL.len()).copied().unwrap_or_default();
        ui.remember("theme", ui.theme.as_str());
    });
}

fn theme_name(theme: Theme, lang: Lang) -> &'static str {
    let t = crate::i18n::texts(lang);
    match theme {
        Theme::Auto => t.theme_auto,
        Theme::Light => t.theme_light,
        Theme::Dark => t.theme_dark,
        Theme::HighContrast => t.theme_hc,
    }
}
