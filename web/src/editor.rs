//! The editor widget: a plain text area at once, CodeMirror in its place as soon as that has loaded.
//!
//! CodeMirror lives in a shadow root, where its styles are adopted sheets: a strict `style-src` needs no exception.

use crate::dom::{self, flag};
use crate::widgets::{Hook, part_of};
use js_sys::{Array, Function, Object, Reflect};
use std::cell::RefCell;
use std::rc::Rc;
use view::problems::Problem;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{Element, HtmlElement, HtmlScriptElement, HtmlTextAreaElement, KeyboardEvent};
use yew::prelude::*;

/// Where the bundle lies, relative to the page.
const BUNDLE: &str = "vendor/codemirror.js";
/// The style sheet of the editor's inside, relative to the page.
const STYLE: &str = "style/editor.css";

/// A CodeMirror that is in the page.
pub struct Mounted {
    handle: JsValue,
    _onchange: Closure<dyn FnMut(JsValue)>,
    _onapply: Closure<dyn FnMut()>,
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

    pub fn go_to(&self, line: u32, column: u32) {
        self.call("goTo", &[line.into(), column.into()]);
    }

    pub fn set_problems(&self, problems: &[Problem]) {
        let list: Array = problems
            .iter()
            .map(|p| {
                let o = Object::new();
                let set = |k: &str, v: JsValue| {
                    let _ = Reflect::set(&o, &k.into(), &v);
                };
                set("line", p.line.into());
                set("column", p.column.into());
                set("endColumn", p.end_column.into());
                set("severity", p.severity.token().into());
                set("message", if p.path.is_empty() { p.message.clone() } else { format!("{}: {}", p.path, p.message) }.into());
                JsValue::from(o)
            })
            .collect();
        self.call("setProblems", &[list.into()]);
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
    pub onchange: Callback<String>,
    pub onapply: Rc<dyn Fn(String)>,
    pub mounted: Rc<RefCell<Option<Mounted>>>,
}

impl PartialEq for Editor {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.label == other.label && Rc::ptr_eq(&self.onapply, &other.onapply)
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
    // The closures of CodeMirror are made once; they find the newest callbacks here.
    let latest = use_mut_ref(|| (props.onchange.clone(), props.onapply.clone()));
    *latest.borrow_mut() = (props.onchange.clone(), props.onapply.clone());
    {
        let (host, area, loaded, mounted, label) =
            (host.clone(), area.clone(), loaded.clone(), props.mounted.clone(), props.label);
        let cell = latest.clone();
        use_effect_with((), move |()| {
            let (cleanup, held) = (mounted.clone(), Rc::new(RefCell::new(Vec::new())));
            let keep = held.clone();
            load_bundle(&held, move || {
                let (Some(host), Some(area)) = (host.cast::<Element>(), area.cast::<HtmlTextAreaElement>()) else { return };
                // Taken over without loss: whatever was typed meanwhile.
                let at_work =
                    dom::document().and_then(|d| d.active_element()).is_some_and(|a| a.is_same_node(Some(area.as_ref())));
                if let Some(m) = create(&host, &area.value(), label, &cell) {
                    *mounted.borrow_mut() = Some(m);
                    loaded.set(true);
                    if at_work {
                        focus_inside(&host);
                    }
                }
            });
            move || {
                cleanup.borrow_mut().take();
                keep.borrow_mut().clear();
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
        let onchange = props.onchange.clone();
        Callback::from(move |e: InputEvent| {
            if let Some(a) = e.target().and_then(|t| t.dyn_into::<HtmlTextAreaElement>().ok()) {
                onchange.emit(a.value());
            }
        })
    };
    let onkeydown = {
        let onapply = props.onapply.clone();
        Callback::from(move |e: KeyboardEvent| {
            let area = e.target().and_then(|t| t.dyn_into::<HtmlTextAreaElement>().ok());
            if let (true, false, Some(a)) =
                (e.key() == "Enter" && (e.ctrl_key() || e.meta_key()), e.is_composing() || e.key_code() == 229, area)
            {
                e.prevent_default();
                onapply(a.value());
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

type Latest = Rc<RefCell<(Callback<String>, Rc<dyn Fn(String)>)>>;

fn create(host: &Element, text: &str, label: &str, latest: &Latest) -> Option<Mounted> {
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
    let onchange = {
        let latest = latest.clone();
        Closure::<dyn FnMut(JsValue)>::new(move |text: JsValue| {
            let call = latest.borrow().0.clone();
            call.emit(text.as_string().unwrap_or_default());
        })
    };
    let handle: Rc<RefCell<JsValue>> = Rc::new(RefCell::new(JsValue::UNDEFINED));
    let onapply = {
        let (latest, handle) = (latest.clone(), handle.clone());
        Closure::<dyn FnMut()>::new(move || {
            let text = Reflect::get(&handle.borrow(), &"text".into()).ok().and_then(|f| f.dyn_into::<Function>().ok());
            if let Some(text) = text.and_then(|f| f.call0(&handle.borrow()).ok()).and_then(|t| t.as_string()) {
                let call = latest.borrow().1.clone();
                call(text);
            }
        })
    };
    let options = Object::new();
    Reflect::set(&options, &"doc".into(), &text.into()).ok()?;
    Reflect::set(&options, &"label".into(), &label.into()).ok()?;
    Reflect::set(&options, &"onChange".into(), onchange.as_ref()).ok()?;
    Reflect::set(&options, &"onApply".into(), onapply.as_ref()).ok()?;
    let made = make.call2(&api, &parent, &options).ok()?;
    *handle.borrow_mut() = made.clone();
    Some(Mounted { handle: made, _onchange: onchange, _onapply: onapply })
}

fn focus_inside(host: &Element) {
    if let Some(content) = host.shadow_root().and_then(|s| s.query_selector(".cm-content").ok().flatten())
        && let Ok(e) = content.dyn_into::<HtmlElement>()
    {
        dom::focus(&e);
    }
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
