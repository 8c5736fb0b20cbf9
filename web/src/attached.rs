//! The page attached to a real cluster: what its server tells of it is shown, and nothing goes back but the question for a plan.
//! Who serves the page says on its root element whose cluster it is; an address cannot.

use crate::dom::{self, Listener};
use crate::i18n::texts;
use crate::lab::{Lab, Ptr};
use crate::tools::{self, Extras};
use std::rc::Rc;
use wasm_bindgen::JsCast;
use web_sys::{EventSource, MessageEvent};
use yew::platform::spawn_local;

/// Begins to listen to the cluster, if the page is attached to one.
pub fn start(lab: &Lab) {
    if lab.ui().options.attached.is_none() {
        return;
    }
    let lab = lab.clone();
    tools::extras(move |extras| match extras {
        Ok(extras) => listen(&lab, extras),
        Err(error) => lab.show(|ui| ui.notes = vec![error.to_owned()]),
    });
}

fn listen(lab: &Lab, extras: Extras) {
    let Ok(source) = EventSource::new("cluster") else { return };
    let mut watched = (extras.watched)();
    let told = {
        let lab = lab.clone();
        Listener::new(&source, "message", move |event| {
            let text = event.dyn_ref::<MessageEvent>().and_then(|e| e.data().as_string()).unwrap_or_default();
            let heard = watched.hear(&text);
            lab.reflect(watched.picture(), heard.map_or_else(|e| vec![e], |()| watched.notes().to_vec()));
        })
    };
    let lost = {
        let lab = lab.clone();
        // The browser asks again by itself, and is told all of it then.
        Listener::new(&source, "error", move |_| lab.show(|ui| ui.connected = false))
    };
    // For as long as the page lives.
    std::mem::forget((told, lost));
}

/// Asks for a plan, unless one is being made.
pub fn ask(lab: &Lab) {
    if lab.ui().asking {
        return;
    }
    lab.show(|ui| {
        ui.asking = true;
        ui.unanswered = None;
    });
    let lab = lab.clone();
    spawn_local(async move {
        let got = dom::fetch("plan").await;
        let epoch = lab.core().snapshot().epoch_ms;
        let read = |text: String| (tools::get_extras()?.read_plan)(&text, epoch);
        let plan = got.and_then(|text| read(text).ok_or_else(String::new));
        // Nobody has said why.
        let why = |said: String| if said.is_empty() { texts(lab.ui().lang).not_connected.to_owned() } else { said };
        let plan = plan.map_err(why);
        lab.show(|ui| {
            ui.asking = false;
            match plan {
                Ok(plan) => ui.plan = Some(Ptr(Rc::new(plan))),
                Err(error) => ui.unanswered = Some(error),
            }
        });
    });
}
