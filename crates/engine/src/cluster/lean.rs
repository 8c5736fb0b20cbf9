//! JSON documents without what nobody decides by, which is not even made: half of a large dump. The rest is as
//! `serde_json` reads it, but that the fields of an object are put in order once instead of one by one.

use super::adopt::slim::{CONTAINERS, IMAGES, INSIDE};
use objects::{DocExt, Map, Value};
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Number;
use std::fmt;

/// The documents of a stream of dumps: lists of objects, or single ones.
///
/// # Errors
/// It is no JSON.
pub fn documents(text: &str) -> Result<Vec<Value>, serde_json::Error> {
    serde_json::Deserializer::from_str(text).into_iter::<Lean>().map(|doc| doc.map(|Lean(value)| value)).collect()
}

struct Lean(Value);

impl<'de> Deserialize<'de> for Lean {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Lean, D::Error> {
        Place::Document.deserialize(deserializer).map(Lean)
    }
}

/// What a value is, as far as it matters.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// An object, or a list of them.
    Document,
    SpecOfPod,
    StatusOfNode,
    Containers,
    Container,
    Other,
}

/// What is known of an object by the fields before: kubectl writes them by name, an API server metadata first.
#[derive(Clone, Copy, Debug, Default)]
struct About {
    is_pod: bool,
    is_node: bool,
    is_owned: bool,
}

impl Place {
    /// What a field is; `None` where it is left out.
    fn field(self, name: &str, about: About) -> Option<Place> {
        Some(match (self, name) {
            (Place::Document, "items") => Place::Document,
            (Place::Document, "spec") if about.is_pod && about.is_owned => Place::SpecOfPod,
            (Place::Document, "status") if about.is_node => Place::StatusOfNode,
            (Place::SpecOfPod, name) if CONTAINERS.contains(&name) => Place::Containers,
            (Place::StatusOfNode, IMAGES) => return None,
            (Place::Container, name) if INSIDE.contains(&name) => return None,
            _ => Place::Other,
        })
    }
}

impl<'de> DeserializeSeed<'de> for Place {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Place {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any valid JSON value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let item = match self {
            Place::Document => Place::Document,
            Place::Containers => Place::Container,
            _ => Place::Other,
        };
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(item)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut about = About::default();
        let mut fields: Vec<(String, Value)> = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            let Some(place) = self.field(&name, about) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let value = map.next_value_seed(place)?;
            match (self, name.as_str()) {
                (Place::Document, "kind") => {
                    (about.is_pod, about.is_node) = (value.as_str() == Some("Pod"), value.as_str() == Some("Node"));
                }
                (Place::Document, "metadata") => about.is_owned = !value.list_at("ownerReferences").is_empty(),
                _ => {}
            }
            fields.push((name, value));
        }
        // Of fields of the same name the last stays.
        Ok(Value::Object(fields.into_iter().collect::<Map<String, Value>>()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::adopt::slim::slim;
    use super::*;
    use objects::{Kind, ObjectKey, json};

    /// Both ways to less are the same: leaving out while reading, and taking away afterwards.
    fn check(doc: &Value) {
        let read = documents(&doc.to_string()).unwrap();
        let mut want = doc.clone();
        let slimmed = |item: &mut Value| {
            let kind = Kind::of(item.str_at("apiVersion").unwrap_or_default(), item.str_at("kind").unwrap_or_default());
            if let Some(kind) = kind {
                slim(&ObjectKey::of(kind, &item.clone()), item);
            }
        };
        match want.slot("items") {
            Value::Array(items) => items.iter_mut().for_each(slimmed),
            _ => {
                want.remove_at("items");
                slimmed(&mut want);
            }
        }
        assert_eq!(read, [want]);
    }

    #[test]
    fn leaves_out_what_is_taken_away_otherwise() {
        let container =
            json!({"name": "c", "env": [{"name": "A", "value": "b"}], "args": ["-v"], "resources": {"requests": {"cpu": "1"}}});
        let pod = |owners: Value| {
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "ownerReferences": owners},
                "spec": {"containers": [container], "initContainers": [container], "nodeName": "n"}, "status": {"images": [1]}})
        };
        let owned = json!([{"kind": "ReplicaSet", "name": "r", "uid": "u", "controller": true}]);
        let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}, "status": {"images": [{}], "capacity": {"cpu": "1"}}});
        let set = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "r", "ownerReferences": owned},
            "spec": {"template": {"spec": {"containers": [container]}}}});
        for doc in [pod(owned.clone()), pod(json!([])), node.clone(), set.clone()] {
            check(&doc);
        }
        check(&json!({"apiVersion": "v1", "kind": "List", "items": [pod(owned), node, set]}));
    }

    #[test]
    fn everything_else_is_as_serde_json_reads_it() {
        for text in [
            r#"{"b": 1, "a": [null, true, -1, 18446744073709551615, 1.5, 1e400e, "x"]}"#,
            r#"{"b": 1, "a": [null, true, -1, 18446744073709551615, 1.5, "\u00e9\n", {}], "b": {"z": 1, "y": [], "z": 2}}"#,
            r#"[{"a": 1}] {"b": 2}"#,
            r#"{"a": "#,
            r#"{"a": 1} x"#,
            r#"{"a": 1e999}"#,
            "",
        ] {
            let theirs: Result<Vec<Value>, serde_json::Error> = serde_json::Deserializer::from_str(text).into_iter().collect();
            let (ours, theirs) = (documents(text).map_err(|e| e.to_string()), theirs.map_err(|e| e.to_string()));
            assert_eq!(ours, theirs, "{text}");
        }
    }
}
