//! The frame around all panels: layout by the size of the host, theme, language, shortcuts.

use crate::dom::{self, Listener, flag};
use crate::hooks::{use_lab, use_texts, use_view};
use crate::lab::{Lab, Pane, PhoneTab};
use crate::options::Options;
use crate::panels::{
    attached_bar::attached_bar, bar::bar, dialogs::dialogs, embed_bar::embed_bar, fleet::fleet, lesson::lesson, live::live,
};
use crate::panels::{nodes::nodes, phone::phone_tabs, side::side, terminal::terminal, timeline::timeline_strip};
use crate::widgets::{Hook, part_of};
use crate::{attached, demo, frame, tools};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{Element, HtmlElement, KeyboardEvent};
use yew::prelude::*;

#[derive(Properties, PartialEq)]
struct RootProps {
    lab: Lab,
    host: Element,
}

/// Renders into `host`; an engine that does not start is reported there in words.
pub fn render(host: Element, options: Options) {
    host.set_inner_html("");
    match Lab::new(options.clone()) {
        Ok(lab) => {
            frame::start(lab.clone());
            tools::load_on_interest(&lab);
            attached::start(&lab);
            demo::start(&lab, &options);
            yew::Renderer::<Root>::with_root_and_props(host.clone(), RootProps { lab, host }).render();
        }
        Err(message) => {
            host.set_text_content(Some(&message));
        }
    }
}

#[component]
fn Root(props: &RootProps) -> Html {
    let host = props.host.clone();
    html! {
        <ContextProvider<Lab> context={props.lab.clone()}>
            { part_of("shell", |ctx, host| use_shell(host).run(ctx), host) }
        </ContextProvider<Lab>>
    }
}

#[hook]
fn use_shell(host: &Element) -> Html {
    let lab = use_lab();
    let t = use_texts();
    let (layout, theme, lang, phone, shown, lesson_open, embed, attached) = use_view(|lab| {
        let ui = lab.ui();
        (ui.layout, ui.theme, ui.lang, ui.phone, ui.shown(), ui.lesson_open, ui.options.embed, ui.options.attached.is_some())
    });
    let has_lesson = use_view(|lab| lab.core().lesson.is_some());
    let playing = use_view(|lab| lab.core().clock.playing);
    let rewound = use_view(|lab| lab.core().session.is_rewound());
    use_editing(&lab);
    use_size(&lab, host);
    use_shortcuts(&lab);
    use_visibility(&lab);
    use_effect_with((lang, embed), |(lang, embed)| {
        let root = dom::document().and_then(|d| d.document_element());
        if let Some(root) = root {
            let _ = root.set_attribute("lang", lang.code());
            let _ = root.set_attribute("data-embed", if *embed { "true" } else { "false" });
        }
    });
    use_effect_with(theme, |theme| {
        if let Some(root) = dom::document().and_then(|d| d.document_element()) {
            let _ = root.set_attribute("data-theme", theme.as_str());
        }
    });
    let whole = !embed && !attached;
    let learn = whole && (layout.token() != "phone" || phone == PhoneTab::Learn);
    html! {
        <div class="nw" data-layout={layout.token()} data-theme={theme.as_str()} data-phone={phone.token()}
            data-side={shown.token()} data-lesson={flag(learn && lesson_open)} data-playing={flag(playing)}
            data-has-lesson={flag(has_lesson)} data-rewound={flag(rewound)} data-attached={flag(attached)} lang={lang.code()}>
            { if attached { attached_bar() } else if embed { embed_bar() } else { bar() } }
            <main class="nw-main" aria-label={t.playground}>
                { if whole { lesson() } else { html! {} } }
                { fleet() }
                { nodes() }
                { if attached { html! {} } else { terminal() } }
                { side() }
            </main>
            { if whole { timeline_strip() } else { html! {} } }
            { if embed { html! {} } else { phone_tabs() } }
            { dialogs() }
            { live() }
        </div>
    }
}

/// Opens the editor's pane when a program wants a text edited.
#[hook]
fn use_editing(lab: &Lab) {
    let lab = lab.clone();
    let terminal = use_view(|lab| lab.core().editing().map(|(terminal, _)| terminal));
    use_effect_with(terminal, move |terminal| {
        if terminal.is_some() {
            lab.show(|ui| ui.open(Pane::Yaml));
            focus_pane(Pane::Yaml.token());
        }
    });
}

/// Chooses the arrangement from the size of the host, at once and whenever that changes.
#[hook]
fn use_size(lab: &Lab, host: &Element) {
    let (lab, host) = (lab.clone(), host.clone());
    use_effect_with((), move |()| {
        let measure = {
            let host = host.clone();
            move || {
                let rect = host.get_bounding_client_rect();
                let embed = lab.ui().options.embed;
                let layout = crate::lab::Layout::of(rect.width(), rect.height(), embed);
                if rect.width() > 0.0 && lab.ui().layout != layout {
                    lab.show(|ui| ui.layout = layout);
                }
            }
        };
        measure();
        let closure = Closure::<dyn FnMut(JsValue)>::new(move |_| measure());
        let observer = web_sys::ResizeObserver::new(closure.as_ref().unchecked_ref()).ok();
        if let Some(o) = &observer {
            o.observe(&host);
        }
        move || {
            if let Some(o) = &observer {
                o.disconnect();
            }
            drop(closure);
        }
    });
}

