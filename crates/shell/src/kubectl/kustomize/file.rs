//! What a kustomization file says, and what is said of it.
//! Source: sigs.k8s.io/kustomize/api v0.20.1, types/kustomization.go.

use super::Wrong;
use super::fields::decode;
use objects::yaml::parse;
use objects::{DocExt, Map, Value};

pub const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Fields that kustomize has and that are not simulated.
pub const ABSENT: [&str; 13] = [
    "openapi",
    "replacements",
    "vars",
    "crds",
    "helmGlobals",
    "helmCharts",
    "helmChartInflationGenerator",
    "configurations",
    "generators",
    "transformers",
    "validators",
    "buildMetadata",
    "imageTags",
];

/// What is said of fields that one should no longer use, in the order in which kustomize looks for them.
const DEPRECATED: [(&str, &str); 4] =
    [("bases", "resources"), ("commonLabels", "labels"), ("patchesJson6902", "patches"), ("patchesStrategicMerge", "patches")];

/// Whether it says anything at all.
fn says(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
        _ => true,
    }
}

/// The kustomization in a text, as a document of known fields; what is to be said of it goes into `warnings`.
pub fn read(text: &str, root: &str, warnings: &mut Vec<String>) -> Result<Value, Wrong> {
    let stream = parse(text);
    let doc = match (stream.documents.into_iter().next(), stream.error) {
        (Some(document), _) => document.value,
        (None, Some(error)) => {
            let text = error.to_string().replacen("error converting YAML to JSON: ", "", 1);
            return Err(Wrong::Said(format!("invalid Kustomization: {text}")));
        }
        (None, None) => Value::Null,
    };
    let mut doc = doc;
    for name in ABSENT {
        if says(doc.field(name)) {
            return Err(Wrong::Here(format!("the field {name} of a kustomization is not simulated here ({root})")));
        }
        if let Value::Object(map) = &mut doc {
            map.remove(name);
        }
    }
    let read = match &doc {
        Value::Null => Ok(Value::Object(Map::new())),
        doc => decode(doc),
    };
    let doc = read.map_err(|error| Wrong::Said(format!("invalid Kustomization: {error}")))?;
    for (name, instead) in DEPRECATED {
        if doc.get(name).is_some() {
            warnings.push(format!(
                "# Warning: '{name}' is deprecated. Please use '{instead}' instead. Run 'kustomize edit fix' to update your \
                 Kustomization automatically."
            ));
        }
    }
    if doc.as_object().is_none_or(|map| map.keys().all(|k| k == "kind" || k == "apiVersion")) {
        return Err(Wrong::Said("kustomization.yaml is empty".to_owned()));
    }
    let mut errors = Vec::new();
    let kind = doc.str_at("kind").filter(|k| !k.is_empty()).unwrap_or("Kustomization");
    if kind != "Kustomization" && kind != "Component" {
        errors.push("kind should be Kustomization or Component".to_owned());
    }
    let version = if kind == "Component" { "v1alpha1" } else { "v1beta1" };
    let wanted = format!("kustomize.config.k8s.io/{version}");
    if doc.str_at("apiVersion").is_some_and(|v| !v.is_empty() && v != wanted) {
        errors.push(format!("apiVersion for {kind} should be {wanted}"));
    }
    if errors.is_empty() {
        return Ok(doc);
    }
    Err(Wrong::Said(format!("Failed to read kustomization file under {root}:\n{}", errors.join("\n"))))
}

/// The texts of a map of texts, in the order of their keys.
pub fn texts(value: &Value) -> Vec<(String, String)> {
    let map = value.as_object().into_iter().flatten();
    map.map(|(key, value)| (key.clone(), super::resource::plain(value))).collect()
}
