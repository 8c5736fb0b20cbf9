//! How components read the lab.

use crate::dom;
use crate::i18n::{Texts, texts};
use crate::lab::Lab;
use std::rc::Rc;
use view::Lang;
use yew::prelude::*;

/// The lab of this mount.
#[hook]
pub fn use_lab() -> Lab {
    // The app provides it around everything; a component outside would be a mistake of this crate.
    #[expect(clippy::expect_used, reason = "every component is rendered below the provider in `app`")]
    use_context::<Lab>().expect("a lab around every component")
}

/// Whether what a component read from the lab differs from what it would read now.
type Differs = Box<dyn Fn(&Lab) -> bool>;

/// A value read from the lab: the component is drawn again only when the value differs.
#[hook]
pub fn use_view<T: PartialEq + Clone + 'static>(select: impl Fn(&Lab) -> T + 'static) -> T {
    let lab = use_lab();
    let value = select(&lab);
    let last = value.clone();
    use_watch(lab, Box::new(move |lab| select(lab) != last));
    value
}

/// Draws the component again when `differs`, of its last drawing, says so. Apart from [`use_view`], so that the page
/// has it once and not for each type of value.
#[hook]
fn use_watch(lab: Lab, differs: Differs) {
    let redraw = use_force_update();
    let latest = use_mut_ref(|| None::<Differs>);
    *latest.borrow_mut() = Some(differs);
    use_effect_with((), move |()| {
        let reader = lab.clone();
        let id = lab.subscribe(Rc::new(move || {
            if latest.borrow().as_ref().is_some_and(|differs| differs(&reader)) {
                redraw.force_update();
            }
        }));
        move || lab.unsubscribe(id)
    });
}

#[hook]
pub fn use_lang() -> Lang {
    use_view(|lab| lab.ui().lang)
}

/// The texts of the current language.
#[hook]
pub fn use_texts() -> &'static Texts {
    texts(use_lang())
}

/// A click that needs nothing but the lab. Closures of one type, for all such clicks, keep the page small.
pub fn click(lab: &Lab, act: fn(&Lab)) -> Callback<MouseEvent> {
    let lab = lab.clone();
    Callback::from(move |_: MouseEvent| act(&lab))
}

/// A click on one of several like things: `act` gets its number.
pub fn click_at(lab: &Lab, at: usize, act: fn(&Lab, usize)) -> Callback<MouseEvent> {
    let lab = lab.clone();
    Callback::from(move |_: MouseEvent| act(&lab, at))
}

/// A click that turns a state over.
pub fn flip(state: &UseStateHandle<bool>) -> Callback<MouseEvent> {
    let state = state.clone();
    Callback::from(move |_: MouseEvent| state.set(!*state))
}

/// What is typed goes into a state.
pub fn typed_into(state: &UseStateHandle<String>) -> Callback<InputEvent> {
    let state = state.clone();
    Callback::from(move |e: InputEvent| {
        if let Some(text) = dom::value(&e) {
            // Hangul typed on some systems comes in parts; names and messages are written whole.
            state.set(js_sys::JsString::from(text).normalize("NFC").into());
        }
    })
}