/// A hidden tab pauses after two seconds and resumes when it is seen again.
#[hook]
fn use_visibility(lab: &Lab) {
    let lab = lab.clone();
    use_effect_with((), move |()| {
        let resume = std::rc::Rc::new(std::cell::Cell::new(false));
        let timer = std::rc::Rc::new(std::cell::RefCell::new(None));
        let listener = dom::document().map(|document| {
            let target: web_sys::EventTarget = document.clone().into();
            Listener::new(&target, "visibilitychange", move |_| {
                if document.visibility_state() == web_sys::VisibilityState::Hidden {
                    let (lab, resume) = (lab.clone(), resume.clone());
                    *timer.borrow_mut() = Some(gloo_timers::callback::Timeout::new(2_000, move || {
                        if lab.core().clock.playing {
                            resume.set(true);
                            lab.change(|c| c.clock.playing = false);
                        }
                    }));
                } else {
                    timer.borrow_mut().take();
                    if resume.replace(false) {
                        lab.change(|c| c.clock.playing = true);
                    }
                }
            })
        });
        move || drop(listener)
    });
}

/// Single-key shortcuts, only outside text fields and never while a composition is under way. They compare the
/// physical key, so that a Korean layout works.
#[hook]
fn use_shortcuts(lab: &Lab) {
    let lab = lab.clone();
    use_effect_with((), move |()| {
        let pending_g = std::cell::Cell::new(false);
        let listener = dom::document().filter(|_| !lab.ui().options.embed).map(|document| {
            let target: web_sys::EventTarget = document.into();
            Listener::new(&target, "keydown", move |event| {
                let Some(e) = event.dyn_ref::<KeyboardEvent>() else { return };
                if e.is_composing() || e.key_code() == 229 || e.alt_key() || in_text_field(e) {
                    return;
                }
                let command = e.ctrl_key() || e.meta_key();
                let code = e.code();
                if command {
                    if code == "KeyZ" {
                        e.prevent_default();
                        lab.change(|c| if e.shift_key() { c.redo() } else { c.undo() });
                    } else if code == "Backquote" {
                        e.prevent_default();
                        focus_pane("term");
                    }
                    return;
                }
                if pending_g.replace(false) {
                    let pane = match code.as_str() {
                        "KeyT" => Some(Pane::Terminal),
                        "KeyN" => Some(Pane::Nodes),
                        "KeyL" => Some(Pane::Logs),
                        "KeyY" => Some(Pane::Yaml),
                        "KeyC" => Some(Pane::Cost),
                        "KeyM" => {
                            focus_pane("map");
                            None
                        }
                        _ => None,
                    };
                    if let Some(pane) = pane {
                        lab.show(|ui| ui.open(pane));
                        focus_pane(pane.token());
                    }
                    return;
                }
                match code.as_str() {
                    "Space" if on_plain_ground(e) => {
                        e.prevent_default();
                        lab.change(|c| c.clock.playing = !c.clock.playing);
                    }
                    "Period" => lab.change(|c| c.next_event()),
                    "BracketLeft" => step_speed(&lab, false),
                    "BracketRight" => step_speed(&lab, true),
                    "KeyG" => pending_g.set(true),
                    "KeyH" => lab.change(|c| c.lesson.iter_mut().for_each(|l| l.hint())),
                    "Slash" if e.shift_key() => lab.show(|ui| ui.dialog = Some(crate::lab::Dialog::Help)),
                    "Escape" => lab.show(|ui| {
                        if ui.dialog.take().is_none() {
                            ui.node = None;
                        }
                    }),
                    _ => {}
                }
            })
        });
        move || drop(listener)
    });
}

fn step_speed(lab: &Lab, faster: bool) {
    let now = lab.core().clock.speed;
    let mut speeds = crate::options::SPEEDS.into_iter();
    let next = if faster { speeds.find(|s| *s > now) } else { speeds.rev().find(|s| *s < now) };
    if let Some(speed) = next {
        lab.change(|c| c.clock.speed = speed);
    }
}

fn target(e: &KeyboardEvent) -> Option<HtmlElement> {
    // Inside a shadow root (the editor) the event's own target is the host; the path knows better.
    e.composed_path().get(0).dyn_into::<HtmlElement>().ok()
}

fn in_text_field(e: &KeyboardEvent) -> bool {
    target(e).is_some_and(|t| {
        t.is_content_editable()
            || matches!(t.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT")
                && t.get_attribute("type").as_deref() != Some("range")
    })
}

/// Space belongs to buttons and links where one has the focus.
fn on_plain_ground(e: &KeyboardEvent) -> bool {
    target(e).is_none_or(|t| !matches!(t.tag_name().as_str(), "BUTTON" | "A" | "SUMMARY"))
}

/// Moves the focus into a pane: its text field, or its first control.
pub fn focus_pane(token: &str) {
    let selector = format!("[data-pane=\"{token}\"]");
    let find = || dom::document()?.query_selector(&selector).ok().flatten();
    let Some(pane) = find() else { return };
    let field = "textarea:not([hidden])";
    let has_field = pane.query_selector(field).ok().flatten().is_some();
    dom::focus_selector(&pane, if has_field { field } else { "input, button, [tabindex=\"0\"]" });
}
