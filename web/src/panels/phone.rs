//! The bottom bar of a phone.

use crate::hooks::{click_at, use_lab, use_texts, use_view};
use crate::lab::{Pane, PhoneTab};
use crate::widgets::{Hook, part};
use yew::prelude::*;

pub fn phone_tabs() -> Html {
    part("phone-tabs", |ctx, ()| use_phone_tabs().run(ctx))
}

#[hook]
fn use_phone_tabs() -> Html {
    let lab = use_lab();
    let t = use_texts();
    let chosen = use_view(|lab| lab.ui().phone);
    let choose = |at: usize| {
        click_at(&lab, at, |lab, at| {
            lab.show(|ui| {
                let tab = PhoneTab::ALL.get(at).copied().unwrap_or(ui.phone);
                ui.phone = tab;
                match tab {
                    PhoneTab::Logs => ui.side = Pane::Logs,
                    PhoneTab::More if ui.side == Pane::Logs => ui.side = Pane::Nodes,
                    PhoneTab::Learn => ui.lesson_open = true,
                    _ => {}
                }
            });
        })
    };
    html! {
        <nav class="nw-phone-tabs" aria-label={t.panes}>
            { for PhoneTab::ALL.iter().enumerate().map(|(at, tab)| html! {
                <button type="button" aria-current={(*tab == chosen).then_some("page")} data-phone-tab={tab.token()} onclick={choose(at)}>
                    { t.phone_tab(*tab) }
                </button>
            }) }
        </nav>
    }
}
