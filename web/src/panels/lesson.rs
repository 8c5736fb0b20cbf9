//! The lesson: where a person is, what to type, what to look at.

use crate::hooks::{use_lab, use_texts, use_view};
use yew::prelude::*;

#[component]
pub fn Lesson() -> Html {
    let lab = use_lab();
    let t = use_texts();
    let view = use_view(|lab| {
        let lang = lab.ui().lang;
        lab.core().lesson.as_ref().map(|l| l.view(lang))
    });
    let Some(_view) = view else {
        let start = Callback::from(move |_: MouseEvent| crate::demo::start_lesson(&lab));
        return html! {
            <section class="nw-pane nw-lesson" data-pane="lesson" aria-label={t.lesson}>
                <div class="nw-lesson-in nw-intro">
                    <h2>{ t.intro_title }</h2>
                    <p>{ t.intro }</p>
                    <button type="button" class="nw-btn nw-primary" data-action="lesson" onclick={start}>{ t.start_lesson }</button>
                    <crate::demo::Offer />
                </div>
            </section>
        };
    };
    html! {}
}
