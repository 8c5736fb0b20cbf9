//! Kinds of Karpenter, from its CRDs.

use super::go_names::go_name;
use super::model::{Field, Model, Type};
use super::openapi::text;
use anyhow::{Context, Result, bail};
use objects::{Kind, Value, yaml};
use std::collections::BTreeMap;
use std::path::Path;

/// What the API server publishes for every kind, whatever the CRD says of it.
/// Source: k8s.io/apiextensions-apiserver pkg/controller/openapi/builder/builder.go `addTypeMetaProperties`, v0.35.4.
const API_VERSION: &str = "APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized schemas to the latest internal value, and may reject unrecognized values. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources";
const KIND: &str = "Kind is a string value representing the REST resource this object represents. Servers may infer this from the endpoint the client submits requests to. Cannot be updated. In CamelCase. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds";
const METADATA: &str = "Standard object's metadata. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata";
/// The form of a quantity.
const QUANTITY: &str =
    r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$";

pub fn read(source: &Path, model: &mut Model) -> Result<()> {
    // Of Karpenter itself only the kwok provider is read; the rest comes with the AWS provider's release.
    let kwok = source.join("kwok/apis/crds");
    let folder = if kwok.is_dir() { kwok } else { source.join("pkg/apis/crds") };
    let entries = std::fs::read_dir(&folder).with_context(|| format!("{} is no release that is known", source.display()))?;
    let mut paths: Vec<_> =
        entries.filter_map(|e| Some(e.ok()?.path())).filter(|p| p.extension().is_some_and(|e| e == "yaml")).collect();
    paths.sort();
    for path in paths {
        let text = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        let stream = yaml::parse(&text);
        if let Some(error) = stream.error {
            bail!("{}: {error}", path.display());
        }
        for document in &stream.documents {
            definition(&document.value, model).with_context(|| path.display().to_string())?;
        }
    }
    Ok(())
}

fn definition(doc: &Value, model: &mut Model) -> Result<()> {
    let name = doc.pointer("/spec/names/kind").and_then(Value::as_str).unwrap_or_default();
    let group = doc.pointer("/spec/group").and_then(Value::as_str).unwrap_or_default();
    for version in doc.pointer("/spec/versions").and_then(Value::as_array).into_iter().flatten() {
        let is = |k: &Kind| k.info().group == group && k.info().kind == name && k.info().version == text(version, "name");
        let Some(kind) = super::served().find(is).filter(|k| !model.kinds.contains_key(k.name())) else { continue };
        let schema = version.pointer("/schema/openAPIV3Schema").context("no schema")?;
        let mut reader = Reader { kind, model };
        let mut ty = reader.object(schema, "")?;
        let metadata = Field { ty: "v1.ObjectMeta".to_owned(), doc: METADATA.to_owned(), ..Field::default() };
        ty.fields.insert("metadata".to_owned(), metadata);
        for (name, doc) in [("apiVersion", API_VERSION), ("kind", KIND)] {
            if let Some(field) = ty.fields.get_mut(name) {
                field.doc = doc.to_owned();
            }
        }
        reader.model.kinds.insert(name.to_owned(), ty);
    }
    Ok(())
}

struct Reader<'a> {
    kind: Kind,
    model: &'a mut Model,
}

impl Reader<'_> {
    fn object(&mut self, schema: &Value, path: &str) -> Result<Type> {
        let required: Vec<&str> =
            schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        let mut fields = BTreeMap::new();
        for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let at = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            let mut field =
                Field { doc: text(property, "description"), required: required.contains(&name.as_str()), ..Field::default() };
            field.default = property.get("default").map(Value::to_string).filter(|d| !d.contains(' '));
            field.ty = self.type_text(property, &at, &mut field)?;
            fields.insert(name.clone(), field);
        }
        Ok(Type { doc: text(schema, "description"), fields })
    }

    /// The type, with the bounds that belong to the field or to its innermost items.
    fn type_text(&mut self, schema: &Value, path: &str, field: &mut Field) -> Result<String> {
        let number = |name: &str| schema.get(name).and_then(Value::as_i64);
        let pattern = schema.get("pattern").and_then(Value::as_str);
        if let Some(p) = pattern {
            field.pattern =
                field.pattern.or_else(|| objects::schema::Pattern::ALL.iter().find(|k| k.text() == p).map(|k| k.name()));
        }
        if let Some(values) = schema.get("enum").and_then(Value::as_array) {
            field.values = values.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        }
        let (min, max) = (
            number("minimum").or_else(|| number("minItems")).or_else(|| number("minProperties")),
            number("maximum").or_else(|| number("maxItems")).or_else(|| number("maxProperties")),
        );
        // Items' own bounds are those of the list where it has none.
        field.min = field.min.or(min);
        field.max = field.max.or(max);
        if let Some(keys) = schema.get("x-kubernetes-list-map-keys").and_then(Value::as_array) {
            field.map_keys = keys.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        }
        if schema.get("x-kubernetes-int-or-string").is_some() {
            return Ok(if pattern == Some(QUANTITY) { "quantity" } else { "intorstring" }.to_owned());
        }
        Ok(match (text(schema, "type").as_str(), text(schema, "format").as_str()) {
            ("string", "date-time") => "time".to_owned(),
            ("string", _) => "string".to_owned(),
            ("boolean", _) => "bool".to_owned(),
            ("integer", "int64") => "int64".to_owned(),
            ("integer", _) => "int32".to_owned(),
            ("array", _) => {
                let items = schema.get("items").unwrap_or(&Value::Null);
                format!("[{}]", self.type_text(items, path, field)?)
            }
            ("object", _) if schema.get("properties").is_some() => self.named(schema, path)?,
            ("object", _) => match schema.get("additionalProperties").filter(|a| a.is_object()) {
                Some(of) => format!("{{{}}}", self.type_text(of, path, field)?),
                None => "any".to_owned(),
            },
            _ => "any".to_owned(),
        })
    }

    /// A block of fields under the name of its Go type.
    fn named(&mut self, schema: &Value, path: &str) -> Result<String> {
        let name = go_name(self.kind, path);
        let known = self.model.types.contains_key(&name);
        // Types of Kubernetes that Karpenter only uses are what they are there.
        if known && super::go_names::BORROWED.contains(&name.as_str()) {
            return Ok(name);
        }
        let ty = self.object(schema, path)?;
        match self.model.types.get(&name) {
            Some(other) if other.fields != ty.fields => {
                let differs: Vec<&String> = ty.fields.keys().filter(|k| other.fields.get(*k) != ty.fields.get(*k)).collect();
                bail!(
                    "{} {path} is another {name} than the one that is known ({differs:?}): name its Go type in go_names.rs",
                    self.kind.name()
                )
            }
            Some(_) => {}
            None => {
                self.model.types.insert(name.clone(), ty);
            }
        }
        Ok(name)
    }
}
