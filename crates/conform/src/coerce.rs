//! Scalars where text belongs: `name: 5` and `label: y` are the texts `5` and `true`, as a YAML decoder that knows the
//! type of each field reads them. Source: sigs.k8s.io/yaml v1.6 yaml.go (convertToJSONableObject).

use objects::schema::{Field, Type, fields_of, fields_of_type};
use objects::{Kind, Value};

/// Turns numbers and truth values of a document into text wherever its kind has text.
pub fn coerce(kind: Kind, doc: &mut Value) {
    object(&fields_of(kind), doc);
}

fn object(fields: &[Field], v: &mut Value) {
    for (name, v) in v.as_object_mut().into_iter().flatten() {
        if let Some(field) = fields.iter().find(|f| f.name == name) {
            value(&field.ty, v);
        }
    }
}

fn value(ty: &Type, v: &mut Value) {
    match ty {
        Type::String => text(v),
        Type::Object(name) => object(&fields_of_type(name), v),
        Type::List(of) => v.as_array_mut().into_iter().flatten().for_each(|v| value(of, v)),
        Type::Map(of) => v.as_object_mut().into_iter().flatten().for_each(|(_, v)| value(of, v)),
        _ => {}
    }
}

/// A scalar as text.
pub fn text(v: &mut Value) {
    if v.is_number() || v.is_boolean() {
        *v = Value::String(v.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use objects::json;

    #[test]
    fn scalars_become_text_where_text_belongs() {
        let mut pool = json!({"metadata": {"name": 5, "labels": {"a": true}}, "spec": {"weight": 5, "template": {"spec": {
            "requirements": [{"key": "n", "operator": "In", "values": [1, "2"]}]}}}});
        coerce(Kind::NodePool, &mut pool);
        let want = json!({"metadata": {"name": "5", "labels": {"a": "true"}}, "spec": {"weight": 5, "template": {"spec": {
            "requirements": [{"key": "n", "operator": "In", "values": ["1", "2"]}]}}}});
        assert_eq!(pool, want);
    }
}
