//! The YAML front end and the patches on whatever people may send: no panic, nothing of boundless size, and what a refused
//! patch leaves alone. `FUZZ_SECONDS=600 cargo test --release -p nodewright-objects --test fuzz -- --ignored yaml`, and the
//! same with `patches`, runs as long as it says; cases that once failed are in `fuzz-regressions.txt` and run first, always.
#![expect(clippy::disallowed_types, reason = "a fuzzer measures its time")]

mod cost;

use nodewright_objects::patch::{
    apply, apply_patch, diff_patch, json_patch, merge, merge_between, patched, strategic, with_last_applied,
};
use nodewright_objects::yaml::{diagnose, json as json_text, parse, to_yaml};
use nodewright_objects::{Era, Kind, Map, Validation, Value, admit, json};
use proptest::prelude::*;
use proptest::test_runner::{FileFailurePersistence, RngAlgorithm, TestCaseResult, TestRng, TestRunner};
use std::time::{Duration, Instant};

/// Bytes of JSON that a text may become: a parser that expanded references without end would pass it.
const MOST_BYTES: usize = 64 << 20;

const MANIFESTS: &[&str] = &[
    "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  labels: {app: web}\nspec:\n  replicas: 2\n  selector:\n    matchLabels:\n      app: web\n  template:\n    metadata:\n      labels: {app: web}\n    spec:\n      containers:\n      - name: c\n        image: 'nginx:1'\n        env:\n        - {name: A, value: \"1\"}\n        ports:\n        - containerPort: 80\n",
    "apiVersion: v1\nkind: ConfigMap\nmetadata: &m\n  name: a\n  annotations: &n {k: v}\ndata:\n  text: |\n    line\n      deeper\n  folded: >-\n    a\n    b\n  again: *n\n",
    "apiVersion: karpenter.sh/v1\nkind: NodePool\nmetadata:\n  name: default\nspec:\n  limits: {cpu: 1000}\n  disruption:\n    consolidateAfter: 30s\n  template:\n    spec:\n      requirements:\n      - {key: a/b, operator: In, values: [x, \"y\"]}\n---\n# a remark // and more\nkind: List\nitems: []\n",
    "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: &d [*c, *c]\ne: [*d, *d]\n",
];
const BITS: &[&str] = &[
    " ",
    "  ",
    "\n",
    "\t",
    ":",
    ": ",
    "- ",
    "-",
    "[",
    "]",
    "{",
    "}",
    "&a ",
    "*a",
    "*b",
    "|",
    ">",
    "'",
    "\"",
    "#",
    "%",
    "@",
    "!!str ",
    "---\n",
    "...\n",
    "<<: *a\n",
    "? ",
    ", ",
    "\\",
    "\u{0}",
    "\u{feff}",
    "é",
    "\u{2028}",
    "0x1F",
    "1e999",
    "~",
    "null",
    ".inf",
    "2001-01-01",
];

/// A manifest with pieces put in, taken out and repeated.
fn manifest() -> impl Strategy<Value = String> {
    let change = (any::<prop::sample::Index>(), 0..40usize, 0..30usize, prop::sample::select(BITS), 0..4u8);
    let changes = prop::collection::vec(change, 0..12);
    (prop::sample::select(MANIFESTS), changes).prop_map(|(text, changes)| {
        let mut letters: Vec<char> = text.chars().collect();
        for (at, cut, again, bit, what) in changes {
            let at = at.index(letters.len() + 1);
            let end = (at + cut).min(letters.len());
            match what {
                0 => {
                    letters.drain(at..end);
                }
                1 => {
                    letters.splice(at..at, bit.chars());
                }
                2 => {
                    let piece: Vec<char> = letters.get(at..end).unwrap_or_default().repeat(again);
                    letters.splice(at..at, piece);
                }
                _ => {
                    letters.splice(at..at, bit.repeat(again).chars());
                }
            }
        }
        letters.into_iter().collect()
    })
}

