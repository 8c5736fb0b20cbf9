//! The strip at the bottom: the rate over the session, marks, and a slider that shows the past.

use crate::chart;
use crate::dom;
use crate::hooks::{click, use_lab, use_texts, use_view};
use crate::lab::Lab;
use crate::widgets::{Hook, part};
use engine::SimTime;
use yew::prelude::*;

pub fn timeline_strip() -> Html {
    part("timeline-strip", |ctx, ()| use_timeline_strip().run(ctx))
}

#[hook]
fn use_timeline_strip() -> Html {
    let lab = use_lab();
    let t = use_texts();
    let timeline = use_view(|lab| lab.models().timeline(&lab.core()));
    let cost = use_view(|lab| lab.models().cost(&lab.core()));
    let (start, now, present, rewound) = use_view(|lab| {
        let core = lab.core();
        let s = &core.session;
        // Whole seconds: the slider needs no more, and quiet frames draw nothing.
        let whole = |t: SimTime| SimTime(t.ms() / 1000 * 1000);
        (s.start(), whole(s.now()), whole(s.present_time()), s.is_rewound())
    });
    let clock = use_view(Lab::clock);
    let until = SimTime(cost.until.ms().max(present.ms()));
    let x = |at: SimTime| timeline.position(at, until).to_string();
    let seek = {
        let lab = lab.clone();
        Callback::from(move |e: InputEvent| {
            if let Some(s) = dom::value(&e).and_then(|v| v.parse::<u64>().ok()) {
                lab.change(|c| c.seek(start + s * 1000));
            }
        })
    };
    let go_on = click(&lab, |lab| {
        lab.change(|c| {
            c.session.continue_here();
            c.clock.playing = true;
        });
    });
    let back = click(&lab, |lab| {
        lab.change(|c| {
            c.session.present();
            c.clock.playing = true;
        });
    });
    html! {
        <footer class="nw-timeline" aria-label={t.timeline}>
            { if rewound { html! {
                <div class="nw-past" role="status"><span>{ t.past }{ " " }<b>{ clock.at(now) }</b></span>
                    <button type="button" class="nw-btn nw-small" onclick={go_on}>{ t.continue_here }</button>
                    <button type="button" class="nw-btn nw-small" onclick={back}>{ t.back_to_present }</button></div>
            } } else { html! {} } }
            <div class="nw-strip">
                <svg viewBox="0 0 10000 100" preserveAspectRatio="none" aria-hidden="true">
                    { chart::strip(&cost, &timeline, until) }
                    { for timeline.ticks.iter().map(|k| html! {
                        <line class="nw-tick" data-mark={k.mark.token()} x1={x(k.at)} x2={x(k.at)} y1={if k.mark.token() == "command" { "0" } else { "40" }} y2="100">
                            <title>{ format!("{} {}", clock.at(k.at), k.text) }</title></line>
                    }) }
                    <line class="nw-playhead" x1={x(now)} x2={x(now)} y1="0" y2="100" />
                </svg>
                <input type="range" min="0" max={(present.since(start) / 1000).max(1).to_string()} step="1"
                    value={(now.since(start) / 1000).to_string()} oninput={seek} aria-label={t.scrub} aria-valuetext={clock.at(now)}
                    data-share={(timeline.position(present, until) / 100).to_string()} />
            </div>
            <div class="nw-strip-ends"><span>{ clock.at(start) }</span><span>{ clock.at(until) }</span></div>
        </footer>
    }
}
