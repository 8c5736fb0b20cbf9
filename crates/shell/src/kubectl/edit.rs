//! kubectl edit: the objects as YAML in an editor, and what was changed as patches.
//!
//! The editor is the owner's, where it has one ([`crate::Options::editor`]), or the command that `KUBE_EDITOR` or `EDITOR`
//! names: anything this shell can run on a file.
//! Source: k8s.io/kubectl/pkg/cmd/util/editor/{editoptions,editor}.go, v0.35.

use super::apply::report;
use super::get::{Filter, find};
use super::manifest;
use super::output::{Output, name_of, pretty, visible};
use super::resolve::resolve;
use super::{Call, DryRun, Fail, Next, api, send, snapshot};
use crate::job::{Edit, Editor};
use crate::options::Lang;
use crate::run::{Ctx, Input, Io, Machine, Program, Step};
use engine::session::{PatchStyle, Request};
use objects::yaml::{parse, to_yaml};
use objects::{DocExt, Object, Reason, Value, json, patch};
use std::sync::Arc;

const HEADER: &str = "\
# Please edit the object below. Lines beginning with a '#' will be ignored,
# and an empty file will abort the edit. If an error occurs while saving this file will be
# reopened with the relevant failures.
#
";

/// The name that kubectl's temporary file has here; the real one ends in a random number.
const FILE: &str = "/tmp/kubectl-edit";

pub fn run(call: &mut Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    let json = call.flags.text("output") == Some("json");
    let named = manifest::named(call, ctx)?;
    if named.is_none() && call.args.is_empty() {
        return Err(Fail::error("must specify one of -f and -k"));
    }
    let asked = match named {
        Some(asked) => asked,
        None => resolve(&call.args, api(ctx))?,
    };
    let found = find(&asked, &Filter::read(call, ctx)?, &snapshot(ctx));
    if let Some(error) = found.missing.first() {
        return Err(Fail::api(error));
    }
    let objects: Vec<Arc<Object>> = found.objects.iter().flat_map(|(_, o)| o.clone()).collect();
    let Some(first) = objects.first() else {
        return Err(Fail::error("edit cancelled, no objects found"));
    };
    let variable = |name: &str| ctx.state.variable(name).filter(|v| !v.trim().is_empty());
    let command = variable("KUBE_EDITOR").or_else(|| variable("EDITOR"));
    if command.is_none() && !ctx.state.options.editor {
        io.err("error: unable to launch the editor \"vi\"\n");
        io.hint(match ctx.state.options.lang {
            Lang::En => "no editor opens here: KUBE_EDITOR='sed -i s/old/new/' kubectl edit ..., or kubectl patch, scale, set",
            Lang::Ko => {
                "여기서는 편집기가 열리지 않습니다. KUBE_EDITOR='sed -i s/old/new/' kubectl edit ... 또는 kubectl patch, scale, \
                 set을 쓰세요."
            }
        });
        return Ok(Next::Done(1));
    }
    let title = if objects.len() == 1 { name_of(first.kind, &first.meta.name) } else { format!("{} objects", objects.len()) };
    let list = objects.len() > 1;
    let whole = match objects.as_slice() {
        [one] => visible(&one.doc),
        many => json!({
            "apiVersion": "v1", "kind": "List", "metadata": {},
            "items": many.iter().map(|o| visible(&o.doc)).collect::<Vec<Value>>(),
        }),
    };
    let body = if json { pretty(&whole) } else { to_yaml(&whole) };
    let shows_patch = call.flags.on("output-patch");
    let program = EditProgram {
        objects,
        list,
        json,
        command,
        title,
        shows_patch,
        body,
        header: String::new(),
        last: None,
        stage: Stage::Open,
    };
    Ok(Next::Go(Box::new(program)))
}

#[derive(Debug)]
enum Stage {
    Open,
    /// The owner's editor has the text.
    Asked,
    /// A command works on the file.
    Running(Box<Machine>),
}

#[derive(Debug)]
struct EditProgram {
    objects: Vec<Arc<Object>>,
    list: bool,
    json: bool,
    command: Option<String>,
    title: String,
    shows_patch: bool,
    /// What the editor shows below the header.
    body: String,
    /// What was wrong with the last text.
    header: String,
    /// The text that was wrong.
    last: Option<String>,
    stage: Stage,
}

impl EditProgram {
    fn file(&self) -> String {
        format!("{FILE}.{}", if self.json { "json" } else { "yaml" })
    }

