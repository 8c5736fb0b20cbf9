//! Every lab under `tests/labs` runs as it says; the first one ends the same way for every seed and every number of pods.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot read its labs has failed")]

use engine::{Scenario, Session};
use nodewright_cli::lab::{Block, Lab, Settings};
use nodewright_cli::replay::{Choices, Replay, replay, replay_on};
use nodewright_cli::report;
use objects::collections::VecMap;
use std::path::{Path, PathBuf};

fn labs() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("labs");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "md"));
    files.sort();
    files
}

fn read(file: &Path) -> Lab {
    let text = std::fs::read_to_string(file).unwrap();
    Lab::parse(&file.to_string_lossy(), &text).unwrap()
}

fn passes(replay: &Replay, name: &str) {
    assert!(replay.faults.is_empty(), "{name}\n{}", report::faults(replay, name));
}

fn script(commands: &str) -> Lab {
    let block = Block { line: 1, commands: commands.to_owned(), expect: None };
    Lab { settings: Settings::default(), blocks: vec![block] }
}

#[test]
fn every_lab_passes() {
    let files = labs();
    assert!(files.len() >= 3, "{files:?}");
    for file in files {
        passes(&replay(&read(&file), &Choices::default()).unwrap(), &file.to_string_lossy());
    }
}

#[test]
fn the_lab_passes_for_fifty_seeds() {
    let lab = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("labs/karpenter-basics.en.md"));
    for seed in 1..=50 {
        let choices = Choices { seed: Some(seed), ..Choices::default() };
        passes(&replay(&lab, &choices).unwrap(), &format!("seed {seed}"));
    }
}

/// Karpenter's nodes at the end, by type.
fn types(session: &Session) -> VecMap<String, usize> {
    let mut out = VecMap::new();
    for node in report::state(session)["nodes"].as_array().unwrap() {
        if node["managed"] == true {
            *out.entry(node["type"].as_str().unwrap().to_owned()).or_insert(0) += 1;
        }
    }
    out
}

/// What consolidation leaves of four m5.xlarge when `k` of twelve pods stay. An m5.xlarge holds three pods. Pods that fit
/// on fewer nodes are moved together, so that at most one node is not full; a lone pod there goes to a c5.large, the
/// cheapest that holds it; two pods stay, because no single cheaper node holds two.
fn left(k: usize) -> VecMap<String, usize> {
    let mut out = VecMap::new();
    let large = k / 3 + usize::from(k % 3 == 2);
    if large > 0 {
        out.insert("m5.xlarge".to_owned(), large);
    }
    if k % 3 == 1 {
        out.insert("c5.large".to_owned(), 1);
    }
    out
}

/// The session of the lab with twelve pods running on four nodes.
fn twelve(seed: u64) -> Session {
    let lab = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("labs/karpenter-basics.en.md"));
    let until = lab.blocks.iter().position(|b| b.commands.contains("--replicas 7")).unwrap();
    let lab = Lab { blocks: lab.blocks[..until].to_vec(), ..lab };
    let replay = replay(&lab, &Choices { seed: Some(seed), ..Choices::default() }).unwrap();
    passes(&replay, "twelve pods");
    replay.session
}

#[test]
fn any_number_of_pods_ends_in_one_set_of_nodes() {
    for seed in [1, 2, 3] {
        let start = twelve(seed);
        for k in 0..=12 {
            let lab = script(&format!("kubectl scale deployment inflate --replicas {k}\nsleep 480\n"));
            let replay = replay_on(start.clone(), &lab, &Choices::default(), &mut |_| ());
            passes(&replay, "scale");
            assert_eq!(types(&replay.session), left(k), "seed {seed}, {k} pods");
            let state = report::state(&replay.session);
            assert_eq!(state["pods"]["pending"], 0, "seed {seed}, {k} pods");
        }
    }
}

#[test]
fn equal_inputs_give_equal_bytes() {
    let lab = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("labs/karpenter-basics.ko.md"));
    let one = report::json(&replay(&lab, &Choices::default()).unwrap()).to_string();
    let two = report::json(&replay(&lab, &Choices::default()).unwrap()).to_string();
    assert_eq!(one, two);
}

#[test]
fn commands_are_told_in_order_as_they_end() {
    let start = Session::new(Scenario::lab(engine::Era::V1alpha5, 1)).unwrap();
    let text = "echo one\nkubectl get nodes -w\nsleep 1\n(sleep 5; echo late) &\nsleep 10\nfalse\n";
    let lab = Lab::parse("a.sh", text).unwrap();
    let mut told = Vec::new();
    let replay = replay_on(start, &lab, &Choices { keep_going: true, ..Choices::default() }, &mut |e| told.push(e.clone()));
    assert_eq!(told, replay.transcript);
    let lines: Vec<(&str, i32, &str)> = told.iter().map(|e| (e.cmd.as_str(), e.exit, e.stdout.as_str())).collect();
    let [one, (watch, 130, listed), first, behind, second, last] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!((*one, *watch, listed.lines().count()), (("echo one", 0, "one\n"), "kubectl get nodes -w", 3));
    assert_eq!((*first, *behind), (("sleep 1", 0, ""), ("(sleep 5; echo late) &", 0, "")));
    assert_eq!((*second, *last), (("sleep 10", 0, "late\n"), ("false", 1, "")));
    let record = report::record(&told[0]);
    assert_eq!(record.to_string(), r#"{"cmd":"echo one","exit":0,"stderr":"","stdout":"one\n","t_ms":0}"#);
    let end = report::end(&replay);
    assert_eq!(report::json(&replay)["hash"], end["hash"]);
    assert!(end["snapshot"]["nodes"].is_array() && end["transcript"].is_null());
}

#[test]
fn a_failed_command_or_expectation_is_the_exit_status() {
    let start = Session::new(Scenario::lab(engine::Era::V1alpha5, 1)).unwrap();
    let run = |name: &str, text: &str, choices: &Choices| {
        let replay = replay_on(start.clone(), &Lab::parse(name, text).unwrap(), choices, &mut |_| ());
        (replay.exit(), replay.faults.len(), replay.transcript.len())
    };
    let stop = Choices::default();
    let go_on = Choices { keep_going: true, ..Choices::default() };
    assert_eq!(run("a.sh", "true\nnosuch\necho a\n", &stop), (127, 1, 2));
    assert_eq!(run("a.sh", "true\nnosuch\necho a\n", &go_on), (127, 1, 3));
    assert_eq!(run("a.md", "```sh\necho a\n```\n```expect\nb\n```\n```sh\nfalse\n```\n", &go_on), (1, 2, 2));
    assert_eq!(run("a.md", "```sh\nfalse\n```\n```expect exit=1\n```\n", &stop), (0, 0, 1));
    assert_eq!(run("a.sh", "cat <<X\nnever closed\n", &stop), (2, 1, 0));
}
