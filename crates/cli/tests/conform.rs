//! `nodewright conform` as a user meets it: what is printed, what is written, and which errors there are.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its data has failed")]

use nodewright_cli::Failure;
use nodewright_cli::conform::{Choices, run};
use objects::Era;
use std::path::{Path, PathBuf};

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance")
}

fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn conform(path: PathBuf, emit: Option<PathBuf>) -> Result<(String, u8), Failure> {
    run(&Choices { paths: vec![path], era: Era::V1, emit })
}

#[test]
fn one_case_is_compared_and_written() {
    let out = scratch("emitted");
    let report = conform(cases().join("scenarios/affinity-gt-lt.yaml"), Some(out.clone()));
    assert_eq!(report, Ok(("affinity-gt-lt: agrees (exact)\n1 passed, 0 failed\n".to_owned(), 0)));
    let written = std::fs::read_to_string(out.join("affinity-gt-lt.json")).unwrap();
    assert!(written.starts_with("{\"hourlyPrice\":"), "{written}");
}

#[test]
fn a_difference_is_told_and_fails() {
    let folder = scratch("differs");
    for file in ["affinity-gt-lt.yaml", "affinity-gt-lt.karpenter-v1.14.1.json"] {
        let text = std::fs::read_to_string(cases().join("scenarios").join(file)).unwrap();
        // One pod more than was there when the decision was recorded.
        std::fs::write(folder.join(file), text.replace("replicas: 3", "replicas: 4")).unwrap();
    }
    std::fs::create_dir_all(folder.join("catalog")).unwrap();
    std::fs::copy(cases().join("catalog/ec2-core.json"), folder.join("catalog/ec2-core.json")).unwrap();
    let (text, exit) = conform(folder, None).unwrap();
    assert!(text.starts_with("affinity-gt-lt: differs: newNodes[0] is "), "{text}");
    assert!(text.ends_with("0 passed, 1 failed\n"), "{text}");
    assert_eq!(exit, 1);
}

#[test]
fn bad_input_is_named() {
    let missing = conform(PathBuf::from("/nowhere/at/all"), None).unwrap_err();
    assert_eq!(missing.message, "/nowhere/at/all: no such file or folder: name a folder of scenarios or one NAME.yaml");
    let folder = scratch("bad");
    let file = folder.join("bad.yaml");
    let check = |text: &str, want: &str| {
        std::fs::write(&file, text).unwrap();
        let report = format!("{}: {want}\n0 passed, 1 failed\n", file.display());
        assert_eq!(conform(file.clone(), None), Ok((report, 2)));
    };
    let header = "kind: Scenario\nmetadata: {name: bad}\nspec: {mode: provision, catalog: none}\n";
    check("kind: Pod", "document 1 (the header): the first document must be of kind Scenario");
    check(
        "kind: Scenario\nmetadata: {name: other}\nspec: {mode: provision}",
        "metadata.name of the header is \"other\": it must be the file's \"bad\"",
    );
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {colour: red}\n";
    check(
        &format!("{header}---\n{pod}"),
        "document 2: Pod a: Pod in version \"v1\" cannot be handled as a Pod: strict decoding error: unknown field \"spec.colour\"",
    );
}