    fn text(&self) -> String {
        // JSON has no remarks: kubectl puts none in front of it.
        if self.json { self.body.clone() } else { format!("{HEADER}{}{}", self.header, self.body) }
    }

    /// Keeps the text for the person and says where.
    fn preserve(&self, text: &str, ctx: &mut Ctx<'_>, io: &mut Io<'_>) {
        let file = self.file();
        if ctx.state.files.write(&file, text, false).is_ok() {
            io.err(&format!("A copy of your changes has been stored to \"{file}\"\n"));
        }
    }

    /// The text comes again with `reason` on top.
    fn again(&mut self, text: &str, reason: &str) {
        self.header = reason.lines().map(|l| format!("# {l}\n")).collect::<String>() + "#\n";
        self.body = strip(text);
        self.last = Some(text.to_owned());
        self.stage = Stage::Open;
    }

    /// What the person made of the text; `None` goes round again.
    fn saved(&mut self, text: &str, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Option<i32> {
        if let Some(last) = &self.last
            && strip(last) == strip(text)
        {
            self.preserve(text, ctx, io);
            io.err("error: Edit cancelled, no valid changes were saved.\n");
            return Some(1);
        }
        if strip(&self.body) == strip(text) && self.last.is_none() {
            io.err("Edit cancelled, no changes made.\n");
            return Some(0);
        }
        if strip(text).trim().is_empty() {
            io.err("Edit cancelled, saved file was empty.\n");
            return Some(0);
        }
        let stream = parse(text);
        if let Some(error) = stream.error {
            self.again(text, &format!("The edited file had a syntax error: error parsing edited-file: {error}"));
            return None;
        }
        let mut docs: Vec<Value> = stream.documents.into_iter().map(|d| d.value).collect();
        if self.list {
            docs = docs.iter().flat_map(|d| d.list_at("items").to_vec()).collect();
        }
        let mut reasons = Vec::new();
        for doc in docs {
            match self.one(&doc, io, ctx) {
                Ok(()) => {}
                Err(Trouble::Invalid(reason)) => reasons.push(reason),
                Err(Trouble::Over(line)) => {
                    self.preserve(text, ctx, io);
                    io.err(&line);
                    return Some(1);
                }
                Err(Trouble::Kept(lines)) => {
                    let _ = ctx.state.files.write(&self.file(), text, false);
                    io.err(&lines);
                    return Some(1);
                }
            }
        }
        if reasons.is_empty() {
            return Some(0);
        }
        self.again(text, &reasons.join("\n"));
        None
    }

    /// Sends what was changed of one object.
    fn one(&self, doc: &Value, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<(), Trouble> {
        let uid = doc.str_at("metadata.uid").unwrap_or_default();
        let Some(object) = self.objects.iter().find(|o| o.meta.uid == uid) else {
            return Err(Trouble::Over("error: At least one of apiVersion, kind and name was changed\n".to_owned()));
        };
        let old = visible(&object.doc);
        let table = Output::Table { wide: false };
        if old == *doc {
            report(&table, object.kind, &object.meta.name, "skipped", DryRun::None, None, io);
            return Ok(());
        }
        if ["apiVersion", "kind", "metadata.name"].iter().any(|p| old.at(p) != doc.at(p)) {
            return Err(Trouble::Over("error: At least one of apiVersion, kind and name was changed\n".to_owned()));
        }
        let named = format!("{} \"{}\"", object.kind.resource(), object.meta.name);
        if let Err(error) = objects::admit::decode(object.kind, &mut doc.clone(), objects::Validation::Strict) {
            io.err(&format!("error: {named} is invalid\n"));
            return Err(Trouble::Invalid(format!("{named} was not valid:\n* patch: {}", error.message)));
        }
        let change = patch::merge_between(&old, doc);
        if self.shows_patch {
            io.out(&format!("Patch: {change}\n"));
        }
        let request = Request::Patch { key: object.key(), patch: change, style: PatchStyle::Merge, dry_run: false };
        match send(request, io, ctx) {
            Ok(_) => {
                report(&table, object.kind, &object.meta.name, "edited", DryRun::None, None, io);
                Ok(())
            }
            Err(error) => Err(match error.reason {
                Reason::Invalid => {
                    io.err(&format!("error: {named} is invalid\n"));
                    let causes: String = error.causes.iter().map(|(path, why)| format!("\n* {path}: {why}")).collect();
                    let colon = if causes.is_empty() { "" } else { ":" };
                    Trouble::Invalid(format!("{named} was not valid{colon}{causes}"))
                }
                Reason::NotFound => Trouble::Kept(format!(
                    "error: {named} could not be found on the server\nThe edits you made on deleted resources have been saved to \
                     \"{}\"\n",
                    self.file()
                )),
                _ => Trouble::Kept(format!(
                    "error: {named} could not be patched: {}\nYou can run `kubectl replace -f {}` to try this update again.\n",
                    error.message,
                    self.file()
                )),
            }),
        }
    }
}

/// Why an object was not changed.
enum Trouble {
    /// The text is shown again with this on top.
    Invalid(String),
    /// The text is kept in the file, of which this tells.
    Kept(String),
    Over(String),
}

/// The text without lines that are remarks.
fn strip(text: &str) -> String {
    text.lines().filter(|l| !l.trim_start().starts_with('#')).map(|l| format!("{}\n", l.trim_end())).collect()
}

/// Whether the first word of an editor's command is one this shell can run.
fn known(command: &str) -> bool {
    command.split_whitespace().next().is_some_and(|word| crate::tools::find(word.rsplit('/').next().unwrap_or(word)).is_some())
}

impl Program for EditProgram {
    fn step(&mut self, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Step {
        match &mut self.stage {
            Stage::Open => {
                let text = self.text();
                let Some(command) = self.command.clone() else {
                    *ctx.editor = Editor::Open(Edit { title: self.title.clone(), text });
                    self.stage = Stage::Asked;
                    return Step::Wait(None);
                };
                let file = self.file();
                if !known(&command) {
                    io.err(&format!("error: unable to launch the editor \"{command}\"\n"));
                    io.hint(match ctx.state.options.lang {
                        Lang::En => "only commands of this shell can edit: KUBE_EDITOR='sed -i s/old/new/'",
                        Lang::Ko => "이 셸에 있는 명령만 편집기로 쓸 수 있습니다. 예: KUBE_EDITOR='sed -i s/old/new/'",
                    });
                    return Step::Done(1);
                }
                let machine = ctx
                    .state
                    .files
                    .write(&file, &text, false)
                    .ok()
                    .and_then(|()| crate::tools::shell(&format!("{command} {file}"), ctx));
                let Some(machine) = machine else {
                    io.err(&format!("error: there was a problem with the editor \"{command}\"\n"));
                    return Step::Done(1);
                };
                self.stage = Stage::Running(Box::new(machine));
                Step::More
            }
            Stage::Asked => match std::mem::take(ctx.editor) {
                Editor::Left(text) => {
                    // Leaving without saving leaves the file as it was.
                    let text = text.unwrap_or_else(|| self.last.clone().unwrap_or_else(|| self.text()));
                    match self.saved(&text, io, ctx) {
                        Some(exit) => Step::Done(exit),
                        None => Step::More,
                    }
                }
                open => {
                    *ctx.editor = open;
                    Step::Wait(None)
                }
            },
            Stage::Running(machine) => {
                let mut input = Input::empty();
                let mut inner = Io::new(&mut input, false);
                let step = machine.step(&mut inner, ctx);
                let output = std::mem::take(&mut inner.output);
                for chunk in output {
                    match chunk.stream {
                        crate::Stream::Stdout => io.out(&chunk.text),
                        crate::Stream::Stderr => io.err(&chunk.text),
                        crate::Stream::Hint => io.hint(chunk.text.trim_end()),
                    }
                }
                let file = self.file();
                match step {
                    Step::Done(0) => {
                        let text = ctx.state.files.read(&file).unwrap_or_default().to_owned();
                        let _ = ctx.state.files.remove(&file, false);
                        match self.saved(&text, io, ctx) {
                            Some(exit) => Step::Done(exit),
                            None => Step::More,
                        }
                    }
                    Step::Done(_) => {
                        let command = self.command.as_deref().unwrap_or_default();
                        io.err(&format!("error: there was a problem with the editor \"{command}\"\n"));
                        Step::Done(1)
                    }
                    step => step,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remarks_are_no_part_of_the_text() {
        assert_eq!(strip(&format!("{HEADER}a: 1\n  # x\nb: 2  ")), "a: 1\nb: 2\n");
        assert!(known("sed -i s/a/b/") && known("/bin/true") && !known("vi"));
    }
}
