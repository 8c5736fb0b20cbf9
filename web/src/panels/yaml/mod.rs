//! The YAML pane: an editor over manifests, its problems, what applying them would change, and what it did. `kubectl edit`
//! opens its text here, too, and waits.

mod lists;
mod source;

use crate::dom::{self, flag};
use crate::editor::{Ask, Editor, Mounted, editor};
use crate::hooks::{use_lab, use_texts, use_view};
use crate::lab::{Lab, Line, LineKind, Pane, Term};
use crate::tools::{self, Change, Checked, Tools};
use crate::widgets::{Hook, part};
use engine::Era;
use source::{editable, initial, live};
use std::cell::RefCell;
use std::rc::Rc;
use web_sys::{HtmlSelectElement, wasm_bindgen::JsCast};
use yew::prelude::*;

/// Wall milliseconds after the last key before a text is checked.
const CHECK_AFTER_MS: u32 = 250;

pub fn yaml() -> Html {
    part("yaml", |ctx, ()| use_yaml().run(ctx))
}

/// What stands below the editor about its text.
#[derive(Clone, Default, PartialEq)]
struct About {
    checked: Checked,
    changes: Vec<Change>,
    /// Why nothing is known, where that is so.
    missing: Option<String>,
}

#[hook]
fn use_yaml() -> Html {
    let lab = use_lab();
    let t = use_texts();
    let lang = use_view(|lab| lab.ui().lang);
    let era = use_view(|lab| lab.core().session.scenario().era);
    let objects = use_view(|lab| editable(&lab.core().snapshot()));
    let generation = use_view(|lab| lab.core().generation);
    let editing = use_view(|lab| lab.core().editing().map(|(terminal, edit)| (terminal, edit.clone())));
    let text = use_state_eq({
        let lab = lab.clone();
        move || draft(&lab, era).unwrap_or_else(|| initial(&lab.core().snapshot()))
    });
    let about = use_state_eq(About::default);
    let comparing = use_state_eq(|| false);
    let ready = use_state_eq(|| false);
    let result = use_state_eq(Vec::<Rc<Line>>::new);
    let mounted: Rc<RefCell<Option<Mounted>>> = use_mut_ref(|| None);
    {
        let (lab, about, own) = (lab.clone(), about.clone(), editing.is_none());
        use_effect_with(((*text).clone(), era, lang, *comparing, own), move |(text, era, lang, comparing, own)| {
            if *own {
                keep_draft(&lab, *era, text);
            }
            let (text, lang, comparing) = (text.clone(), *lang, *comparing);
            let timer = gloo_timers::callback::Timeout::new(CHECK_AFTER_MS, move || {
                tools::extras(move |extras| {
                    let core = lab.core();
                    about.set(match extras {
                        Ok(x) => About {
                            checked: (x.check)(&text, &core.session, lang),
                            changes: if comparing { (x.changes)(&text, &core.session, lang) } else { Vec::new() },
                            missing: None,
                        },
                        Err(e) => About { missing: Some(e.to_owned()), ..About::default() },
                    });
                });
            });
            move || drop(timer)
        });
    }
    {
        let mounted = mounted.clone();
        use_effect_with((about.checked.marks.clone(), *ready), move |(marks, _)| {
            if let (Some(m), false) = (&*mounted.borrow(), marks.is_empty()) {
                m.set_marks(marks);
            }
        });
    }
    let replace = {
        let (text, mounted) = (text.clone(), mounted.clone());
        move |new: String| {
            if let Some(m) = &*mounted.borrow() {
                m.set_text(&new);
            }
            text.set(new);
        }
    };
    let load = {
        let (lab, replace) = (lab.clone(), replace.clone());
        Callback::from(move |e: Event| {
            let Some(select) = e.target().and_then(|t| t.dyn_into::<HtmlSelectElement>().ok()) else { return };
            let value = select.value();
            select.set_value("");
            let snapshot = lab.core().snapshot();
            let new = match value.strip_prefix("object:") {
                Some(name) => live(&snapshot, name),
                None => crate::scenario::example(&value).map(str::to_owned),
            };
            if let Some(new) = new {
                replace(new);
            }
        })
    };
    {
        // A reset brings the start's objects back, another era brings others; the draft of the old run would mislead.
        let (lab, replace) = (lab.clone(), replace.clone());
        let first = use_mut_ref(|| (generation, era));
        use_effect_with((generation, era), move |now| {
            if first.replace(*now) != *now {
                replace(initial(&lab.core().snapshot()));
            }
        });
    }
    {
        // The text of `kubectl edit` takes the editor's place, and gives it back.
        let (replace, mounted, text) = (replace.clone(), mounted.clone(), (*text).clone());
        let own = use_mut_ref(|| None::<String>);
        use_effect_with(editing.clone(), move |editing| match editing {
            Some((_, edit)) => {
                own.borrow_mut().get_or_insert(text);
                replace(edit.text.clone());
                if let Some(m) = &*mounted.borrow() {
                    m.focus();
                }
            }
            None => {
                let before = own.borrow_mut().take();
                before.into_iter().for_each(replace);
            }
        });
    }
    // Ctrl+Enter and the button: gives `kubectl edit` its text, or applies.
    let act: Rc<dyn Fn(String)> = {
        let (lab, result, terminal) = (lab.clone(), result.clone(), editing.as_ref().map(|(terminal, _)| *terminal));
        Rc::new(move |text: String| match terminal {
            Some(terminal) => leave(&lab, terminal, Some(text)),
            None => {
                let (lab, result) = (lab.clone(), result.clone());
                tools::with(&lab.clone(), move |tools| {
                    let lines = run_apply(&lab, tools, &text);
                    if lines.iter().all(|l| l.kind != LineKind::Err) {
                        forget_draft(&lab, era);
                    }
                    result.set(lines);
                });
            }
        })
    };
    let onact = {
        let (act, text, mounted) = (act.clone(), text.clone(), mounted.clone());
        Callback::from(move |_: MouseEvent| {
            let now = mounted.borrow().as_ref().map_or_else(|| (*text).clone(), Mounted::text);
            act(now);
        })
    };
    let oncancel = {
        let (lab, terminal) = (lab.clone(), editing.as_ref().map(|(terminal, _)| *terminal));
        Callback::from(move |_: MouseEvent| terminal.into_iter().for_each(|at| leave(&lab, at, None)))
    };
    let oncompare = crate::hooks::flip(&comparing);
    let ask: Ask = {
        let (lab, text, act, mounted) = (lab.clone(), text.clone(), act.clone(), mounted.clone());
        Rc::new(move |what, new, line, column| {
            match what {
                "change" => text.set(new),
                "apply" => act(new),
                _ => {
                    let Some(extras) = tools::get_extras() else {
                        if what == "complete" {
                            offer_later(&mounted, new);
                        }
                        return None;
                    };
                    let ask = if what == "hover" { extras.hover } else { extras.complete };
                    let lang = lab.ui().lang;
                    return ask(&new, line, column, &lab.core().session, lang);
                }
            }
            None
        })
    };
    let go = |at: usize| {
        let (mounted, about) = (mounted.clone(), about.clone());
        Callback::from(move |_: MouseEvent| {
            if let (Some(m), Some(f)) = (&*mounted.borrow(), about.checked.findings.get(at)) {
                m.go_to(f.range.start.line, f.range.start.column);
            }
        })
    };
    let fix = |at: usize, way: usize| {
        let (mounted, about, text) = (mounted.clone(), about.clone(), text.clone());
        Callback::from(move |_: MouseEvent| {
            if let (Some(m), Ok(at), Ok(way)) = (&*mounted.borrow(), u32::try_from(at), u32::try_from(way)) {
                return m.fix(at, way);
            }
            let found = about.checked.findings.get(at);
            let mended = tools::get_extras().zip(found).and_then(|(x, f)| (x.mend)(&text, f, way));
            mended.into_iter().for_each(|new| text.set(new));
        })
    };
    let onready = {
        let ready = ready.clone();
        Callback::from(move |()| ready.set(true))
    };
    html! {
        <div class="nw-yaml" data-pane="yaml">
            { match &editing {
                Some((_, edit)) => html! {
                    <div class="nw-tools nw-editing"><p>{ t.editing }{ " " }<code lang="en">{ format!("kubectl edit {}", edit.title) }</code></p>
                        <button type="button" class="nw-btn nw-primary" data-action="save" onclick={onact} title="Ctrl+Enter">{ t.save_and_close }</button>
                        <button type="button" class="nw-btn" data-action="leave" onclick={oncancel}>{ t.leave_unsaved }</button></div>
                },
                None => html! {
                    <div class="nw-tools">
                        <select onchange={load} aria-label={t.load}>
                            <option value="" selected=true>{ t.load }</option>
                            <optgroup label={t.in_cluster}>
                                { for objects.iter().map(|o| html! { <option value={format!("object:{o}")}>{ o.clone() }</option> }) }
                            </optgroup>
                            <optgroup label={t.examples}>
                                { for crate::scenario::examples(era).iter().map(|(id, name)| html! { <option value={*id}>{ *name }</option> }) }
                            </optgroup>
                        </select>
                        <button type="button" class="nw-btn nw-primary" data-action="apply" onclick={onact} title="Ctrl+Enter">{ t.apply }</button>
                        <button type="button" class="nw-btn" data-action="compare" aria-pressed={flag(*comparing)} onclick={oncompare}>{ t.changes }</button>
                    </div>
                },
            } }
            { editor(Editor { text: (*text).clone(), label: t.yaml_editor, ask, mounted: mounted.clone(), onready }) }
            <div class="nw-yaml-out" tabindex="0" role="group" aria-label={t.problems}>
                { match &about.missing { Some(e) => html! { <p class="nw-empty">{ t.no_checks }{ format!(" ({e})") }</p> }, None => html! {} } }
                { lists::problems(t, &about.checked.findings, &go, &fix) }
                { if *comparing { lists::changes(t, &about.changes) } else { html! {} } }
                { lists::printed(&result) }
            </div>
        </div>
    }
}

