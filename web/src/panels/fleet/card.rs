//! One node of the map.

use crate::dom::flag;
use crate::hooks::use_texts;
use crate::i18n::Texts;
use crate::widgets::{Hook, part_of};
use view::fleet::{self, Gauge};
use view::{NodeBox, PodSquare, PodState, format};
use yew::prelude::*;

/// kube-ops-view's grid: squares of 10 every 13, behind a left edge of 24.
const CELL: usize = 13;
const SIDE: usize = 10;
const LEFT: usize = 24;

#[derive(PartialEq)]
pub struct Card {
    pub node: NodeBox,
    pub per_row: usize,
    pub filter: String,
    pub selected: bool,
    /// The one box that Tab reaches.
    pub stop: bool,
    pub onselect: Callback<AttrValue>,
}

pub fn card(card: Card) -> Html {
    part_of(card.node.name.clone(), |ctx, card| use_card(card).run(ctx), card)
}

#[hook]
fn use_card(props: &Card) -> Html {
    let t = use_texts();
    let n = &props.node;
    let open = {
        let (select, name) = (props.onselect.clone(), AttrValue::from(n.name.clone()));
        Callback::from(move |_: MouseEvent| select.emit(name.clone()))
    };
    let dim = !fleet::matches(&props.filter, &n.name, "", &n.labels)
        && !n.upper.iter().chain(&n.lower).any(|p| fleet::matches(&props.filter, &p.name, &p.namespace, &p.labels));
    html! {
        <li class={classes!("nw-node", props.selected.then_some("is-selected"), dim.then_some("is-dim"))} data-node={n.name.clone()}
            data-cap={n.capacity.token()} data-ready={flag(n.ready)} data-cordoned={flag(n.cordoned)}
            data-deleting={flag(n.deleting)} data-pods={n.pods().to_string()}>
            <button type="button" class="nw-node-open" tabindex={if props.stop { "0" } else { "-1" }} aria-pressed={flag(props.selected)}
                aria-label={spoken(n, t)} onclick={open}>
                <span class="nw-node-name">{ n.short.clone() }</span>
                <span class="nw-cap" data-cap={n.capacity.token()}>{ n.capacity.mark() }</span>
            </button>
            <p class="nw-node-type" aria-hidden="true"><span>{ n.instance_type.clone() }</span>
                <span>{ n.zone.rsplit('-').next().unwrap_or_default().to_owned() }</span></p>
            { badges(n, t) }
            { body(n, props.per_row, &props.filter) }
        </li>
    }
}

fn spoken(n: &NodeBox, t: &Texts) -> String {
    let mut parts = vec![n.short.clone(), n.instance_type.clone(), n.capacity.word().to_owned()];
    parts.push((if n.ready { t.ready } else { t.not_ready }).to_owned());
    if n.cordoned {
        parts.push(t.cordoned.to_owned());
    }
    if n.deleting {
        parts.push(t.deleting.to_owned());
    }
    parts.push(format!("CPU {}%", format::percent1(n.cpu_permille)));
    parts.push(t.pods_count(n.pods()));
    parts.join(", ")
}

fn badges(n: &NodeBox, t: &Texts) -> Html {
    html! {
        <p class="nw-badges" aria-hidden="true">
            { if n.deleting { html! { <span class="nw-badge" data-badge="deleting">{ "⊘ " }{ t.deleting }</span> } }
              else if n.cordoned { html! { <span class="nw-badge" data-badge="cordoned">{ "⛌ " }{ t.cordoned }</span> } } else { html! {} } }
            { if n.ready { html! {} } else { html! { <span class="nw-badge" data-badge="notready">{ "◌ " }{ t.not_ready }</span> } } }
        </p>
    }
}

fn body(n: &NodeBox, per_row: usize, filter: &str) -> Html {
    let per = per_row.max(1);
    let rows = (n.upper.len().div_ceil(per) + n.lower.len().div_ceil(per)).max(5);
    let (width, height) = (LEFT + per * CELL + 1, rows * CELL + 3);
    let place = |i: usize, from_bottom: bool| {
        let (x, y) = (LEFT + (i % per) * CELL, (i / per) * CELL + 3);
        (x, if from_bottom { height - y - SIDE } else { y })
    };
    let draw = |(i, p): (usize, &PodSquare), from_bottom: bool| {
        let (x, y) = place(i, from_bottom);
        let dim = !fleet::matches(filter, &p.name, &p.namespace, &p.labels);
        square(p, x, y, dim)
    };
    html! {
        <svg class="nw-node-body" viewBox={format!("0 0 {width} {height}")} aria-hidden="true">
            { gauge(&n.cpu, 3, height, "cpu", usize::try_from(n.cpu.capacity / 1000).unwrap_or(0)) }
            { gauge(&n.memory, 12, height, "memory", 0) }
            { for n.upper.iter().enumerate().map(|p| draw(p, false)) }
            { for n.lower.iter().enumerate().map(|p| draw(p, true)) }
        </svg>
    }
}

