//! A scenario file: a header document, then plain Kubernetes and Karpenter objects. Unknown fields are errors.

use crate::{Fault, coerce};
use objects::{DocExt, Kind, Validation, Value, admit, time, yaml};

/// The time of scenarios that do not say one.
const NOW: &str = "2026-01-01T12:00:00Z";
/// The catalogue of scenarios that do not name one.
const CATALOGUE: &str = "ec2-core";

/// What the scenario asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The plan for the pending pods.
    Provision,
    /// What each consolidation method decides.
    Consolidate,
}

#[derive(Clone, Debug)]
pub struct Scenario {
    pub name: String,
    pub area: String,
    pub mode: Mode,
    /// File name in `catalog/` without `.json`.
    pub catalogue: String,
    /// Unix milliseconds.
    pub now_ms: i64,
    /// The header's `spec`.
    pub spec: Value,
    /// Engines that have the feature; empty means all.
    pub engines: Vec<String>,
    /// The other documents, strictly decoded, in their order.
    pub objects: Vec<(Kind, Value)>,
}

/// Kinds that a scenario may hold.
const KINDS: [Kind; 12] = [
    Kind::NodePool,
    Kind::NodeClaim,
    Kind::Node,
    Kind::Pod,
    Kind::Deployment,
    Kind::StatefulSet,
    Kind::DaemonSet,
    Kind::PodDisruptionBudget,
    Kind::Namespace,
    Kind::PersistentVolumeClaim,
    Kind::PersistentVolume,
    Kind::StorageClass,
];

/// Fields of the header with their types: `s`tring, `l`ist of strings, `i`nteger, `n`umber, `b`oolean, `m`ap of strings.
const SPEC: [(&str, char); 10] = [
    ("description", 's'),
    ("area", 's'),
    ("mode", 's'),
    ("catalog", 's'),
    ("instanceTypes", 'l'),
    ("zones", 'l'),
    ("now", 's'),
    ("engines", 'l'),
    ("repeat", 'i'),
    ("notes", 'm'),
];
const OFFERING: [(&str, char); 8] = [
    ("instanceType", 's'),
    ("zone", 's'),
    ("capacityType", 's'),
    ("available", 'b'),
    ("price", 'n'),
    ("add", 'b'),
    ("reservationID", 's'),
    ("reservationCapacity", 'i'),
];
const OPTIONS: [(&str, char); 4] =
    [("preferencePolicy", 's'), ("minValuesPolicy", 's'), ("spotToSpotConsolidation", 'b'), ("reservedCapacity", 'b')];

impl Scenario {
    /// Reads the text of a file. Faults name the document (from 1, the header) and the field.
    pub fn read(text: &str) -> Result<Scenario, Fault> {
        let stream = yaml::parse(text);
        if let Some(error) = stream.error {
            return Err(Fault(format!("line {}: {}", error.line, error.text)));
        }
        let mut documents = stream.documents.into_iter().map(|d| d.value);
        let mut header =
            documents.next().ok_or_else(|| Fault("the file is empty: begin with a document of kind Scenario".to_owned()))?;
        coerce_header(&mut header);
        let mut scenario = Scenario::of_header(&header).map_err(|f| f.at("document 1 (the header)"))?;
        for (i, mut doc) in documents.enumerate() {
            let place = format!("document {}", i + 2);
            scenario.objects.push((object(&mut doc).map_err(|f| f.at(&place))?, doc));
        }
        Ok(scenario)
    }

    fn of_header(header: &Value) -> Result<Scenario, Fault> {
        if header.str_at("kind") != Some("Scenario") {
            return Err(Fault("the first document must be of kind Scenario".to_owned()));
        }
        known(header, "", &[("apiVersion", 's'), ("kind", 's')], &["metadata", "spec"])?;
        known(header.at("metadata"), "metadata", &[("name", 's')], &[])?;
        let spec = header.at("spec");
        known(spec, "spec", &SPEC, &["offerings", "options"])?;
        known(spec.at("options"), "spec.options", &OPTIONS, &[])?;
        if !spec.at("offerings").is_null() && !spec.at("offerings").is_array() {
            return Err(Fault("spec.offerings must be a list".to_owned()));
        }
        for (i, patch) in spec.list_at("offerings").iter().enumerate() {
            known(patch, &format!("spec.offerings[{i}]"), &OFFERING, &[])?;
        }
        let text = |path: &str, default: &str| header.str_at(path).unwrap_or(default).to_owned();
        let one_of = |path: &str, allowed: &[&str]| match header.str_at(path) {
            Some(value) if !allowed.contains(&value) => {
                Err(Fault(format!("{path} is {value:?}: write {}", allowed.join(" or "))))
            }
            _ => Ok(()),
        };
        one_of("spec.options.preferencePolicy", &["Respect", "Ignore"])?;
        one_of("spec.options.minValuesPolicy", &["Strict", "BestEffort"])?;
        let name = text("metadata.name", "");
        if name.is_empty() {
            return Err(Fault("metadata.name is missing".to_owned()));
        }
        let now = text("spec.now", NOW);
        let now_ms = time::parse_rfc3339(&now).ok_or_else(|| Fault(format!("spec.now {now:?} is no time: write {NOW}")))?;
        let mode = match spec.str_at("mode") {
            Some("provision") => Mode::Provision,
            Some("consolidate") => Mode::Consolidate,
            other => return Err(Fault(format!("spec.mode is {:?}: write provision or consolidate", other.unwrap_or_default()))),
        };
        let engines = spec.list_at("engines").iter().filter_map(|e| e.as_str().map(str::to_owned)).collect();
        Ok(Scenario {
            name,
            area: text("spec.area", ""),
            mode,
            catalogue: text("spec.catalog", CATALOGUE),
            now_ms,
            spec: spec.clone(),
            engines,
            objects: Vec::new(),
        })
    }
}

