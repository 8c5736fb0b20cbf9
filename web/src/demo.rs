//! The first visit: one command types itself, and the cluster answers. Any key or click takes over at once.

use crate::dom::{self, Listener};
use crate::hooks::{click, use_lab, use_texts, use_view};
use crate::lab::{Lab, Pane};
use crate::options::Options;
use crate::widgets::{Button, Hook, Icon, part};
use engine::Era;
use gloo_timers::callback::{Interval, Timeout};
use std::cell::RefCell;
use std::rc::Rc;
use web_sys::{EventTarget, HtmlTextAreaElement, wasm_bindgen::JsCast};
use yew::platform::spawn_local;
use yew::prelude::*;

const COMMAND: &str = "kubectl scale deployment inflate --replicas 5";
/// Wall milliseconds before the first and between two letters: the command stands after about one second.
const BEFORE_MS: u32 = 500;
const LETTER_MS: u32 = 22;

thread_local! {
    static RUN: RefCell<Option<Run>> = const { RefCell::new(None) };
}

struct Run {
    typing: Option<Interval>,
    _stops: Vec<Listener>,
}

/// Starts the demo on a first visit, where motion is welcome.
pub fn start(lab: &Lab, options: &Options) {
    if !options.first_visit || options.embed || options.lesson.is_some() || dom::reduced_motion() {
        return;
    }
    dom::store("visited", "1");
    lab.show(|ui| ui.demo = true);
    listen(lab);
    let lab = lab.clone();
    Timeout::new(BEFORE_MS, move || {
        if lab.ui().demo {
            type_command(&lab);
        }
    })
    .forget();
}

fn prompt() -> Option<HtmlTextAreaElement> {
    dom::document()?.query_selector(".nw-prompt textarea").ok().flatten()?.dyn_into().ok()
}

/// Any key or click ends the demo from now on.
fn listen(lab: &Lab) {
    let Some(document) = dom::document() else { return };
    let target: &EventTarget = document.as_ref();
    let stop = |name: &'static str| {
        let lab = lab.clone();
        Listener::with(target, name, true, move |_| {
            // The text typed so far stays, for the person to finish or to change. Dropped later: this is its own call.
            let lab = lab.clone();
            Timeout::new(0, move || finish(&lab)).forget();
        })
    };
    let stops = vec![stop("keydown"), stop("pointerdown")];
    RUN.with(|r| *r.borrow_mut() = Some(Run { typing: None, _stops: stops }));
}

fn type_command(lab: &Lab) {
    let typed = Rc::new(RefCell::new(0_usize));
    let typing = {
        let lab = lab.clone();
        Interval::new(LETTER_MS, move || {
            let n = {
                let mut n = typed.borrow_mut();
                *n += 1;
                *n
            };
            let Some(field) = prompt() else { return };
            match COMMAND.get(..n) {
                Some(text) => field.set_value(text),
                None => {
                    field.set_value("");
                    finish(&lab);
                    run(&lab);
                }
            }
        })
    };
    RUN.with(|r| {
        if let Some(run) = &mut *r.borrow_mut() {
            run.typing = Some(typing);
        }
    });
}

fn finish(lab: &Lab) {
    if lab.ui().demo {
        lab.show(|ui| ui.demo = false);
    }
    // Not from within the interval that it owns.
    Timeout::new(0, || {
        RUN.with(|r| r.borrow_mut().take());
    })
    .forget();
}

/// What the demo types, at once.
pub fn run(lab: &Lab) {
    lab.change(|c| {
        c.clock.playing = true;
        c.submit(0, COMMAND);
    });
}

/// The first lesson of an era, if there is one.
pub fn lesson_of(era: Era) -> Option<&'static str> {
    lessons::LESSONS.into_iter().find(|(_, e)| *e == era).map(|(id, _)| id)
}

/// Fetches the lesson of this era and goes over to it.
pub fn start_lesson(lab: &Lab) {
    let era = lab.core().session.scenario().era;
    let Some(id) = lesson_of(era) else { return };
    let lab = lab.clone();
    spawn_local(async move {
        let mut options = lab.ui().options.clone();
        options.lesson = Some(id.to_owned());
        options.lesson_file = dom::fetch_text(&format!("lessons/{id}.json")).await.map(Into::into);
        options.era = Some(era);
        let none = || Err(crate::i18n::texts(lab.ui().lang).no_lesson.to_owned());
        match options.lesson_file.as_ref().map_or_else(none, |_| lab.restart(&options)) {
            Ok(()) => lab.show(|ui| {
                ui.options = options;
                ui.lesson_open = true;
            }),
            Err(message) => lab.show(|ui| ui.toast = Some(message)),
        }
    });
}

/// The stop button while the demo types; otherwise the same scene by a button.
pub fn offer() -> Html {
    part("offer", |ctx, ()| use_offer().run(ctx))
}

#[hook]
fn use_offer() -> Html {
    let lab = use_lab();
    let t = use_texts();
    let demo = use_view(|lab| lab.ui().demo);
    let possible = use_view(|lab| {
        let s = lab.core().snapshot();
        s.store
            .get(&objects::ObjectKey::new(objects::Kind::Deployment, "default", "inflate"))
            .is_some_and(|d| d.workload().is_some_and(|w| w.replicas == 0))
    });
    let act = click(&lab, |lab| {
        let typing = lab.ui().demo;
        if typing { finish(lab) } else { run(lab) }
    });
    let yaml = click(&lab, |lab| lab.show(|ui| ui.open(Pane::Yaml)));
    html! {
        <div class="nw-offers">
            { if demo { html! { { Button::new(Icon::Stop, t.stop_demo, act).text().class("nw-demo-stop").draw() } } }
              else if possible { html! { { Button::new(Icon::Play, t.scale_to_five, act).text().class("nw-demo-run").draw() } } }
              else { html! {} } }
            <button type="button" class="nw-btn" onclick={yaml}>{ t.paste_yaml }</button>
        </div>
    }
}
