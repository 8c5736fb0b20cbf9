//! What a kustomization file says: its fields and their types, in the words of Go's JSON decoder.
//! Source: sigs.k8s.io/kustomize/api v0.20.1, types/*.go; encoding/json/decode.go, go1.26.

use super::Wrong;
use objects::yaml::parse;
use objects::{DocExt, Map, Value};

pub const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Fields that kustomize has and that are not simulated.
const ABSENT: [&str; 13] = [
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

enum Ty {
    Text,
    /// A text of a type of its own.
    Named(&'static str),
    Whole,
    Bool,
    List(&'static Ty),
    Map(&'static Ty),
    Struct(&'static Struct),
}

struct Struct {
    name: &'static str,
    /// Name, the structs that the field is embedded through (with dots), type.
    fields: &'static [(&'static str, &'static str, Ty)],
}

static TEXT: Ty = Ty::Text;
static FLAG: Ty = Ty::Bool;

static FIELD_SPEC: Struct = Struct {
    name: "FieldSpec",
    fields: &[
        ("group", "Gvk.", Ty::Text),
        ("version", "Gvk.", Ty::Text),
        ("kind", "Gvk.", Ty::Text),
        ("path", "", Ty::Text),
        ("create", "", Ty::Bool),
    ],
};
static FIELD_SPECS: Ty = Ty::Struct(&FIELD_SPEC);
static LABEL: Struct = Struct {
    name: "Label",
    fields: &[
        ("pairs", "", Ty::Map(&TEXT)),
        ("includeSelectors", "", Ty::Bool),
        ("includeTemplates", "", Ty::Bool),
        ("fields", "", Ty::List(&FIELD_SPECS)),
    ],
};
static LABELS: Ty = Ty::Struct(&LABEL);
static SELECTOR: Struct = Struct {
    name: "Selector",
    fields: &[
        ("group", "ResId.Gvk.", Ty::Text),
        ("version", "ResId.Gvk.", Ty::Text),
        ("kind", "ResId.Gvk.", Ty::Text),
        ("name", "ResId.", Ty::Text),
        ("namespace", "ResId.", Ty::Text),
        ("annotationSelector", "", Ty::Text),
        ("labelSelector", "", Ty::Text),
    ],
};
static PATCH: Struct = Struct {
    name: "Patch",
    fields: &[
        ("path", "", Ty::Text),
        ("patch", "", Ty::Text),
        ("target", "", Ty::Struct(&SELECTOR)),
        ("options", "", Ty::Map(&FLAG)),
    ],
};
static PATCHES: Ty = Ty::Struct(&PATCH);
static MERGE: Ty = Ty::Named("types.PatchStrategicMerge");
static IMAGE: Struct = Struct {
    name: "Image",
    fields: &[
        ("name", "", Ty::Text),
        ("newName", "", Ty::Text),
        ("tagSuffix", "", Ty::Text),
        ("newTag", "", Ty::Text),
        ("digest", "", Ty::Text),
    ],
};
static IMAGES: Ty = Ty::Struct(&IMAGE);
static REPLICA: Struct = Struct { name: "Replica", fields: &[("name", "", Ty::Text), ("count", "", Ty::Whole)] };
static REPLICAS: Ty = Ty::Struct(&REPLICA);
static OPTIONS: Struct = Struct {
    name: "GeneratorOptions",
    fields: &[
        ("labels", "", Ty::Map(&TEXT)),
        ("annotations", "", Ty::Map(&TEXT)),
        ("disableNameSuffixHash", "", Ty::Bool),
        ("immutable", "", Ty::Bool),
    ],
};
macro_rules! generator {
    ($name:literal $(, $more:expr)*) => {
        Struct {
            name: $name,
            fields: &[
                ("namespace", "GeneratorArgs.", Ty::Text),
                ("name", "GeneratorArgs.", Ty::Text),
                ("behavior", "GeneratorArgs.", Ty::Text),
                ("literals", "GeneratorArgs.KvPairSources.", Ty::List(&TEXT)),
                ("files", "GeneratorArgs.KvPairSources.", Ty::List(&TEXT)),
                ("envs", "GeneratorArgs.KvPairSources.", Ty::List(&TEXT)),
                ("env", "GeneratorArgs.KvPairSources.", Ty::Text),
                ("options", "GeneratorArgs.", Ty::Struct(&OPTIONS)),
                $($more,)*
            ],
        }
    };
}
static CONFIG_MAP: Struct = generator!("ConfigMapArgs");
static CONFIG_MAPS: Ty = Ty::Struct(&CONFIG_MAP);
static SECRET: Struct = generator!("SecretArgs", ("type", "", Ty::Text));
static SECRETS: Ty = Ty::Struct(&SECRET);
static LEGACY: Struct =
    Struct { name: "LegacySortOptions", fields: &[("orderFirst", "", Ty::List(&TEXT)), ("orderLast", "", Ty::List(&TEXT))] };
static SORT: Struct = Struct {
    name: "SortOptions",
    fields: &[("order", "", Ty::Named("types.SortOrder")), ("legacySortOptions", "", Ty::Struct(&LEGACY))],
};
static META: Struct = Struct {
    name: "ObjectMeta",
    fields: &[
        ("name", "", Ty::Text),
        ("namespace", "", Ty::Text),
        ("labels", "", Ty::Map(&TEXT)),
        ("annotations", "", Ty::Map(&TEXT)),
    ],
};
static ALL: Ty = Ty::Struct(&KUSTOMIZATION);
static KUSTOMIZATION: Struct = Struct {
    name: "Kustomization",
    fields: &[
        ("kind", "TypeMeta.", Ty::Text),
        ("apiVersion", "TypeMeta.", Ty::Text),
        ("metadata", "", Ty::Struct(&META)),
        ("namePrefix", "", Ty::Text),
        ("nameSuffix", "", Ty::Text),
        ("namespace", "", Ty::Text),
        ("commonLabels", "", Ty::Map(&TEXT)),
        ("labels", "", Ty::List(&LABELS)),
        ("commonAnnotations", "", Ty::Map(&TEXT)),
        ("patchesStrategicMerge", "", Ty::List(&MERGE)),
        ("patchesJson6902", "", Ty::List(&PATCHES)),
        ("patches", "", Ty::List(&PATCHES)),
        ("images", "", Ty::List(&IMAGES)),
        ("replicas", "", Ty::List(&REPLICAS)),
        ("sortOptions", "", Ty::Struct(&SORT)),
        ("resources", "", Ty::List(&TEXT)),
        ("components", "", Ty::List(&TEXT)),
        ("bases", "", Ty::List(&TEXT)),
        ("configMapGenerator", "", Ty::List(&CONFIG_MAPS)),
        ("secretGenerator", "", Ty::List(&SECRETS)),
        ("generatorOptions", "", Ty::Struct(&OPTIONS)),
    ],
};

impl Ty {
    fn go(&self) -> String {
        match self {
            Ty::Text => "string".to_owned(),
            Ty::Named(name) => (*name).to_owned(),
            Ty::Whole => "int64".to_owned(),
            Ty::Bool => "bool".to_owned(),
            Ty::List(of) => format!("[]{}", of.go()),
            Ty::Map(of) => format!("map[string]{}", of.go()),
            Ty::Struct(of) => format!("types.{}", of.name),
        }
    }
}

/// Reads values as Go's decoder does: keys in order, letters' case ignored, `null` is nothing. The first error counts.
struct Decoder {
    /// The innermost struct, and the way to the field.
    holder: &'static str,
    path: Vec<String>,
}

impl Decoder {
    fn mismatch(&self, value: &Value, ty: &Ty) -> String {
        let what = match value {
            Value::Bool(_) => "bool".to_owned(),
            Value::Number(n) if matches!(ty, Ty::Whole) => format!("number {n}"),
            Value::Number(_) => "number".to_owned(),
            Value::String(_) => "string".to_owned(),
            Value::Array(_) => "array".to_owned(),
            Value::Object(_) | Value::Null => "object".to_owned(),
        };
        if self.path.is_empty() {
            return format!("json: cannot unmarshal {what} into Go value of type {}", ty.go());
        }
        format!("json: cannot unmarshal {what} into Go struct field {}.{} of type {}", self.holder, self.path.join("."), ty.go())
    }

    fn read(&mut self, value: &Value, ty: &'static Ty) -> Result<Value, String> {
        match (ty, value) {
            (_, Value::Null) | (Ty::Text | Ty::Named(_), Value::String(_)) | (Ty::Bool, Value::Bool(_)) => Ok(value.clone()),
            (Ty::Whole, Value::Number(n)) if n.is_i64() => Ok(value.clone()),
            (Ty::List(of), Value::Array(items)) => {
                let items: Result<Vec<Value>, String> = items.iter().map(|item| self.read(item, of)).collect();
                Ok(Value::Array(items?))
            }
            (Ty::Map(of), Value::Object(map)) => {
                let mut out = Map::new();
                for (key, value) in map {
                    out.insert(key.clone(), self.read(value, of)?);
                }
                Ok(Value::Object(out))
            }
            (Ty::Struct(of), Value::Object(map)) => self.fields(map, of),
            _ => Err(self.mismatch(value, ty)),
        }
    }

    fn fields(&mut self, map: &Map<String, Value>, of: &'static Struct) -> Result<Value, String> {
        let mut out = Map::new();
        for (key, value) in map {
            let exact = of.fields.iter().find(|(name, ..)| name == key);
            let Some((name, through, ty)) =
                exact.or_else(|| of.fields.iter().find(|(name, ..)| name.to_lowercase() == key.to_lowercase()))
            else {
                return Err(format!("json: unknown field \"{key}\""));
            };
            let holder = std::mem::replace(&mut self.holder, of.name);
            self.path.push(format!("{through}{name}"));
            let value = self.read(value, ty)?;
            self.path.pop();
            self.holder = holder;
            if !value.is_null() {
                out.insert((*name).to_owned(), value);
            }
        }
        Ok(Value::Object(out))
    }
}

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
        doc => Decoder { holder: "", path: Vec::new() }.read(doc, &ALL),
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
