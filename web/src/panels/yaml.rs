//! The YAML pane: an editor over manifests, its problems, and what applying them did.

use crate::editor::{Editor, Mounted, editor};
use crate::hooks::{use_lab, use_texts, use_view};
use crate::lab::{Lab, Line, LineKind, Term};
use crate::tools::{self, Tools};
use crate::widgets::{Hook, part};
use engine::Snapshot;
use objects::yaml::to_yaml;
use objects::{DocExt, Kind, ObjectKey, Value};
use std::cell::RefCell;
use std::rc::Rc;
use view::problems::{self, Problem};
use web_sys::{HtmlSelectElement, wasm_bindgen::JsCast};
use yew::prelude::*;

/// Wall milliseconds after the last key before a text is checked.
const CHECK_AFTER_MS: u32 = 250;

pub fn yaml() -> Html {
    part("yaml", |ctx, ()| use_yaml().run(ctx))
}

#[hook]
fn use_yaml() -> Html {
    let lab = use_lab();
    let t = use_texts();
    let lang = use_view(|lab| lab.ui().lang);
    let era = use_view(|lab| lab.core().session.scenario().era);
    let objects = use_view(|lab| editable(&lab.core().snapshot()));
    let generation = use_view(|lab| lab.core().generation);
    let text = use_state_eq({
        let lab = lab.clone();
        move || lab.ui().draft.clone().unwrap_or_else(|| initial(&lab.core().snapshot()))
    });
    let found = use_state_eq(Vec::<Problem>::new);
    let result = use_state_eq(Vec::<Rc<Line>>::new);
    let mounted: Rc<RefCell<Option<Mounted>>> = use_mut_ref(|| None);
    {
        let (lab, found, mounted, text) = (lab.clone(), found.clone(), mounted.clone(), (*text).clone());
        use_effect_with((text, era, lang), move |(text, era, lang)| {
            let (text, era, lang) = (text.clone(), *era, *lang);
            // Kept across language, theme and layout; the lab is not told, since no panel shows it.
            lab.keep_draft(&text);
            let timer = gloo_timers::callback::Timeout::new(CHECK_AFTER_MS, move || {
                tools::with(&lab, move |tools| {
                    let Ok(tools) = tools else { return };
                    let problems = (tools.problems)(&text, era, lang);
                    if let Some(m) = &*mounted.borrow() {
                        m.set_problems(&problems);
                    }
                    found.set(problems);
                });
            });
            move || drop(timer)
        });
    }
    let replace = {
        let (text, mounted) = (text.clone(), mounted.clone());
        move |new: String| {
            if let Some(m) = &*mounted.borrow() {
                m.set_text(&new);
            }
            text.set(new);
        }
    };
    let load = {
        let (lab, replace) = (lab.clone(), replace.clone());
        Callback::from(move |e: Event| {
            let Some(select) = e.target().and_then(|t| t.dyn_into::<HtmlSelectElement>().ok()) else { return };
            let value = select.value();
            select.set_value("");
            let snapshot = lab.core().snapshot();
            let new = match value.strip_prefix("object:") {
                Some(name) => live(&snapshot, name),
                None => crate::scenario::example(&value).map(str::to_owned),
            };
            if let Some(new) = new {
                replace(new);
            }
        })
    };
    {
        // A reset brings the start's objects back; the draft of the old run would mislead.
        let (lab, replace) = (lab.clone(), replace.clone());
        let first = use_mut_ref(|| generation);
        use_effect_with(generation, move |generation| {
            if first.replace(*generation) != *generation {
                replace(initial(&lab.core().snapshot()));
            }
        });
    }
    let apply: Rc<dyn Fn(String)> = {
        let (lab, result) = (lab.clone(), result.clone());
        Rc::new(move |text: String| {
            let (lab, result) = (lab.clone(), result.clone());
            tools::with(&lab.clone(), move |tools| result.set(run_apply(&lab, tools, &text)));
        })
    };
    let onapply = {
        let (apply, text, mounted) = (apply.clone(), text.clone(), mounted.clone());
        Callback::from(move |_: MouseEvent| {
            let now = mounted.borrow().as_ref().map_or_else(|| (*text).clone(), Mounted::text);
            apply(now);
        })
    };
    let fixes: Vec<problems::Fix> = [problems::Fix::StripRemarks, problems::Fix::Normalise]
        .into_iter()
        .filter(|f| found.iter().any(|p| p.fix == Some(*f)))
        .collect();
    let go = |line: u32, column: u32| {
        let mounted = mounted.clone();
        Callback::from(move |_: MouseEvent| {
            if let Some(m) = &*mounted.borrow() {
                m.go_to(line, column);
            }
        })
    };
    let onchange = {
        let text = text.clone();
        Callback::from(move |new: String| text.set(new))
    };
    html! {
        <div class="nw-yaml" data-pane="yaml">
            <div class="nw-tools">
                <select onchange={load} aria-label={t.load}>
                    <option value="" selected=true>{ t.load }</option>
                    <optgroup label={t.in_cluster}>
                        { for objects.iter().map(|o| html! { <option value={format!("object:{o}")}>{ o.clone() }</option> }) }
                    </optgroup>
                    <optgroup label={t.examples}>
                        { for crate::scenario::examples(era).iter().map(|(id, name)| html! { <option value={*id}>{ *name }</option> }) }
                    </optgroup>
                </select>
                <button type="button" class="nw-btn nw-primary" data-action="apply" onclick={onapply} title="Ctrl+Enter">{ t.apply }</button>
                { for fixes.into_iter().map(|fix| {
                    let (lab, replace, text) = (lab.clone(), replace.clone(), text.clone());
                    let onclick = Callback::from(move |_: MouseEvent| {
                        let (replace, text) = (replace.clone(), text.clone());
                        tools::with(&lab, move |tools| tools.into_iter().for_each(|t| replace((t.mend)(&text, fix))));
                    });
                    html! { <button type="button" class="nw-btn" data-action="fix" {onclick}>{ t.fix(fix) }</button> }
                }) }
            </div>
            { editor(Editor { text: (*text).clone(), label: t.yaml_editor, onchange, onapply: apply, mounted: mounted.clone() }) }
            <div class="nw-yaml-out" tabindex="0" role="group" aria-label={t.problems}>
                { if found.is_empty() { html! {} } else { html! {
                    <ul class="nw-problems">{ for found.iter().map(|p| html! {
                        <li data-severity={p.severity.token()}><button type="button" onclick={go(p.line, p.column)}>{ format!("{}:{}", p.line, p.column) }</button>
                            <span>{ if p.path.is_empty() { html! {} } else { html! { <code lang="en">{ p.path.clone() }{ " " }</code> } } }{ p.message.clone() }</span></li>
                    }) }</ul>
                } } }
                { if result.is_empty() { html! {} } else { html! {
                    <pre class="nw-result" lang="en" role="status">{ for result.iter().map(|l| html! {
                        <span class={if l.kind == LineKind::Err { "nw-err" } else { "" }}>{ l.text.clone() }{ "\n" }</span> }) }</pre>
                } } }
            </div>
        </div>
    }
}

