//! `kubectl kustomize DIR`, and `-k DIR` of other verbs: what a kustomization makes of the files of the home.
//! Source: sigs.k8s.io/kustomize/api v0.20.1 and kyaml v0.20.1, as k8s.io/kubectl v0.35.4 has them:
//! internal/target/kusttarget.go (the order of all), krusty/kustomizer.go; kustomize v5.7.1, commands/build.

mod fields;
mod file;
mod generate;
mod images;
mod json6902;
mod labels;
mod lists;
mod load;
mod merge;
mod names;
mod patches;
mod print;
mod references;
mod referring;
mod resource;
mod spec;
mod target;

use super::{Call, Fail, Next};
use crate::run::{Ctx, Files, Io};
#[cfg(test)]
pub use file::ABSENT;
use load::Place;
use objects::{DocExt, Value};
use resource::Resource;

/// Most work of one build: bytes read and compared, roughly.
const WORK: usize = 64 << 20;
/// Most resources of one build.
pub const RESOURCES: usize = 1_000;
/// Deepest chain of bases.
const DEPTH: usize = 50;

/// Why nothing was built.
#[derive(Debug)]
pub enum Wrong {
    /// As kustomize says it; those who called for it say where.
    Said(String),
    /// What is so only here.
    Here(String),
}

impl Wrong {
    /// The same, with where it happened in front.
    fn within(self, place: &str) -> Wrong {
        match self {
            Wrong::Said(text) => Wrong::Said(format!("{place}: {text}")),
            here => here,
        }
    }

    fn text(self) -> String {
        match self {
            Wrong::Said(text) | Wrong::Here(text) => text,
        }
    }
}

/// What a build reads, and how much it may still do.
pub struct Build<'a> {
    files: &'a Files,
    cwd: &'a str,
    /// Whether files may lie outside of the directory that names them.
    anywhere: bool,
    /// The order of kubectl, where the kustomization names none.
    legacy: bool,
    left: usize,
    pub warnings: Vec<String>,
}

impl<'a> Build<'a> {
    fn new(ctx: &'a Ctx<'_>) -> Build<'a> {
        let (files, cwd) = (&ctx.state.files, ctx.state.env.cwd.as_str());
        Build { files, cwd, anywhere: false, legacy: true, left: WORK, warnings: Vec::new() }
    }

    fn charge(&mut self, work: usize) -> Result<(), Wrong> {
        let left = self.left.checked_sub(work);
        self.left = left.ok_or_else(|| Wrong::Here("the kustomization is too large to be built here".to_owned()))?;
        Ok(())
    }

    /// The documents that a directory makes.
    fn run(&mut self, directory: &str) -> Result<String, Wrong> {
        let place = Place::top(directory, self)?;
        let file = self.kustomization(&place)?;
        let mut all = self.accumulate(&place, &file, Vec::new())?;
        names::hashes(&mut all);
        references::rename(&mut all, self)?;
        drop_local(&mut all)?;
        print::order(&mut all, file.get("sortOptions"), self.legacy)?;
        print::print(&mut all)
    }

    /// All that a kustomization makes of what is there; only a component finds something.
    fn accumulate(&mut self, place: &Place, file: &Value, start: Vec<Resource>) -> Result<Vec<Resource>, Wrong> {
        self.charge(1_000)?;
        let mut all = start;
        for field in ["resources", "bases"] {
            for path in file.list_at(field).iter().map(resource::plain) {
                self.resource(place, &path, &mut all).map_err(|e| e.within("accumulating resources"))?;
            }
        }
        for (field, secret) in [("configMapGenerator", false), ("secretGenerator", true)] {
            for args in file.list_at(field) {
                let new = generate::make(args, file.at("generatorOptions"), secret, place, self)?;
                self.charge(all.len())?;
                generate::absorb(&mut all, new)?;
            }
        }
        for path in file.list_at("components").iter().map(resource::plain) {
            all = self.component(place, &path, all).map_err(|e| e.within("accumulating components"))?;
        }
        let (early, late) = patches::read(file, place, self)?;
        for patch in early {
            patch.apply(&mut all, self)?;
        }
        labels::namespace(&mut all, file, self)?;
        names::affix(&mut all, file, self)?;
        labels::labels(&mut all, file, self)?;
        labels::annotations(&mut all, file, self)?;
        for patch in late {
            patch.apply(&mut all, self)?;
        }
        for replica in file.list_at("replicas") {
            images::replicas(&mut all, replica, self)?;
        }
        for image in file.list_at("images") {
            images::images(&mut all, image, self)?;
        }
        if all.len() > RESOURCES {
            return Err(Wrong::Here(format!("a kustomization may make {RESOURCES} objects here, not {}", all.len())));
        }
        Ok(all)
    }

    /// A file of resources, or else a base.
    fn resource(&mut self, place: &Place, path: &str, all: &mut Vec<Resource>) -> Result<(), Wrong> {
        let error = match self.file(place, path, all) {
            Ok(()) => return Ok(()),
            Err(Wrong::Said(error)) => error,
            Err(here) => return Err(here),
        };
        let within = |e: Wrong| e.within(&format!("accumulation err='{error}'"));
        let base = match place.base(path, self) {
            Ok(base) => base,
            Err(_) if error.contains("MalformedYAMLError") => return Err(Wrong::Said(error)),
            Err(e) => return Err(within(e)),
        };
        let made = self.directory(&base, None).map_err(within)?;
        let merging = format!("recursed merging from path '{}'", base.root);
        append(all, made).map_err(|e| within(e.within(&merging)))
    }

    fn file(&mut self, place: &Place, path: &str, all: &mut Vec<Resource>) -> Result<(), Wrong> {
        let within = |e: Wrong| e.within(&format!("accumulating resources from '{path}'"));
        let text = self.read(place, path).map_err(within)?;
        let found = load::resources(text).map_err(|e| within(Wrong::Said(patches::in_file(e, path))))?;
        let mut own = Vec::new();
        append(&mut own, found).map_err(within)?;
        append(all, own).map_err(|e| e.within(&format!("merging resources from '{path}'")))
    }

    fn component(&mut self, place: &Place, path: &str, all: Vec<Resource>) -> Result<Vec<Resource>, Wrong> {
        let quoted = |what: &'static str| {
            move |e: Wrong| match e {
                Wrong::Said(text) => Wrong::Said(format!("{what} {}", objects::json::go_quote(&text))),
                here => here,
            }
        };
        let base = place.base(path, self).map_err(quoted("loader.New"))?;
        self.directory(&base, Some(all)).map_err(quoted("accumulateDirectory:"))
    }

    /// What another directory makes: a base for itself, a component of what is there.
    fn directory(&mut self, base: &Place, component: Option<Vec<Resource>>) -> Result<Vec<Resource>, Wrong> {
        if base.depth() > DEPTH {
            return Err(Wrong::Here(format!("bases may stand on {DEPTH} others here")));
        }
        let root = &base.root;
        let file = self.kustomization(base).map_err(|e| e.within(&format!("couldn't make target for path '{root}'")))?;
        let kind = file.str_at("kind").filter(|k| !k.is_empty()).unwrap_or("Kustomization");
        match (component.is_some(), kind) {
            (true, "Component") | (false, "Kustomization") => {}
            (true, other) => {
                return Err(Wrong::Said(format!("expected kind 'Component' for path '{root}' but got '{other}'")));
            }
            (false, _) => return Err(Wrong::Said(format!("expected kind != 'Component' for path '{root}'"))),
        }
        let made = self.accumulate(base, &file, component.unwrap_or_default());
        made.map_err(|e| e.within(&format!("recursed accumulation of path '{root}'")))
    }
}

