//! The node viewer: eks-node-viewer's numbers, compact, or its own picture to the letter.

use crate::dom::flag;
use crate::hooks::{flip, use_lab, use_texts, use_view};
use crate::i18n::Texts;
use crate::tools;
use crate::widgets::{Hook, Panel, part};
use view::rows::{Header, Row};
use view::{Capacity, format};
use yew::prelude::*;

pub fn nodes() -> Html {
    part("nodes", |ctx, ()| use_nodes().run(ctx))
}

#[hook]
fn use_nodes() -> Html {
    let lab = use_lab();
    let t = use_texts();
    let rows = use_view(|lab| lab.models().rows(&lab.core()));
    let selected = use_view(|lab| lab.ui().node.clone());
    let exact = use_state_eq(|| false);
    let toggle = flip(&exact);
    let tools = html! {
        <button type="button" class="nw-btn nw-small" aria-pressed={flag(*exact)} onclick={toggle} title={t.exact_note}>{ t.exact }</button>
    };
    let select = Callback::from(move |name: String| {
        lab.show(|ui| ui.node = if ui.node.as_deref() == Some(name.as_str()) { None } else { Some(name) });
    });
    let content = {
        if *exact {
            exact_picture()
        } else {
            html! {
                <div class="nw-viewer-in" lang="en" tabindex="0" role="group" aria-label={t.node_viewer}>
                    { summary(&rows.header, t) }
                    { if rows.rows.is_empty() { html! { <p class="nw-viewer-line">{ "Waiting for update or no nodes found..." }</p> } }
                      else { table(&rows.rows, selected.as_deref(), &select, t) } }
                </div>
            }
        }
    };
    Panel { token: "nodes", title: t.node_viewer, class: "nw-viewer", tools }.draw(content)
}

fn summary(h: &Header, t: &Texts) -> Html {
    html! {
        <div class="nw-summary">
            <p class="nw-viewer-line" data-line="summary">
                <span data-field="nodes">{ format!("{} nodes", h.nodes) }</span>{ " " }
                <span data-field="used">{ format!("({})", h.fraction()) }</span>{ " " }
                <b class="nw-grade" data-grade={h.grade.token()} title={t.grade_note}>{ format!("{}%", format::percent1(h.permille)) }</b>{ " cpu " }
                { bar(h.permille, "summary") }
                <span class="nw-viewer-price">{ format!("{}/hour | {}/month", format::usd(h.rate_micro, 3), format::usd(format::monthly(h.rate_micro), 3)) }</span>
            </p>
            <p class="nw-viewer-line" data-line="pods">{ h.pods_line() }</p>
        </div>
    }
}

/// The bar as a drawing: eks-node-viewer's blend from bad to good lies over the whole width, so a fuller bar ends
/// greener.
fn bar(permille: i64, key: &'static str) -> Html {
    let filled = permille.clamp(0, 1000).to_string();
    html! {
        <svg class="nw-fill" key={key} viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true">
            <rect class="nw-fill-empty" x="0" y="0" width="1000" height="10" />
            <svg x="0" y="0" width={filled} height="10" viewBox={format!("0 0 {} 10", permille.clamp(1, 1000))} preserveAspectRatio="none">
                <rect x="0" y="0" width="1000" height="10" fill="url(#nw-blend)" />
            </svg>
        </svg>
    }
}

fn table(rows: &[Row], selected: Option<&str>, select: &Callback<String>, t: &Texts) -> Html {
    html! {
        <table class="nw-viewer-table">
            <thead class="nw-sr"><tr><th scope="col">{ t.node }</th><th scope="col">{ "CPU" }</th><th scope="col">{ t.pods }</th>
                <th scope="col">{ t.instance }</th><th scope="col">{ t.price }</th><th scope="col">{ t.capacity }</th>
                <th scope="col">{ t.state }</th></tr></thead>
            <tbody>
            { for rows.iter().map(|r| {
                let name = r.name.clone();
                let select = select.clone();
                let onclick = Callback::from(move |_: MouseEvent| select.emit(name.clone()));
                let fate = r.fate();
                html! {
                    <tr key={r.name.clone()} data-node={r.name.clone()} class={(selected == Some(r.name.as_str())).then_some("is-selected")} {onclick}>
                        // Its click is the row's.
                        <th scope="row"><button type="button" class="nw-row-name">{ r.short.clone() }</button></th>
                        <td class="nw-col-bar">{ bar(r.permille, "row") }<span>{ format!("{:>3}%", (r.permille + 5) / 10) }</span></td>
                        <td class="nw-col-pods">{ format!("{}/{}", r.pods, r.max_pods) }</td>
                        <td>{ r.instance_type.clone() }</td>
                        <td class="nw-col-price">{ r.price_micro.map_or(String::new(), |p| format::usd(p, 4)) }</td>
                        <td class="nw-col-cap" data-cap={r.capacity.token()}>{ cap_word(r.capacity) }</td>
                        <td class="nw-col-state" data-ready={flag(r.ready)}>
                            { if fate == "-" { html! {} } else { html! { <span class="nw-fate">{ fate }{ " " }</span> } } }
                            { r.readiness() }</td>
                    </tr>
                }
            }) }
            </tbody>
        </table>
    }
}

fn cap_word(c: Capacity) -> &'static str {
    match c {
        Capacity::OnDemand => "OD",
        other => other.word(),
    }
}

/// What the tool itself prints at this instant.
fn exact_picture() -> Html {
    part("exact-picture", |ctx, ()| use_exact_picture().run(ctx))
}

#[hook]
fn use_exact_picture() -> Html {
    let t = use_texts();
    let lab = use_lab();
    use_effect_with((), move |()| tools::load(&lab));
    let text = use_view(|lab| lab.exact_viewer());
    html! { <pre class="nw-exact" lang="en" tabindex="0" aria-label={t.node_viewer}>{ crate::panels::terminal::ansi::render(&text) }</pre> }
}

/// Gradients that drawings refer to by name; one per document.
pub fn definitions() -> Html {
    html! {
        <svg class="nw-defs" width="0" height="0" aria-hidden="true" focusable="false">
            <defs>
                <linearGradient id="nw-blend" gradientUnits="userSpaceOnUse" x1="0" y1="0" x2="1000" y2="0">
                    <stop offset="0" stop-color="#ff4d4d" /><stop offset="0.5" stop-color="#ffe04d" /><stop offset="1" stop-color="#04b575" />
                </linearGradient>
                <pattern id="nw-hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
                    <rect class="nw-hatch-ground" width="6" height="6" /><rect class="nw-hatch-line" width="2" height="6" />
                </pattern>
            </defs>
        </svg>
    }
}