/// Scalars of the header where text belongs.
fn coerce_header(header: &mut Value) {
    let text = |v: &mut Value, fields: &[(&str, char)]| {
        for (name, v) in v.as_object_mut().into_iter().flatten() {
            match fields.iter().find(|(f, _)| f == name) {
                Some((_, 's')) => coerce::text(v),
                Some((_, 'l')) => v.as_array_mut().into_iter().flatten().for_each(coerce::text),
                Some((_, 'm')) => v.as_object_mut().into_iter().flatten().for_each(|(_, v)| coerce::text(v)),
                _ => {}
            }
        }
    };
    if let Some(spec) = header.as_object_mut().and_then(|h| h.get_mut("spec")) {
        text(spec, &SPEC);
        let patches = spec.as_object_mut().and_then(|s| s.get_mut("offerings")).and_then(Value::as_array_mut);
        patches.into_iter().flatten().for_each(|p| text(p, &OFFERING));
    }
}

/// The kind of a document, whose fields are checked.
fn object(doc: &mut Value) -> Result<Kind, Fault> {
    let text = |path: &str| doc.str_at(path).unwrap_or_default().to_owned();
    let (version, name) = (text("apiVersion"), text("kind"));
    if name.is_empty() {
        return Err(Fault("kind is missing".to_owned()));
    }
    let kind = KINDS.into_iter().find(|k| k.name() == name).ok_or_else(|| {
        let names: Vec<&str> = KINDS.iter().map(|k| k.name()).collect();
        Fault(format!("unsupported kind {name:?}: a scenario holds {}", names.join(", ")))
    })?;
    if version != kind.api_version() {
        return Err(Fault(format!("apiVersion of a {name} is {version:?}: write {}", kind.api_version())));
    }
    coerce::coerce(kind, doc);
    let object = doc.str_at("metadata.name").unwrap_or_default().to_owned();
    if object.is_empty() {
        return Err(Fault(format!("metadata.name of a {name} is missing")));
    }
    let place = format!("{name} {object}");
    admit::decode(kind, doc, Validation::Strict).map_err(|e| Fault(e.message).at(&place))?;
    Ok(kind)
}

/// Checks that `v` is a map of no other fields than `fields`, each of its type, and `open`.
fn known(v: &Value, path: &str, fields: &[(&str, char)], open: &[&str]) -> Result<(), Fault> {
    let Some(map) = v.as_object() else {
        return if v.is_null() { Ok(()) } else { Err(Fault(format!("{path} must be a map"))) };
    };
    for (name, value) in map {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        if open.contains(&name.as_str()) {
            continue;
        }
        let Some((_, ty)) = fields.iter().find(|(f, _)| f == name) else {
            return Err(Fault(format!("unknown field {path:?}")));
        };
        let (fits, what) = match ty {
            's' => (value.is_string(), "a string"),
            'l' => (value.as_array().is_some_and(|l| l.iter().all(Value::is_string)), "a list of strings"),
            'i' => (value.is_i64(), "a whole number"),
            'n' => (value.is_number(), "a number"),
            'b' => (value.is_boolean(), "true or false"),
            _ => (value.as_object().is_some_and(|m| m.values().all(Value::is_string)), "a map of strings"),
        };
        if !fits && !value.is_null() {
            return Err(Fault(format!("{path} must be {what}")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "apiVersion: x/v1\nkind: Scenario\nmetadata: {name: a}\nspec: {mode: provision, area: b}\n";

    #[test]
    fn reads_header_and_objects() {
        let s = Scenario::read(&format!("{HEADER}---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: ns}}\n")).unwrap();
        assert_eq!((s.name.as_str(), s.area.as_str(), s.mode, s.catalogue.as_str()), ("a", "b", Mode::Provision, "ec2-core"));
        assert_eq!(s.objects.first().map(|(k, _)| *k), Some(Kind::Namespace));
    }

    #[test]
    fn faults_name_document_and_field() {
        let check = |text: &str, want: &str| assert_eq!(Scenario::read(text).map(|_| ()), Err(Fault(want.to_owned())), "{text}");
        let object = |text: &str| format!("{HEADER}---\n{text}");
        check("", "the file is empty: begin with a document of kind Scenario");
        check("kind: Pod", "document 1 (the header): the first document must be of kind Scenario");
        check(
            "kind: Scenario\nmetadata: {name: a}\nspec: {mode: fly}",
            "document 1 (the header): spec.mode is \"fly\": write provision or consolidate",
        );
        check(
            "kind: Scenario\nmetadata: {name: a}\nspec: {mode: provision, offerings: [{zones: [a]}]}",
            "document 1 (the header): unknown field \"spec.offerings[0].zones\"",
        );
        check(
            "kind: Scenario\nmetadata: {name: a}\nspec: {mode: provision, zones: a}",
            "document 1 (the header): spec.zones must be a list of strings",
        );
        check(
            &object("apiVersion: v1\nkind: Service\nmetadata: {name: a}"),
            "document 2: unsupported kind \"Service\": a scenario holds NodePool, NodeClaim, Node, Pod, Deployment, StatefulSet, \
             DaemonSet, PodDisruptionBudget, Namespace, PersistentVolumeClaim, PersistentVolume, StorageClass",
        );
        check(&object("apiVersion: v2\nkind: Pod\nmetadata: {name: a}"), "document 2: apiVersion of a Pod is \"v2\": write v1");
        check(
            &object("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {node: b}"),
            "document 2: Pod a: Pod in version \"v1\" cannot be handled as a Pod: strict decoding error: unknown field \"spec.node\"",
        );
    }
}
