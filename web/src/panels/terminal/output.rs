//! What a terminal shows: blocks of lines, or one picture of a full-screen program.

use super::ansi;
use crate::hooks::{use_texts, use_view};
use crate::lab::{Line, LineKind};
use crate::widgets::{Hook, Scroll, part_of, scroll};
use std::rc::Rc;
use yew::prelude::*;

/// Lines of one block: only blocks that changed are drawn again.
const BLOCK: u64 = 64;

/// Lines up to this length are rows of tables, whose columns matter: they scroll sideways. Longer ones (logs) wrap.
const TABLE: usize = 170;

#[derive(Clone, PartialEq)]
struct Shown {
    revision: u64,
    dropped: u64,
    screen: Option<Rc<str>>,
}

pub fn output(terminal: usize) -> Html {
    // A key of its own for each: where one terminal is scrolled to is no matter of another.
    part_of(terminal, |ctx, terminal| use_output(*terminal).run(ctx), terminal)
}

#[hook]
fn use_output(terminal: usize) -> Html {
    let t = use_texts();
    let lab = crate::hooks::use_lab();
    let shown = use_view(move |lab| {
        let core = lab.core();
        core.terms.get(terminal).map(|t| Shown { revision: t.revision(), dropped: t.dropped(), screen: t.screen() })
    });
    let Some(shown) = shown else { return html! {} };
    if let Some(screen) = &shown.screen {
        return html! { <pre class="nw-screen" lang="en" tabindex="0" aria-label={t.full_screen}>{ ansi::render(screen) }</pre> };
    }
    let blocks: Vec<(u64, Vec<Rc<Line>>)> = {
        let core = lab.core();
        let mut blocks: Vec<(u64, Vec<Rc<Line>>)> = Vec::new();
        for line in core.terms.get(terminal).into_iter().flat_map(|t| t.lines()) {
            match blocks.last_mut() {
                Some((id, lines)) if *id == line.id / BLOCK => lines.push(line.clone()),
                _ => blocks.push((line.id / BLOCK, vec![line.clone()])),
            }
        }
        blocks
    };
    let content = html! {
        <>
            { if shown.dropped > 0 { html! { <p class="nw-muted">{ t.dropped(shown.dropped) }</p> } } else { html! {} } }
            { if blocks.is_empty() { html! { <p class="nw-welcome">{ t.welcome }</p> } } else { html! {} } }
            { for blocks.into_iter().map(|(id, lines)| part_of(id, |_, lines| block(lines), Block(lines))) }
        </>
    };
    scroll(Scroll {
        version: shown.revision,
        to_end: t.to_end,
        label: t.output,
        class: "nw-output",
        role: Some("log"),
        live: None,
        content,
    })
}

struct Block(Vec<Rc<Line>>);

impl PartialEq for Block {
    /// A line changes by a new pointer only.
    fn eq(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(|(a, b)| Rc::ptr_eq(a, b))
    }
}

fn block(Block(lines): &Block) -> Html {
    html! {
        <ol class="nw-lines">
            { for lines.iter().map(|l| match l.kind {
                LineKind::Input(prompt) => html! { <li key={l.id} class="nw-in" lang="en"><span class="nw-ps" aria-hidden="true">{ prompt.text() }</span>{ l.text.clone() }</li> },
                LineKind::Out => html! { <li key={l.id} class={(l.text.len() <= TABLE).then_some("nw-table-line")} lang="en">{ ansi::render(&l.text) }</li> },
                LineKind::Err => html! { <li key={l.id} class="nw-err" lang="en">{ ansi::render(&l.text) }</li> },
                LineKind::Hint => html! { <li key={l.id} class="nw-hint">{ l.text.clone() }</li> },
            }) }
        </ol>
    }
}
