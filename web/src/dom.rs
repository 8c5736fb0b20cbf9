//! Small access to the browser, each function `None` (or nothing) where the browser refuses.

use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Document, Element, EventTarget, HtmlElement, Storage, Window};

pub fn window() -> Option<Window> {
    web_sys::window()
}

/// The page's address without what is asked of it.
pub fn address() -> String {
    let here = window().map(|w| w.location());
    here.and_then(|l| Some(l.origin().ok()? + &l.pathname().ok()?)).unwrap_or_default()
}

pub fn document() -> Option<Document> {
    window()?.document()
}

pub fn root() -> Option<Element> {
    document()?.document_element()
}

/// Milliseconds of wall time since the page began. Only the frame loop and the demo read it.
pub fn now_ms() -> f64 {
    window().and_then(|w| w.performance()).map_or(0.0, |p| p.now())
}

pub fn media(query: &str) -> bool {
    window().and_then(|w| w.match_media(query).ok().flatten()).is_some_and(|m| m.matches())
}

pub fn reduced_motion() -> bool {
    media("(prefers-reduced-motion: reduce)")
}

/// A text that the boot script left on the page's root element.
pub fn left_on_root(name: &str) -> Option<String> {
    js_sys::Reflect::get(&root()?.into(), &name.into()).ok()?.as_string()
}

/// `None` where storage is refused (sandboxed frames, private windows).
fn storage() -> Option<Storage> {
    window()?.local_storage().ok().flatten()
}

pub fn stored(key: &str) -> Option<String> {
    storage()?.get_item(&format!("nodewright.{key}")).ok().flatten()
}

/// Keeps a setting; false where the browser keeps none.
pub fn store(key: &str, value: &str) -> bool {
    storage().is_some_and(|s| s.set_item(&format!("nodewright.{key}"), value).is_ok())
}

/// Focuses without scrolling anything.
pub fn focus(element: &HtmlElement) {
    let options = web_sys::FocusOptions::new();
    options.set_prevent_scroll(true);
    let _ = element.focus_with_options(&options);
}

pub fn focus_selector(root: &Element, selector: &str) {
    if let Some(e) = root.query_selector(selector).ok().flatten().and_then(|e| e.dyn_into::<HtmlElement>().ok()) {
        focus(&e);
    }
}

/// A listener that is removed when this is dropped.
pub struct Listener {
    target: EventTarget,
    name: &'static str,
    closure: Closure<dyn FnMut(web_sys::Event)>,
    capture: bool,
}

impl Listener {
    pub fn new(target: &EventTarget, name: &'static str, call: impl FnMut(web_sys::Event) + 'static) -> Listener {
        Listener::with(target, name, false, call)
    }

    pub fn with(target: &EventTarget, name: &'static str, capture: bool, call: impl FnMut(web_sys::Event) + 'static) -> Listener {
        let closure = Closure::<dyn FnMut(web_sys::Event)>::new(call);
        let function = closure.as_ref().unchecked_ref();
        let _ = target.add_event_listener_with_callback_and_bool(name, function, capture);
        Listener { target: target.clone(), name, closure, capture }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let function = self.closure.as_ref().unchecked_ref();
        let _ = self.target.remove_event_listener_with_callback_and_bool(self.name, function, self.capture);
    }
}

/// The value of the field or choice that an event is about.
pub fn value(event: &web_sys::Event) -> Option<String> {
    js_sys::Reflect::get(&event.target()?.into(), &"value".into()).ok()?.as_string()
}

/// Attributes that are `true` or `false`.
pub fn flag(on: bool) -> &'static str {
    if on { "true" } else { "false" }
}

/// Puts text on the clipboard; calls back with whether that worked.
pub fn copy(text: &str, done: impl FnOnce(bool) + 'static) {
    let Some(promise) = window().map(|w| w.navigator().clipboard().write_text(text)) else { return done(false) };
    // One of the two runs, once; both are released then.
    let done = std::rc::Rc::new(std::cell::RefCell::new(Some(done)));
    let settle = |ok: bool| {
        let done = done.clone();
        Closure::once_into_js(move |_: JsValue| {
            if let Some(f) = done.borrow_mut().take() {
                f(ok);
            }
        })
    };
    let (yes, no) = (settle(true), settle(false));
    let then = js_sys::Reflect::get(&promise, &"then".into()).ok().and_then(|f| f.dyn_into::<js_sys::Function>().ok());
    if let Some(then) = then {
        let _ = then.call2(&promise, &yes, &no);
    }
}

/// Fetches a text that lies beside the page; `None` where it does not come.
pub async fn fetch_text(path: &str) -> Option<String> {
    fetch(path).await.ok()
}

/// The same, or what the server says in its place; nothing where it does not answer.
pub async fn fetch(path: &str) -> Result<String, String> {
    let answered = async {
        let response: web_sys::Response = JsFuture::from(window()?.fetch_with_str(path)).await.ok()?.dyn_into().ok()?;
        let text = JsFuture::from(response.text().ok()?).await.ok()?.as_string()?;
        Some(if response.ok() { Ok(text) } else { Err(text) })
    };
    answered.await.unwrap_or_else(|| Err(String::new()))
}
