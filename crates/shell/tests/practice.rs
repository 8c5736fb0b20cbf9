//! Programs beside kubectl that workshops use, on the simulated cluster: eks-node-viewer in its looks, EC2's instances and
//! their interruption, contexts and namespaces; and what is not simulated.

mod common;

use common::Lab;
use engine::{Era, Scenario};
use nodewright_shell::Ran;

thread_local!(static OLD: Lab = Lab::of(Scenario::lab(Era::V1alpha5, 1)));
thread_local!(static NEW: Lab = Lab::of(Scenario::lab(Era::V1, 1)));

fn old(text: &str) -> Ran {
    OLD.with(Lab::again).run(text)
}

fn new(text: &str) -> Ran {
    NEW.with(Lab::again).run(text)
}

/// Five pods that need a CPU each.
const LOAD: &str = "{ kubectl create deployment web --image=nginx --replicas 0; kubectl set resources deploy web --requests=cpu=1; \
                    kubectl scale deployment web --replicas 5; } > /dev/null; ";

fn bar(full: usize, empty: usize) -> String {
    format!("{}{}", "█".repeat(full), "░".repeat(empty))
}

/// The text's lines; the test leaks them, which spares it a name for each list.
fn lines(text: &str) -> &'static [&'static str] {
    let text: &'static str = text.to_owned().leak();
    text.lines().collect::<Vec<_>>().leak()
}

#[test]
fn the_viewer_as_it_was_in_the_summer_of_2023() {
    let out = old("eks-node-viewer").stdout;
    let [summary, pods, "", nodes @ ..] = lines(&out) else { panic!("{out}") };
    assert_eq!(*summary, format!("2 nodes (2450m/3860m) 63.5% cpu {} $0.236/hour | $172.280/month", bar(25, 15)));
    assert_eq!(*pods, "9 pods (0 pending 9 running 9 bound)");
    assert_eq!(nodes.len(), 2);
    for node in nodes {
        let end = format!(" cpu {}  63% ({}", bar(22, 13), node.split('(').nth(1).unwrap_or_default());
        assert!(node.ends_with(&end) && end.ends_with(" pods) m5.large/$0.1180 On-Demand - Ready"), "{node}");
    }
    // A label that a node lacks shows its name.
    let labelled = old("eks-node-viewer --extra-labels karpenter.sh/provisioner-name,topology.kubernetes.io/zone").stdout;
    assert_eq!(labelled.matches(" Ready karpenter.sh/provisioner-name ap-northeast-2").count(), 2, "{labelled}");
    // Until a node is ready its age stands there, bare, and there is no row before it registers.
    let boots =
        old(&format!("{LOAD}sleep 8; eks-node-viewer | tail -n +4 | wc -l; sleep 32; eks-node-viewer | tail -n 1")).stdout;
    let (count, last) = boots.rsplit_once("\n").and_then(|(b, _)| b.rsplit_once('\n')).unwrap_or_default();
    assert!(count.ends_with('2'), "{boots}");
    assert!(last.contains(" Spot ") && (last.ends_with('s') || last.ends_with("Ready")), "{boots}");
}

#[test]
fn the_viewer_as_it_is_now() {
    let out = new("eks-node-viewer").stdout;
    let [summary, _, "", nodes @ ..] = lines(&out) else { panic!("{out}") };
    assert!(summary.starts_with("2 nodes (     ") && summary.contains("m/3860m) "), "{out}");
    // Pods of how many, and a dash for the empty list of labels.
    assert!(nodes.iter().all(|n| n.contains("/29 pods) m5.large/$0.1180 On-Demand - Ready -")), "{out}");
    // An instance has a row as soon as its NodeClaim knows it, named by its id.
    let launched = new(&format!("{LOAD}sleep 9; eks-node-viewer")).stdout;
    let row = launched.lines().last().unwrap_or_default();
    assert!(launched.starts_with("3 nodes ("), "{launched}");
    assert!(
        row.starts_with("i-") && row.contains("  0% (0/") && row.contains("/$0.") && row.contains(" NotReady/"),
        "{launched}"
    );
    // Ascending creation is newest first.
    let newest = new(&format!("{LOAD}sleep 9; eks-node-viewer --node-sort creation=asc | sed -n 4p")).stdout;
    assert!(newest.lines().last().is_some_and(|l| l.starts_with("i-")), "{newest}");
}

