//! What stands below the editor: problems, changes, and what applying printed.

use crate::dom::flag;
use crate::i18n::Texts;
use crate::lab::{Line, LineKind};
use crate::tools::Change;
use lint::{Effect, Finding};
use std::rc::Rc;
use yew::prelude::*;

/// `go` leads to the problem of that number, `fix` mends it in its way of that number.
pub fn problems(
    t: &Texts,
    found: &[Finding],
    go: &dyn Fn(usize) -> Callback<MouseEvent>,
    fix: &dyn Fn(usize, usize) -> Callback<MouseEvent>,
) -> Html {
    if found.is_empty() {
        return html! {};
    }
    html! {
        <ul class="nw-problems">{ for found.iter().enumerate().map(|(i, f)| html! {
            <li data-severity={f.severity.token()} data-code={f.code.id}>
                <button type="button" class="nw-place" onclick={go(i)}>{ format!("{}:{}", f.range.start.line, f.range.start.column) }</button>
                <div>
                    { if f.path.is_empty() { html! {} } else { html! { <code lang="en">{ f.path.clone() }</code> } } }
                    <span>{ f.message.clone() }</span>
                    { for f.fixes.iter().enumerate().map(|(way, x)| html! {
                        <button type="button" class="nw-btn nw-small" data-action="fix" onclick={fix(i, way)}>{ x.title.clone() }</button>
                    }) }
                    { match &f.server {
                        Some(raw) => html! { <details><summary>{ t.server_says }</summary><pre lang="en">{ raw.clone() }</pre></details> },
                        None => html! {},
                    } }
                </div>
            </li>
        }) }</ul>
    }
}

pub fn changes(t: &Texts, all: &[Change]) -> Html {
    if all.is_empty() {
        return html! { <p class="nw-empty">{ t.no_changes }</p> };
    }
    html! {
        <ul class="nw-changes">{ for all.iter().map(|c| {
            let (token, word) = match c.effect {
                Effect::Created => ("created", t.would_create),
                Effect::Configured => ("configured", t.would_change),
                Effect::Unchanged => ("unchanged", t.would_stay),
                Effect::Refused => ("refused", t.would_refuse),
            };
            html! {
                <li data-effect={token}><b lang="en">{ c.object.clone() }</b>{ " " }<span>{ word }</span>
                    { if c.lines.is_empty() { html! {} } else { html! { <pre lang="en">{ for c.lines.iter().map(|l| html! {
                        <span data-added={flag(l.starts_with('+'))}>{ l.clone() }{ "\n" }</span> }) }</pre> } } }
                    { match &c.refusal { Some(why) => html! { <pre class="nw-err" lang="en">{ why.clone() }</pre> }, None => html! {} } }
                </li>
            }
        }) }</ul>
    }
}

pub fn printed(result: &[Rc<Line>]) -> Html {
    if result.is_empty() {
        return html! {};
    }
    html! {
        <pre class="nw-result" lang="en" role="status">{ for result.iter().map(|l| html! {
            <span class={if l.kind == LineKind::Err { "nw-err" } else { "" }}>{ l.text.clone() }{ "\n" }</span> }) }</pre>
    }
}
