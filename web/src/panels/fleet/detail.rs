//! What is known about the marked node: what the tooltips of kube-ops-view say, and the pods by name.

use crate::hooks::{click, use_lab, use_texts, use_view};
use crate::lab::Pane;
use crate::widgets::{Button, Hook, Icon, part};
use view::format;
use yew::prelude::*;

pub fn detail() -> Html {
    part("detail", |ctx, ()| use_detail().run(ctx))
}

#[hook]
fn use_detail() -> Html {
    let lab = use_lab();
    let t = use_texts();
    let node = use_view(|lab| {
        let name = lab.ui().node.clone()?;
        lab.models().fleet(&lab.core()).node(&name).cloned()
    });
    let Some(n) = node else { return html! {} };
    let close = click(&lab, |lab| lab.show(|ui| ui.node = None));
    let why = click(&lab, |lab| lab.show(|ui| ui.open(Pane::Why)));
    let price = n.price_micro.map_or_else(|| "-".to_owned(), |p| format!("{}/h", format::usd(p, 4)));
    let mem = format!("{} / {}", format::memory(n.memory.requested), format::memory(n.memory.capacity - n.memory.reserved));
    let cpu = format!("{} / {}", format::cpu(n.cpu.requested), format::cpu(n.cpu.capacity - n.cpu.reserved));
    html! {
        <div class="nw-detail" role="region" aria-label={n.short.clone()}>
            <header><b lang="en">{ n.name.clone() }</b>
                <button type="button" class="nw-btn" onclick={why}>{ t.why }</button>
                { Button::new(Icon::Close, t.close, close).draw() }</header>
            <dl>
                <dt>{ t.instance }</dt><dd>{ format!("{} · {} · {}", n.instance_type, n.capacity.word(), n.zone) }</dd>
                <dt>{ t.price }</dt><dd>{ price }</dd>
                <dt>{ t.cpu_requested }</dt><dd>{ cpu }</dd>
                <dt>{ t.memory_requested }</dt><dd>{ mem }</dd>
                <dt>{ t.pods }</dt><dd>{ format!("{} / {}", n.pods(), n.max_pods) }</dd>
                <dt>{ t.pool }</dt><dd>{ if n.pool.is_empty() { t.managed_group.to_owned() } else { n.pool.clone() } }</dd>
            </dl>
            <ul class="nw-detail-pods" lang="en">
                { for n.upper.iter().chain(&n.lower).map(|p| html! {
                    <li key={p.name.clone()}>{ super::card::legend_pod(p.state) }{ format!("{}/{}", p.namespace, p.name) }</li>
                }) }
            </ul>
            <details><summary>{ t.labels }</summary>
                <ul class="nw-labels" lang="en">{ for n.labels.iter().map(|l| html! { <li>{ l.clone() }</li> }) }</ul></details>
        </div>
    }
}
