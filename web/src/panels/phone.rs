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
    let (chosen, attached) = use_view(|lab| (lab.ui().phone, lab.ui().options.attached.is_some()));
    let tabs: &[PhoneTab] = if attached { &PhoneTab::ATTACHED } else { &PhoneTab::ALL };
    let choose = |tab: PhoneTab| {
        click_at(&lab, tab as usize, |lab, at| {
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
            { for tabs.iter().map(|tab| html! {
                <button type="button" aria-current={(*tab == chosen).then_some("page")} data-phone-tab={tab.token()} onclick={choose(*tab)}>
                    { t.phone_tab(*tab) }
                </button>
            }) }
        </nav>
    }
}
