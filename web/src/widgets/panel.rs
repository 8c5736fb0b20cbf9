//! A pane: a heading, tools beside it, content below.

use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub struct PanelProps {
    /// For layout and tests: `data-pane`.
    pub token: AttrValue,
    pub title: AttrValue,
    #[prop_or_default]
    pub tools: Html,
    #[prop_or_default]
    pub class: Classes,
    pub children: Html,
}

#[component]
pub fn Panel(props: &PanelProps) -> Html {
    html! {
        <section class={classes!("nw-pane", props.class.clone())} data-pane={props.token.clone()} aria-label={props.title.clone()}>
            <header class="nw-pane-head">
                <h2>{ props.title.clone() }</h2>
                <div class="nw-pane-tools">{ props.tools.clone() }</div>
            </header>
            { props.children.clone() }
        </section>
    }
}
