//! What server-side apply says of a document that does not fit the schema, before anything else looks at it.
//! Source: sigs.k8s.io/structured-merge-diff/v6 typed/{validate,helpers}.go and fieldpath/element.go, v6.3; `%v` and `%#v`
//! of Go's fmt for the values that the messages show.

use crate::schema::{Field, Type, fields_of, fields_of_type};
use crate::{Kind, Value};

/// What is wrong, each with the path of its field (`.spec.replicas: expected numeric (int or float), got string`). The
/// server walks the fields of an object in no fixed order and leaves it at the first one that it does not know; here they
/// are walked in the order of their names.
pub fn typed_errors(kind: Kind, doc: &Value) -> Vec<String> {
    let mut walk = Walk { built_in: !kind.is_crd(), errors: Vec::new() };
    walk.object(&fields_of(kind), doc, "");
    walk.errors
}

struct Walk {
    /// Types of CRDs take any value for a quantity: their own schema tells them apart later.
    built_in: bool,
    errors: Vec<String>,
}

impl Walk {
    fn say(&mut self, path: &str, what: &str) {
        self.errors.push(format!("{path}: {what}"));
    }

    fn object(&mut self, fields: &[Field], value: &Value, path: &str) {
        let Value::Object(map) = value else { return self.say(path, &format!("expected map, got &{{{}}}", plain(value))) };
        for (name, value) in map {
            let at = format!("{path}.{name}");
            let Some(field) = fields.iter().find(|f| f.name == name) else {
                return self.say(&at, "field not declared in schema");
            };
            match (&field.ty, value) {
                (_, Value::Null) => {}
                (Type::List(of), Value::Array(items)) => self.list(field, of, items, &at),
                (ty, value) => self.value(ty, value, &at),
            }
        }
    }

    fn value(&mut self, ty: &Type, value: &Value, path: &str) {
        let is_scalar = !value.is_array() && !value.is_object();
        match ty {
            _ if value.is_null() => {}
            Type::Any => {}
            Type::Object(name) => self.object(&fields_of_type(name), value, path),
            Type::List(of) => match value {
                Value::Array(items) => items.iter().enumerate().for_each(|(i, v)| self.value(of, v, &format!("{path}[{i}]"))),
                other => self.say(path, &format!("expected list, got &{{{}}}", plain(other))),
            },
            Type::Map(_) | Type::ResourceList => match value {
                Value::Object(map) => {
                    let of = if let Type::Map(of) = ty { of } else { &Type::Quantity };
                    map.iter().for_each(|(key, v)| self.value(of, v, &format!("{path}.{key}")));
                }
                other => self.say(path, &format!("expected map, got &{{{}}}", plain(other))),
            },
            Type::Quantity | Type::IntOrString | Type::Time if is_scalar || !self.built_in => {}
            Type::Quantity | Type::IntOrString | Type::Time => {
                self.say(path, &format!("expected any scalar, got &{{{}}}", plain(value)));
            }
            Type::Int32 | Type::Int64 if value.is_number() => {}
            Type::Int32 | Type::Int64 => self.say(path, &format!("expected numeric (int or float), got {}", go_type(value))),
            Type::Bool if value.is_boolean() => {}
            Type::Bool => self.say(path, &format!("expected boolean, got &{{{}}}", plain(value))),
            Type::String if value.is_string() => {}
            Type::String => {
                self.say(path, &format!("expected string, got &value.valueUnstructured{{Value:{}}}", syntax(value)));
            }
        }
    }

    /// Items are told apart by their keys where the list has such, by themselves in a set, by their places otherwise.
    fn list(&mut self, field: &Field, of: &Type, items: &[Value], path: &str) {
        let is_set = field.map_keys.is_empty() && field.merge_key == Some("");
        let mut seen: Vec<String> = Vec::new();
        for (i, item) in items.iter().enumerate() {
            let element = if is_set {
                format!("[={item}]")
            } else if field.map_keys.is_empty() {
                format!("[{i}]")
            } else if item.is_object() {
                keys(field, of, item)
            } else {
                return self.say(path, &format!("element {i}: associative list with keys may not have non-map elements"));
            };
            if seen.contains(&element) {
                self.say(path, &format!("duplicate entries for key {element}"));
            }
            self.value(of, item, &format!("{path}{element}"));
            seen.push(element);
        }
    }
}

/// `[containerPort=80,protocol="TCP"]`: what an item has under the keys of its list, or would have by default.
fn keys(field: &Field, of: &Type, item: &Value) -> String {
    let fields = if let Type::Object(name) = of { fields_of_type(name) } else { Vec::new() };
    let value = |key: &str| match item.get(key) {
        Some(value) => Some(value.to_string()),
        None => fields.iter().find(|f| f.name == key).and_then(|f| f.default).map(str::to_owned),
    };
    let pairs: Vec<String> = field.map_keys.split(',').filter_map(|key| Some(format!("{key}={}", value(key)?))).collect();
    format!("[{}]", pairs.join(","))
}

