//! A control per Deployment of the user: how many replicas, without typing.

use crate::hooks::{use_lab, use_texts, use_view};
use crate::lab::Lab;
use crate::tools;
use crate::widgets::{Button, Hook, Icon, part, part_of};
use engine::session::Request;
use objects::{Kind, ObjectKey};
use web_sys::{HtmlInputElement, wasm_bindgen::JsCast};
use yew::prelude::*;

/// Most replicas the control asks for; the terminal takes more.
const MOST: i64 = 200;
/// Deployments shown; the rest is reached by the terminal.
const SHOWN: usize = 4;

#[derive(Clone, PartialEq)]
struct Row {
    namespace: String,
    name: String,
    replicas: i64,
    ready: i64,
}

pub fn replicas() -> Html {
    part("replicas", |ctx, ()| use_replicas().run(ctx))
}

#[hook]
fn use_replicas() -> Html {
    let t = use_texts();
    let rows = use_view(|lab| {
        let snapshot = lab.core().snapshot();
        let list = snapshot.store.list(Kind::Deployment);
        list.filter(|d| !matches!(d.meta.namespace.as_str(), "kube-system" | "karpenter") && d.meta.name != "kube-ops-view")
            .filter_map(|d| {
                let w = d.workload()?;
                let meta = &d.meta;
                Some(Row { namespace: meta.namespace.clone(), name: meta.name.clone(), replicas: w.replicas, ready: w.ready })
            })
            .take(SHOWN)
            .collect::<Vec<_>>()
    });
    if rows.is_empty() {
        return html! {};
    }
    html! {
        <ul class="nw-replicas" aria-label={t.deployments}>
            { for rows.into_iter().map(|r| part_of(format!("{}/{}", r.namespace, r.name), |ctx, row| use_control(row).run(ctx), r)) }
        </ul>
    }
}

#[hook]
fn use_control(r: &Row) -> Html {
    let lab = use_lab();
    let t = use_texts();
    let step = |by: i64| {
        let (lab, row) = (lab.clone(), r.clone());
        Callback::from(move |_: MouseEvent| scale(&lab, &row, row.replicas + by))
    };
    let type_in = {
        let (lab, row) = (lab.clone(), r.clone());
        Callback::from(move |e: Event| {
            let Some(input) = e.target().and_then(|t| t.dyn_into::<HtmlInputElement>().ok()) else { return };
            match input.value().trim().parse::<i64>() {
                Ok(n) => scale(&lab, &row, n),
                Err(_) => input.set_value(&row.replicas.to_string()),
            }
        })
    };
    html! {
        <li class="nw-replica" data-deployment={r.name.clone()}>
            <span class="nw-replica-name" lang="en">{ r.name.clone() }</span>
            { Button::new(Icon::Minus, format!("{}: {}", r.name, t.fewer), step(-1)).disabled(r.replicas <= 0).draw() }
            <input type="number" min="0" max={MOST.to_string()} value={r.replicas.to_string()} onchange={type_in}
                aria-label={format!("{}: {}", r.name, t.replicas)} />
            { Button::new(Icon::Plus, format!("{}: {}", r.name, t.more), step(1)).disabled(r.replicas >= MOST).draw() }
            <span class="nw-muted">{ format!("{} {}/{}", t.ready, r.ready, r.replicas) }</span>
        </li>
    }
}

fn scale(lab: &Lab, row: &Row, replicas: i64) {
    let replicas = replicas.clamp(0, MOST);
    if replicas == row.replicas {
        return;
    }
    let namespace = if row.namespace == "default" { String::new() } else { format!(" -n {}", row.namespace) };
    let line = format!("kubectl scale deployment {} --replicas {replicas}{namespace}", row.name);
    let key = ObjectKey::new(Kind::Deployment, &row.namespace, &row.name);
    let lab = lab.clone();
    tools::with(&lab.clone(), move |tools| {
        let result = match tools {
            Ok(_) => lab.change(|c| c.request(&line, Request::Scale { key, replicas, dry_run: false })),
            Err(error) => Err(error.to_owned()),
        };
        if let Err(message) = result {
            lab.show(|ui| ui.toast = Some(message));
        }
    });
}