/// Opens the list of what may stand there once it is known what may, where the text is still this one.
fn offer_later(mounted: &Rc<RefCell<Option<Mounted>>>, text: String) {
    let mounted = mounted.clone();
    tools::extras(move |extras| {
        if let (Ok(_), Some(m)) = (extras, &*mounted.borrow())
            && m.text() == text
        {
            m.complete();
        }
    });
}

/// Ends `kubectl edit` and goes back to the terminal that waits for it.
fn leave(lab: &Lab, terminal: usize, text: Option<String>) {
    lab.change(|c| c.edited(terminal, text));
    if lab.core().editing().is_none() {
        lab.show(|ui| {
            ui.terminal = terminal;
            if !ui.layout.strip().contains(&Pane::Yaml) || ui.layout.one_at_a_time() {
                ui.open(Pane::Terminal);
            }
        });
        crate::app::focus_pane(Pane::Terminal.token());
    }
}

fn draft_key(era: Era) -> String {
    format!("draft.{}", era.as_str())
}

/// The text that was not applied yet: of this visit, or of the last one.
fn draft(lab: &Lab, era: Era) -> Option<String> {
    let ui = lab.ui();
    let stored = || if ui.options.embed { None } else { dom::stored(&draft_key(era)).filter(|d| !d.is_empty()) };
    ui.draft.clone().or_else(stored)
}

