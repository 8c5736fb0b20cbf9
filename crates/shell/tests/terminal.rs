//! What a page needs of the shell: streams, keys, interrupts, completion, repairs, what was seen.
#![expect(clippy::panic, reason = "test support")]

mod common;

use common::Lab;
use engine::session::Seen;
use engine::{Era, Scenario};
use nodewright_shell::{Ask, Extras, Job, Key, Lang, Options, Poll, Ran, Shell, Start, Stream, Want};
use objects::Kind;

thread_local!(static LAB: Lab = Lab::of(Scenario::lab(Era::V1alpha5, 1)));

fn terminal() -> Lab {
    let mut lab = LAB.with(Lab::again);
    lab.shell = Shell::new(Options::terminal(Lang::Ko));
    lab
}

fn start(lab: &mut Lab, text: &str) -> Box<Job> {
    match lab.shell.start(text, &mut lab.session) {
        Start::Job(job) => job,
        Start::NeedsMore => panic!("unfinished: {text}"),
    }
}

fn text(job: &mut Job, stream: Stream) -> String {
    job.take_output().into_iter().filter(|c| c.stream == stream).map(|c| c.text).collect()
}

#[test]
fn lines_stream_through_pipes_as_time_passes() {
    let mut lab = terminal();
    assert_eq!(
        lab.run("kubectl create deployment web --image=nginx --replicas 5; kubectl set resources deploy web --requests=cpu=1")
            .exit,
        0
    );
    let mut job = start(
        &mut lab,
        "kubectl logs -f -n karpenter -l app.kubernetes.io/name=karpenter -c controller --tail=0 | grep -o 'created machine'",
    );
    assert!(matches!(lab.shell.poll(&mut job, &mut lab.session), Poll::Running { .. }));
    assert!(job.follows() && text(&mut job, Stream::Stdout).is_empty());
    lab.session.advance_to(lab.session.now() + 15_000);
    assert!(matches!(lab.shell.poll(&mut job, &mut lab.session), Poll::Running { .. }));
    assert_eq!(text(&mut job, Stream::Stdout), "created machine\n");
    job.interrupt();
    assert_eq!(lab.shell.poll(&mut job, &mut lab.session), Poll::Done { exit: 130 });
    assert_eq!(lab.run("echo $?").stdout, "130\n");
}

#[test]
fn unfinished_text_asks_for_more() {
    let mut lab = terminal();
    for text in ["cat <<EOF | kubectl apply -f -", "echo 'a", "kubectl get po |", "for i in 1 2; do"] {
        assert!(matches!(lab.shell.start(text, &mut lab.session), Start::NeedsMore), "{text}");
    }
    assert!(lab.shell.history().is_empty());
}

#[test]
fn the_viewer_repaints_until_it_is_left() {
    let mut lab = terminal();
    let mut job = start(&mut lab, "eks-node-viewer");
    assert!(matches!(lab.shell.poll(&mut job, &mut lab.session), Poll::Running { wake: Some(_) }));
    assert!(job.full_screen());
    let screens = job.take_output();
    assert!(screens.iter().all(|c| c.screen) && screens.len() == 1);
    assert!(screens.iter().any(|c| c.text.starts_with("2 nodes (2450m/3860m) 63.5% cpu ")), "{screens:?}");
    assert_eq!(job.take_seen(), [Seen::NodeViewer]);
    job.key(Key::Char('q'));
    assert_eq!(lab.shell.poll(&mut job, &mut lab.session), Poll::Done { exit: 0 });
}

#[test]
fn remarks_in_yaml_are_mended_by_one_click() {
    let mut lab = terminal();
    let script = "cat <<EOF | kubectl apply -f -\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: inflate\nspec:\n  replicas: 0    // #@ none\n  selector:\n    matchLabels: {app: inflate}\n  template:\n    metadata:\n      labels: {app: inflate}\n    spec:\n      containers:\n        - name: inflate\n          image: pause  // small\nEOF\n";
    let mut job = start(&mut lab, script);
    assert_eq!(lab.shell.poll(&mut job, &mut lab.session), Poll::Done { exit: 1 });
    let repair = job.repair().cloned().unwrap_or_else(|| panic!("no repair: {:?}", job.take_output()));
    assert_eq!(repair.lines, [7, 16]);
    assert!(text(&mut job, Stream::Hint).contains("7, 16번째 줄"));
    assert_eq!(lab.run(&repair.fixed_script).stdout, "deployment.apps/inflate created\n");
}

