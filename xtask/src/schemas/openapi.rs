//! Built-in kinds, from the OpenAPI documents of a Kubernetes release.

use super::generated::Enums;
use super::model::{Field, Model, Type};
use anyhow::{Context, Result};
use objects::{Kind, Value};
use std::collections::BTreeMap;
use std::path::Path;

pub fn read(source: &Path, model: &mut Model) -> Result<()> {
    let enums = Enums::read(&source.join("pkg/generated/openapi/zz_generated.openapi.go"))?;
    let mut files: BTreeMap<String, Value> = BTreeMap::new();
    for kind in super::served() {
        let info = kind.info();
        if kind.is_crd() || model.kinds.contains_key(info.kind) {
            continue;
        }
        let name = if info.group.is_empty() {
            format!("api__{}", info.version)
        } else {
            format!("apis__{}__{}", info.group, info.version)
        };
        if !files.contains_key(&name) {
            let path = source.join(format!("api/openapi-spec/v3/{name}_openapi.json"));
            let text = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
            files.insert(name.clone(), serde_json::from_str(&text).with_context(|| format!("read {}", path.display()))?);
        }
        let schemas = files.get(&name).and_then(|f| f.pointer("/components/schemas")).context("no schemas")?;
        let full = name_of(schemas, kind).with_context(|| format!("{name} does not describe {}", info.kind))?;
        let mut reader = Reader { schemas, enums: &enums, model };
        let ty = reader.ty(&full)?;
        reader.model.kinds.insert(info.kind.to_owned(), ty);
    }
    Ok(())
}

/// The full name of the schema of a kind.
fn name_of(schemas: &Value, kind: Kind) -> Option<String> {
    let info = kind.info();
    let is = |schema: &Value| {
        let list = schema.get("x-kubernetes-group-version-kind").and_then(Value::as_array);
        list.into_iter().flatten().any(|g| {
            let part = |name: &str| g.get(name).and_then(Value::as_str).unwrap_or_default();
            part("group") == info.group && part("version") == info.version && part("kind") == info.kind
        })
    };
    schemas.as_object()?.iter().find(|(_, s)| is(s)).map(|(name, _)| name.clone())
}

struct Reader<'a> {
    schemas: &'a Value,
    enums: &'a Enums,
    model: &'a mut Model,
}

/// `v1.PodSpec` of `io.k8s.api.core.v1.PodSpec`.
fn short(full: &str) -> String {
    let mut parts = full.rsplit('.');
    let (name, package) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    format!("{package}.{name}")
}

impl Reader<'_> {
    fn ty(&mut self, full: &str) -> Result<Type> {
        let schema = self.schemas.get(full).with_context(|| format!("no schema {full}"))?.clone();
        let doc = text(&schema, "description");
        let required: Vec<&str> =
            schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        let mut fields = BTreeMap::new();
        for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let mut field = self.field(property)?;
            field.required = required.contains(&name.as_str());
            if let Some((values, doc)) = self.enums.get(full, name) {
                field.values.clone_from(values);
                field.doc.clone_from(doc);
            }
            fields.insert(name.clone(), field);
        }
        Ok(Type { doc, fields })
    }

    fn field(&mut self, property: &Value) -> Result<Field> {
        let words = |name: &str| -> Vec<String> {
            let list = property.get(name).and_then(Value::as_array).into_iter().flatten();
            list.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let strategy = text(property, "x-kubernetes-patch-strategy");
        let key = text(property, "x-kubernetes-patch-merge-key");
        Ok(Field {
            ty: self.type_text(property)?,
            default: property.get("default").filter(|d| says_something(d)).map(Value::to_string),
            merge_key: strategy.split(',').any(|s| s == "merge").then_some(key),
            retain_keys: strategy.split(',').any(|s| s == "retainKeys"),
            map_keys: words("x-kubernetes-list-map-keys"),
            doc: text(property, "description"),
            ..Field::default()
        })
    }

    fn type_text(&mut self, schema: &Value) -> Result<String> {
        let one = schema.get("allOf").and_then(|l| l.get(0)).unwrap_or(schema);
        if let Some(full) = one.get("$ref").and_then(Value::as_str).and_then(|r| r.rsplit('/').next()) {
            return self.reference(full);
        }
        Ok(match (text(schema, "type").as_str(), text(schema, "format").as_str()) {
            ("string", _) => "string".to_owned(),
            ("boolean", _) => "bool".to_owned(),
            ("integer", "int64") => "int64".to_owned(),
            ("integer", _) => "int32".to_owned(),
            ("array", _) => format!("[{}]", self.type_text(schema.get("items").unwrap_or(&Value::Null))?),
            ("object", _) => match schema.get("additionalProperties").filter(|a| a.is_object()) {
                Some(of) => format!("{{{}}}", self.type_text(of)?),
                None => "any".to_owned(),
            },
            _ => "any".to_owned(),
        })
    }

    fn reference(&mut self, full: &str) -> Result<String> {
        let schema = self.schemas.get(full).with_context(|| format!("no schema {full}"))?;
        match full.rsplit('.').next().unwrap_or_default() {
            "Quantity" => return Ok("quantity".to_owned()),
            "IntOrString" => return Ok("intorstring".to_owned()),
            "Time" | "MicroTime" => return Ok("time".to_owned()),
            _ if schema.get("properties").is_none() => return Ok("any".to_owned()),
            _ => {}
        }
        let name = short(full);
        if !self.model.types.contains_key(&name) {
            // Put in first: a type may contain itself.
            self.model.types.insert(name.clone(), Type::default());
            let ty = self.ty(full)?;
            self.model.types.insert(name.clone(), ty);
        }
        Ok(name)
    }
}

/// Go's zero values are no defaults: they stand where a field that must be there may not be left out.
fn says_something(default: &Value) -> bool {
    !(default.is_object()
        || default.is_null()
        || default == &Value::from("")
        || default == &Value::from(0)
        || default == &Value::from(false))
}

pub(super) fn text(v: &Value, name: &str) -> String {
    v.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}