/// Takes out what is only for kustomize itself, and makes sure that the rest still has names.
fn drop_local(all: &mut Vec<Resource>) -> Result<(), Wrong> {
    for resource in all.iter() {
        load::check(&resource.with_notes()).map_err(Wrong::Said)?;
    }
    all.retain(|r| match r.doc.at("metadata.annotations").field("config.kubernetes.io/local-config") {
        Value::Null => true,
        value => resource::plain(value) == "false",
    });
    Ok(())
}

/// Adds resources, none of which may be there.
fn append(all: &mut Vec<Resource>, more: Vec<Resource>) -> Result<(), Wrong> {
    let mut ids: Vec<resource::Id> = all.iter().map(Resource::id).collect();
    for resource in more {
        let id = resource.id();
        if ids.iter().any(|other| other.equals(&id)) {
            return Err(Wrong::Said(format!("may not add resource with an already registered id: {}", id.text())));
        }
        if ids.len() > RESOURCES {
            return Err(Wrong::Here(format!("a kustomization may make {RESOURCES} objects here")));
        }
        ids.push(id);
        all.push(resource);
    }
    Ok(())
}

/// What `-k` names, as one text of documents. Warnings are printed at once.
pub fn built(directory: &str, io: &mut Io<'_>, ctx: &Ctx<'_>) -> Result<String, Fail> {
    finish(Build::new(ctx), directory, io)
}

fn finish(mut build: Build<'_>, directory: &str, io: &mut Io<'_>) -> Result<String, Fail> {
    let made = build.run(directory);
    for warning in &build.warnings {
        io.err(&format!("{warning}\n"));
    }
    made.map_err(|e| Fail::error(e.text().trim_end_matches('\n')))
}

/// `kubectl kustomize [DIR]`.
pub fn run(call: &mut Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    let flag = |name: &str| call.flags.text(name).unwrap_or_default().to_owned();
    if call.flags.given("reorder") {
        io.err("Flag --reorder has been deprecated, use the new 'sortOptions' field in kustomization.yaml instead.\n");
    }
    if call.args.len() > 1 {
        return Err(Fail::error("specify one path to kustomization.yaml"));
    }
    let restrictor = flag("load-restrictor");
    if !["", "LoadRestrictionsRootOnly", "LoadRestrictionsNone"].contains(&restrictor.as_str()) {
        return Err(Fail::error(format!(
            "illegal flag value --load-restrictor {restrictor}; legal values: [LoadRestrictionsRootOnly LoadRestrictionsNone]"
        )));
    }
    let reorder = flag("reorder");
    if !["", "legacy", "none"].contains(&reorder.as_str()) {
        return Err(Fail::error(format!("illegal flag value --reorder {reorder}; legal values: [legacy none]")));
    }
    let directory = call.args.first().map_or(".", String::as_str);
    let mut build = Build::new(ctx);
    build.anywhere = restrictor == "LoadRestrictionsNone";
    build.legacy = reorder != "none";
    let text = finish(build, directory, io)?;
    let output = flag("output");
    if output.is_empty() {
        io.out(&text);
        return Ok(Next::Done(0));
    }
    let path = ctx.state.path(&output);
    if ctx.state.files.is_dir(&path) {
        return Err(Fail::error(format!("--output {output} is a directory: here it names one file for all")));
    }
    let written = ctx.state.files.write(&path, &text, false);
    written.map_err(|e| Fail::error(format!("open {output}: {}", e.to_lowercase())))?;
    Ok(Next::Done(0))
}
