//! A trace that SimKube has recorded, as a script of kubectl lines that the shell plays in virtual time.
//!
//! Source of the form: acrlabs/simkube docs/ref/trace-files.md and sk-core/src/trace, v2.7.0 (format version 2).

mod pods;
mod trace;

use objects::collections::VecMap;
use objects::{DocExt, Era, Kind, Value, yaml};
use pods::Lent;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use trace::{Trace, read};

/// Every cluster has these.
const BUILT_IN: [&str; 4] = ["default", "kube-system", "kube-public", "kube-node-lease"];
/// Kinds whose pods end by themselves.
const ENDING: [Kind; 3] = [Kind::Job, Kind::CronJob, Kind::Pod];

/// The script, and what was left out and assumed, one sentence each; the script has them as comments.
#[derive(Debug)]
pub struct Imported {
    pub script: String,
    pub notes: Vec<String>,
}

/// The script of a trace for a cluster of this era.
///
/// # Errors
/// Why the bytes cannot be read.
pub fn script(bytes: &[u8], era: Era) -> Result<Imported, String> {
    let trace = read(bytes)?;
    Ok(Script::of(&trace, era).write(&trace))
}

/// What is known of the whole before a line is written.
struct Script {
    era: Era,
    lent: Lent,
    namespaces: BTreeSet<String>,
    /// How many documents of a kind are left out, and why.
    left_out: BTreeMap<(String, &'static str), usize>,
}

impl Script {
    fn of(trace: &Trace, era: Era) -> Script {
        let mut script = Script { era, lent: Lent::of(trace), namespaces: BTreeSet::new(), left_out: BTreeMap::new() };
        for doc in trace.events.iter().flat_map(|e| &e.applied) {
            match script.refused(doc) {
                Some(why) => *script.left_out.entry((doc.str_at("kind").unwrap_or("?").to_owned(), why)).or_default() += 1,
                None => drop(script.namespaces.insert(doc.str_at("metadata.namespace").unwrap_or_default().to_owned())),
            }
        }
        let made = trace.applied(Kind::Namespace);
        script.namespaces.retain(|n| !n.is_empty() && !BUILT_IN.contains(&n.as_str()) && !made.contains(n.as_str()));
        script
    }

    /// Why a document is left out, if it is.
    fn refused(&self, doc: &Value) -> Option<&'static str> {
        match kind_of(doc).filter(|k| !k.is_internal() && k.served_in(self.era)) {
            None => Some("no such kind here"),
            Some(_) if self.lent.is_made_by_another(doc) => Some("made by an owner that is in the trace"),
            Some(_) => None,
        }
    }

    fn write(self, trace: &Trace) -> Imported {
        let mut out = String::new();
        let (first, last) = (trace.events.first().map_or(0, |e| e.ts), trace.events.last().map_or(0, |e| e.ts));
        let _ = writeln!(
            out,
            "# From a SimKube trace: {} times something changed, within {} s from {} on.",
            trace.events.len(),
            last.saturating_sub(first),
            objects::time::rfc3339(first.saturating_mul(1_000))
        );
        let many = |((kind, why), n): (&(String, &str), &usize)| format!("left out: {n} of kind {kind} ({why})");
        let mut notes: Vec<String> = self.left_out.iter().map(many).collect();
        notes.extend(self.lent.notes());
        for note in &notes {
            let _ = writeln!(out, "# {note}");
        }
        for namespace in &self.namespaces {
            let _ = writeln!(out, "kubectl create namespace {namespace}");
        }
        let mut before = first;
        for event in &trace.events {
            let applied: Vec<Value> =
                event.applied.iter().filter(|d| self.refused(d).is_none()).map(|d| self.lent.clean(d)).collect();
            let deleted: Vec<&Value> = event.deleted.iter().filter(|d| self.refused(d).is_none()).collect();
            if applied.is_empty() && deleted.is_empty() {
                continue;
            }
            if event.ts > before {
                let _ = writeln!(out, "sleep {}", event.ts - before);
                before = event.ts;
            }
            apply(&mut out, &applied);
            deleted.into_iter().for_each(|doc| delete(&mut out, doc));
        }
        Imported { script: out, notes }
    }
}

fn kind_of(doc: &Value) -> Option<Kind> {
    Kind::of(doc.str_at("apiVersion")?, doc.str_at("kind")?)
}

/// As SimKube's driver applies them: on the server, whoever has the fields.
fn apply(out: &mut String, docs: &[Value]) {
    if docs.is_empty() {
        return;
    }
    let text = docs.iter().map(yaml::to_yaml).collect::<Vec<_>>().join("---\n");
    let mut end = "EOF".to_owned();
    while text.lines().any(|l| l == end) {
        end.push('_');
    }
    let _ = writeln!(out, "kubectl apply --server-side --force-conflicts -f - <<'{end}'\n{text}{end}");
}

fn delete(out: &mut String, doc: &Value) {
    let Some(kind) = kind_of(doc) else { return };
    let namespace = doc.str_at("metadata.namespace").map_or_else(String::new, |n| format!(" -n {n}"));
    let name = doc.str_at("metadata.name").unwrap_or_default();
    let _ = writeln!(out, "kubectl delete {} {name}{namespace} --ignore-not-found --wait=false", kind.resource());
}

/// The path of the pod template of a kind, or of the pod itself.
fn template_path(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Pod => Some(""),
        Kind::CronJob => Some("spec.jobTemplate.spec.template"),
        Kind::Deployment | Kind::ReplicaSet | Kind::StatefulSet | Kind::DaemonSet | Kind::Job => Some("spec.template"),
        _ => None,
    }
}

/// Names of a kind's objects, by namespace.
type Named = VecMap<Kind, BTreeSet<String>>;
