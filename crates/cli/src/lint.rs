//! `nodewright lint`: what the page's editor marks, for files and pipelines.

use crate::Failure;
use engine::pricing::Market;
use lint::{Around, Finding, Severity};
use objects::schema::Docs;
use objects::{DocExt, Era, Value, json, yaml};
use std::path::Path;
use view::Lang;

/// A text and the name it goes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub name: String,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choices {
    /// What the documents themselves say where it is left out.
    pub era: Option<Era>,
    pub region: String,
    pub lang: Lang,
}

/// Findings by source.
#[derive(Debug, PartialEq)]
pub struct Report<'a> {
    pub sources: &'a [Source],
    pub findings: Vec<Vec<Finding>>,
}

/// The files that an argument names: itself, or everything in a folder that holds manifests, in order of name.
pub fn collect(argument: &str, out: &mut Vec<String>) -> Result<(), Failure> {
    let path = Path::new(argument);
    if argument == "-" || !path.is_dir() {
        out.push(argument.to_owned());
        return Ok(());
    }
    let before = out.len();
    folder(path, out)?;
    if out.len() == before {
        return Err(Failure::usage(format!("{argument}: no .yaml, .yml or .json file in this folder")));
    }
    Ok(())
}

fn folder(path: &Path, out: &mut Vec<String>) -> Result<(), Failure> {
    let wrong = |error: std::io::Error| Failure::usage(format!("{}: {error}", path.display()));
    let entries: Result<Vec<_>, _> = std::fs::read_dir(path).map_err(wrong)?.map(|e| e.map(|e| e.path())).collect();
    let mut entries = entries.map_err(wrong)?;
    entries.sort();
    for entry in entries {
        let hidden = entry.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'));
        if entry.is_dir() && !hidden && !entry.is_symlink() {
            folder(&entry, out)?;
        } else if entry.extension().is_some_and(|e| ["yaml", "yml", "json"].iter().any(|x| e == *x)) {
            out.push(entry.to_string_lossy().into_owned());
        }
    }
    Ok(())
}

/// The era that the documents speak of: the earlier one where only its kinds occur.
fn era_of(sources: &[Source]) -> Era {
    let versions: Vec<String> = sources
        .iter()
        .flat_map(|s| yaml::parse(&s.text).documents)
        .filter_map(|d| d.value.str_at("apiVersion").map(str::to_owned))
        .filter(|v| v.starts_with("karpenter"))
        .collect();
    let earlier = |v: &String| matches!(v.as_str(), "karpenter.sh/v1alpha5" | "karpenter.k8s.aws/v1alpha1");
    if !versions.is_empty() && versions.iter().all(earlier) { Era::V1alpha5 } else { Era::V1 }
}

/// Looks at all sources together: a budget in one file may belong to a workload in another.
pub fn run<'a>(sources: &'a [Source], choices: &Choices) -> Result<Report<'a>, Failure> {
    let era = choices.era.unwrap_or_else(|| era_of(sources));
    let market = Market::build(&choices.region, era).map_err(Failure::usage)?;
    let docs = Docs::built_in();
    let around = Around::files(era, &market, choices.lang).with_docs(&docs);
    let texts: Vec<&str> = sources.iter().map(|s| s.text.as_str()).collect();
    Ok(Report { sources, findings: lint::check_all(&texts, &around) })
}

