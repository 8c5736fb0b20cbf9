//! The lesson: where a person is, what to type, what to look at, and how far the step has come.

use crate::dom::flag;
use crate::hooks::{click, use_lab, use_texts, use_view};
use crate::i18n::Texts;
use crate::lab::{Lab, LessonState, LessonView, Pane, PhoneTab};
use crate::widgets::{Hook, part};
use engine::session::Session;
use lessons::{Pane as Place, StepState};
use yew::prelude::*;

pub fn lesson() -> Html {
    part("lesson", |ctx, ()| use_lesson().run(ctx))
}

#[hook]
fn use_lesson() -> Html {
    let lab = use_lab();
    let t = use_texts();
    let view = use_view(|lab| {
        let lang = lab.ui().lang;
        let core = lab.core();
        core.lesson.as_ref().and_then(|l| l.view(lang, &core.snapshot()))
    });
    let era = use_view(|lab| lab.core().session.scenario().era);
    let Some(view) = view else {
        let offered = crate::demo::lesson_of(era).is_some();
        let start = click(&lab, crate::demo::start_lesson);
        return html! {
            <section class="nw-pane nw-lesson" data-pane="lesson" aria-label={t.lesson}>
                <div class="nw-lesson-in nw-intro">
                    <h2>{ t.intro_title }</h2>
                    <p>{ t.intro }</p>
                    { if offered { html! { <button type="button" class="nw-btn nw-primary" data-action="lesson" onclick={start}>{ t.start_lesson }</button> } } else { html! {} } }
                    { crate::demo::offer() }
                </div>
            </section>
        };
    };
    let step = view.step.number;
    let passed = view.passed.get(step).copied().unwrap_or(false);
    let last = step + 1 >= view.lesson.steps.len();
    let go = |to: usize| act(&lab, to, |l, to, session| l.go_to(to, session));
    let hint = act(&lab, 0, |l, _, _| l.hint());
    let finish = act(&lab, 0, |l, _, session| l.finish(session));
    html! {
        <section class="nw-pane nw-lesson" data-pane="lesson" data-step={view.step.id.clone()} data-passed={flag(passed)} aria-label={t.lesson}>
            <ol class="nw-steps" aria-label={t.step}>
                { for view.lesson.steps.iter().enumerate().map(|(i, title)| html! {
                    <li key={i}><button type="button" data-done={flag(view.passed.get(i).copied().unwrap_or(false))} aria-current={(i == step).then_some("step")}
                        aria-label={format!("{}. {title}", i + 1)} title={format!("{}. {title}", i + 1)} onclick={go(i)}></button></li>
                }) }
            </ol>
            <div class="nw-lesson-in" key={step} tabindex="0" role="group" aria-label={view.step.title.clone()}>
                <div class="nw-lesson-flow">
                    <p class="nw-step-no">{ t.position(step + 1, view.lesson.steps.len()) }</p>
                    <h2>{ view.step.title.clone() }</h2>
                    <p class="nw-goal">{ prose(&view.step.goal) }</p>
                    { predict(&lab, &view, passed) }
                    { commands(&lab, &view, t) }
                    { state(&lab, &view, passed, t) }
                    { observe(&view, t) }
                    { quiz(&lab, &view, passed, t) }
                    { if view.hints > 0 { html! {
                        <ul class="nw-hints">{ for view.step.hints.iter().take(view.hints).map(|h| html! { <li>{ prose(h) }</li> }) }
                            { if view.hints >= view.step.hints.len() && !view.step.hint_command.is_empty() { html! { <li>{ command(&lab, &view.step.hint_command, None, t) }</li> } } else { html! {} } }
                        </ul>
                    } } else { html! {} } }
                    { match (passed, &view.step.why) { (true, Some(why)) => html! { <><h3>{ t.why }</h3><p>{ prose(why) }</p></> }, _ => html! {} } }
                    { if view.finished { html! { <p class="nw-status" data-done="true" role="status">{ t.lesson_done }</p> } } else { html! {} } }
                </div>
            </div>
            <footer class="nw-lesson-nav">
                <button type="button" class="nw-btn" disabled={step == 0} onclick={go(step.saturating_sub(1))}>{ t.previous }</button>
                { if passed || view.hints >= view.step.hints.len() { html! {} } else { html! { <button type="button" class="nw-btn" data-action="hint" onclick={hint}>{ t.hint }</button> } } }
                { if last { html! { <button type="button" class={classes!("nw-btn", passed.then_some("nw-primary"))} disabled={!passed || view.finished} onclick={finish}>{ t.done }</button> } }
                  else { html! { <button type="button" class={classes!("nw-btn", passed.then_some("nw-primary"))} data-action="next-step" onclick={go(step + 1)}>{ t.next }</button> } } }
            </footer>
        </section>
    }
}

/// A click that changes where the lesson is; `at` is for `change`.
fn act(lab: &Lab, at: usize, change: fn(&mut LessonState, usize, &Session)) -> Callback<MouseEvent> {
    let lab = lab.clone();
    Callback::from(move |_: MouseEvent| {
        lab.change(|c| {
            if let Some(l) = &mut c.lesson {
                change(l, at, &c.session);
            }
        })
    })
}

