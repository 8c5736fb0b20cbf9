//! Laws of patches, over arbitrary documents.

use nodewright_objects::patch::{apply, json_patch, merge, strategic, with_last_applied};
use nodewright_objects::{Kind, Map, Value, json};
use proptest::prelude::*;

fn value() -> impl Strategy<Value = Value> {
    let leaf =
        prop_oneof![any::<bool>().prop_map(Value::from), (0i64..5).prop_map(Value::from), "[ab]{0,2}".prop_map(Value::from)];
    leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[a-d]", inner, 0..4).prop_map(|m| Value::Object(m.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn map() -> impl Strategy<Value = Value> {
    prop::collection::btree_map("[a-d]", value(), 0..4).prop_map(|m| Value::Object(m.into_iter().collect::<Map<_, _>>()))
}

proptest! {
    #[test]
    fn a_merge_patch_settles(target in value(), patch in value()) {
        let mut once = target.clone();
        merge(&mut once, &patch);
        let mut twice = once.clone();
        merge(&mut twice, &patch);
        prop_assert_eq!(once, twice);
    }

    #[test]
    fn strategic_is_merge_where_no_list_has_a_key(target in map(), patch in map()) {
        let (mut a, mut b) = (target.clone(), target);
        merge(&mut a, &patch);
        prop_assert!(strategic(Kind::Deployment, &mut b, &patch).is_ok());
        prop_assert_eq!(a, b);
    }

    #[test]
    fn applying_over_the_own_result_changes_nothing(first in map(), second in map(), touched in map()) {
        let doc = |spec: &Value| json!({"kind": "Deployment", "metadata": {"name": "x"}, "spec": spec});
        let mut live = with_last_applied(&doc(&first));
        merge(&mut live, &json!({ "spec": touched }));
        let once = apply(Kind::Deployment, &live, &doc(&second)).unwrap();
        let twice = apply(Kind::Deployment, &once, &doc(&second)).unwrap();
        prop_assert_eq!(&once, &twice);
        // Everything the document says is so.
        let mut same = once["spec"].clone();
        merge(&mut same, &second);
        prop_assert_eq!(&same, &once["spec"]);
    }

    #[test]
    fn a_json_patch_that_fails_changes_nothing(target in map(), path in "(/[a-d-]){0,3}", op in "(add|remove|replace|move|copy|test)", v in value()) {
        let mut got = target.clone();
        let patch = json!([{"op": "add", "path": "/zz", "value": 1}, {"op": op, "path": path, "from": "/a", "value": v}]);
        if json_patch(&mut got, &patch).is_err() {
            prop_assert_eq!(got, target);
        }
    }
}
