//! The shell on broken lines: real ones, mutated and combined. No panic, no endless loop, no boundless output.
//! `FUZZ_SECONDS=600 cargo test --release -p nodewright-shell --test fuzz -- --ignored` runs as long as it says; lines that
//! once failed are in `tools/regressions.jsonl` and run always.
#![expect(clippy::panic, clippy::disallowed_types, reason = "a fuzzer measures its time")]

mod common;
#[path = "../../objects/tests/cost/mod.rs"]
mod cost;

use common::Lab;
use engine::Era;
use nodewright_shell::{Poll, Start};
use objects::{DocExt, Value};
use std::time::{Duration, Instant};

/// A small generator with a seed, so that a failure can be had again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap_or(0) % sides.max(1)
    }

    fn pick<'a, T: ?Sized>(&mut self, items: &[&'a T]) -> &'a T {
        let n = self.roll(items.len());
        items.get(n).copied().unwrap_or_else(|| panic!("nothing to pick from"))
    }
}

const KUBECTL: &[&str] = &[
    "kubectl get nodes -o wide",
    "kubectl get po -A -o jsonpath='{range .items[*]}{.metadata.name}{\"\\n\"}{end}'",
    "kubectl get nodes -o json | jq -r '.items[] | select(.spec.unschedulable != true) | .metadata.name'",
    "kubectl create deployment inflate --image=pause --replicas=2",
    "kubectl scale deployment inflate --replicas 3",
    "cat <<EOF | kubectl apply -f -\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: x\nEOF",
    "kubectl describe node $(kubectl get no -o name | head -1)",
    "kubectl patch deploy inflate -p '{\"spec\":{\"replicas\":1}}'",
    "for i in $(seq 3); do kubectl get po | wc -l; sleep 1; done",
    "jq -n '[range(10)] | map(. * 2) | add'",
    "jq -n 'def f: [f]; f'",
    "jq -n 'reduce range(60) as $i (\"x\"; . + .) | length'",
    "watch -n 1 kubectl get nodes",
    "eks-node-viewer --resources cpu,memory",
    "eks-node-viewer --node-sort eks-node-viewer/node-cpu-usage=dsc --extra-labels a,b --node-selector a",
    "aws ec2 describe-instances --filters Name=tag:Name,Values=ip* --query 'Reservations[].Instances[?State.Name==`running`].[InstanceId,{A:InstanceType}] | [0][]' --output text",
    "ec2-spot-interrupter -i $(aws ec2 describe-instances --query 'Reservations[*].Instances[*].InstanceId' --output text | tr '\t' ,) &",
    "kubens karpenter; kubens -; kubectx; helm list -A -o json",
    "{ sleep 3; kubectl get no; } & jobs -l; wait %1; kill -9 %2; fg; disown",
    "stern . -A --no-follow --tail 2 -o json | jq -r .podName",
    "helm upgrade karpenter oci://public.ecr.aws/karpenter/karpenter -n karpenter --reuse-values --set 'settings.a={1,2},replicas=1' && helm get values karpenter -n karpenter -o json",
    "cat <<EOF > d.yaml\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: w}\nspec: {template: {spec: {containers: [{name: w, image: n}]}}}\nEOF\nkubectl set image -f d.yaml w=x --local -o yaml | kubectl label --local -f - a=b -o yaml | kubectl patch --local -f - --type json -p '[{\"op\":\"remove\",\"path\":\"/spec\"}]'",
    "nodewright explain node/x; nodewright skip 1m; nodewright speed 8; nodewright check",
    "time -p kubectl get po | diff -u - /dev/null",
    "echo 'echo $0 $1 $#; kubectl get no; return 3' > s.sh; bash s.sh a; source s.sh b; eval \"$(cat s.sh)\"; chmod +x s.sh; ./s.sh c",
    "echo 'exit 4 | ./b.sh & bash -e b.sh; eval eval . ./b.sh' > b.sh; chmod 755 b.sh; bash -c 'source b.sh; ./b.sh' | sh -s x",
    "mkdir -p k; cat <<EOF > k/kustomization.yaml\nresources: [a.yaml]\nnamePrefix: p-\nnamespace: x\nlabels:\n- pairs: {a: b}\n  includeSelectors: true\nimages: [{name: nginx, newTag: v1}]\nreplicas: [{name: web, count: 3}]\nEOF",
    "mkdir -p k; cat <<EOF > k/a.yaml\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    spec:\n      containers: [{name: c, image: nginx, envFrom: [{configMapRef: {name: cm}}], ports: [{containerPort: 80, protocol: TCP}]}]\nEOF",
    "cat <<EOF >> k/kustomization.yaml\npatches:\n- patch: |-\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {name: web}\n    spec: {template: {spec: {containers: [{name: d}, {name: c, ports: [{containerPort: 80}]}, {\\$patch: delete, name: e}]}}}\n- target: {kind: Deploy.*, labelSelector: a=b}\n  patch: |-\n    - {op: add, path: /spec/replicas, value: 2}\n    - {op: copy, from: /spec, path: /spec/x}\nEOF",
    "cat <<EOF >> k/kustomization.yaml\nconfigMapGenerator:\n- name: cm\n  literals: [a=b]\n  files: [a.yaml]\n  behavior: merge\nsecretGenerator: [{name: s, envs: [a.yaml]}]\nsortOptions: {order: fifo}\ncommonAnnotations: {a: b}\nEOF",
    "mkdir -p o; echo 'resources: [../k, ../o, a.yaml]' > o/kustomization.yaml; echo 'kind: Component' > k/Kustomization",
    "kubectl kustomize k | envsubst | kubectl apply -f -; kubectl apply -k k; kubectl diff -k o; kubectl delete -k k; kubectl kustomize o -o x",
];
const GLUE: &[&str] = &[" | ", " && ", " || ", "; ", "\n", " | jq . | ", " 2>&1 | ", " > f; "];
const BITS: &[&str] = &[
    "'", "\"", "$(", ")", "`", "${", "}", "$((", "))", "<<EOF\n", "\\", "|", "&", ";;", "*", "[", "é", "\u{0}", "\n", "#", "!",
    "{1..9}", "%%", "-",
];