/// Names that mean something to patches, and others.
const NAMES: &[&str] = &[
    "metadata",
    "spec",
    "template",
    "containers",
    "initContainers",
    "env",
    "ports",
    "volumes",
    "volumeMounts",
    "strategy",
    "selector",
    "name",
    "mountPath",
    "containerPort",
    "port",
    "type",
    "finalizers",
    "tolerations",
    "annotations",
    "status",
    "conditions",
    "$patch",
    "$retainKeys",
    "$setElementOrder/containers",
    "$setElementOrder/finalizers",
    "$deleteFromPrimitiveList/finalizers",
    "kubectl.kubernetes.io/last-applied-configuration",
    "",
    "a/b",
    "~",
];
const WORDS: &[&str] = &["a", "b", "", "replace", "delete", "merge", "{", "{}", "RollingUpdate", "/spec/0/-", "-"];

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop::sample::select(WORDS).prop_map(Value::from),
    ];
    leaf.prop_recursive(7, 80, 5, |inner| {
        prop_oneof![
            1 => prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            3 => prop::collection::vec((prop::sample::select(NAMES), inner), 0..6).prop_map(|fields| {
                Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
            }),
        ]
    })
}

fn object() -> impl Strategy<Value = Value> {
    (value(), value(), value()).prop_map(|(metadata, spec, status)| json!({"metadata": metadata, "spec": spec, "status": status}))
}

fn kind() -> impl Strategy<Value = Kind> {
    let served: Vec<Kind> = Kind::ALL.iter().copied().filter(|k| !k.is_internal()).collect();
    prop::sample::select(served)
}

fn operations() -> impl Strategy<Value = Value> {
    let path = prop::collection::vec(
        prop::sample::select(&["spec", "metadata", "template", "0", "1", "-", "~1", "~", "name", ""][..]),
        0..4,
    );
    let path = path.prop_map(|parts| parts.iter().map(|p| format!("/{p}")).collect::<String>());
    let one =
        (prop::sample::select(&["add", "remove", "replace", "move", "copy", "test", "nope"][..]), path.clone(), path, value());
    let one = one.prop_map(|(op, path, from, value)| json!({"op": op, "path": path, "from": from, "value": value}));
    prop_oneof![9 => prop::collection::vec(one, 0..40).prop_map(Value::from), 1 => value()]
}

fn bytes(value: &Value) -> usize {
    value.to_string().len()
}

/// The texts of one case through everything that reads YAML.
fn reads(text: &str) -> TestCaseResult {
    let stream = parse(text);
    for document in &stream.documents {
        prop_assert!(bytes(&document.value) < MOST_BYTES);
        // What is printed reads back as the same.
        let printed = to_yaml(&document.value);
        if !document.value.is_null() {
            let again = parse(&printed);
            prop_assert_eq!(again.error, None, "{}", &printed);
            prop_assert_eq!(again.documents.first().map(|d| &d.value), Some(&document.value), "{}", &printed);
        }
        for era in [Era::V1alpha5, Era::V1] {
            for kind in [Kind::Deployment, Kind::ConfigMap, Kind::NodePool] {
                let _ = admit(kind, document.value.clone(), None, era, Validation::Strict);
            }
        }
    }
    let _ = diagnose::strip_remarks(text);
    let _ = diagnose::normalise(text);
    let _ = json_text::parse(text);
    Ok(())
}