#[test]
fn what_was_listed_is_told() {
    let mut lab = terminal();
    let mut job = start(&mut lab, "kubectl get node -L karpenter.sh/capacity-type -l eks.amazonaws.com/capacityType=ON_DEMAND");
    lab.shell.poll(&mut job, &mut lab.session);
    let seen = job.take_seen();
    let [Seen::Listed { kind: Kind::Node, names, selector, labels }] = seen.as_slice() else {
        panic!("{seen:?}");
    };
    assert_eq!((names.len(), selector.as_str()), (2, "eks.amazonaws.com/capacityType=ON_DEMAND"));
    assert_eq!(labels, &["karpenter.sh/capacity-type"]);
}

#[test]
fn tab_completes() {
    let mut lab = terminal();
    lab.run("mkdir -p shop/base");
    let snapshot = lab.session.snapshot();
    for (line, first) in [
        ("kub", "kubectl "),
        ("kubectl sca", "scale "),
        ("kubectl get prov", "provisioners "),
        ("kubectl get provisioners d", "default "),
        ("kubectl -n karpenter logs kar", "karpenter-"),
        ("kubectl get po -n kube-s", "kube-system "),
        ("kubectl scale deploy x --rep", "--replicas="),
        ("kubectl get no -L karp", ""),
        ("kubectl get no -L eks.", "eks.amazonaws.com/capacityType"),
        ("k get no -o wi", "wide "),
        ("kubectl rollout st", "status "),
        ("kubectl explain prov", "provisioners"),
        ("echo a | gre", "grep "),
        ("nodewright ex", "explain "),
        ("nodewright explain pod", ""),
        ("nodewright explain n", "node/ip-"),
        ("kubectl kus", "kustomize "),
        ("kubectl kustomize sh", "shop/"),
        ("kubectl kustomize shop/", "shop/base/"),
        ("kubectl apply -k sh", "shop/"),
        ("kubectl delete --kustomize=sh", "--kustomize=shop/"),
        ("kubectl kustomize --load", "--load-restrictor="),
        ("kubectl kustomize shop --load-restrictor=", "--load-restrictor=LoadRestrictionsNone "),
        ("kubectl kustomize shop -o sh", "shop/"),
    ] {
        let found = lab.shell.complete(line, line.len(), &snapshot);
        let got = found.candidates.first().cloned().unwrap_or_default();
        assert!(if first.is_empty() { got.is_empty() } else { got.starts_with(first) }, "{line}: {:?}", found.candidates);
    }
}

#[test]
fn history_recalls() {
    let mut lab = terminal();
    lab.run("echo one");
    assert_eq!(lab.run("!!").stdout, "echo one\none\n");
    assert_eq!(lab.run("!nope").stderr, "bash: !nope: event not found\n");
}

/// `kubectl edit` pauses with the text and goes on with what became of it.
#[test]
fn edits_in_the_owners_editor() {
    let mut lab = Lab::of(engine::Scenario::lab(Era::V1, 1));
    lab.shell = Shell::new(Options { editor: true, ..Options::terminal(Lang::En) });
    lab.run("kubectl create deployment web --image=nginx");
    let mut edit = |change: &dyn Fn(&str) -> Option<String>| {
        let Start::Job(mut job) = lab.shell.start("kubectl edit deploy web", &mut lab.session) else { panic!("unfinished") };
        let mut rounds = Vec::new();
        for _ in 0..10 {
            if let Poll::Done { exit } = lab.shell.poll(&mut job, &mut lab.session) {
                let text: String = job.take_output().into_iter().map(|c| c.text).collect();
                return (exit, text, rounds);
            }
            let asked = job.editing().unwrap().clone();
            assert_eq!(asked.title, "deployment.apps/web");
            rounds.push(asked.text.clone());
            job.edited(change(&asked.text));
        }
        panic!("no end");
    };
    let (exit, text, rounds) = edit(&|_| None);
    assert_eq!((exit, text.as_str(), rounds.len()), (0, "Edit cancelled, no changes made.\n", 1));
    assert!(rounds[0].starts_with("# Please edit the object below.") && rounds[0].contains("\n  replicas: 1\n"));
    let (exit, text, _) = edit(&|t| Some(t.replace("replicas: 1", "replicas: 3")));
    assert_eq!((exit, text.as_str()), (0, "deployment.apps/web edited\n"));
    let (exit, text, rounds) = edit(&|t| Some(t.replace("replicas: 3", "replicas: -3")));
    assert_eq!(exit, 1);
    assert_eq!(
        text,
        "error: deployments.apps \"web\" is invalid\nA copy of your changes has been stored to \"/tmp/kubectl-edit.yaml\"\n\
         error: Edit cancelled, no valid changes were saved.\n"
    );
    assert!(
        rounds[1].contains(
            "#\n# deployments.apps \"web\" was not valid:\n# * spec.replicas: Invalid value: -3: must be greater than or equal to 0\n#\n"
        ),
        "{}",
        rounds[1]
    );
}