const YAML: &[&str] = &[
    "null", "{}", "[]", "- ", ": ", "~", "1", "true", "$patch", "replace", "&a ", "*a", "<<: ", "\"", "../", "/", "name", "x: y",
    "[*]", ".*", "(", "!",
];

fn line(dice: &mut Dice, corpus: &[&str]) -> String {
    let mut text = dice.pick(corpus).to_owned();
    for _ in 0..dice.roll(3) {
        text = format!("{text}{}{}", dice.pick(GLUE), dice.pick(corpus));
    }
    match dice.roll(8) {
        0 => text = format!("echo $({text})"),
        1 => text = format!("for i in 1 2; do {text}; done"),
        2 => text = format!("if {text}; then {text}; fi"),
        3 => text = format!("f() {{ {text}\n}}; f a"),
        _ => {}
    }
    for _ in 0..dice.roll(5) {
        let mut chars: Vec<char> = text.chars().collect();
        let (a, b) = (dice.roll(chars.len()), dice.roll(chars.len()));
        match dice.roll(4) {
            0 => drop(chars.drain(a.min(b)..a.max(b).min(a.min(b) + 12))),
            1 => chars.splice(a..a, dice.pick(BITS).chars()).for_each(drop),
            2 => chars.swap(a, b),
            _ => {
                let part: Vec<char> = chars.iter().skip(a.min(b)).take(30).copied().collect();
                chars.splice(b..b, part).for_each(drop);
            }
        }
        text = chars.into_iter().collect();
        if text.is_empty() {
            break;
        }
    }
    text
}

/// Most time on a processor that one line may take, without optimization, and most memory of all of them.
const MOST_TIME: Duration = Duration::from_secs(60);
const MOST_MEMORY_MIB: u64 = 512;

/// Runs a text, which may take so much time and memory as a line may.
fn run(start: &Lab, text: &str) {
    let before = cost::processor();
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| turns(start, text)));
    assert!(done.is_ok(), "panicked on {text:?}");
    let (took, memory) = (cost::processor().saturating_sub(before), cost::most_memory_mib());
    assert!(took < MOST_TIME, "took {took:?}: {text:?}");
    assert!(memory < MOST_MEMORY_MIB, "{memory} MiB of memory: {text:?}");
}

