//! The editor widget: a plain text area at once, CodeMirror in its place as soon as that has loaded.
//!
//! CodeMirror lives in a shadow root, where its styles are adopted sheets: a strict `style-src` needs no exception.

use crate::dom::{self, flag};
use crate::widgets::{Hook, part_of};
use js_sys::{Array, Function, Object, Reflect};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{Element, HtmlScriptElement, HtmlTextAreaElement, KeyboardEvent};
use yew::prelude::*;

/// Where the bundle lies, relative to the page.
const BUNDLE: &str = "vendor/codemirror.js";
/// The style sheet of the editor's inside, relative to the page.
const STYLE: &str = "style/editor.css";

/// What the editor asks: what (`change`, `apply`, `complete`, `hover`), the text, line and column. The last two are
/// answered with JSON.
pub type Ask = Rc<dyn Fn(&str, String, u32, u32) -> Option<String>>;

/// A CodeMirror that is in the page.
pub struct Mounted {
    handle: JsValue,
    _ask: Closure<dyn FnMut(String, String, u32, u32) -> JsValue>,
}

impl Mounted {
    fn call(&self, name: &str, arguments: &[JsValue]) -> JsValue {
        let function = Reflect::get(&self.handle, &name.into()).ok().and_then(|f| f.dyn_into::<Function>().ok());
        function.and_then(|f| f.apply(&self.handle, &arguments.iter().collect::<Array>()).ok()).unwrap_or(JsValue::UNDEFINED)
    }

    pub fn text(&self) -> String {
        self.call("text", &[]).as_string().unwrap_or_default()
    }

    pub fn set_text(&self, text: &str) {
        self.call("setText", &[text.into()]);
    }

    pub fn set_label(&self, text: &str) {
        self.call("setLabel", &[text.into()]);
    }

    pub fn focus(&self) {
        self.call("focus", &[]);
    }

    pub fn go_to(&self, line: u32, column: u32) {
        self.call("goTo", &[line.into(), column.into()]);
    }

    pub fn set_marks(&self, json: &str) {
        self.call("setMarks", &[json.into()]);
    }

    /// Mends the mark of that number in its way of that number.
    pub fn complete(&self) {
        self.call("complete", &[]);
    }

    pub fn fix(&self, mark: u32, way: u32) {
        self.call("fix", &[mark.into(), way.into()]);
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        self.call("destroy", &[]);
    }
}

pub struct Editor {
    pub text: String,
    pub label: &'static str,
    pub ask: Ask,
    pub mounted: Rc<RefCell<Option<Mounted>>>,
    /// CodeMirror has taken over from the text area.
    pub onready: Callback<()>,
}

impl PartialEq for Editor {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.label == other.label && Rc::ptr_eq(&self.ask, &other.ask)
    }
}

pub fn editor(editor: Editor) -> Html {
    part_of("editor", |ctx, editor| use_editor(editor).run(ctx), editor)
}

