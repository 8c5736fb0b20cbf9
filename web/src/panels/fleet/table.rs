//! The map as a table: the same facts for those who do not look at pictures.

use crate::i18n::Texts;
use view::{FleetMap, format};
use yew::prelude::*;

pub fn table(map: &FleetMap, t: &'static Texts) -> Html {
    html! {
        <div class="nw-table-wrap" tabindex="0" role="group" aria-label={t.map}>
            <table class="nw-table">
                <thead><tr><th scope="col">{ t.node }</th><th scope="col">{ t.instance }</th><th scope="col">{ t.capacity }</th>
                    <th scope="col">{ t.state }</th><th scope="col">{ "CPU" }</th><th scope="col">{ t.pods }</th></tr></thead>
                <tbody>
                    { for map.nodes.iter().map(|n| {
                        let mut state = vec![if n.ready { t.ready } else { t.not_ready }];
                        if n.cordoned { state.push(t.cordoned); }
                        if n.deleting { state.push(t.deleting); }
                        html! { <tr key={n.name.clone()}><th scope="row">{ n.short.clone() }</th><td>{ n.instance_type.clone() }</td>
                            <td>{ n.capacity.word() }</td><td>{ state.join(", ") }</td>
                            <td>{ format!("{}%", format::percent1(n.cpu_permille)) }</td><td>{ n.pods() }</td></tr> }
                    }) }
                    { for map.launching.iter().map(|l| html! { <tr key={l.claim.clone()}><th scope="row">{ l.claim.clone() }</th>
                        <td>{ l.instance_type.clone() }</td><td>{ l.capacity.word() }</td><td>{ t.launching }</td><td>{ "-" }</td><td>{ "-" }</td></tr> }) }
                    { for map.pending.iter().map(|p| html! { <tr key={p.name.clone()}><th scope="row">{ p.name.clone() }</th>
                        <td>{ "-" }</td><td>{ "-" }</td><td>{ t.pending }</td><td>{ format::cpu(p.cpu_milli) }</td><td>{ "-" }</td></tr> }) }
                </tbody>
            </table>
        </div>
    }
}