/// Go's `%T`.
fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(n) if n.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

/// Go's `%v`.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(plain).collect::<Vec<_>>().join(" ")),
        Value::Object(map) => {
            format!("map[{}]", map.iter().map(|(k, v)| format!("{k}:{}", plain(v))).collect::<Vec<_>>().join(" "))
        }
        other => other.to_string(),
    }
}

/// Go's `%#v`.
fn syntax(value: &Value) -> String {
    match value {
        Value::Null => "interface {}(nil)".to_owned(),
        Value::Array(items) => format!("[]interface {{}}{{{}}}", items.iter().map(syntax).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => {
            let fields = map.iter().map(|(k, v)| format!("{k:?}:{}", syntax(v))).collect::<Vec<_>>();
            format!("map[string]interface {{}}{{{}}}", fields.join(", "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DocExt, yaml};

    /// The answers of a kube-apiserver 1.35.4 to `kubectl apply --server-side` of the same documents.
    #[test]
    fn a_real_server_says_the_same() {
        let check = |head: &str, text: &str, want: &str| {
            let doc = yaml::parse(&format!("{head}\nmetadata: {{name: a, finalizers: [b]}}\n{text}")).documents[0].value.clone();
            let kind = Kind::of(doc.str_at("apiVersion").unwrap(), doc.str_at("kind").unwrap()).unwrap();
            assert_eq!(typed_errors(kind, &doc).join("\n"), want, "{text}");
        };
        let deployment = |text: &str, want: &str| check("apiVersion: apps/v1\nkind: Deployment", text, want);
        let container = |text: &str, want: &str| {
            let want = format!(".spec.template.spec.containers[name=\"a\"]{want}");
            deployment(&format!("spec: {{template: {{spec: {{containers: [{{name: a, {text}}}]}}}}}}"), &want);
        };
        deployment("spec: {paused: x}", ".spec.paused: expected boolean, got &{x}");
        deployment("spec: {replicas: {a: b}}", ".spec.replicas: expected numeric (int or float), got map[string]interface {}");
        deployment("spec: {replicas: true}", ".spec.replicas: expected numeric (int or float), got bool");
        deployment("spec: {strategy: RollingUpdate}", ".spec.strategy: expected map, got &{RollingUpdate}");
        deployment("spec: {strategy: [a]}", ".spec.strategy: expected map, got &{[a]}");
        deployment("spec: {strategy: {type: 1}}", ".spec.strategy.type: expected string, got &value.valueUnstructured{Value:1}");
        deployment("spek: {}", ".spek: field not declared in schema");
        container(
            "securityContext: {allowPrivilegedEscalation: false}",
            ".securityContext.allowPrivilegedEscalation: field not declared in schema",
        );
        container("command: sh", ".command: expected list, got &{sh}");
        container("command: {a: b}", ".command: expected list, got &{map[a:b]}");
        container("command: [1]", ".command[0]: expected string, got &value.valueUnstructured{Value:1}");
        container(
            "env: [{name: A, value: {a: b}}]",
            ".env[name=\"A\"].value: expected string, got &value.valueUnstructured{Value:map[string]interface {}{\"a\":\"b\"}}",
        );
        container("env: ['A=1']", ".env: element 0: associative list with keys may not have non-map elements");
        container("env: [{name: A}, {name: A}]", ".env: duplicate entries for key [name=\"A\"]");
        container("resources: {requests: {cpu: [1]}}", ".resources.requests.cpu: expected any scalar, got &{[1]}");
        container(
            "ports: [{containerPort: 80, foo: 1}]",
            ".ports[containerPort=80,protocol=\"TCP\"].foo: field not declared in schema",
        );
        container("volumeMounts: [{mountPath: /a, foo: 1}]", ".volumeMounts[mountPath=\"/a\"].foo: field not declared in schema");

        let pool = |text: &str, want: &str| check("apiVersion: karpenter.sh/v1\nkind: NodePool", text, want);
        pool("spec: {limits: {cpu: {a: b}}}", "");
        pool("spec: {weight: x}", ".spec.weight: expected numeric (int or float), got string");
        pool(
            "spec: {template: {spec: {requirements: [{key: 1}], startupTaints: x}}}",
            ".spec.template.spec.requirements[0].key: expected string, got &value.valueUnstructured{Value:1}\n\
             .spec.template.spec.startupTaints: expected list, got &{x}",
        );
        pool(
            "spec: {disruption: {budgets: [{nodes: 1}]}}",
            ".spec.disruption.budgets[0].nodes: expected string, got &value.valueUnstructured{Value:1}",
        );
    }
}