/// Runs a text for at most an hour of simulated time and so many turns; more output than this is a failure.
fn turns(start: &Lab, text: &str) {
    const OUTPUT: usize = 256 << 20;
    let mut lab = start.again();
    let Start::Job(mut job) = lab.shell.start(text, &mut lab.session) else { return };
    let limit = lab.session.now() + 3_600_000;
    let mut printed = 0;
    for _ in 0..20_000 {
        let poll = lab.shell.poll(&mut job, &mut lab.session);
        printed += job.take_output().iter().map(|c| c.text.len()).sum::<usize>();
        assert!(printed < OUTPUT, "{printed} bytes printed by {text:?}");
        match poll {
            Poll::Done { .. } => {
                // What is left in the background goes on for a while.
                for _ in 0..20 {
                    let (output, wake) = lab.shell.work(&mut lab.session);
                    printed += output.iter().map(|c| c.text.len()).sum::<usize>();
                    assert!(printed < OUTPUT, "{printed} bytes printed by {text:?}");
                    let next = [wake, lab.session.next_wake()].into_iter().flatten().min().filter(|t| *t <= limit);
                    let Some(next) = next.filter(|_| lab.shell.has_background()) else { return };
                    lab.session.advance_to(next.max(lab.session.now()));
                }
                return;
            }
            Poll::Running { wake } => {
                let next = [wake, lab.session.next_wake()].into_iter().flatten().min();
                match next.filter(|t| *t <= limit) {
                    Some(t) => lab.session.advance_to(t.max(lab.session.now())),
                    None => job.interrupt(),
                }
            }
        }
    }
    job.interrupt();
    assert!(matches!(lab.shell.poll(&mut job, &mut lab.session), Poll::Done { .. }), "cannot be interrupted: {text:?}");
}

fn corpus() -> Vec<String> {
    let recorded = [include_str!("tools/language.jsonl"), include_str!("tools/text.jsonl"), include_str!("tools/jq.jsonl")];
    let lines = recorded.iter().flat_map(|r| r.lines()).filter_map(|l| serde_json::from_str::<Value>(l).ok());
    let lines = lines.filter_map(|v| v.str_at("command").map(str::to_owned));
    lines.chain(KUBECTL.iter().map(|l| (*l).to_owned())).collect()
}

/// A kustomization and its files with mistakes in them, and what is made of them.
fn kustomized(dice: &mut Dice) -> String {
    let parts: Vec<&str> = KUBECTL.iter().copied().filter(|l| l.contains("k/") || l.contains("-k ")).collect();
    let mut text = String::new();
    for part in &parts {
        let mut part: Vec<char> = part.chars().collect();
        for _ in 0..dice.roll(3) {
            let (a, b) = (dice.roll(part.len()), dice.roll(part.len()));
            match dice.roll(3) {
                0 => drop(part.drain(a.min(b)..a.max(b).min(a.min(b) + 6))),
                1 => part.splice(a..a, dice.pick(YAML).chars()).for_each(drop),
                _ => part.swap(a, b),
            }
        }
        text.push_str(&part.into_iter().collect::<String>());
        text.push('\n');
    }
    text
}

fn fuzz(seconds: u64, most: usize, seed: u64) -> usize {
    let corpus = corpus();
    let corpus: Vec<&str> = corpus.iter().map(String::as_str).collect();
    let start = Lab::new(Era::V1, Vec::new());
    let (begun, mut dice) = (Instant::now(), Dice(seed));
    for n in 0..most {
        if begun.elapsed().as_secs() >= seconds {
            return n;
        }
        let text = if dice.roll(8) == 0 { kustomized(&mut dice) } else { line(&mut dice, &corpus) };
        run(&start, &text);
    }
    most
}

#[test]
fn some_broken_lines() {
    assert_eq!(fuzz(120, 150, 7), 150, "too slow");
}

#[test]
fn lines_that_once_failed() {
    let start = Lab::new(Era::V1, Vec::new());
    for text in include_str!("tools/regressions.jsonl").lines() {
        run(&start, &serde_json::from_str::<String>(text).unwrap_or_else(|e| panic!("{text}: {e}")));
    }
}

#[test]
#[ignore = "runs for FUZZ_SECONDS"]
fn many_broken_lines() {
    let (seconds, seed) = (cost::asked("FUZZ_SECONDS", 600), cost::asked("FUZZ_SEED", 1));
    let lines = fuzz(seconds, usize::MAX, seed);
    println!("{lines} lines in {seconds} s, seed {seed}, {} MiB", cost::most_memory_mib());
}
