//! How components read the lab.

use crate::i18n::{Texts, texts};
use crate::lab::Lab;
use std::cell::RefCell;
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

/// The last value and what reads it.
type Selected<T> = (T, Box<dyn Fn(&Lab) -> T>);

/// A value read from the lab: the component is drawn again only when the value differs.
#[hook]
pub fn use_view<T: PartialEq + Clone + 'static>(select: impl Fn(&Lab) -> T + 'static) -> T {
    let lab = use_lab();
    let redraw = use_force_update();
    let value = select(&lab);
    let latest = use_mut_ref(|| None::<Selected<T>>);
    *latest.borrow_mut() = Some((value.clone(), Box::new(select)));
    use_effect_with((), move |()| {
        let (reader, cell): (Lab, Rc<RefCell<Option<_>>>) = (lab.clone(), latest);
        let id = lab.subscribe(Rc::new(move || {
            let differs = cell.borrow().as_ref().is_some_and(|(old, select): &Selected<T>| select(&reader) != *old);
            if differs {
                redraw.force_update();
            }
        }));
        move || lab.unsubscribe(id)
    });
    value
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
