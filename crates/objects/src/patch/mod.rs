//! The patch formats of the API server and the three-way merge of `kubectl apply`.

mod apply;
mod json;
mod strategic;
mod three_way;

pub use apply::{LAST_APPLIED, apply, apply_patch, diff_patch, patched, with_last_applied};
pub use json::json_patch;
pub use strategic::strategic;

use crate::Value;

/// RFC 7386: objects are merged, `null` removes, everything else replaces.
pub fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let Value::Object(map) = target else { return };
    for (name, change) in changes {
        if change.is_null() {
            map.remove(name);
        } else {
            merge(map.entry(name.as_str()).or_insert(Value::Null), change);
        }
    }
}

/// The merge patch that makes `new` of `old`. Source: github.com/evanphx/json-patch `CreateMergePatch`, v4.
pub fn merge_between(old: &Value, new: &Value) -> Value {
    let (Value::Object(before), Value::Object(after)) = (old, new) else {
        return new.clone();
    };
    let mut patch = serde_json::Map::new();
    for (name, value) in after {
        match before.get(name) {
            Some(same) if same == value => {}
            Some(Value::Object(_)) if value.is_object() => {
                let inner = merge_between(before.get(name).unwrap_or(&Value::Null), value);
                patch.insert(name.clone(), inner);
            }
            _ => {
                patch.insert(name.clone(), value.clone());
            }
        }
    }
    for name in before.keys().filter(|name| !after.contains_key(*name)) {
        patch.insert(name.clone(), Value::Null);
    }
    Value::Object(patch)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    #[test]
    fn the_patch_between_two_leads_from_one_to_the_other() {
        let old = json!({"a": 1, "b": {"c": [1], "d": 2}, "e": "x"});
        let new = json!({"a": 1, "b": {"c": [1, 2]}, "f": {}});
        let patch = merge_between(&old, &new);
        assert_eq!(patch, json!({"b": {"c": [1, 2], "d": null}, "e": null, "f": {}}));
        let mut got = old;
        merge(&mut got, &patch);
        assert_eq!(got, new);
    }

    /// The examples of RFC 7386, appendix A.
    #[test]
    fn merges_as_the_rfc_says() {
        for (target, patch, want) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
            (json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]})),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"a": "b"}), json!(null), json!(null)),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
            (json!([1, 2]), json!({"a": "b", "c": null}), json!({"a": "b"})),
            (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
        ] {
            let mut got = target.clone();
            merge(&mut got, &patch);
            assert_eq!(got, want, "{target} {patch}");
        }
    }
}
