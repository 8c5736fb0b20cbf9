//! A scrolling list that stays at its end until a person scrolls up, and says how to come back.

use super::{Hook, part_of};
use web_sys::HtmlElement;
use yew::prelude::*;

#[derive(PartialEq)]
pub struct Scroll {
    /// Changes whenever content was added.
    pub version: u64,
    /// Text of the button that leads back to the end.
    pub to_end: &'static str,
    pub label: &'static str,
    pub class: &'static str,
    /// `log` for output that is announced.
    pub role: Option<&'static str>,
    pub live: Option<&'static str>,
    pub content: Html,
}

pub fn scroll(scroll: Scroll) -> Html {
    part_of("scroll", |ctx, scroll| use_scroll(scroll).run(ctx), scroll)
}

/// Pixels from the end that still count as being there.
const NEAR: i32 = 24;

#[hook]
fn use_scroll(props: &Scroll) -> Html {
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
        <div class={classes!("nw-scroll", props.class)}>
            <div class="nw-scroll-in" ref={node} {onscroll} tabindex="0" role={props.role.unwrap_or("group")}
                aria-label={props.label} aria-live={props.live}>
                { props.content.clone() }
            </div>
            { if *pinned { html! {} } else { html! {
                <button type="button" class="nw-btn nw-to-end" onclick={back}>{ props.to_end }</button>
            } } }
        </div>
    }
}