/// Every patch verb on the same documents.
fn patches(kind: Kind, live: &Value, new: &Value, patch: &Value, operations: &Value) -> TestCaseResult {
    let most = 4 * (bytes(live) + bytes(new) + bytes(patch)) + (1 << 16);
    let mut merged = live.clone();
    merge(&mut merged, patch);
    prop_assert!(bytes(&merged) <= most);
    let mut there = live.clone();
    merge(&mut there, &merge_between(live, &merged));
    let mut without_nulls = merged.clone();
    strip(&mut without_nulls);
    strip(&mut there);
    prop_assert_eq!(there, without_nulls);

    let mut worked = live.clone();
    if strategic(kind, &mut worked, patch).is_ok() {
        prop_assert!(bytes(&worked) <= most);
    }
    let mut worked = live.clone();
    match json_patch(&mut worked, operations) {
        Ok(()) => prop_assert!(bytes(&worked) <= most + 40 * bytes(operations) + (4 << 20)),
        Err(_) => prop_assert_eq!(&worked, live),
    }
    // Client-side apply over what another apply left; server-side apply sends the document itself.
    let applied = with_last_applied(new);
    for over in [live, &applied, &merged] {
        let _ = diff_patch(kind, over, new);
        if let Ok(patch) = apply_patch(kind, over, new) {
            prop_assert!(bytes(&patch) <= 16 * most);
            let _ = patched(kind, over, &patch);
        }
        if let Ok(got) = apply(kind, over, new) {
            prop_assert!(bytes(&got) <= 16 * most);
        }
        let mut sent = over.clone();
        let _ = if kind.is_crd() { json_patch(&mut sent, new) } else { strategic(kind, &mut sent, new) };
    }
    Ok(())
}

/// `null` in an object says that a field is not there.
fn strip(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, v| !v.is_null());
            map.values_mut().for_each(strip);
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}

/// Most time on a processor that one case may take, without optimization, and most memory of all of them.
const MOST_TIME: Duration = Duration::from_secs(10);
const MOST_MEMORY_MIB: u64 = 512;

/// Tries so many cases of one kind, the same ones for the same seed.
fn run<S: Strategy>(cases: u32, seed: u64, strategy: &S, test: impl Fn(S::Value) -> TestCaseResult) {
    let config = ProptestConfig {
        cases,
        source_file: Some(file!()),
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct("tests/fuzz-regressions.txt"))),
        ..ProptestConfig::default()
    };
    let mut bytes = [0; 32];
    bytes.iter_mut().zip(seed.to_le_bytes()).for_each(|(to, from)| *to = from);
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let result = runner.run(strategy, |value| {
        let before = cost::processor();
        test(value)?;
        let took = cost::processor().saturating_sub(before);
        prop_assert!(took < MOST_TIME, "took {:?}", took);
        Ok(())
    });
    assert!(result.is_ok(), "seed {seed}: {}", result.err().map(|e| e.to_string()).unwrap_or_default());
    let memory = cost::most_memory_mib();
    assert!(memory < MOST_MEMORY_MIB, "{memory} MiB of memory");
}

fn yaml(cases: u32, seed: u64) {
    let bits = prop::collection::vec(prop::sample::select(BITS), 0..60).prop_map(|b| b.concat());
    run(cases, seed, &prop_oneof![4 => manifest(), 1 => "\\PC{0,200}", 1 => bits], |text| reads(&text));
}

fn patching(cases: u32, seed: u64) {
    let all = (kind(), object(), object(), prop_oneof![object(), value()], operations());
    run(cases, seed, &all, |(kind, live, new, patch, operations)| patches(kind, &live, &new, &patch, &operations));
}

/// A property on 500 cases after another until the time is over that `FUZZ_SECONDS` says, beginning at `FUZZ_SEED`.
fn for_as_long_as_asked(property: fn(u32, u64)) {
    let (seconds, first) = (cost::asked("FUZZ_SECONDS", 60), cost::asked("FUZZ_SEED", 1));
    let (start, mut seed) = (Instant::now(), first);
    while start.elapsed() < Duration::from_secs(seconds) {
        property(500, seed);
        seed += 1;
    }
    let (cases, memory) = ((seed - first) * 500, cost::most_memory_mib());
    println!("{cases} cases in {} s, seeds {first} to {}, {memory} MiB", start.elapsed().as_secs(), seed - 1);
}

#[test]
fn nothing_that_is_sent_breaks_anything() {
    let cases = ProptestConfig::default().cases;
    yaml(cases, 0);
    patching(cases, 0);
}

#[test]
#[ignore = "runs as long as FUZZ_SECONDS says"]
fn yaml_for_as_long_as_asked() {
    for_as_long_as_asked(yaml);
}

#[test]
#[ignore = "runs as long as FUZZ_SECONDS says"]
fn patches_for_as_long_as_asked() {
    for_as_long_as_asked(patching);
}