/// Headless, a command of the shell is the editor.
#[test]
fn edits_by_a_command() {
    let mut lab = Lab::of(engine::Scenario::lab(Era::V1, 1));
    lab.run("kubectl create deployment web --image=nginx");
    let out = lab.run("EDITOR=true kubectl edit deploy web");
    assert_eq!((out.exit, out.stdout.as_str(), out.stderr.as_str()), (0, "", "Edit cancelled, no changes made.\n"));
    let out = lab.run("EDITOR=vi kubectl edit deploy web");
    assert_eq!((out.exit, out.stderr.as_str()), (1, "error: unable to launch the editor \"vi\"\n"));
    assert_eq!(lab.run("kubectl edit deploy web").exit, 1);
}

/// What a terminal shows of a line, streams together.
fn shown(lab: &mut Lab, line: &str) -> String {
    let mut job = start(lab, line);
    let mut out = String::new();
    loop {
        let poll = lab.shell.poll(&mut job, &mut lab.session);
        out.extend(job.take_output().into_iter().map(|c| c.text));
        match poll {
            Poll::Done { .. } => return out,
            Poll::Running { wake } => {
                let next = [wake, lab.session.next_wake()].into_iter().flatten().min();
                match next {
                    Some(t) => lab.session.advance_to(t.max(lab.session.now())),
                    None => job.interrupt(),
                }
            }
        }
    }
}

/// Recorded from an interactive bash 5.2; numbers of processes are its own.
#[test]
fn jobs_in_the_background_are_told() {
    let mut lab = terminal();
    for (line, want) in [
        ("sleep 0.5 &", "[1] 101\n"),
        ("echo a; sleep 1", "a\n[1]+  Done                    sleep 0.5\n"),
        ("false &", "[1] 102\n[1]+  Exit 1                  false\n"),
        ("jobs", ""),
        ("sleep 50 &", "[1] 103\n"),
        ("sleep 60 &", "[2] 104\n"),
        ("jobs", "[1]-  Running                 sleep 50 &\n[2]+  Running                 sleep 60 &\n"),
        ("jobs -l", "[1]- 103 Running                 sleep 50 &\n[2]+ 104 Running                 sleep 60 &\n"),
        ("kill %1", "[1]-  Terminated              sleep 50\n"),
        ("kill -9 %2; echo $!", "104\n[2]+  Killed                  sleep 60\n"),
        ("fg", "bash: fg: current: no such job\n"),
        ("sleep 1 | cat &", "[1] 105\n"),
        ("fg", "sleep 1 | cat\n"),
        ("echo $?", "0\n"),
        ("(sleep 0.2; exit 3) &", "[1] 106\n"),
        ("sleep 0.4", "[1]+  Exit 3                  ( sleep 0.2; exit 3 )\n"),
        ("bg", "bash: bg: current: no such job\n"),
        ("fg %9", "bash: fg: %9: no such job\n"),
        ("jobs %9", "bash: jobs: %9: no such job\n"),
        ("sleep 70 & sleep 71 & sleep 72 &", "[1] 107\n[2] 108\n[3] 109\n"),
        ("fg %sleep", "bash: fg: sleep: ambiguous job spec\n"),
        ("disown %1; jobs", "[2]-  Running                 sleep 71 &\n[3]+  Running                 sleep 72 &\n"),
        ("kill %%; jobs", "[2]-  Running                 sleep 71 &\n[3]+  Terminated              sleep 72\n"),
        ("kill 9999", "bash: kill: (9999) - No such process\n"),
        ("sleep 0.1 & wait -n; echo \"n=$?\"", "[3] 110\nn=0\n[3]+  Done                    sleep 0.1\n"),
    ] {
        assert_eq!(shown(&mut lab, line), want, "{line}");
    }
}

