//! Cost and node count over time.

use crate::hooks::{flip, use_lab, use_texts, use_view};
use crate::lab::Lab;
use crate::widgets::{Button, Hook, Icon, part};
use crate::{dom, tools};
use view::format;
use yew::prelude::*;

pub fn cost() -> Html {
    part("cost", |ctx, ()| use_cost().run(ctx))
}

#[hook]
fn use_cost() -> Html {
    let lab = use_lab();
    let t = use_texts();
    let series = use_view(|lab| lab.models().cost(&lab.core()));
    let clock = use_view(Lab::clock);
    let region = use_view(|lab| lab.core().snapshot().region.clone());
    let as_table = use_state_eq(|| false);
    let pen = use_state_eq(|| tools::get_extras().is_some());
    {
        let pen = pen.clone();
        use_effect_with((), move |()| tools::extras(move |x| pen.set(x.is_ok())));
    }
    let picture = tools::get_extras().filter(|_| *pen).map(|x| (x.chart)(&series, clock)).unwrap_or_default();
    let toggle = flip(&as_table);
    let copy_csv = {
        let (lab, csv) = (lab.clone(), series.clone());
        Callback::from(move |_: MouseEvent| {
            let lab = lab.clone();
            dom::copy(&csv.csv(), move |ok| {
                let t = crate::i18n::texts(lab.ui().lang);
                let text = (if ok { t.copied } else { t.copy_failed }).to_owned();
                lab.show(|ui| ui.toast = Some(text));
            });
        })
    };
    let last = series.steps.last().copied();
    html! {
        <div class="nw-cost" data-pane="cost">
            <dl class="nw-totals">
                <div><dt>{ t.rate_now }</dt><dd data-total="rate">{ format::usd(series.rate_micro, 3) }<small>{ t.per_hour }</small></dd></div>
                <div><dt>{ t.spent }</dt><dd data-total="spent">{ format::usd(series.spent_micro, 4) }</dd></div>
                <div><dt>{ t.per_month }</dt><dd>{ format::usd(format::monthly(series.rate_micro), 2) }</dd></div>
                <div><dt>{ t.saved }</dt><dd>{ format!("{}%", format::percent1(series.saved_permille())) }</dd></div>
            </dl>
            { if *as_table { html! {
                <div class="nw-table-wrap" tabindex="0" role="group" aria-label={t.cost}><table class="nw-table"><thead><tr><th scope="col">{ t.since }</th><th scope="col">{ t.on_demand }</th>
                    <th scope="col">{ t.spot }</th><th scope="col">{ t.rate_now }</th></tr></thead>
                    <tbody>{ for series.steps.iter().map(|s| html! { <tr><td>{ clock.at(s.from) }</td><td>{ s.nodes_on_demand }</td>
                        <td>{ s.nodes_spot }</td><td>{ format!("{}{}", format::usd(s.rate_micro(), 4), t.per_hour) }</td></tr> }) }</tbody></table></div>
            } } else { html! {
                <figure class="nw-chart">
                    <figcaption class="nw-sr">{ last.map(|s| t.chart_summary(series.rate_micro, s.nodes_on_demand, s.nodes_spot)).unwrap_or_default() }</figcaption>
                    <div class="nw-chart-svg" aria-hidden="true">{ Html::from_html_unchecked(picture.into()) }</div>
                </figure>
            } } }
            <p class="nw-keys">
                <span data-key="od">{ t.on_demand }</span><span data-key="spot">{ t.spot }</span><span data-key="line">{ t.all_on_demand }</span>
                <span data-key="nodes">{ t.node_count }</span>
            </p>
            <p class="nw-tools">
                { Button::new(if *as_table { Icon::Picture } else { Icon::Table }, if *as_table { t.as_picture } else { t.as_table }, toggle).text().class("nw-small").draw() }
                { Button::new(Icon::Copy, "CSV", copy_csv).text().class("nw-small").draw() }
                <small class="nw-muted">{ t.price_source(&region) }</small>
            </p>
        </div>
    }
}