#[test]
fn the_viewer_with_options() {
    let out =
        new("eks-node-viewer --resources cpu,memory --extra-labels topology.kubernetes.io/zone,nope --disable-pricing").stdout;
    let [cpu, memory, _, "", nodes @ ..] = lines(&out) else { panic!("{out}") };
    assert!(cpu.ends_with('░') && !out.contains('$'), "{out}");
    let (used, rest) = memory.trim_start().split_once('/').unwrap_or_default();
    assert!(memory.starts_with("        ") && !memory.contains('(') && used.ends_with("Mi"), "{memory}");
    assert!(rest.contains("% memory █"), "{memory}");
    let [first, second, ..] = nodes else { panic!("{out}") };
    assert!(first.contains(" On-Demand - Ready ap-northeast-2") && first.ends_with(" -"), "{first}");
    assert!(second.starts_with("    ") && second.contains(" memory █") && second.ends_with('%'), "{second}");
    let shares = new("eks-node-viewer --extra-labels eks-node-viewer/node-cpu-usage,eks-node-viewer/node-pods-usage,\
                      eks-node-viewer/node-x-usage,eks-node-viewer/node-age")
    .stdout;
    assert!(shares.lines().last().is_some_and(|l| l.contains("% N/A ")), "{shares}");
    let none = new("eks-node-viewer --node-selector a=b").stdout;
    assert!(none.starts_with("0 nodes (         0/0) 0.0% cpu ░"), "{none}");
    assert!(none.contains(" pods (0 pending ") && none.ends_with("\n\nWaiting for update or no nodes found...\n"), "{none}");
}

#[test]
fn the_viewers_flags_are_gos() {
    let out = new("eks-node-viewer --nope");
    assert_eq!(out.exit, 1);
    let all = lines(&out.stderr);
    assert_eq!(all.first(), Some(&"flag provided but not defined: -nope"));
    assert_eq!(
        all.get(1..4),
        Some(&["Usage of eks-node-viewer:", "  -attribution", "    \tShow the Open Source Attribution"][..])
    );
    assert!(out.stderr.contains("\n  -resources string\n    \tList of comma separated resources to monitor (default \"cpu\")\n"));
    assert!(out.stderr.contains("\n  -v\tDisplay eks-node-viewer version\n"));
    assert!(
        all.last().is_some_and(|l| l.ends_with(" cannot parse flags: flag provided but not defined: -nope")),
        "{}",
        out.stderr
    );
    let with = |text: &str, end: &str| {
        let out = new(text);
        assert!(out.exit == 1 && out.stderr.ends_with(&format!("{end}\n")), "{text}: {}", out.stderr);
    };
    with("eks-node-viewer --style red", " creating style, three colors must be provided for the style, found 1 (\"red\")");
    with("eks-node-viewer --context nope", " creating client, context \"nope\" does not exist");
    with("eks-node-viewer -resources", " cannot parse flags: flag needs an argument: -resources");
    with(
        "eks-node-viewer --disable-pricing=x",
        " cannot parse flags: invalid boolean value \"x\" for -disable-pricing: parse error",
    );
    assert_eq!(old("eks-node-viewer -v").stdout, "eks-node-viewer version 0.4.2\ncommit: \nbuilt at: \nbuilt by: nodewright\n");
    let set = "echo 'resources = cpu,memory' > ~/.eks-node-viewer; eks-node-viewer | head -n 2 | grep -c memory";
    assert_eq!(new(set).stdout, "1\n");
}

