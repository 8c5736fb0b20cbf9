//! One polite summary for readers, and the toast.

use crate::dom;
use crate::hooks::{click, use_lab, use_texts, use_view};
use crate::widgets::{Button, Hook, Icon, part};
use yew::prelude::*;

/// At most one message in this wall time.
const QUIET_MS: f64 = 3_000.0;

pub fn live() -> Html {
    part("live", |ctx, ()| use_live().run(ctx))
}

#[hook]
fn use_live() -> Html {
    let lab = use_lab();
    let t = use_texts();
    let sentence = use_view(|lab| {
        let lang = lab.ui().lang;
        // Cents move with every node; the sentence changes with what can be seen.
        lab.models().overview(&lab.core()).sentence(lang)
    });
    let toast = use_view(|lab| lab.ui().toast.clone());
    let said = use_state_eq(String::new);
    let last = use_mut_ref(|| f64::MIN);
    {
        let said = said.clone();
        use_effect_with(sentence.clone(), move |sentence| {
            let wait = (QUIET_MS - (dom::now_ms() - *last.borrow())).clamp(300.0, QUIET_MS);
            let (sentence, said, last) = (sentence.clone(), said.clone(), last.clone());
            let timer = gloo_timers::callback::Timeout::new(wait as u32, move || {
                *last.borrow_mut() = dom::now_ms();
                said.set(sentence);
            });
            move || drop(timer)
        });
    }
    {
        let lab = lab.clone();
        use_effect_with(toast.clone(), move |toast| {
            let timer =
                toast.is_some().then(|| gloo_timers::callback::Timeout::new(6_000, move || lab.show(|ui| ui.toast = None)));
            move || drop(timer)
        });
    }
    let close = click(&lab, |lab| lab.show(|ui| ui.toast = None));
    html! {
        <>
            { super::nodes::definitions() }
            <div class="nw-sr" role="status" aria-live="polite" data-live="summary">{ (*said).clone() }</div>
            <div class="nw-toasts" role="status" aria-live="polite">
                { match toast {
                    Some(text) => html! { <div class="nw-toast"><span>{ text }</span>{ Button::new(Icon::Close, t.close, close).draw() }</div> },
                    None => html! {},
                } }
            </div>
        </>
    }
}
