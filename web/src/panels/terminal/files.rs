//! Files of the visitor's machine: chosen or dropped, they go into the terminal's home, and the command that reads them stands
//! in the prompt. They are not sent anywhere.

use crate::hooks::{use_lab, use_texts};
use crate::lab::Lab;
use crate::tools;
use crate::widgets::{Hook, part};
use js_sys::Uint8Array;
use wasm_bindgen_futures::JsFuture;
use web_sys::wasm_bindgen::JsCast;
use web_sys::{FileList, HtmlInputElement};
use yew::platform::spawn_local;
use yew::prelude::*;

/// The control that opens the browser's chooser.
pub fn picker() -> Html {
    part("picker", |ctx, ()| use_picker().run(ctx))
}

#[hook]
fn use_picker() -> Html {
    let lab = use_lab();
    let t = use_texts();
    let onchange = Callback::from(move |e: Event| {
        let Some(input) = e.target().and_then(|t| t.dyn_into::<HtmlInputElement>().ok()) else { return };
        if let Some(files) = input.files() {
            take(&lab, &files);
        }
        // The same file may be chosen again, once it has changed.
        input.set_value("");
    });
    html! {
        <label class="nw-btn nw-small nw-picker" title={t.file_note}>{ t.file }<input type="file" class="nw-sr" multiple=true {onchange} /></label>
    }
}

/// Says that files may be dropped here.
pub fn welcome(e: DragEvent) {
    e.prevent_default();
}

pub fn dropped(lab: &Lab, e: &DragEvent) {
    if let Some(files) = e.data_transfer().and_then(|d| d.files()) {
        e.prevent_default();
        take(lab, &files);
    }
}

fn take(lab: &Lab, files: &FileList) {
    for file in (0..files.length()).filter_map(|i| files.item(i)) {
        let lab = lab.clone();
        spawn_local(async move {
            match JsFuture::from(file.array_buffer()).await {
                Ok(bytes) => keep(&lab, plain(&file.name()), Uint8Array::new(&bytes).to_vec()),
                Err(why) => {
                    let why = String::from(js_sys::Error::from(why).message());
                    lab.show(|ui| ui.toast = Some(format!("{}: {why}", file.name())));
                }
            }
        });
    }
}

/// Texts are kept as they are; of the rest a trace can be read, which becomes a script.
fn keep(lab: &Lab, name: String, bytes: Vec<u8>) {
    let other = match String::from_utf8(bytes) {
        Ok(text) => return write(lab, name, text.trim_start_matches('\u{feff}').to_owned(), Vec::new()),
        Err(other) => other,
    };
    let lab = lab.clone();
    let era = lab.core().session.scenario().era;
    tools::extras(move |extras| {
        let read = |bytes| {
            let import = extras.map_err(str::to_owned)?.import;
            import(bytes, era).map_err(|why| format!("no text in UTF-8; {why}"))
        };
        match read(other.as_bytes()) {
            Ok(imported) => write(&lab, script_of(&name), imported.script, imported.notes),
            Err(why) => lab.show(|ui| ui.toast = Some(format!("{name}: {why}"))),
        }
    });
}

/// Writes it down, and proposes what one does with it.
fn write(lab: &Lab, name: String, text: String, notes: Vec<String>) {
    let terminal = lab.ui().terminal;
    let lab = lab.clone();
    tools::with(&lab.clone(), move |tools| {
        let kept = tools.map_err(str::to_owned).and_then(|_| lab.change(|c| c.keep_file(terminal, &name, &text)));
        lab.show(|ui| match kept {
            Ok(()) => {
                ui.insert = Some(command(&name, &text));
                ui.toast = Some(notes.join("; ")).filter(|t| !t.is_empty());
            }
            Err(why) => ui.toast = Some(format!("{name}: {why}")),
        });
    });
}

/// The script's name for that of a trace.
fn script_of(name: &str) -> String {
    format!("{}.sh", name.rsplit_once('.').map_or(name, |(stem, _)| stem))
}

/// A name that needs no quotes.
fn plain(name: &str) -> String {
    let ok = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    name.trim_start_matches(['-', '.']).chars().map(|c| if ok(c) { c } else { '_' }).collect()
}

/// What one does with such a file.
fn command(name: &str, text: &str) -> String {
    let scenario = ["scenario: observed", "\"scenario\":\"observed\"", "\"scenario\": \"observed\""];
    let types = text.trim_start().starts_with('[') && text.contains("\"offerings\"");
    if types || scenario.iter().any(|mark| text.contains(mark)) {
        format!("nodewright open {name}")
    } else if name.ends_with(".sh") {
        format!("bash {name}")
    } else if [".yaml", ".yml", ".json"].iter().any(|ending| name.ends_with(ending)) {
        format!("kubectl apply -f {name}")
    } else {
        format!("cat {name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_suits_the_file() {
        let check = |name: &str, text: &str, want: &str| assert_eq!(command(&plain(name), text), want);
        check("staging.yaml", "era: v1\nscenario: observed\n", "nodewright open staging.yaml");
        check("big one.json", "{\"v\":1,\"scenario\":\"observed\"}", "nodewright open big_one.json");
        check("-pool $(x).yaml", "kind: NodePool\n", "kubectl apply -f pool___x_.yaml");
        check("types.json", " [{\"name\": \"a\", \"offerings\": []}]", "nodewright open types.json");
        check("lab.sh", "kubectl get nodes\n", "bash lab.sh");
        check("노트.txt", "", "cat 노트.txt");
        check(&script_of("prod.v2.sktrace"), "", "bash prod.v2.sh");
    }
}