/// A bar at the left edge: reserved at the bottom, requested on top of it, one cell per core.
fn gauge(g: &Gauge, x: usize, height: usize, token: &'static str, cores: usize) -> Html {
    let tall = height.saturating_sub(6);
    let share = |amount: i64| {
        let whole = g.capacity.max(1);
        let amount = amount.clamp(0, whole);
        usize::try_from(amount.saturating_mul(i64::try_from(tall).unwrap_or(0)) / whole).unwrap_or(0)
    };
    let (reserved, requested) = (share(g.reserved), share(g.requested));
    let base = 3 + tall;
    let requested = requested.min(tall - reserved.min(tall));
    html! {
        <g class="nw-gauge" data-gauge={token}>
            <rect class="nw-gauge-box" x={x.to_string()} y="3" width="6" height={tall.to_string()} rx="1" />
            <rect class="nw-gauge-reserved" x={x.to_string()} y={(base - reserved).to_string()} width="6" height={reserved.to_string()} />
            <rect class="nw-gauge-fill" x={x.to_string()} y={(base - reserved - requested).to_string()} width="6" height={requested.to_string()} />
            { if (2..=16).contains(&cores) { html! { { for (1..cores).map(|i| {
                let y = (3 + tall * i / cores).to_string();
                html! { <path class="nw-gauge-core" d={format!("M{x} {y}h6")} /> }
            }) } } } else { html! {} } }
        </g>
    }
}

fn square(p: &PodSquare, x: usize, y: usize, dim: bool) -> Html {
    html! {
        <g key={p.name.clone()} class={classes!("nw-pod", dim.then_some("is-dim"))} data-state={p.state.token()} data-pod={p.name.clone()}
            transform={format!("translate({x} {y})")}>
            <title>{ tooltip(p) }</title>
            { glyph(p.state) }
            { if p.restarts > 0 { html! { <path class="nw-restarts" d={"M10 1h2".to_owned()
                + &"m-2 2h2".repeat(usize::try_from(p.restarts.min(4)).unwrap_or(1).saturating_sub(1))} /> } } else { html! {} } }
        </g>
    }
}

fn tooltip(p: &PodSquare) -> String {
    let mut text = format!("{}/{}\nCPU {}", p.namespace, p.name, format::cpu(p.cpu_milli));
    if p.memory_bytes > 0 {
        text += &format!(", {}", format::memory(p.memory_bytes));
    }
    if !p.message.is_empty() {
        text += &format!("\n{}", p.message);
    }
    text
}

/// State by shape first, colour second.
fn glyph(state: PodState) -> Html {
    html! { <g class="nw-glyph" data-state={state.token()}>
        <rect class="nw-pod-box" x="0.7" y="0.7" width="8.6" height="8.6" rx="1.6" />
        { match state {
            PodState::NotReady => html! { <path class="nw-pod-ink" d="M1 2.200C1 1.400 1.600 1 2.200 1H5v8H2.200C1.400 9 1 8.500 1 7.800z" /> },
            PodState::Failed => html! { <path class="nw-pod-line" d="M3 3l4 4M7 3l-4 4" /> },
            PodState::Terminating => html! { <path class="nw-pod-line" d="M2.500 7.500l5-5" /> },
            PodState::Completed => html! { <rect class="nw-pod-ink" x="3.2" y="3.2" width="3.6" height="3.6" /> },
            PodState::Running | PodState::Pending => html! {},
        } }
    </g> }
}

/// A pod outside any box.
pub fn lone_pod(p: &PodSquare) -> Html {
    html! { <svg class="nw-lone" viewBox="0 0 10 10" aria-hidden="true"><title>{ tooltip(p) }</title>
    <g class="nw-pod" data-state={p.state.token()}>{ glyph(p.state) }</g></svg> }
}

pub fn legend_pod(state: PodState) -> Html {
    html! { <svg class="nw-lone" viewBox="0 0 10 10" aria-hidden="true"><g class="nw-pod" data-state={state.token()}>{ glyph(state) }</g></svg> }
}