impl Report<'_> {
    fn count(&self, severity: Severity) -> usize {
        self.findings.iter().flatten().filter(|f| f.severity == severity).count()
    }

    /// 1 where there is an error.
    pub fn exit(&self) -> u8 {
        u8::from(self.count(Severity::Error) > 0)
    }

    fn each(&self) -> impl Iterator<Item = (&str, &Finding)> {
        self.sources.iter().zip(&self.findings).flat_map(|(s, list)| list.iter().map(move |f| (s.name.as_str(), f)))
    }

    /// One line a finding, in the form of compilers.
    pub fn text(&self) -> String {
        let mut out = String::new();
        for (name, f) in self.each() {
            let path = if f.path.is_empty() { String::new() } else { format!("{}: ", f.path) };
            let (line, column) = (f.range.start.line, f.range.start.column);
            out.push_str(&format!("{name}:{line}:{column}: {}[{}] {path}{}\n", f.severity.token(), f.code.id, f.message));
            for fix in &f.fixes {
                out.push_str(&format!("    fix: {}\n", fix.title));
            }
        }
        let [errors, warnings, notes] = [Severity::Error, Severity::Warning, Severity::Note].map(|s| self.count(s));
        out.push_str(&format!("{errors} errors, {warnings} warnings, {notes} notes in {} files\n", self.sources.len()));
        out
    }

    pub fn json(&self) -> Value {
        let range = |r: &lint::Range| json!({"line": r.start.line, "column": r.start.column, "endLine": r.end.line, "endColumn": r.end.column});
        let edit = |e: &lint::Edit| json!({"range": range(&e.range), "text": e.text});
        let fix = |f: &lint::Fix| json!({"title": f.title, "edits": f.edits.iter().map(edit).collect::<Vec<_>>()});
        let finding = |(name, f): (&str, &Finding)| {
            json!({
                "file": name, "range": range(&f.range), "document": f.document, "severity": f.severity.token(),
                "code": f.code.id, "path": f.path, "message": f.message, "server": f.server,
                "fixes": f.fixes.iter().map(fix).collect::<Vec<_>>(),
            })
        };
        json!({
            "findings": self.each().map(finding).collect::<Vec<_>>(),
            "errors": self.count(Severity::Error), "warnings": self.count(Severity::Warning),
            "notes": self.count(Severity::Note), "files": self.sources.len(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(name: &str, text: &str) -> Source {
        Source { name: name.to_owned(), text: text.to_owned() }
    }

    fn choices() -> Choices {
        Choices { era: None, region: "ap-northeast-2".to_owned(), lang: Lang::En }
    }

    #[test]
    fn files_are_looked_at_together_and_told_apart() {
        let budget = "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: b}\nspec: {maxUnavailable: 0, selector: {matchLabels: {app: a}}}\n";
        let deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec:\n  replicaz: 2\n  selector: {matchLabels: {app: a}}\n  template:\n    metadata: {labels: {app: a}}\n    spec: {containers: [{name: c, image: i, resources: {requests: {cpu: 1}}}]}\n";
        let sources = [source("budget.yaml", budget), source("app.yaml", deployment)];
        let report = run(&sources, &choices()).unwrap();
        let lines: Vec<&str> = report.findings.iter().map(|l| l.first().map_or("", |f| f.code.id)).collect();
        assert_eq!((lines, report.exit()), (vec!["pdb-allows-none", "unknown-field"], 1));
        let text = report.text();
        assert!(text.contains("app.yaml:5:3: error[unknown-field] spec.replicaz: unknown field `replicaz`, did you mean `replicas`?\n    fix: Change it to `replicas`\n"), "{text}");
        assert!(text.ends_with("1 errors, 1 warnings, 0 notes in 2 files\n"), "{text}");
        let v = report.json();
        assert_eq!((v.int_at("errors"), v.list_at("findings").len()), (Some(1), 2));
        let server = v.list_at("findings").iter().find_map(|f| f.str_at("server")).unwrap();
        assert!(server.ends_with("strict decoding error: unknown field \"spec.replicaz\""), "{server}");
    }

    #[test]
    fn the_era_is_that_of_the_documents() {
        let old = source("a", "apiVersion: karpenter.sh/v1alpha5\nkind: Provisioner\n");
        let new = source("b", "apiVersion: karpenter.sh/v1\nkind: NodePool\n");
        assert_eq!(era_of(std::slice::from_ref(&old)), Era::V1alpha5);
        assert_eq!(era_of(&[old, new]), Era::V1);
        assert_eq!(era_of(&[source("c", "kind: x\n")]), Era::V1);
        let wrong = Choices { region: "mars-1".to_owned(), ..choices() };
        assert_eq!(run(&[], &wrong).unwrap_err().exit, 2);
    }

    /// The page's own examples are without errors, each in its era.
    #[test]
    fn folders_are_read_in_order() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../web/src/examples");
        let mut files = Vec::new();
        collect(folder, &mut files).unwrap();
        assert!(files.len() >= 5 && files.is_sorted(), "{files:?}");
        for file in files {
            let sources = [source(&file, &std::fs::read_to_string(&file).unwrap())];
            let report = run(&sources, &choices()).unwrap();
            assert_eq!(report.exit(), 0, "{}", report.text());
        }
        let mut none = Vec::new();
        assert_eq!(collect(concat!(env!("CARGO_MANIFEST_DIR"), "/src"), &mut none).unwrap_err().exit, 2);
    }
}
