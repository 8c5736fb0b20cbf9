//! What the page answers when a line of a terminal asks it: its lesson, its clock, its address.

use crate::lab::{Core, LessonView, Pace, SKIP_LIMIT_MS};
use lessons::StepState;
use shell::{Ask, Ran};
use view::Lang;

pub fn answer(ask: Ask, core: &mut Core, address: &str) -> Ran {
    let lang = core.lang();
    match ask {
        Ask::Goal | Ask::Hint | Ask::Check => lesson(ask, core, lang),
        Ask::Speed(None) => said(format!("{}\n", core.clock.speed)),
        Ask::Speed(Some(speed)) => {
            core.clock.speed = speed;
            core.clock.playing = true;
            said(String::new())
        }
        Ask::Share => said(format!("{address}\n")),
        Ask::Skip(until) => {
            core.clock.pace = match until {
                Some(limit) => Pace::Until { limit },
                None => Pace::Skipping { limit: core.session.now() + SKIP_LIMIT_MS },
            };
            said(String::new())
        }
    }
}

fn said(stdout: String) -> Ran {
    Ran { stdout, ..Ran::default() }
}

fn lesson(ask: Ask, core: &mut Core, lang: Lang) -> Ran {
    let snapshot = core.snapshot();
    let session = &core.session;
    let Some(lesson) = &mut core.lesson else {
        let stderr = lang.pick("nodewright: 열린 학습이 없어요\n", "nodewright: no lesson is open\n").to_owned();
        return Ran { exit: 1, stderr, ..Ran::default() };
    };
    match ask {
        Ask::Hint => lesson.hint(),
        Ask::Check => lesson.check(session),
        _ => {}
    }
    let Some(view) = lesson.view(lang, &snapshot) else { return Ran::default() };
    match ask {
        Ask::Hint => hint(&view, lang),
        Ask::Check => check(&view, lang),
        _ => goal(&view),
    }
}

/// The step's number and title, its goal, and what is to be typed.
fn goal(view: &LessonView) -> Ran {
    let (at, all) = (view.step.number + 1, view.lesson.steps.len());
    let mut text = format!("{at}/{all} {}\n{}\n", view.step.title, plain(&view.step.goal));
    for (command, remark, _) in &view.step.commands {
        text += &indented(command);
        if let Some(remark) = remark {
            text += &format!("    # {}\n", plain(remark));
        }
    }
    said(text)
}

/// The hints that are open, and behind the last one its command.
fn hint(view: &LessonView, lang: Lang) -> Ran {
    let open: Vec<&String> = view.step.hints.iter().take(view.hints).collect();
    let Some(newest) = open.last() else {
        return said(lang.pick("이 단계에는 힌트가 없어요.\n", "This step has no hints.\n").to_owned());
    };
    let mut text = format!("{}/{} {}\n", open.len(), view.step.hints.len(), plain(newest));
    if open.len() == view.step.hints.len() && !view.step.hint_command.is_empty() {
        text += &indented(&view.step.hint_command);
    }
    said(text)
}

/// What is done and what is not, with the mistakes that are seen; or what a step that is passed says.
fn check(view: &LessonView, lang: Lang) -> Ran {
    let passed = view.passed.get(view.step.number).copied().unwrap_or(false);
    match &view.state {
        StepState::Passed { success } => said(format!("✓ {}\n", plain(success))),
        StepState::Open { .. } if passed => said(lang.pick("✓ 끝낸 단계예요.\n", "✓ This step is passed.\n").to_owned()),
        StepState::Open { parts, mistakes } => {
            let mut text = String::new();
            for part in parts {
                text += &format!("{} {}", if part.done { "✓" } else { "✗" }, plain(&part.text));
                if let Some((now, want)) = part.counts.filter(|_| !part.done) {
                    text += &format!(" {now}/{want}");
                }
                text.push('\n');
            }
            for mistake in mistakes {
                text += &format!("! {}\n", plain(&mistake.hint));
            }
            Ran { exit: 1, ..said(text) }
        }
    }
}

/// Without the marks of code: a terminal has no other type for it.
fn plain(text: &str) -> String {
    text.replace('`', "")
}

fn indented(command: &str) -> String {
    command.lines().map(|line| format!("    {line}\n")).collect()
}