/// Kept across language, theme and layout, and for the next visit where it is not what the page begins with anyway.
fn keep_draft(lab: &Lab, era: Era, text: &str) {
    lab.keep_draft(text);
    let pending = if text == initial(&lab.core().snapshot()) { "" } else { text };
    lab.ui().remember(&draft_key(era), pending);
}

fn forget_draft(lab: &Lab, era: Era) {
    lab.ui().remember(&draft_key(era), "");
}

/// Applies by the same road as the terminal: `kubectl apply -f -` in a shell of its own, so that the words are kubectl's.
fn run_apply(lab: &Lab, tools: Result<Tools, &str>, text: &str) -> Vec<Rc<Line>> {
    // A line that no manifest contains ends the document.
    let mut end = "EOF".to_owned();
    while text.lines().any(|l| l == end) {
        end.push('_');
    }
    let script = format!("kubectl apply -f - <<'{end}'\n{}\n{end}", text.trim_end());
    lab.change(|c| {
        let mut term = Term::new();
        term.submit(&script, &mut c.session);
        c.equip_term(&mut term, tools);
        let told = term.poll(&mut c.session);
        c.hear(told);
        c.poll_terms();
        term.lines().iter().filter(|l| !matches!(l.kind, LineKind::Input(_))).cloned().collect()
    })
}
