//! The writing verbs beyond the recordings: outputs and refusals as the sources of kubectl 0.35 and of the API server
//! 1.35 have them.

mod common;

use common::Lab;
use engine::{Era, Scenario};

thread_local!(static LAB: Lab = Lab::of(Scenario::lab(Era::V1, 1)));

/// A line, what is run before it, its status, standard output and standard error.
type Case<'a> = (&'a str, &'a str, i32, &'a str, &'a str);

const WEB: &str = "kubectl create deployment web --image=nginx --replicas=2";

fn check(cases: &[Case<'_>]) {
    let mut wrong = Vec::new();
    for (before, line, exit, stdout, stderr) in cases {
        let mut lab = LAB.with(Lab::again);
        for (name, text) in [
            ("web.yaml", include_str!("recorded/inflate.yaml")),
            ("k/kustomization.yaml", "resources: [a.yaml]\n"),
            ("k/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"),
        ] {
            lab.run("mkdir -p k");
            assert_eq!(lab.shell.write_file(name, text), Ok(()), "{name}");
        }
        if !before.is_empty() {
            let out = lab.run(before);
            assert_eq!(out.exit, 0, "{before}: {}", out.stderr);
        }
        let out = lab.run(line);
        if (out.exit, out.stdout.as_str(), out.stderr.as_str()) != (*exit, *stdout, *stderr) {
            wrong.push(format!("$ {line}\n[{}]\n{}--- err\n{}", out.exit, out.stdout, out.stderr));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// As kubectl 1.35.4 answers on an API server of the same version: without the server nothing is checked or filled in, and
/// apply prints all objects at once.
#[test]
fn dry_runs_print_what_would_be_sent() {
    const TWO: &str = "printf 'apiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: a}\\n---\\napiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: b}\\n' > two.yaml";
    const ODD: &str = "printf 'apiVersion: apps/v1\\nkind: Deployment\\nmetadata: {name: odd}\\nspec: {replicaz: 1, paused: null}\\n' > odd.yaml";
    check(&[
        (ODD, "kubectl apply --dry-run=client -f odd.yaml", 0, "deployment.apps/odd created (dry run)\n", ""),
        (
            ODD,
            "kubectl apply --dry-run=client -f odd.yaml -o yaml",
            0,
            "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: \
             |\n      {\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"annotations\":{},\"name\":\"odd\",\
             \"namespace\":\"default\"},\"spec\":{\"paused\":null,\"replicaz\":1}}\n  name: odd\n  namespace: default\nspec:\n  \
             replicaz: 1\n",
            "",
        ),
        (
            ODD,
            "kubectl create --dry-run=client -f odd.yaml -o yaml",
            0,
            "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: odd\n  namespace: default\nspec:\n  paused: null\n  \
             replicaz: 1\n",
            "",
        ),
        (ODD, "kubectl replace --dry-run=client -f odd.yaml", 0, "deployment.apps/odd replaced (dry run)\n", ""),
        (
            ODD,
            "kubectl apply --server-side -f odd.yaml",
            1,
            "",
            "Error from server: failed to create typed patch object (default/odd; apps/v1, Kind=Deployment): .spec.replicaz: field \
             not declared in schema\n",
        ),
        (TWO, "kubectl apply -f two.yaml -o name", 0, "configmap/a\nconfigmap/b\n", ""),
        (TWO, "kubectl apply -f two.yaml -o jsonpath='{.metadata}{.items[*].metadata.name}'", 0, "{}a b", ""),
        (
            TWO,
            "kubectl apply --dry-run=server -f two.yaml -o json | head -5",
            0,
            "{\n    \"kind\": \"List\",\n    \"apiVersion\": \"v1\",\n    \"metadata\": {},\n    \"items\": [\n",
            "",
        ),
        (TWO, "kubectl apply --dry-run=server -f two.yaml -o yaml | tail -2", 0, "kind: List\nmetadata: {}\n", ""),
        (
            "",
            "printf 'apiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: a}\\n---\\napiVersion: v1\\nkind: ConfigMap\\nmetadata: \
             {name: B}\\n' | kubectl apply -f - -o yaml",
            1,
            "",
            "The ConfigMap \"B\" is invalid: metadata.name: Invalid value: \"B\": a lowercase RFC 1123 subdomain must consist of lower \
             case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', \
             regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')\n",
        ),
    ]);
}

#[test]
fn generators_print_what_they_would_create() {
    check(&[
        (
            "",
            "kubectl create pdb web --selector=app=web --min-available=50% --dry-run=client -o yaml",
            0,
            "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata:\n  name: web\nspec:\n  minAvailable: 50%\n  selector:\n    \
             matchLabels:\n      app: web\nstatus:\n  currentHealthy: 0\n  desiredHealthy: 0\n  disruptionsAllowed: 0\n  \
             expectedPods: 0\n",
            "",
        ),
        (
            "",
            "kubectl create job pi --image=perl --dry-run=client -o yaml -- perl -e 1",
            0,
            "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: pi\nspec:\n  template:\n    metadata: {}\n    spec:\n      \
             containers:\n      - command:\n        - perl\n        - -e\n        - \"1\"\n        image: perl\n        name: pi\n        \
             resources: {}\n      restartPolicy: Never\nstatus: {}\n",
            "",
        ),
        (
            "",
            "kubectl create cm c --from-literal=a=1 -n kube-system --dry-run=client -o yaml",
            0,
            "apiVersion: v1\ndata:\n  a: \"1\"\nkind: ConfigMap\nmetadata:\n  name: c\n  namespace: kube-system\n",
            "",
        ),
        ("", "kubectl create job x", 1, "", "error: either --image or --from must be specified\n"),
        ("", "kubectl create cronjob x --image=i", 1, "", "error: required flag(s) \"schedule\" not set\n"),
        ("", "kubectl create cronjob x --image=i --schedule='*/5 * * * *'", 0, "cronjob.batch/x created\n", ""),
        ("", "kubectl create pdb x --min-available=1", 1, "", "error: a selector must be specified\n"),
        ("", "kubectl create service clusterip s --tcp=80:8080", 0, "service/s created\n", ""),
        ("", "kubectl create service nodeport s", 1, "", "error: at least one tcp port specifier must be provided\n"),
        // Printed by kubectl 1.35.4.
        (
            "",
            "kubectl create service externalname my-ns --external-name bar.com --dry-run=client -o yaml",
            0,
            "apiVersion: v1\nkind: Service\nmetadata:\n  labels:\n    app: my-ns\n  name: my-ns\nspec:\n  externalName: bar.com\n  \
             selector:\n    app: my-ns\n  type: ExternalName\nstatus:\n  loadBalancer: {}\n",
            "",
        ),
        ("", "kubectl create svc externalname my-ns --external-name 'a b'", 1, "", "error: invalid service external name a b\n"),
        ("", "kubectl create service externalname my-ns --external-name bar.com", 0, "service/my-ns created\n", ""),
        (
            "kubectl create service externalname my-ns --external-name bar.com",
            "kubectl get svc my-ns --no-headers | tr -s ' ' | cut -d' ' -f1-5",
            0,
            "my-ns ExternalName <none> bar.com <none>\n",
            "",
        ),
        (
            "kubectl create service clusterip my-svc --tcp=80",
            "kubectl set selector svc my-svc environment=qa && kubectl get svc my-svc -o jsonpath={.spec.selector}",
            0,
            "service/my-svc selector updated\n{\"environment\":\"qa\"}",
            "",
        ),
        (
            "kubectl create service clusterip s --tcp=80",
            "kubectl set selector svc s app=s",
            0,
            "service/s selector updated\n",
            "",
        ),
        ("", "kubectl set selector", 1, "", "error: one selector is required\n"),
        ("", "kubectl set sa", 1, "", "error: serviceaccount is required\n"),
        (WEB, "kubectl set selector deploy web a=b", 1, "", "error: setting a selector is only supported for Services\n"),
        (
            WEB,
            "kubectl set serviceaccount deployment web robot && kubectl get deploy web -o jsonpath={.spec.template.spec.serviceAccountName}",
            0,
            "deployment.apps/web serviceaccount updated\nrobot",
            "",
        ),
        (
            "",
            "kubectl create ns",
            1,
            "",
            "error: exactly one NAME is required, got 0\nSee 'kubectl create namespace -h' for help and examples\n",
        ),
        (WEB, WEB, 1, "", "error: failed to create deployment: deployments.apps \"web\" already exists\n"),
    ]);
}

#[test]
fn autoscalers_are_made_and_refused() {
    check(&[
        (
            WEB,
            "kubectl autoscale deployment web --min=1 --max=3 --cpu-percent=50",
            0,
            "horizontalpodautoscaler.autoscaling/web autoscaled\n",
            "Flag --cpu-percent has been deprecated, Use --cpu with percentage or resource quantity format (e.g., '70%' for \
             utilization or '500m' for milliCPU).\n",
        ),
        (WEB, "kubectl autoscale deploy web --max=3 --cpu=70%", 0, "horizontalpodautoscaler.autoscaling/web autoscaled\n", ""),
        (WEB, "kubectl autoscale deploy web", 1, "", "error: required flag(s) \"max\" not set\n"),
        (
            WEB,
            "kubectl autoscale deploy web --max=2 --min=3",
            1,
            "",
            "error: --max=MAXPODS must be larger or equal to --min=MINPODS, max: 2, min: 3\n",
        ),
        ("", "kubectl top node", 1, "", "error: Metrics API not available\n"),
    ]);
}

#[test]
fn what_is_applied_is_compared_as_kubectl_compares_it() {
    check(&[
        // A budget's selector is sent each time.
        (
            "kubectl create pdb b --selector=app=b --min-available=1 --save-config",
            "kubectl get pdb b -o yaml | kubectl apply -f - --dry-run=client",
            0,
            "poddisruptionbudget.policy/b configured (dry run)\n",
            "",
        ),
        (
            "kubectl create deployment web --image=nginx --save-config",
            "kubectl patch deploy web -p '{\"spec\":{\"foo\":1}}'",
            0,
            "deployment.apps/web patched (no change)\n",
            "Warning: unknown field \"spec.foo\"\n",
        ),
        (
            "kubectl apply -f web.yaml",
            "sed 's/replicas: 0/replicaz: 1/' web.yaml | kubectl apply -f -",
            1,
            "",
            "The request is invalid: patch: Invalid value: \"map[metadata:map[annotations:map[kubectl.kubernetes.io/last-applied-\
             configuration:{\\\"apiVersion\\\":\\\"apps/v1\\\",\\\"kind\\\":\\\"Deployment\\\",\\\"metadata\\\":{\\\"annotations\\\":{},\
             \\\"name\\\":\\\"inflate\\\",\\\"namespace\\\":\\\"default\\\"},\\\"spec\\\":{\\\"replicaz\\\":1,\\\"selector\\\":{\\\"matchLabels\\\":\
             {\\\"app\\\":\\\"inflate\\\"}},\\\"template\\\":{\\\"metadata\\\":{\\\"labels\\\":{\\\"app\\\":\\\"inflate\\\"}},\\\"spec\\\":\
             {\\\"containers\\\":[{\\\"image\\\":\\\"public.ecr.aws/eks-distro/kubernetes/pause:3.7\\\",\\\"name\\\":\\\"inflate\\\",\
             \\\"resources\\\":{\\\"requests\\\":{\\\"cpu\\\":1}}}],\\\"terminationGracePeriodSeconds\\\":0}}}}\\n]] \
             spec:map[replicas:<nil> replicaz:1 template:map[spec:map[$setElementOrder/containers:[map[name:inflate]] \
             containers:[map[name:inflate resources:map[requests:map[cpu:1]]]]]]]]\": strict decoding error: unknown field \
             \"spec.replicaz\"\n",
        ),
        (
            "kubectl apply -f web.yaml",
            "kubectl apply --server-side -f web.yaml",
            0,
            "deployment.apps/inflate serverside-applied\n",
            "",
        ),
        ("", "kubectl apply -k k", 0, "configmap/a created\n", ""),
        ("kubectl apply -k k", "kubectl apply -k k", 0, "configmap/a unchanged\n", ""),
        (
            "",
            "kubectl apply -k .",
            1,
            "",
            "error: unable to find one of 'kustomization.yaml', 'kustomization.yml' or 'Kustomization' in directory \
             '/home/learner'\n",
        ),
        (
            "",
            "echo hello | kubectl apply -f -",
            1,
            "",
            "error: error validating \"STDIN\": error validating data: invalid object to validate; if you choose to ignore these \
             errors, turn validation off with --validate=false\n",
        ),
        ("", "kubectl apply -f web.yaml --force-conflicts", 1, "", "error: --force-conflicts only works with --server-side\n"),
    ]);
}

#[test]
fn differences_are_status_one() {
    let mut lab = LAB.with(Lab::again);
    lab.shell.write_file("web.yaml", include_str!("recorded/inflate.yaml")).unwrap();
    lab.run("kubectl apply -f web.yaml");
    let out = lab.run("sed 's/replicas: 0/replicas: 3/' web.yaml | kubectl diff -f -");
    assert_eq!((out.exit, out.stderr.as_str()), (1, ""));
    assert!(out.stdout.starts_with("diff -u -N /tmp/LIVE-"), "{}", out.stdout);
    assert!(out.stdout.contains("/apps.v1.Deployment.default.inflate"), "{}", out.stdout);
    let changed: Vec<&str> =
        out.stdout.lines().filter(|l| l.starts_with(['+', '-']) && !l.starts_with("+++") && !l.starts_with("---")).collect();
    assert_eq!(changed, ["-  generation: 1", "+  generation: 2", "-  replicas: 0", "+  replicas: 3"], "{}", out.stdout);
    assert_eq!(lab.run("kubectl get deploy inflate -o jsonpath='{.spec.replicas}'").stdout, "0");
    let same = lab.run("sed 's/cpu: 1/cpu: \"1\"/' web.yaml | kubectl diff -f -");
    assert_eq!((same.exit, same.stdout.as_str()), (0, ""));
}

#[test]
fn refusals_are_kubectls() {
    let node = "kubectl get nodes -o name | head -1 | cut -d/ -f2 > n";
    check(&[
        (node, "kubectl taint nodes $(cat n) dedicated", 1, "", "error: at least one taint update is required\n"),
        (
            node,
            "kubectl taint nodes $(cat n) a=b",
            1,
            "",
            "error: invalid taint spec: a=b\nSee 'kubectl taint -h' for help and examples\n",
        ),
        ("", "kubectl taint pods x a=b:NoSchedule", 1, "", "error: invalid resource type pods, only node types are supported\n"),
        (
            "kubectl create deployment web --image=nginx; kubectl annotate deploy web note=hi",
            "kubectl annotate deploy web note=ho",
            1,
            "",
            "error: --overwrite is false but found the following declared annotation(s): 'note' already has a value (hi)\n",
        ),
        (WEB, "kubectl label deploy web a=b=c", 1, "", "error: invalid label spec: a=b=c\n"),
        (
            WEB,
            "kubectl patch deploy web -p '{}' --type=foo",
            1,
            "",
            "error: --type must be one of [json merge strategic], not \"foo\"\n",
        ),
        (WEB, "kubectl scale deploy web --replicas=1 --current-replicas=5", 1, "", "error: Expected replicas to be 5, was 2\n"),
        (
            WEB,
            "kubectl scale deploy web --replicas=1 --resource-version=1 2>&1 | sed 's/was .*/was N/'",
            0,
            "error: Expected resource version to be 1, was N\n",
            "",
        ),
        (
            WEB,
            "kubectl label deploy web a=b --resource-version=1",
            1,
            "",
            "Error from server (Conflict): Operation cannot be fulfilled on deployments.apps \"web\": the object has been \
             modified; please apply your changes to the latest version and try again\n",
        ),
        (
            WEB,
            "sleep 9; kubectl annotate deploy web a=b --resource-version=$(kubectl get deploy web -o jsonpath={.metadata.resourceVersion})",
            0,
            "deployment.apps/web annotated\n",
            "",
        ),
        (
            WEB,
            "kubectl label deploy --all a=b --resource-version=1",
            1,
            "",
            "error: --resource-version may only be used with a single resource\n",
        ),
        (
            WEB,
            "kubectl set env deploy/web A=b --dry-run=client -o jsonpath={.spec.template.spec.containers[0].env[0].value}",
            0,
            "b",
            "",
        ),
        (WEB, "kubectl label deploy web a=b --dry-run=server -o jsonpath={.metadata.labels.a}", 0, "b", ""),
        (WEB, "kubectl get deploy web -o jsonpath={.metadata.labels.a}", 0, "", ""),
        (WEB, "kubectl set image deploy/web", 1, "", "error: at least one image update is required\n"),
        (
            WEB,
            "kubectl set env deploy/web A=b; kubectl set env deploy/web --list",
            0,
            "deployment.apps/web env updated\n# Deployment web, container nginx\nA=b\n",
            "",
        ),
        ("", "kubectl delete pods --all -l a=b", 1, "", "error: cannot set --all and --selector at the same time\n"),
        ("", "kubectl delete pod x -o yaml", 1, "", "error: unexpected -o output mode: yaml. We only support '-o name'\n"),
        ("", "kubectl auth can-i create foo", 0, "yes\n", "Warning: the server doesn't have a resource type 'foo'\n\n"),
        ("", "kubectl replace -f web.yaml --grace-period=1", 1, "", "error: --grace-period must have --force specified\n"),
    ]);
}
