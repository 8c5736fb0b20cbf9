//! A scrolling list that stays at its end until a person scrolls up, and says how to come back.

use web_sys::HtmlElement;
use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub struct ScrollEndProps {
    /// Changes whenever content was added.
    pub version: u64,
    /// Text of the button that leads back to the end.
    pub to_end: AttrValue,
    pub label: AttrValue,
    #[prop_or_default]
    pub class: Classes,
    /// `log` for output that is announced, empty for none.
    #[prop_or_default]
    pub role: Option<AttrValue>,
    #[prop_or_default]
    pub live: Option<AttrValue>,
    pub children: Html,
}

/// Pixels from the end that still count as being there.
const NEAR: i32 = 24;

#[component]
pub fn ScrollEnd(props: &ScrollEndProps) -> Html {
    let node = use_node_ref();
    let pinned = use_state_eq(|| true);
    {
        let (node, pinned) = (node.clone(), *pinned);
        use_effect_with((props.version, pinned), move |_| {
            if let (true, Some(e)) = (pinned, node.cast::<HtmlElement>()) {
                e.set_scroll_top(e.scroll_height());
            }
        });
    }
    let onscroll = {
        let (node, pinned) = (node.clone(), pinned.clone());
        Callback::from(move |_: Event| {
            if let Some(e) = node.cast::<HtmlElement>() {
                pinned.set(e.scroll_height() - e.scroll_top() - e.client_height() <= NEAR);
            }
        })
    };
    let back = {
        let pinned = pinned.clone();
        Callback::from(move |_: MouseEvent| pinned.set(true))
    };
    html! {
        <div class={classes!("nw-scroll", props.class.clone())}>
            <div class="nw-scroll-in" ref={node} {onscroll} tabindex="0" role={props.role.clone().unwrap_or("group".into())}
                aria-label={props.label.clone()} aria-live={props.live.clone()}>
                { props.children.clone() }
            </div>
            { if *pinned { html! {} } else { html! {
                <button type="button" class="nw-btn nw-to-end" onclick={back}>{ props.to_end.clone() }</button>
            } } }
        </div>
    }
}