#[test]
fn a_spot_instance_is_found_and_interrupted() {
    let find = "aws ec2 describe-instances --filters Name=instance-lifecycle,Values=spot Name=instance-state-name,Values=running \
                --query 'Reservations[].Instances[].InstanceId' --output text";
    let mut lab = OLD.with(Lab::again);
    let got = lab.run(&format!("{LOAD}sleep 90; {find}"));
    let id = got.stdout.lines().last().unwrap_or_default().to_owned();
    assert!(id.starts_with("i-") && id.len() == 19, "{}{}", got.stdout, got.stderr);
    let out = lab.run(&format!("ec2-spot-interrupter --instance-ids {id} --delay 10s"));
    assert_eq!(out.exit, 0, "{}", out.stdout);
    let said: Vec<&str> =
        out.stdout.lines().filter_map(|l| l.split_once(": ").filter(|(t, _)| t.starts_with("2023-"))).map(|(_, s)| s).collect();
    assert_eq!(
        said,
        [
            "✅ Rebalance Recommendation sent",
            "⏳ Interruption will be sent in 10 seconds",
            "✅ Spot 2-minute Interruption Notification sent",
            "✅ Spot Instance Shutdown sent",
        ]
    );
    assert!(out.stdout.contains(&format!("   Targets:\n    - {id}\n")), "{}", out.stdout);
    assert!(lab.run("time -p true; sleep 120").exit == 0);
    let left = lab.run(find);
    assert!(!left.stdout.contains(&id), "{}", left.stdout);
    let base = "aws ec2 describe-instances --query 'Reservations[*].Instances[?InstanceLifecycle!=`spot`].[InstanceId,InstanceType,\
                State.Name]' --output text";
    assert_eq!(lab.run(&format!("{base} | grep -c 'm5.large.running'")).stdout, "2\n");
}

#[test]
fn what_the_cloud_refuses() {
    for (text, stdout, stderr, exit) in [
        ("ec2-spot-interrupter", "❌ no instances specified\n", "", 1),
        (
            "ec2-spot-interrupter -i i-0123456789abcdef0",
            "❌ operation error EC2: DescribeInstances, api error InvalidInstanceID.NotFound: The instance ID 'i-0123456789abcdef0' does not exist\n",
            "",
            1,
        ),
        (
            "aws iam create-service-linked-role --aws-service-name spot.amazonaws.com",
            "",
            "\nAn error occurred (InvalidInput) when calling the CreateServiceLinkedRole operation: Service role name AWSServiceRoleForEC2Spot has been taken in this account, please try a different suffix.\n",
            254,
        ),
        (
            "aws ec2 describe-instances --filters Name=nope,Values=x",
            "",
            "\nAn error occurred (InvalidParameterValue) when calling the DescribeInstances operation: The filter 'nope' is invalid\n",
            254,
        ),
        (
            "aws s3 ls",
            "",
            "aws: `aws s3 ls` is not simulated: there is no AWS account here, only ec2 describe-instances, iam create-service-linked-role and sts get-caller-identity answer; kubectl shows the cluster\n",
            1,
        ),
    ] {
        let out = old(text);
        assert_eq!((out.stdout.as_str(), out.stderr.as_str(), out.exit), (stdout, stderr, exit), "{text}");
    }
    let base = old(
        "ec2-spot-interrupter -i $(aws ec2 describe-instances --query 'Reservations[0].Instances[0].InstanceId' --output text)",
    );
    assert!(base.stdout.starts_with("❌ i-") && base.stdout.ends_with(" is not a Spot instance\n"), "{}", base.stdout);
}

