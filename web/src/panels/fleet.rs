//! The fleet map: a box per node, a square per pod, and beside them what waits.

mod card;
mod detail;
mod table;

use super::replicas::replicas;
use crate::hooks::{flip, typed_into, use_lab, use_texts, use_view};
use crate::widgets::{Button, Hook, Icon, Panel, part};
use card::Card;
use detail::detail;
use view::fleet::{self, PodState};
use web_sys::{HtmlElement, KeyboardEvent, wasm_bindgen::JsCast};
use yew::prelude::*;

pub fn fleet() -> Html {
    part("fleet", |ctx, ()| use_fleet().run(ctx))
}

#[hook]
fn use_fleet() -> Html {
    let lab = use_lab();
    let t = use_texts();
    let map = use_view(|lab| lab.models().fleet(&lab.core()));
    let waiting = use_view(|lab| lab.models().waiting(&lab.core()));
    let (lang, selected) = use_view(|lab| (lab.ui().lang, lab.ui().node.clone()));
    let as_table = use_state_eq(|| false);
    let filter = use_state_eq(String::new);
    let toggle = flip(&as_table);
    let onfilter = typed_into(&filter);
    let select = {
        let lab = lab.clone();
        Callback::from(move |name: AttrValue| {
            lab.show(|ui| ui.node = if ui.node.as_deref() == Some(&*name) { None } else { Some(name.to_string()) });
        })
    };
    let tools = html! {
        <>
            <input class="nw-filter" type="search" placeholder={t.filter} aria-label={t.map_filter} value={(*filter).clone()}
                oninput={onfilter} />
            { Button::new(if *as_table { Icon::Picture } else { Icon::Table }, if *as_table { t.as_picture } else { t.as_table }, toggle).pressed(*as_table).draw() }
        </>
    };
    let first = map.nodes.first().map(|n| n.name.clone()).unwrap_or_default();
    let stop = selected.clone().filter(|s| map.node(s).is_some()).unwrap_or(first);
    let pending = map.pending.iter().map(|p| {
        let dim = !fleet::matches(&filter, &p.name, &p.namespace, &p.labels);
        html! { <li key={p.name.clone()} class={classes!("nw-pending-pod", dim.then_some("is-dim"))} title={p.name.clone()}>
        { card::lone_pod(p) }<span class="nw-sr">{ p.name.clone() }</span></li> }
    });
    let content = html! {
        <>
            { if *as_table { table::table(&map, t) } else { html! {
                <div class="nw-map-in" onkeydown={Callback::from(roam)}>
                    { if map.nodes.is_empty() { html! { <p class="nw-empty">{ t.no_nodes }</p> } } else { html! {} } }
                    <ul class="nw-nodes" data-count={density(map.nodes.len() + map.launching.len())} aria-label={t.nodes}>
                        { for map.nodes.iter().map(|n| card::card(Card {
                            node: n.clone(), per_row: map.per_row, filter: (*filter).clone(),
                            selected: selected.as_deref() == Some(n.name.as_str()), stop: n.name == stop, onselect: select.clone(),
                        })) }
                        { for map.launching.iter().map(|l| html! {
                            <li key={l.claim.clone()} class="nw-launching" data-cap={l.capacity.token()}>
                                <b>{ if l.instance_type.is_empty() { "…".to_owned() } else { l.instance_type.clone() } }</b>
                                <span>{ t.launching }</span>
                            </li>
                        }) }
                    </ul>
                    <div class="nw-pending" data-count={map.pending.len().to_string()}>
                        <h3>{ t.unassigned }{ " " }<b>{ map.pending.len() }</b></h3>
                        <ul>{ for pending }</ul>
                    </div>
                </div>
            } } }
            { detail() }
            <footer class="nw-map-foot">
                <div class="nw-waiting" data-what={waiting.as_ref().as_ref().map(|w| format!("{:?}", w.what).to_lowercase()).unwrap_or_default()}>
                    { match waiting.as_ref().as_ref() {
                        Some(w) => html! { <><span class="nw-dot" aria-hidden="true"></span>{ w.sentence(lang) }</> },
                        None => html! { <span class="nw-muted">{ t.nothing_waits }</span> },
                    } }
                </div>
                { replicas() }
                <ul class="nw-legend" aria-label={t.legend}>
                    { for PodState::ALL.iter().map(|s| html! {
                        <li>{ card::legend_pod(*s) }<span>{ t.pod_state(*s) }</span></li>
                    }) }
                </ul>
            </footer>
        </>
    };
    Panel { token: "map", title: t.map, class: "nw-map", tools }.draw(content)
}

/// How many boxes share the room: few are drawn large.
fn density(count: usize) -> &'static str {
    match count {
        0..=3 => "few",
        4..=8 => "some",
        9..=40 => "many",
        _ => "crowd",
    }
}

/// Arrow keys go from box to box.
fn roam(e: KeyboardEvent) {
    let step: i32 = match e.key().as_str() {
        "ArrowRight" | "ArrowDown" => 1,
        "ArrowLeft" | "ArrowUp" => -1,
        _ => return,
    };
    let Some(root) = e.current_target().and_then(|t| t.dyn_into::<web_sys::Element>().ok()) else { return };
    let Ok(all) = root.query_selector_all(".nw-node-open") else { return };
    let at = (0..all.length()).find(|i| {
        let focused = crate::dom::document().and_then(|d| d.active_element());
        all.item(*i).and_then(|n| n.dyn_into::<web_sys::Element>().ok()) == focused
    });
    let Some(at) = at.and_then(|a| i32::try_from(a).ok()) else { return };
    let next = u32::try_from(at + step).ok().and_then(|i| all.item(i)).and_then(|n| n.dyn_into::<HtmlElement>().ok());
    if let Some(next) = next {
        e.prevent_default();
        let _ = next.focus();
    }
}