/// Applies by the same road as the terminal: `kubectl apply -f -` in a shell of its own, so that the words are kubectl's.
fn run_apply(lab: &Lab, tools: Result<Tools, &str>, text: &str) -> Vec<Rc<Line>> {
    // A line that no manifest contains ends the document.
    let mut end = "EOF".to_owned();
    while text.lines().any(|l| l == end) {
        end.push('_');
    }
    let script = format!("kubectl apply -f - <<'{end}'\n{}\n{end}", text.trim_end());
    lab.change(|c| {
        let mut term = Term::new();
        term.submit(&script, &mut c.session);
        c.equip_term(&mut term, tools);
        let told = term.poll(&mut c.session);
        c.hear(told);
        c.poll_terms();
        term.lines().iter().filter(|l| !matches!(l.kind, LineKind::Input(_))).cloned().collect()
    })
}

/// Objects that people edit, as `kind/name`.
fn editable(snapshot: &Snapshot) -> Vec<String> {
    let era = snapshot.profile.era;
    let mut out = Vec::new();
    for kind in [Kind::pool(era), Kind::node_class(era), Kind::Deployment, Kind::PodDisruptionBudget] {
        for o in snapshot.store.list(kind) {
            if !matches!(o.meta.namespace.as_str(), "kube-system" | "karpenter") {
                out.push(format!("{}/{}", kind.name().to_lowercase(), o.key()));
            }
        }
    }
    out
}

fn live(snapshot: &Snapshot, name: &str) -> Option<String> {
    let (kind, rest) = name.split_once('/')?;
    let kind = Kind::parse(kind, snapshot.profile.era)?;
    let (namespace, name) = rest.split_once('/').unwrap_or(("", rest));
    let object = snapshot.store.get(&ObjectKey::new(kind, namespace, name))?;
    Some(to_yaml(&clean(object.doc.clone())))
}

/// A document as a person would write it: without what the server adds.
fn clean(mut doc: Value) -> Value {
    for path in [
        "status",
        "metadata.uid",
        "metadata.resourceVersion",
        "metadata.generation",
        "metadata.creationTimestamp",
        "metadata.managedFields",
    ] {
        doc.remove_at(path);
    }
    if let Some(map) = doc.slot("metadata").as_object_mut() {
        if let Some(a) = map.get_mut("annotations").and_then(Value::as_object_mut) {
            a.retain(|k, _| k != "kubectl.kubernetes.io/last-applied-configuration" && k != "deployment.kubernetes.io/revision");
        }
        if map.get("annotations").and_then(Value::as_object).is_some_and(|a| a.is_empty()) {
            map.remove("annotations");
        }
    }
    doc
}

/// What the editor shows first: the pool that decides everything.
fn initial(snapshot: &Snapshot) -> String {
    let era = snapshot.profile.era;
    let first = snapshot.store.list(Kind::pool(era)).next().map(|p| to_yaml(&clean(p.doc.clone())));
    first
        .or_else(|| crate::scenario::examples(era).first().and_then(|(id, _)| crate::scenario::example(id)).map(str::to_owned))
        .unwrap_or_default()
}
