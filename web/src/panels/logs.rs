//! Karpenter's controller log, with a filter.

use crate::dom::flag;
use crate::hooks::{flip, typed_into, use_texts, use_view};
use crate::lab::Lab;
use crate::widgets::{Hook, Scroll, part, part_of, scroll};
use engine::logs::{Level, LogLine};
use objects::Value;
use view::Clock;
use yew::prelude::*;

pub fn logs() -> Html {
    part("logs", |ctx, ()| use_logs().run(ctx))
}

#[hook]
fn use_logs() -> Html {
    let t = use_texts();
    let filter = use_state_eq(String::new);
    let debug = use_state_eq(|| true);
    let rows = {
        let (filter, debug) = ((*filter).clone(), *debug);
        use_view(move |lab| lab.models().logs(&lab.core(), &filter, if debug { Level::Debug } else { Level::Info }))
    };
    let clock = use_view(Lab::clock);
    let onfilter = typed_into(&filter);
    let ondebug = flip(&debug);
    let chip = |word: &'static str| {
        let filter = filter.clone();
        let on = *filter == word;
        let onclick = Callback::from(move |_: MouseEvent| filter.set(if on { String::new() } else { word.to_owned() }));
        html! { <button type="button" class="nw-chip" aria-pressed={flag(on)} {onclick} lang="en">{ word }</button> }
    };
    let version = rows.rows.last().map_or(0, |(i, _)| *i as u64 + 1);
    html! {
        <div class="nw-logs" data-pane="logs">
            <div class="nw-tools">
                <input class="nw-filter" type="search" placeholder={t.filter} aria-label={t.log_filter} value={(*filter).clone()} oninput={onfilter} />
                { chip("provisioner") }{ chip("deprovisioning") }{ chip("consolidation") }
                <button type="button" class="nw-chip" aria-pressed={flag(*debug)} onclick={ondebug} lang="en">{ "DEBUG" }</button>
                <span class="nw-muted nw-count">{ t.lines_of(rows.matching, rows.total) }</span>
            </div>
            { scroll(Scroll {
                version, to_end: t.to_end, label: t.karpenter_log, role: Some("log"), live: Some("off"), class: "nw-log-scroll",
                content: if rows.rows.is_empty() {
                    html! { <p class="nw-empty">{ if rows.total == 0 { t.log_empty.to_owned() } else { t.log_no_match(&filter, rows.total) } }</p> }
                } else { html! {
                    <ol class="nw-log" lang="en">
                        { for rows.rows.iter().map(|(i, l)| part_of(*i, |_, (line, clock)| row(line, *clock), (Shown(l.clone()), clock))) }
                    </ol>
                } },
            }) }
        </div>
    }
}

#[derive(Clone)]
struct Shown(std::sync::Arc<LogLine>);

impl PartialEq for Shown {
    fn eq(&self, other: &Self) -> bool {
        std::sync::Arc::ptr_eq(&self.0, &other.0)
    }
}

fn row(Shown(l): &Shown, clock: Clock) -> Html {
    html! {
        <li data-level={l.level.as_str()} data-text={l.text.clone()}>
            <time>{ clock.at(l.at) }</time>{ " " }<span class="nw-level">{ l.level.as_str() }</span>{ " " }
            <span class="nw-logger">{ l.logger.clone() }</span>{ " " }
            <span class="nw-message">{ l.message.clone() }</span>
            { for l.fields.iter().map(|(k, v)| html! { <span class="nw-field">{ " " }<i>{ k.clone() }</i>{ "=" }{ field(v) }</span> }) }
        </li>
    }
}

fn field(v: &Value) -> String {
    match v {
        Value::String(s) => s.clone(),
        other => other.to_string(),
    }
}
