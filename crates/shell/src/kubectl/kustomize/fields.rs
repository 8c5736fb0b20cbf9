//! The fields of a kustomization file and their types, read in the manner and words of Go's JSON decoder.
//! Source: sigs.k8s.io/kustomize/api v0.20.1, types/*.go; encoding/json/decode.go, go1.26.

use objects::{Map, Value};

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

/// The kustomization in a document; keys are as the table has them.
pub fn decode(doc: &Value) -> Result<Value, String> {
    Decoder { holder: "", path: Vec::new() }.read(doc, &ALL)
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
