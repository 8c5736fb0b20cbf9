//! stern on the simulated cluster; the forms are those of stern v1.34 (stern/{stern,tail}.go, cmd/cmd.go).

mod common;

use common::Lab;
use engine::{Era, Scenario};
use nodewright_shell::{Poll, Start};

fn check(lab: &mut Lab, line: &str, exit: i32, stdout: &str, stderr: &str) {
    let out = lab.run(line);
    assert_eq!((out.exit, out.stdout.as_str(), out.stderr.as_str()), (exit, stdout, stderr), "{line}");
}

#[test]
fn tells_the_logs_of_the_pods_that_match() {
    let mut lab = Lab::of(Scenario::lab(Era::V1, 1));
    let plain = lab.run("kubectl logs -n karpenter -l app.kubernetes.io/name=karpenter --tail 3 | sort").stdout;
    assert!(plain.lines().count() >= 3, "{plain}");
    let out = lab.run("stern karpenter -n karpenter --no-follow --tail 3");
    let lines: Vec<&str> = out.stdout.lines().collect();
    let mut messages: Vec<&str> = lines.iter().filter_map(|l| l.splitn(3, ' ').nth(2)).collect();
    messages.sort_unstable();
    assert_eq!(messages, plain.lines().collect::<Vec<_>>());
    assert!(lines.iter().all(|l| l.starts_with("karpenter-") && l.split(' ').nth(1) == Some("controller")), "{lines:?}");
    // Who comes and who goes is told beside the lines.
    let pods = lab.run("kubectl get po -n karpenter -o name | wc -l").stdout.trim().parse::<usize>().unwrap();
    for sign in ["+ ", "- "] {
        assert_eq!(
            out.stderr.lines().filter(|l| l.starts_with(sign) && l.ends_with(" › controller")).count(),
            pods,
            "{}",
            out.stderr
        );
    }
    check(&mut lab, "stern karpenter -n karpenter --no-follow --tail 3 -o raw --only-log-lines | sort", 0, &plain, "");
    let json = "stern . -A --no-follow --only-log-lines --tail 1 -o json | jq -r '[.namespace, .containerName, .labels.\"app.kubernetes.io/name\"] | join(\"/\")' | sort -u";
    check(&mut lab, json, 0, "karpenter/controller/karpenter\n", "");
    check(&mut lab, "stern deploy/karpenter -n karpenter --no-follow --only-log-lines --tail 3 -o raw | sort", 0, &plain, "");
    check(&mut lab, "stern karpenter --no-follow", 0, "", "");
    check(&mut lab, "stern . -n karpenter -c none --no-follow", 0, "", "");
    let spaced = lab.run("stern . -A --no-follow --tail 1").stdout;
    assert!(spaced.starts_with("karpenter karpenter-"), "{spaced}");
}

#[test]
fn refuses_as_stern_does() {
    let mut lab = Lab::of(Scenario::lab(Era::V1, 1));
    for (line, error) in [
        ("stern", "Error: One of pod-query, --selector, --field-selector, --prompt or --stdin is required\nUsage:\n"),
        ("stern a/b -l c=d", "Error: --selector and the <resource>/<name> query cannot be set at the same time\nUsage:\n"),
        ("stern x --no-follow --tail=0", "Error: --no-follow cannot be used with --tail=0\nUsage:\n"),
        ("stern x --nope", "Error: unknown flag: --nope\nUsage:\n"),
        ("stern x -o wide", "Error: output should be one of 'default', 'raw', 'json', 'extjson', and 'ppextjson'\n"),
        (
            "stern x --container-state big",
            "Error: containerState should be one of 'running', 'waiting', 'terminated', or 'all'\n",
        ),
        ("stern deploy/none", "Error: deployments.apps \"none\" not found\n"),
        ("stern '('", "Error: failed to compile regular expression from query: "),
        (
            "stern . -A --max-log-requests 1 ",
            "Error: stern reached the maximum number of log requests (1), use --max-log-requests",
        ),
    ] {
        let out = lab.run(line);
        assert!(out.exit == 1 && out.stderr.contains(error) && out.stdout.lines().count() < 30, "{line}: {}", out.stderr);
    }
}

/// Follows, and tells of pods that come and go, until it is left.
#[test]
fn follows_pods_that_come_and_go() {
    let mut lab = Lab::of(Scenario::lab(Era::V1, 1));
    let Start::Job(mut job) = lab.shell.start("stern karpenter -n karpenter --tail 0", &mut lab.session) else {
        panic!("no job")
    };
    let mut turn = |lab: &mut Lab, ms: u64| {
        lab.session.advance_to(lab.session.now() + ms);
        let poll = lab.shell.poll(&mut job, &mut lab.session);
        let said: String = job.take_output().into_iter().map(|c| c.text).collect();
        (poll, said)
    };
    let (_, begun) = turn(&mut lab, 0);
    assert!(begun.lines().all(|l| l.starts_with("+ karpenter-")), "{begun}");
    lab.run("kubectl rollout restart deploy karpenter -n karpenter");
    let (_, turned) = turn(&mut lab, 300_000);
    assert!(turned.contains("- karpenter-") && turned.contains("\n+ karpenter-"), "{turned}");
    lab.run(
        "kubectl create deployment inflate --image=pause --replicas=3; kubectl set resources deploy inflate --requests=cpu=1",
    );
    let (poll, more) = turn(&mut lab, 120_000);
    let is_told = more.contains(" controller {") && more.contains("created nodeclaim");
    assert!(matches!(poll, Poll::Running { .. }) && is_told, "{more}");
}
