//! Kubernetes events.

use crate::dom::flag;
use crate::hooks::{typed_into, use_texts, use_view};
use crate::lab::Lab;
use crate::widgets::{Hook, Scroll, part, scroll};
use yew::prelude::*;

pub fn events() -> Html {
    part("events", |ctx, ()| use_events().run(ctx))
}

#[hook]
fn use_events() -> Html {
    let t = use_texts();
    let filter = use_state_eq(String::new);
    let rows = {
        let filter = (*filter).clone();
        use_view(move |lab| lab.models().events(&lab.core(), &filter))
    };
    let clock = use_view(Lab::clock);
    let onfilter = typed_into(&filter);
    let version = rows.iter().map(|r| r.last_ms.unsigned_abs()).max().unwrap_or(0) + rows.len() as u64;
    html! {
        <div class="nw-logs" data-pane="events">
            <div class="nw-tools"><input class="nw-filter" type="search" placeholder={t.filter} aria-label={t.event_filter}
                value={(*filter).clone()} oninput={onfilter} /></div>
            { scroll(Scroll {
                version, to_end: t.to_end, label: t.events, role: None, live: None, class: "nw-log-scroll",
                content: if rows.is_empty() { html! { <p class="nw-empty">{ t.no_events }</p> } } else { html! {
                    <table class="nw-table nw-events" lang="en">
                        <thead class="nw-sr"><tr><th scope="col">{ t.time }</th><th scope="col">{ t.reason }</th><th scope="col">{ t.object }</th>
                            <th scope="col">{ t.message }</th></tr></thead>
                        <tbody>{ for rows.iter().map(|e| html! {
                            <tr key={e.uid.clone()} data-warning={flag(e.warning)}>
                                <td><time>{ clock.time(e.last_ms) }</time></td>
                                <td class="nw-reason">{ if e.warning { "⚠ " } else { "" } }{ e.reason.clone() }{ if e.count > 1 { format!(" ×{}", e.count) } else { String::new() } }</td>
                                <td>{ e.object.clone() }</td><td>{ e.message.clone() }</td>
                            </tr>
                        }) }</tbody>
                    </table>
                } },
            }) }
        </div>
    }
}