#[test]
fn namespaces_and_contexts() {
    let list = old("kubens").stdout;
    assert_eq!(list, old("kubectl get ns -o name | cut -d/ -f2").stdout);
    let out =
        old("kubens karpenter; kubectl get deploy -o name; kubens -c; kubens -; kubectl ns -c; kubens nope; echo $?; kubens -u");
    assert_eq!(out.stdout, "deployment.apps/karpenter\nkarpenter\ndefault\n1\n");
    assert_eq!(
        out.stderr,
        "✔ Active namespace is \"karpenter\"\n✔ Active namespace is \"default\"\nerror: no namespace exists with name \"nope\"\n✔ Active namespace is \"default\".\n"
    );
    let out = old(
        "kubectx; kubectx -c; kubectl config set-context other --cluster=nodewright --user=admin; kubectx other; kubectl ctx -; kubectx nope",
    );
    assert_eq!(out.stdout, "nodewright\nnodewright\nContext \"other\" created.\n");
    assert_eq!(
        out.stderr,
        "✔ Switched to context \"other\".\n✔ Switched to context \"nodewright\".\nerror: failed to switch context: no context exists with the name: \"nope\"\n"
    );
    assert_eq!(out.exit, 1);
}

#[test]
fn what_is_not_simulated_says_so() {
    for name in ["eksctl", "docker", "terraform", "git", "curl", "vi", "k9s", "kubetail", "python3", "sudo", "find"] {
        let out = old(&format!("{name} --help | cat; {name} x"));
        let lines = lines(&out.stderr);
        let sentence = lines.first().copied().unwrap_or_default();
        assert!(
            sentence.starts_with(&format!("{name}: not simulated: ")) && out.exit == 1 && out.stdout.is_empty(),
            "{name}: {}",
            out.stderr
        );
        assert_eq!(lines, [sentence, sentence], "one sentence each time");
    }
    let unknown = old("gti status");
    assert_eq!((unknown.stderr.as_str(), unknown.exit), ("bash: gti: command not found\n", 127));
}

/// The playground's own commands, where no page is around the shell.
#[test]
fn explains_and_skips() {
    let mut lab = Lab::of(engine::Scenario::lab(Era::V1, 1));
    assert_eq!(lab.run("nodewright explain").stdout, "Karpenter has decided nothing so far.\n");
    let mut run = |text: &str| lab.run(text);
    assert_eq!(run("nodewright nope").exit, 2);
    assert_eq!(run("nodewright undo now").stderr, "usage: nodewright undo\n");
    assert_eq!(run("nodewright skip soon").stderr, "nodewright: skip: \"soon\" is no duration: write 90s, 5m or 1h30m\n");
    assert_eq!(run("nodewright explain nodepool/default").exit, 1);
    assert_eq!(run("nodewright explain node/none").stderr, "nodewright: explain: nodes \"none\" not found\n");
    let start = run("date +%s").stdout;
    run("nodewright skip 5m");
    let later = run("date +%s").stdout;
    assert_eq!(later.trim().parse::<i64>().unwrap() - start.trim().parse::<i64>().unwrap(), 300);

    run("kubectl create deployment web --image=pause --replicas=3");
    // The next thing that happens: the scheduler finds no place, or Karpenter takes notice.
    let before = run("date +%s").stdout;
    run("nodewright skip");
    let after = run("date +%s").stdout;
    assert!((0..10).contains(&(after.trim().parse::<i64>().unwrap() - before.trim().parse::<i64>().unwrap())), "{before}{after}");
    run("kubectl set resources deployment web --requests=cpu=1");
    run("kubectl wait --for=condition=Available deployment/web --timeout=300s");
    let pod = run("kubectl get pods -o name | head -1").stdout;
    let why = run(&format!("nodewright explain {pod}")).stdout;
    assert!(why.contains("A new node by the rule default for ") && why.contains("Candidate types: all "), "{why}");
    let node = run("kubectl get nodes -l karpenter.sh/nodepool -o name | head -1").stdout;
    let why = run(&format!("nodewright explain {node}")).stdout;
    let lines: Vec<&str> = why.lines().filter(|l| !l.starts_with(' ')).collect();
    assert!(lines[0].contains("A new node by the rule default for "), "{why}");
    assert!(lines[1].contains("EC2 chose "), "{why}");
    // By its claim, without a type, and what it was about when it is gone.
    let claim = run("kubectl get nodeclaims -o name | head -1 | cut -d/ -f2").stdout;
    assert_eq!(run(&format!("nodewright explain {claim}")).stdout, why);
    run("kubectl delete deployment web; nodewright skip 10m");
    assert_eq!(run("kubectl get nodeclaims").stdout, "");
    let gone = run(&format!("nodewright explain {claim}")).stdout;
    assert!(gone.starts_with(lines[0]), "{gone}");
    let node = run(&format!("nodewright explain {node}")).stdout;
    assert!(node.contains("Removing 1 node "), "{node}");
}

