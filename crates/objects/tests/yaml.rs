//! `kubectl get -o yaml` outputs, recorded with kubectl 1.35: reading and printing one gives the same text.

use nodewright_objects as objects;
use nodewright_objects::yaml::{parse, to_yaml};
use proptest::prelude::*;
use std::fs;
use std::path::Path;

#[test]
fn recorded_outputs_survive_reading_and_printing() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/yaml");
    let mut files = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let stream = parse(&text);
        assert_eq!(stream.error, None, "{path:?}");
        assert_eq!(stream.documents.len(), 1, "{path:?}");
        assert_eq!(to_yaml(&stream.documents[0].value), text, "{path:?}");
        files += 1;
    }
    assert!(files >= 10);
}

fn value() -> impl Strategy<Value = objects::Value> {
    let text = prop_oneof!["[ -~가-힣\\n\\t]{0,100}", "[a-z0-9:#'\" -]{0,12}", "\\PC{0,40}"];
    let leaf = prop_oneof![
        Just(objects::Value::Null),
        any::<bool>().prop_map(objects::Value::from),
        any::<i64>().prop_map(objects::Value::from),
        text.prop_map(objects::Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(objects::Value::from),
            prop::collection::btree_map("[a-z0-9./ -]{0,12}", inner, 0..5)
                .prop_map(|m| objects::Value::Object(m.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_printed_reads_back(v in value()) {
        // Keys that look like numbers are text again, as in JSON.
        let v = objects::json!({ "root": v });
        let text = to_yaml(&v);
        let stream = parse(&text);
        prop_assert_eq!(stream.error, None, "{}", text);
        prop_assert_eq!(&stream.documents[0].value, &v, "{}", text);
    }

    #[test]
    fn arbitrary_text_never_panics(text in "\\PC{0,200}", structured in "[ \\n\\t:{}\\[\\]\"'#&*!|>%@,a-c0-9-]{0,200}") {
        for t in [text, structured] {
            let _ = parse(&t);
            let _ = objects::yaml::diagnose::strip_remarks(&t);
            let _ = objects::yaml::diagnose::normalise(&t);
            let _ = objects::yaml::json::parse(&t);
        }
    }
}
