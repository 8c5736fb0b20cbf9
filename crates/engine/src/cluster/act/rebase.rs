//! A patch that was made on an older version of its object, made to fit a newer one. Merge patches replace lists whole, so
//! that without this the taint or the condition that somebody else has added meanwhile would be lost.

use objects::{DocExt, Value, json};

/// The patch as it would have been made of `now` by whoever made it of `then`: what it adds to lists and takes from them is
/// added to and taken from those of `now`.
pub fn rebase(patch: &Value, then: &Value, now: &Value) -> Value {
    match (patch, now) {
        (Value::Object(fields), _) => {
            let field = |(name, value): (&String, &Value)| (name.clone(), rebase(value, then.field(name), now.field(name)));
            Value::Object(objects::json::map(fields.iter().map(field)))
        }
        (Value::Array(wanted), Value::Array(present)) => Value::Array(entries(wanted, then.as_array(), present)),
        _ => patch.clone(),
    }
}

fn entries(wanted: &[Value], then: Option<&Vec<Value>>, present: &[Value]) -> Vec<Value> {
    let then = then.map(Vec::as_slice).unwrap_or_default();
    let gone = |entry: &Value| find(then, entry).is_some() && find(wanted, entry).is_none();
    let mut out: Vec<Value> = present.iter().filter(|entry| !gone(entry)).cloned().collect();
    for entry in wanted {
        if find(then, entry) == Some(entry) {
            continue;
        }
        match out.iter_mut().find(|o| name(o) == name(entry)) {
            Some(slot) => *slot = entry.clone(),
            None => out.push(entry.clone()),
        }
    }
    out
}

fn find<'l>(list: &'l [Value], entry: &Value) -> Option<&'l Value> {
    list.iter().find(|e| name(e) == name(entry))
}

/// What tells an entry from the others of its list: the type of a condition or an address, key and effect of a taint, the uid
/// of an owner, and of anything else the whole.
fn name(entry: &Value) -> Value {
    let text = |field: &str| entry.str_at(field).unwrap_or_default().to_owned();
    match entry {
        Value::Object(map) if map.contains_key("effect") => json!([text("key"), text("effect")]),
        Value::Object(map) if map.contains_key("uid") => json!(text("uid")),
        Value::Object(map) if map.contains_key("type") => json!(text("type")),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(patch: Value, then: Value, now: Value, want: Value) {
        assert_eq!(rebase(&patch, &then, &now), want, "{patch} made of {then}, on {now}");
    }

    #[test]
    fn lists_keep_what_others_did() {
        let taint = |key: &str, effect: &str| json!({"key": key, "effect": effect});
        let of = |list: &[&Value]| json!({"spec": {"taints": list}});
        let (disrupted, not_ready, own) = (taint("d", "NoSchedule"), taint("n", "NoSchedule"), taint("o", "NoExecute"));
        // The controller manager has added its own, or taken it away.
        check(of(&[&own, &disrupted]), of(&[&own]), of(&[&own, &not_ready]), of(&[&own, &not_ready, &disrupted]));
        check(of(&[&not_ready, &disrupted]), of(&[&not_ready]), of(&[]), of(&[&disrupted]));
        check(of(&[&own]), of(&[&own, &disrupted]), of(&[&own, &disrupted, &not_ready]), of(&[&own, &not_ready]));
        // The list is gone, or was not there.
        check(of(&[&disrupted]), json!({}), json!({}), of(&[&disrupted]));
        check(json!({"metadata": {"finalizers": null}}), json!({}), json!({}), json!({"metadata": {"finalizers": null}}));
        check(
            json!({"metadata": {"finalizers": []}}),
            json!({"metadata": {"finalizers": ["a"]}}),
            json!({"metadata": {"finalizers": ["a", "b"]}}),
            json!({"metadata": {"finalizers": ["b"]}}),
        );
    }

    #[test]
    fn conditions_are_known_by_type() {
        let condition = |kind: &str, status: &str| json!({"type": kind, "status": status});
        let of = |list: &[Value]| json!({"status": {"conditions": list}});
        check(
            of(&[condition("A", "True"), condition("B", "Unknown")]),
            of(&[condition("A", "False")]),
            of(&[condition("A", "False"), condition("C", "True")]),
            of(&[condition("A", "True"), condition("C", "True"), condition("B", "Unknown")]),
        );
        // What it left as it was may have changed since.
        check(
            of(&[condition("A", "False"), condition("B", "True")]),
            of(&[condition("A", "False")]),
            of(&[condition("A", "True")]),
            of(&[condition("A", "True"), condition("B", "True")]),
        );
    }

    #[test]
    fn plain_values_are_the_patch_s() {
        check(
            json!({"spec": {"unschedulable": true}}),
            json!({}),
            json!({"spec": {"x": 1}}),
            json!({"spec": {"unschedulable": true}}),
        );
    }
}