#[test]
fn a_job_goes_on_between_lines_and_ends_by_ctrl_c_in_the_foreground() {
    let mut lab = terminal();
    assert_eq!(shown(&mut lab, "(sleep 30; echo late; kubectl create ns behind) &"), "[1] 101\n");
    assert!(lab.shell.has_background());
    let (none, wake) = lab.shell.work(&mut lab.session);
    assert_eq!((none.len(), wake), (0, Some(lab.session.now() + 30_000)));
    lab.session.advance_to(lab.session.now() + 31_000);
    let (output, _) = lab.shell.work(&mut lab.session);
    let printed: String = output.into_iter().map(|c| c.text).collect();
    assert_eq!(printed, "late\nnamespace/behind created\n");
    assert!(!lab.shell.has_background());
    shown(&mut lab, "sleep 40 &");
    let mut job = start(&mut lab, "fg");
    assert!(matches!(lab.shell.poll(&mut job, &mut lab.session), Poll::Running { wake: Some(_) }));
    job.interrupt();
    assert_eq!(lab.shell.poll(&mut job, &mut lab.session), Poll::Done { exit: 130 });
    assert_eq!(shown(&mut lab, "echo $?; jobs"), "130\n");
}

#[test]
fn a_line_waits_for_what_it_needs() {
    let mut lab = terminal();
    let mut job = start(&mut lab, "echo '{\"a\": 1}' | jq .a");
    assert!(matches!(lab.shell.poll(&mut job, &mut lab.session), Poll::Running { wake: None }));
    assert_eq!(job.wants(), Some(Want::Extras));
    lab.shell.attach(Extras::all());
    assert_eq!(lab.shell.poll(&mut job, &mut lab.session), Poll::Done { exit: 0 });
    assert_eq!((text(&mut job, Stream::Stdout).as_str(), job.wants()), ("1\n", None));
    let mut refused = terminal();
    let mut job = start(&mut refused, "jq .");
    refused.shell.poll(&mut job, &mut refused.session);
    job.refuse("it did not come");
    assert_eq!(refused.shell.poll(&mut job, &mut refused.session), Poll::Done { exit: 1 });
    assert_eq!(text(&mut job, Stream::Hint), "it did not come\n");
}

/// What the owner of the terminal is asked, and how its answer comes out.
#[test]
fn asks_the_page_around_it() {
    let mut lab = Lab::of(engine::Scenario::lab(Era::V1, 1));
    assert_eq!(lab.run("nodewright hint").stderr, "nodewright: hint: there is no page around this terminal that could answer\n");
    lab.shell = Shell::new(Options { asks: true, ..Options::terminal(Lang::En) });
    let mut ask = |line: &str, said: Ran| {
        let Start::Job(mut job) = lab.shell.start(line, &mut lab.session) else { panic!("unfinished") };
        assert!(matches!(lab.shell.poll(&mut job, &mut lab.session), Poll::Running { .. }), "{line}");
        let asked = job.asking();
        job.answer(said);
        let poll = lab.shell.poll(&mut job, &mut lab.session);
        let text: String = job.take_output().into_iter().map(|c| c.text).collect();
        (asked, poll, text)
    };
    let answer = Ran { exit: 1, stdout: "two of three\n".to_owned(), ..Ran::default() };
    let said = ask("nodewright check | tr a-z A-Z; echo $?", answer.clone());
    assert_eq!(said, (Some(Ask::Check), Poll::Done { exit: 0 }, "TWO OF THREE\n0\n".to_owned()));
    let said = ask("nodewright check || echo no", answer);
    assert_eq!(said, (Some(Ask::Check), Poll::Done { exit: 0 }, "two of three\nno\n".to_owned()));
    for (line, asked) in [
        ("nodewright goal", Ask::Goal),
        ("nodewright hint", Ask::Hint),
        ("nodewright share", Ask::Share),
        ("nodewright speed", Ask::Speed(None)),
        ("nodewright speed 30", Ask::Speed(Some(30))),
    ] {
        assert_eq!(ask(line, Ran::default()), (Some(asked), Poll::Done { exit: 0 }, String::new()));
    }
}

/// Two programs of one line that ask get each its own answer, one after the other.
#[test]
fn asks_one_thing_at_a_time() {
    let mut lab = Lab::of(engine::Scenario::lab(Era::V1, 1));
    lab.shell = Shell::new(Options { asks: true, ..Options::terminal(Lang::En) });
    let Start::Job(mut job) = lab.shell.start("nodewright goal | cat; nodewright share", &mut lab.session) else { panic!() };
    let mut asked = Vec::new();
    for _ in 0..10 {
        if let Poll::Done { exit } = lab.shell.poll(&mut job, &mut lab.session) {
            assert_eq!(exit, 0);
            break;
        }
        asked.extend(job.asking());
        job.answer(Ran { stdout: format!("{}\n", asked.len()), ..Ran::default() });
    }
    let text: String = job.take_output().into_iter().map(|c| c.text).collect();
    assert_eq!((asked, text.as_str()), (vec![Ask::Goal, Ask::Share], "1\n2\n"));
}
