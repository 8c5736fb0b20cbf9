//! A pane: a heading, tools beside it, content below.

use yew::prelude::*;

pub struct Panel {
    /// For layout and tests: `data-pane`.
    pub token: &'static str,
    pub title: &'static str,
    pub class: &'static str,
    pub tools: Html,
}

impl Panel {
    pub fn draw(self, content: Html) -> Html {
        html! {
            <section class={classes!("nw-pane", self.class)} data-pane={self.token} aria-label={self.title}>
                <header class="nw-pane-head">
                    <h2>{ self.title }</h2>
                    <div class="nw-pane-tools">{ self.tools }</div>
                </header>
                { content }
            </section>
        }
    }
}
