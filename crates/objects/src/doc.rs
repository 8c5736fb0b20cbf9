//! Reading JSON documents by path, without panics and without copies.

use crate::collections::VecMap;
use serde_json::Value;

static NULL: Value = Value::Null;

/// Path access on JSON documents. A path is field names joined by dots (`spec.template.spec`); names that contain
/// dots themselves (label keys) are read with [`DocExt::field`].
pub trait DocExt {
    /// The value at `path`, or `Null` where any part is missing.
    fn at(&self, path: &str) -> &Value;
    /// The value of one field whose name may contain dots, or `Null`.
    fn field(&self, name: &str) -> &Value;
    fn str_at(&self, path: &str) -> Option<&str>;
    fn int_at(&self, path: &str) -> Option<i64>;
    fn bool_at(&self, path: &str) -> Option<bool>;
    /// The list at `path`; empty where it is missing or something else.
    fn list_at(&self, path: &str) -> &[Value];
    /// The map of strings at `path` (labels, nodeSelector); values that are no strings are left out.
    fn strings_at(&self, path: &str) -> VecMap<String, String>;
    /// The mutable slot at `path`, making objects on the way (anything else on the way is replaced).
    fn slot(&mut self, path: &str) -> &mut Value;
    /// Writes `value` at `path`, making objects on the way.
    fn set(&mut self, path: &str, value: impl Into<Value>);
    /// Removes the field at `path`, if it is there.
    fn remove_at(&mut self, path: &str);
}

impl DocExt for Value {
    fn at(&self, path: &str) -> &Value {
        let mut value = self;
        for name in path.split('.') {
            match value.get(name) {
                Some(next) => value = next,
                None => return &NULL,
            }
        }
        value
    }

    fn field(&self, name: &str) -> &Value {
        self.get(name).unwrap_or(&NULL)
    }

    fn str_at(&self, path: &str) -> Option<&str> {
        self.at(path).as_str()
    }

    fn int_at(&self, path: &str) -> Option<i64> {
        self.at(path).as_i64()
    }

    fn bool_at(&self, path: &str) -> Option<bool> {
        self.at(path).as_bool()
    }

    fn list_at(&self, path: &str) -> &[Value] {
        self.at(path).as_array().map_or(&[], Vec::as_slice)
    }

    fn strings_at(&self, path: &str) -> VecMap<String, String> {
        let Some(map) = self.at(path).as_object() else {
            return VecMap::new();
        };
        map.iter().filter_map(|(k, v)| v.as_str().map(|v| (k.clone(), v.to_owned()))).collect()
    }

    fn slot(&mut self, path: &str) -> &mut Value {
        let mut value = self;
        for name in path.split('.') {
            if !value.is_object() {
                *value = Value::Object(serde_json::Map::new());
            }
            let Value::Object(map) = value else {
                return value;
            };
            value = map.entry(name).or_insert(Value::Null);
        }
        value
    }

    fn set(&mut self, path: &str, new: impl Into<Value>) {
        *self.slot(path) = new.into();
    }

    fn remove_at(&mut self, path: &str) {
        let (parent, name) = match path.rsplit_once('.') {
            Some((parent, name)) => (parent, name),
            None => ("", path),
        };
        let mut value = self;
        for part in parent.split('.').filter(|p| !p.is_empty()) {
            match value.get_mut(part) {
                Some(next) => value = next,
                None => return,
            }
        }
        if let Value::Object(map) = value {
            map.remove(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    #[test]
    fn reads_and_writes_by_path() {
        let mut v = json!({"spec": {"replicas": 3}});
        assert_eq!(v.int_at("spec.replicas"), Some(3));
        assert_eq!(v.int_at("spec.nope.deeper"), None);
        v.set("status.phase", "Running");
        assert_eq!(v.str_at("status.phase"), Some("Running"));
        v.remove_at("spec.replicas");
        assert_eq!(v, json!({"spec": {}, "status": {"phase": "Running"}}));
    }
}
