//! When the program breaks: the last picture stays, and a report that can be copied says what happened.
//!
//! The page is built with `panic = "abort"`, so nothing runs afterwards but the hook itself and plain browser code.

use crate::dom;
use std::cell::RefCell;
use view::Lang;
use web_sys::Element;

thread_local! {
    /// What a person did so far, kept current by the lab so that the hook needs nothing else.
    static TRACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Remembers what a report should contain: scenario, seed and commands.
pub fn set_trace(text: String) {
    TRACE.with(|t| *t.borrow_mut() = text);
}

pub fn install(host: &Element, lang: Lang) {
    let host = host.clone();
    std::panic::set_hook(Box::new(move |info| {
        let trace = TRACE.with(|t| t.try_borrow().map(|t| t.clone()).unwrap_or_default());
        let report = format!("nodewright {}\n{info}\n{trace}", env!("CARGO_PKG_VERSION"));
        show(&host, lang, &report);
    }));
}

fn show(host: &Element, lang: Lang, report: &str) -> Option<()> {
    let document = dom::document()?;
    let make = |tag: &str, class: &str, text: &str| -> Option<Element> {
        let e = document.create_element(tag).ok()?;
        e.set_class_name(class);
        e.set_text_content(Some(text));
        Some(e)
    };
    let target = host.query_selector(".nw").ok().flatten().unwrap_or_else(|| host.clone());
    target.set_attribute("data-frozen", "true").ok()?;
    let card = make("div", "nw-crash", "")?;
    card.set_attribute("role", "alert").ok()?;
    let title = lang.pick(
        "놀이터가 멈췄어요. 화면은 마지막 모습 그대로예요.",
        "The playground has stopped. The screen shows its last picture.",
    );
    let advice = lang.pick(
        "아래 기록을 복사해 알려 주시면 고칠 수 있어요. 새로 고치면 처음부터 다시 시작합니다.",
        "Copy the record below into a bug report. Reloading the page starts again.",
    );
    card.append_child(make("h2", "", title)?.as_ref()).ok()?;
    card.append_child(make("p", "", advice)?.as_ref()).ok()?;
    let text = make("textarea", "nw-crash-text", report)?;
    text.set_attribute("readonly", "").ok()?;
    text.set_attribute("aria-label", lang.pick("문제 기록", "Problem record")).ok()?;
    card.append_child(text.as_ref()).ok()?;
    target.append_child(card.as_ref()).ok()?;
    Some(())
}