/// A cluster that was read goes on where the one before was.
#[test]
fn a_cluster_is_opened() {
    let mut lab = Lab::of(engine::Scenario::lab(Era::V1, 1));
    lab.run(
        "kubectl create deployment web --image=pause --replicas=3; kubectl set resources deploy web --requests=cpu=1; sleep 120",
    );
    let nodes = lab.run("kubectl get nodes -o name").stdout;
    let pods = lab.run("kubectl get po -o name | sort").stdout;
    let mut dump = engine::cluster::Dump::default();
    for object in lab.session.world().cluster.store.all().filter(|o| !o.kind.is_internal()) {
        dump.add("test", object.doc.clone()).unwrap();
    }
    let at_ms = lab.session.snapshot().unix_ms();
    let choices =
        engine::cluster::Choices { at_ms, seed: 5, region: Some("ap-northeast-2".to_owned()), types: None, prices: None };
    let file = engine::Scenario::observed(dump, &choices).to_file().unwrap();

    let mut other = Lab::of(engine::Scenario::lab(Era::V1alpha5, 1));
    for (name, text) in [("a.json", file.to_string()), ("a.yaml", objects::yaml::to_yaml(&file))] {
        other.shell.write_file(name, &text).unwrap();
        let opened = other.run(&format!("nodewright open {name}"));
        assert_eq!(
            (opened.exit, opened.stdout.as_str()),
            (0, "era v1, region ap-northeast-2, seed 5, 0 s since the start\n"),
            "{}",
            opened.stderr
        );
        assert_eq!(other.run("kubectl get nodes -o name").stdout, nodes);
        assert_eq!(other.run("kubectl get po -o name | sort").stdout, pods);
        // It goes on.
        let after = other.run("kubectl scale deploy web --replicas=0; sleep 500; kubectl get nodeclaims");
        assert_eq!(after.stderr, "No resources found\n", "{}", after.stdout);
    }
    let piped = other.run("cat a.yaml | nodewright open - && kubectl get po -o name | sort");
    assert!(piped.stdout.ends_with(&pods), "{} {}", piped.stdout, piped.stderr);
    for (line, error) in [
        ("nodewright open", "usage: nodewright open FILE\n"),
        ("nodewright open none", "nodewright: open: none: no such file\n"),
        ("echo 'a: b' | nodewright open -", "nodewright: open: -: not a scenario: v is missing\n"),
        ("echo '{' | nodewright open -", "nodewright: open: -: not JSON: EOF while parsing an object at line 2 column 0\n"),
        (
            "kubectl apply -f a.yaml",
            "error: \"a.yaml\" is a cluster that nodewright export has written down, and no manifest: nodewright open FILE goes on with it\n",
        ),
    ] {
        let before = other.session.snapshot().store.revision();
        let out = other.run(line);
        assert!(out.exit != 0 && out.stderr == error, "{line}: {}", out.stderr);
        assert_eq!(other.session.snapshot().store.revision(), before, "{line}");
    }
}
