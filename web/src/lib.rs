//! The playground page. [`mount`] puts it into any element; the binary mounts it into the page.
//!
//! - `lab`: the one owner of session, terminals and interface state; every change goes through it. - `frame`: the one
//!   loop that lets simulated time pass. - `panels` draw view models; `widgets` know no domain. - `i18n`: every text.

mod app;
mod attached;
mod chart;
mod demo;
mod dom;
mod editor;
mod frame;
mod hooks;
mod i18n;
mod lab;
mod options;
mod panels;
mod panic;
mod scenario;
mod tools;
mod widgets;

pub use options::Options;

use web_sys::Element;

/// Mounts the playground into `host`, whose content is replaced.
pub fn mount(host: Element, options: Options) {
    panic::install(&host, options.lang);
    app::render(host, options);
}

/// Mounts the playground where the page wants it, with the options of the page's address.
pub fn boot() {
    let Some(document) = dom::document() else { return };
    let host = document.get_element_by_id("nodewright").or_else(|| document.body().map(Element::from));
    if let Some(host) = host {
        mount(host, Options::of_page());
    }
}