#[hook]
fn use_editor(props: &Editor) -> Html {
    let host = use_node_ref();
    let area = use_node_ref();
    let loaded = use_state_eq(|| false);
    let focus_next = (*use_memo((), |()| Rc::new(Cell::new(false)))).clone();
    // The closure of CodeMirror is made once; it finds the newest answers here.
    let latest = use_mut_ref(|| props.ask.clone());
    *latest.borrow_mut() = props.ask.clone();
    {
        let (host, area, loaded, mounted, label) =
            (host.clone(), area.clone(), loaded.clone(), props.mounted.clone(), props.label);
        let (latest, onready, composed, focus_next) = (latest.clone(), props.onready.clone(), area.clone(), focus_next.clone());
        use_effect_with((), move |()| {
            let (cleanup, held) = (mounted.clone(), Rc::new(RefCell::new(Vec::new())));
            let keep = held.clone();
            let take_over = Rc::new(move || {
                let (Some(host), Some(area)) = (host.cast::<Element>(), area.cast::<HtmlTextAreaElement>()) else { return };
                // Taken over without loss: text, caret and focus.
                let at_work =
                    dom::document().and_then(|d| d.active_element()).is_some_and(|a| a.is_same_node(Some(area.as_ref())));
                if let Some(m) = create(&host, &area, label, &latest) {
                    focus_next.set(at_work);
                    *mounted.borrow_mut() = Some(m);
                    loaded.set(true);
                    onready.emit(());
                }
            });
            let composing = Rc::new(Cell::new(false));
            let waits = Rc::new(Cell::new(false));
            if let Some(area) = composed.cast::<HtmlTextAreaElement>() {
                // Not in the middle of a syllable: what the input method holds would be lost.
                for (name, on) in [("compositionstart", true), ("compositionend", false)] {
                    let (composing, waits, take_over) = (composing.clone(), waits.clone(), take_over.clone());
                    held.borrow_mut().push(dom::Listener::new(area.as_ref(), name, move |_| {
                        composing.set(on);
                        if !on && waits.take() {
                            take_over();
                        }
                    }));
                }
            }
            load_bundle(&held, move || if composing.get() { waits.set(true) } else { take_over() });
            move || {
                cleanup.borrow_mut().take();
                keep.borrow_mut().clear();
            }
        });
    }
    {
        // It takes the focus once it is shown: what is hidden takes none.
        let mounted = props.mounted.clone();
        use_effect_with(*loaded, move |_| {
            if let (Some(m), true) = (&*mounted.borrow(), focus_next.take()) {
                m.focus();
            }
        });
    }
    {
        let mounted = props.mounted.clone();
        use_effect_with(props.label, move |label| {
            if let Some(m) = &*mounted.borrow() {
                m.set_label(label);
            }
        });
    }
    let oninput = {
        let ask = props.ask.clone();
        Callback::from(move |e: InputEvent| {
            if let Some(text) = dom::value(&e) {
                ask("change", text, 0, 0);
            }
        })
    };
    let onkeydown = {
        let ask = props.ask.clone();
        Callback::from(move |e: KeyboardEvent| {
            let applies = e.key() == "Enter" && (e.ctrl_key() || e.meta_key());
            if let (true, false, Some(text)) = (applies, e.is_composing() || e.key_code() == 229, dom::value(&e)) {
                e.prevent_default();
                ask("apply", text, 0, 0);
            }
        })
    };
    html! {
        <div class="nw-editor" data-ready={flag(*loaded)}>
            <div class="nw-editor-host" ref={host}></div>
            <textarea ref={area} class="nw-editor-area" hidden={*loaded} value={props.text.clone()} aria-label={props.label}
                spellcheck="false" lang="en" {oninput} {onkeydown} />
        </div>
    }
}

fn create(host: &Element, area: &HtmlTextAreaElement, label: &str, latest: &Rc<RefCell<Ask>>) -> Option<Mounted> {
    let api = Reflect::get(&js_sys::global(), &"nodewrightEditor".into()).ok()?;
    let make = Reflect::get(&api, &"create".into()).ok()?.dyn_into::<Function>().ok()?;
    let document = dom::document()?;
    let shadow =
        host.shadow_root().or_else(|| host.attach_shadow(&web_sys::ShadowRootInit::new(web_sys::ShadowRootMode::Open)).ok())?;
    shadow.set_inner_html("");
    let link = document.create_element("link").ok()?;
    link.set_attribute("rel", "stylesheet").ok()?;
    link.set_attribute("href", STYLE).ok()?;
    shadow.append_child(&link).ok()?;
    let parent = document.create_element("div").ok()?;
    parent.set_class_name("editor");
    shadow.append_child(&parent).ok()?;
    let latest = latest.clone();
    let ask = Closure::<dyn FnMut(String, String, u32, u32) -> JsValue>::new(move |what: String, text, line, column| {
        let ask = latest.borrow().clone();
        ask(&what, text, line, column).map_or(JsValue::UNDEFINED, JsValue::from)
    });
    let options = Object::new();
    let caret = |at: Option<Option<u32>>| JsValue::from(at.flatten().unwrap_or(0));
    let set = |name: &str, value: &JsValue| Reflect::set(&options, &name.into(), value).ok();
    set("doc", &area.value().into())?;
    set("from", &caret(area.selection_start().ok()))?;
    set("to", &caret(area.selection_end().ok()))?;
    set("label", &label.into())?;
    set("ask", ask.as_ref())?;
    let handle = make.call2(&api, &parent, &options).ok()?;
    Some(Mounted { handle, _ask: ask })
}

/// Loads the bundle once per page and calls back when it is there; where it fails, the text area stays.
fn load_bundle(held: &Rc<RefCell<Vec<dom::Listener>>>, ready: impl Fn() + 'static) {
    let present = || Reflect::has(&js_sys::global(), &"nodewrightEditor".into()).unwrap_or(false);
    if present() {
        ready();
        return;
    }
    let Some(document) = dom::document() else { return };
    let script = document.query_selector("script[data-nodewright-editor]").ok().flatten().or_else(|| {
        let s = document.create_element("script").ok()?.dyn_into::<HtmlScriptElement>().ok()?;
        s.set_type("module");
        s.set_src(BUNDLE);
        s.set_attribute("data-nodewright-editor", "").ok()?;
        document.head()?.append_child(&s).ok()?;
        Some(s.into())
    });
    if let Some(script) = script {
        held.borrow_mut().push(dom::Listener::new(script.as_ref(), "load", move |_| ready()));
    }
}