/// Text with `code` in backticks.
fn prose(text: &str) -> Html {
    html! { { for text.split('`').enumerate().map(|(i, part)| if i % 2 == 1 { html! { <code lang="en">{ part.to_owned() }</code> } } else { html! { { part.to_owned() } } }) } }
}

fn commands(lab: &Lab, view: &LessonView, t: &'static Texts) -> Html {
    if view.step.commands.is_empty() {
        return html! {};
    }
    html! { <><h3>{ t.type_this }</h3>{ for view.step.commands.iter().map(|(run, note, _)| command(lab, run, note.as_deref(), t)) }</> }
}

/// A command with a button that puts it at the prompt; running it stays with the person.
fn command(lab: &Lab, run: &str, note: Option<&str>, t: &'static Texts) -> Html {
    let insert = {
        let (lab, run) = (lab.clone(), run.to_owned());
        Callback::from(move |_: MouseEvent| {
            lab.show(|ui| {
                ui.insert = Some(run.clone());
                ui.phone = PhoneTab::Terminal;
                if ui.layout.strip().contains(&Pane::Terminal) {
                    ui.side = Pane::Terminal;
                }
            })
        })
    };
    html! {
        <div class="nw-command">
            { match note { Some(n) => html! { <p class="nw-note">{ prose(n) }</p> }, None => html! {} } }
            <pre lang="en" tabindex="0">{ run.to_owned() }</pre>
            <footer><button type="button" class="nw-btn nw-small" data-action="insert" onclick={insert}>{ t.insert }</button></footer>
        </div>
    }
}

fn state(lab: &Lab, view: &LessonView, passed: bool, t: &'static Texts) -> Html {
    match &view.state {
        StepState::Passed { success } => html! { <div class="nw-status" data-done="true" role="status">{ "✓ " }
        { if success.is_empty() { html! { { t.step_done } } } else { prose(success) } }</div> },
        StepState::Open { .. } if passed => html! { <div class="nw-status" data-done="true">{ "✓ " }{ t.step_done }</div> },
        StepState::Open { parts, mistakes } => html! {
            <>
                <ul class="nw-parts">{ for parts.iter().map(|p| html! {
                    <li data-done={flag(p.done)}><span aria-hidden="true">{ if p.done { "✓" } else { "○" } }</span><span>{ prose(&p.text) }
                        { match p.counts { Some((now, want)) if !p.done => html! { <b class="nw-counts">{ format!(" {now}/{want}") }</b> }, _ => html! {} } }</span></li>
                }) }</ul>
                { if mistakes.is_empty() { html! {} } else { html! {
                    <ul class="nw-hints" role="status">{ for mistakes.iter().map(|m| html! { <li>{ prose(&m.hint) }
                        { match &m.repair { Some(lessons::Repair::Command(run)) => command(lab, run, None, t), _ => html! {} } }</li> }) }</ul>
                } } }
            </>
        },
    }
}

fn observe(view: &LessonView, t: &'static Texts) -> Html {
    if view.step.observe.is_empty() {
        return html! {};
    }
    html! { <><h3>{ t.observe }</h3><dl class="nw-observe">{ for view.step.observe.iter().map(|(place, text)| html! {
    <><dt>{ match place {
        Place::Terminal => t.terminal,
        Place::Log => t.log_short,
        Place::NodeViewer => t.nodes,
        Place::OpsView => t.map,
        Place::Yaml => t.yaml,
    } }</dt><dd>{ prose(text) }</dd></> }) }</dl></> }
}

fn predict(lab: &Lab, view: &LessonView, passed: bool) -> Html {
    let Some(p) = &view.step.predict else { return html! {} };
    let chosen = view.predicted;
    html! {
        <fieldset class="nw-quiz"><legend>{ prose(&p.question) }</legend>
            { for p.options.iter().enumerate().map(|(i, option)| {
                let onclick = act(lab, i, |l, i, _| l.predict(i));
                html! { <button type="button" class="nw-chip" aria-pressed={flag(chosen == Some(i))} {onclick}>{ option.clone() }
                    { if passed && i == p.answer { " ✓" } else { "" } }</button> }
            }) }
            { if passed && chosen.is_some() { html! { <p>{ prose(&p.reveal) }</p> } } else { html! {} } }
        </fieldset>
    }
}

fn quiz(lab: &Lab, view: &LessonView, passed: bool, t: &'static Texts) -> Html {
    let Some(q) = view.step.quiz.as_ref().filter(|_| !passed) else { return html! {} };
    html! {
        <fieldset class="nw-quiz"><legend>{ prose(&q.question) }</legend>
            { for q.options.iter().enumerate().map(|(i, option)| {
                let onclick = act(lab, i, |l, i, _| l.answer(i));
                html! { <button type="button" class="nw-chip" aria-pressed={flag(view.wrong == Some(i))} {onclick}>{ option.clone() }</button> }
            }) }
            { if view.wrong.is_some() { html! { <p role="status">{ t.try_again }</p> } } else { html! {} } }
        </fieldset>
    }
}
