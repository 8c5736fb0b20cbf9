//! The checks through their one door: a text, what is found in it, and that each fix mends what it names.

use super::*;
use objects::DocExt;
use proptest::prelude::*;
use std::sync::OnceLock;

fn market(era: Era) -> &'static Market {
    static MARKETS: [OnceLock<Market>; 2] = [OnceLock::new(), OnceLock::new()];
    let slot = if era == Era::V1 { &MARKETS[1] } else { &MARKETS[0] };
    slot.get_or_init(|| Market::build("ap-northeast-2", era).unwrap())
}

fn files(era: Era) -> Around<'static> {
    Around::files(era, market(era), Lang::En)
}

/// What is found, notes left out.
fn found(text: &str, era: Era) -> Vec<Finding> {
    check(text, &files(era)).into_iter().filter(|f| f.severity != Severity::Note).collect()
}

fn codes(text: &str, era: Era) -> Vec<&'static str> {
    found(text, era).iter().map(|f| f.code.id).collect()
}

/// Every fix of every finding takes at least one problem of its code away and leaves a text that reads as well as before.
fn fixes_mend(text: &str, era: Era) -> usize {
    let before = check(text, &files(era));
    let mut tried = 0;
    for finding in &before {
        for fix in &finding.fixes {
            tried += 1;
            let after = check(&apply(text, &fix.edits), &files(era));
            let count = |list: &[Finding]| list.iter().filter(|f| f.code.id == finding.code.id).count();
            assert!(count(&after) < count(&before), "{} by {:?}:\n{text}\n{after:#?}", finding.code.id, fix);
            let broken = |list: &[Finding]| list.iter().any(|f| f.code.id == "yaml-syntax");
            assert!(broken(&before) || !broken(&after), "{fix:?}");
        }
    }
    tried
}

const DEPLOYMENT: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: inflate
spec:
  replicas: 1
  selector:
    matchLabels:
      app: inflate
  template:
    metadata:
      labels:
        app: inflate
    spec:
      containers:
        - name: inflate
          image: public.ecr.aws/eks-distro/kubernetes/pause:3.7
          resources:
            requests:
              cpu: 1
";

const POOL: &str = "\
apiVersion: karpenter.sh/v1
kind: NodePool
metadata:
  name: default
spec:
  template:
    spec:
      nodeClassRef:
        group: karpenter.k8s.aws
        kind: EC2NodeClass
        name: default
      requirements:
        - key: karpenter.sh/capacity-type
          operator: In
          values: [spot]
        - key: node.kubernetes.io/instance-type
          operator: In
          values:
            - m5.large
            - m5.xlarge
  limits:
    cpu: 1000
  disruption:
    consolidationPolicy: WhenEmptyOrUnderutilized
    consolidateAfter: 1m
    budgets:
      - nodes: 10%
";

const PROVISIONER: &str = "\
apiVersion: karpenter.sh/v1alpha5
kind: Provisioner
metadata:
  name: default
spec:
  consolidation:
    enabled: true
  requirements:
    - key: karpenter.sh/capacity-type
      operator: In
      values: [spot]
  limits:
    resources:
      cpu: 1000
  providerRef:
    name: default
";

/// Replaces `from` by `to`, finds `want` (code, path, line, column) among the problems and tries the fixes.
fn check_case(base: &str, era: Era, from: &str, to: &str, want: &[(&str, &str, u32, u32)]) {
    assert!(base.contains(from), "{from}");
    let text = base.replacen(from, to, 1);
    let list = found(&text, era);
    let got: Vec<(&str, &str, u32, u32)> =
        list.iter().map(|f| (f.code.id, f.path.as_str(), f.range.start.line, f.range.start.column)).collect();
    assert_eq!(got, want, "{from:?} -> {to:?}\n{list:#?}");
    fixes_mend(&text, era);
}

#[test]
fn good_texts_have_no_problems() {
    for (text, era) in [(DEPLOYMENT, Era::V1), (DEPLOYMENT, Era::V1alpha5), (POOL, Era::V1), (PROVISIONER, Era::V1alpha5)] {
        assert_eq!(codes(text, era), Vec::<&str>::new(), "{:#?}", found(text, era));
    }
}

#[test]
fn problems_of_deployments() {
    let path = "spec.template.spec.containers[0]";
    let requests = format!("{path}.resources.requests");
    for (from, to, want) in [
        ("replicas: 1", "replicaz: 1", &[("unknown-field", "spec.replicaz", 6, 3)][..]),
        ("replicas: 1", "replicas: \"1\"", &[("wrong-type", "spec.replicas", 6, 13)]),
        ("replicas: 1", "replicas: 1    // none", &[("wrong-type", "spec.replicas", 6, 13), ("remark", "", 6, 18)]),
        ("replicas: 1", "replicas: -1", &[("invalid-value", "spec.replicas", 6, 13)]),
        (
            "      app: inflate\n  template",
            "      app: 5\n  template",
            &[("needs-quotes", "spec.selector.matchLabels.app", 9, 12)],
        ),
        ("cpu: 1", "cpu: 1\n              memory: 512", &[("memory-without-unit", &format!("{requests}.memory"), 21, 23)]),
        ("cpu: 1", "cpu: 1\n              memory: 512m", &[("memory-in-millibytes", &format!("{requests}.memory"), 21, 23)]),
        ("cpu: 1", "memory: 1Gi", &[("requests-missing", path, 18, 11)]),
        ("cpu: 1", "cpu: 1x", &[("invalid-value", &requests, 0, 0)]),
        ("apps/v1", "apps/v1beta1", &[("wrong-api-version", "apiVersion", 1, 13)]),
        ("kind: Deployment", "kind: Deploymen", &[("unknown-kind", "kind", 2, 7)]),
        ("cpu: 1", "cpu: 5k", &[("pod-too-large", "spec.template.spec.containers", 15, 7)]),
        ("replicas: 1", "\treplicas: 1", &[("tab", "", 6, 3), ("yaml-syntax", "", 7, 3)]),
        ("name: inflate\nspec", "name:\u{a0}inflate\nspec", &[("hidden-character", "", 4, 8)]),
    ] {
        if want.iter().any(|(_, _, line, _)| *line == 0) {
            let text = DEPLOYMENT.replacen(from, to, 1);
            let list = found(&text, Era::V1);
            assert!(list.iter().any(|f| f.severity == Severity::Error && f.range.start.line == 20), "{list:#?}");
            continue;
        }
        let text = DEPLOYMENT.replacen(from, to, 1);
        let list = found(&text, Era::V1);
        for (code, at, line, column) in want {
            let hit = list
                .iter()
                .any(|f| f.code.id == *code && f.path == *at && (f.range.start.line, f.range.start.column) == (*line, *column));
            assert!(hit, "{code} {at} {line}:{column} in {list:#?}");
        }
        fixes_mend(&text, Era::V1);
    }
}

#[test]
fn problems_of_pools() {
    let budget = "spec.disruption.budgets[0]";
    let requirements = "spec.template.spec.requirements";
    for (from, to, want) in [
        ("nodes: 10%", "nodes: \"20\"", &[("budget-number", "spec.disruption.budgets[0].nodes", 27, 16)][..]),
        ("- nodes: 10%", "- nodes: \"0\"", &[("budget-never-opens", budget, 27, 9)]),
        ("- nodes: 10%", "- nodes: \"0\"\n        schedule: \"0 9 * * mon-fri\"\n        duration: 8h", &[]),
        (
            "- nodes: 10%",
            "- nodes: \"0\"\n        schedule: \"0 * * * *\"\n        duration: 1h",
            &[("budget-never-opens", budget, 27, 9)],
        ),
        (
            "- nodes: 10%",
            "- nodes: \"1\"\n        schedule: \"0 0 31 2 *\"\n        duration: 1h",
            &[("budget-never-applies", "spec.disruption.budgets[0].schedule", 28, 19)],
        ),
        (
            "- nodes: 10%",
            "- nodes: \"1\"\n        schedule: \"0 25 * * *\"\n        duration: 1h",
            &[("budget-schedule", "spec.disruption.budgets[0].schedule", 28, 19)],
        ),
        ("cpu: 1000", "cpu: 1", &[("limit-below-node", "spec.limits.cpu", 22, 10)]),
        ("consolidateAfter: 1m", "consolidateAfter: Never", &[("never-scales-down", "spec.disruption.consolidateAfter", 25, 23)]),
        (
            "      nodeClassRef",
            "      expireAfter: 30s\n      nodeClassRef",
            &[("expires-before-boot", "spec.template.spec.expireAfter", 8, 20)],
        ),
        (
            "            - m5.xlarge\n",
            "            - m5.xlarg\n",
            &[("unknown-label-value", &format!("{requirements}[1].values[1]"), 20, 15)],
        ),
        (
            "            - m5.large\n            - m5.xlarge\n",
            "            - x9.huge\n",
            &[
                ("no-types-left", &format!("{requirements}[1]"), 16, 11),
                ("unknown-label-value", &format!("{requirements}[1].values[0]"), 19, 15),
            ],
        ),
        (
            "WhenEmptyOrUnderutilized",
            "WhenUnderutilized",
            &[("unsupported-value", "spec.disruption.consolidationPolicy", 24, 26)],
        ),
    ] {
        check_case(POOL, Era::V1, from, to, want);
    }
    let two = format!("{POOL}---\n{}", POOL.replace("name: default\nspec", "name: other\nspec"));
    assert_eq!(codes(&two, Era::V1), ["overlapping-pools"]);
    assert_eq!(codes(&two.replacen("limits:", "weight: 5\n  limits:", 1), Era::V1), Vec::<&str>::new());
}

/// What a real API server (1.35, Karpenter 1.14) answered to the same mistakes stands beside the sentence.
#[test]
fn the_servers_own_words_are_kept() {
    for (base, from, to, code, path, server) in [
        (
            DEPLOYMENT,
            "replicas: 1",
            "replicas: zero",
            "wrong-type",
            "spec.replicas",
            "Deployment in version \"v1\" cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32",
        ),
        (
            POOL,
            "spec:\n  template",
            "spec:\n  foo: 1\n  template",
            "unknown-field",
            "spec.foo",
            "NodePool in version \"v1\" cannot be handled as a NodePool: strict decoding error: unknown field \"spec.foo\"",
        ),
        (
            POOL,
            "spec:\n  template",
            "spec:\n  weight: 101\n  template",
            "invalid-value",
            "spec.weight",
            "The NodePool \"default\" is invalid: spec.weight: Invalid value: 101: spec.weight in body should be less than or equal to 100",
        ),
        (
            DEPLOYMENT,
            "  replicas: 1\n",
            "  replicas: -1\n",
            "invalid-value",
            "spec.replicas",
            "The Deployment \"inflate\" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0",
        ),
    ] {
        let text = base.replacen(from, to, 1);
        let list = found(&text, Era::V1);
        let hit = list.iter().find(|f| f.code.id == code && f.path == path).unwrap_or_else(|| panic!("{code} in {list:#?}"));
        assert_eq!(hit.server.as_deref(), Some(server), "{path}");
    }
}

#[test]
fn types_are_counted_by_requirement() {
    let notes = check(POOL, &files(Era::V1));
    let note = notes.iter().find(|f| f.code.id == "types-left").unwrap();
    // The region knows more types than it sells; no requirement removes what is not on sale.
    let market = market(Era::V1);
    let sold: Vec<_> = market.types().iter().filter(|t| !t.offerings.is_empty()).collect();
    let all = sold.len();
    assert!(all < market.types().len());
    let never_spot = sold.iter().filter(|t| t.offerings.iter().all(|o| &*o.capacity_type != "spot")).count();
    assert!(note.message.contains("capacity-type") == (never_spot > 0), "{}", note.message);
    // Two types in three zones, spot alone.
    let removed = all - 2;
    assert!(note.message.starts_with(&format!("2 of {all} instance types are left, with 6 offerings; ")), "{}", note.message);
    assert!(note.message.ends_with(&format!("instance-type -{removed}")), "{}", note.message);
}

#[test]
fn both_eras_and_what_excludes_each_other() {
    let both = PROVISIONER.replace("  requirements", "  ttlSecondsAfterEmpty: 30\n  requirements");
    let list = found(&both, Era::V1alpha5);
    assert_eq!(list.iter().map(|f| f.code.id).collect::<Vec<_>>(), ["exclusive-fields", "exclusive-fields"], "{list:#?}");
    let server = list[0].server.as_deref().unwrap();
    assert!(server.contains("expected exactly one, got both: spec.consolidation.enabled, spec.ttlSecondsAfterEmpty"), "{server}");
    assert_eq!(fixes_mend(&both, Era::V1alpha5), 2);

    let list = found(PROVISIONER, Era::V1);
    assert_eq!(list[0].code.id, "other-era");
    assert_eq!(fixes_mend(PROVISIONER, Era::V1), 1);
    let converted = apply(PROVISIONER, &list[0].fixes[0].edits);
    assert_eq!(codes(&converted, Era::V1), Vec::<&str>::new(), "{converted}");
    let neither = PROVISIONER.replace("  consolidation:\n    enabled: true\n", "");
    assert_eq!(codes(&neither, Era::V1alpha5), ["never-scales-down"]);
}

#[test]
fn fields_of_other_versions_are_told_their_place() {
    let text = POOL.replace("  limits:", "  ttlSecondsAfterEmpty: 30\n  limits:").replace("WhenEmptyOrU", "WhenU");
    let list = found(&text, Era::V1);
    assert_eq!(
        list[0].message,
        "there is no field `ttlSecondsAfterEmpty` here; in this version it is `spec.disruption.consolidateAfter`"
    );
    assert_eq!(list[1].fixes[0].edits[0].text, "WhenEmptyOrUnderutilized");
    assert_eq!(fixes_mend(&text, Era::V1), 2);
}

#[test]
fn pods_pools_and_budgets_belong_together() {
    let set = |pod: &str, pool: &str, more: &str| format!("{pod}---\n{pool}{more}");
    let tainted =
        POOL.replace("      requirements", "      taints: [{key: gpu, value: \"1\", effect: NoSchedule}]\n      requirements");
    let list = found(&set(DEPLOYMENT, &tainted, ""), Era::V1);
    assert_eq!(list[0].code.id, "pod-fits-no-pool");
    assert!(list[0].message.ends_with("default: taint gpu=1:NoSchedule is not tolerated"), "{}", list[0].message);
    let large = DEPLOYMENT.replace("cpu: 1\n", "cpu: 4\n");
    let list = found(&set(&large, POOL, ""), Era::V1);
    assert_eq!(list[0].code.id, "pod-fits-no-pool");
    assert!(list[0].message.ends_with("default: even m5.xlarge lacks cpu 4 > 3920m"), "{}", list[0].message);
    let held =
        DEPLOYMENT.replace("      labels:\n", "      annotations: {karpenter.sh/do-not-disrupt: \"true\"}\n      labels:\n");
    assert_eq!(codes(&set(&held, POOL, ""), Era::V1), ["do-not-disrupt-without-grace"]);
    let pdb = |rule: &str, app: &str| {
        format!(
            "---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {{name: b}}\nspec:\n  {rule}\n  selector: {{matchLabels: {{app: {app}}}}}\n"
        )
    };
    for (rule, app, want) in [
        ("minAvailable: 1", "inflate", &["pdb-allows-none"][..]),
        ("maxUnavailable: 0%", "inflate", &["pdb-allows-none"]),
        ("maxUnavailable: 1", "inflate", &[]),
        ("maxUnavailable: 1", "other", &["pdb-matches-nothing"]),
    ] {
        assert_eq!(codes(&set(DEPLOYMENT, POOL, &pdb(rule, app)), Era::V1), want, "{rule}");
    }
    let zones = DEPLOYMENT.replace("replicas: 1", "replicas: 4").replace(
        "      containers",
        "      affinity:\n        podAntiAffinity:\n          requiredDuringSchedulingIgnoredDuringExecution:\n            - topologyKey: topology.kubernetes.io/zone\n              labelSelector: {matchLabels: {app: inflate}}\n      containers",
    );
    assert_eq!(codes(&set(&zones, POOL, ""), Era::V1), ["spread-impossible"]);
    assert_eq!(codes(&set(&zones.replace("replicas: 4", "replicas: 3"), POOL, ""), Era::V1), Vec::<&str>::new());
}

/// `|` marks the place.
fn at_mark(text: &str) -> (String, Spot) {
    let mark = text.find('|').unwrap();
    let before = &text[..mark];
    let line = u32::try_from(before.matches('\n').count()).unwrap() + 1;
    let column = u32::try_from(before.rsplit('\n').next().unwrap().chars().count()).unwrap() + 1;
    (text.replacen('|', "", 1), Spot::new(line, column))
}

#[test]
fn completes_fields_values_labels_and_names() {
    let offers = |text: &str, era: Era| -> Vec<String> {
        let (text, spot) = at_mark(text);
        complete(&text, spot, &files(era)).map_or_else(Vec::new, |c| c.items.into_iter().map(|i| i.label).collect())
    };
    let pool = "apiVersion: karpenter.sh/v1\nkind: NodePool\nspec:\n";
    let check = |text: &str, want: &[&str]| {
        let got = offers(text, Era::V1);
        assert!(want.iter().all(|w| got.iter().any(|g| g == w)), "{text}: {got:?}");
        got
    };
    check("apiVersion: karpenter.sh/v1\nkind: |", &["NodePool", "NodeClaim"]);
    check("kind: EC2NodeClass\napiVersion: |", &["karpenter.k8s.aws/v1"]);
    check(&format!("{pool}  dis|"), &["disruption"]);
    check(&format!("{pool}  disruption:\n    consolidationPolicy: |"), &["WhenEmpty", "WhenEmptyOrUnderutilized"]);
    check(&format!("{pool}  disruption:\n    |"), &["budgets", "consolidateAfter"]);
    let requirement = format!("{pool}  template:\n    spec:\n      requirements:\n        - key: ");
    check(&format!("{requirement}|"), &["karpenter.sh/capacity-type", "topology.kubernetes.io/zone"]);
    let got = check(&format!("{requirement}node.kubernetes.io/instance-type\n          values: [\"m5.l|\"]"), &["m5.large"]);
    assert!(got.iter().all(|g| g.contains("m5.l")), "{got:?}");
    check(&format!("{requirement}topology.kubernetes.io/zone\n          values:\n            - |"), &["ap-northeast-2a"]);
    check(&format!("{requirement}karpenter.sh/capacity-type\n          operator: |"), &["In", "NotIn"]);
    let got = check("apiVersion: v1\nkind: Pod\nspec:\n  containers:\n    - name: a\n      |", &["image", "resources"]);
    assert!(!got.iter().any(|g| g == "name"));
    check(
        "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n    - resources:\n        requests:\n          |",
        &["cpu", "memory"],
    );
    assert_eq!(offers("a: 1 # |", Era::V1), Vec::<String>::new());
}

#[test]
fn tells_what_a_word_means() {
    let title = |text: &str| {
        let (text, spot) = at_mark(text);
        hover(&text, spot, &files(Era::V1)).map(|h| (h.title, h.body.join(" ")))
    };
    let (head, _) = title("apiVersion: apps/v1\nkind: Deployment\nspec:\n  repl|icas: 1\n").unwrap();
    assert_eq!(head, "replicas <integer>");
    let (head, body) = title("a:\n  - m5.|large\n").unwrap();
    assert_eq!(head, "m5.large");
    assert!(body.contains("2 vCPU (1930m for pods), 7.3 GiB"), "{body}");
    let cron = "apiVersion: karpenter.sh/v1\nkind: NodePool\nspec:\n  disruption:\n    budgets:\n    - schedule: \"@da|ily\"\n";
    let (_, body) = title(cron).unwrap();
    assert!(body.contains("2026-01-02T00:00:00Z"), "{body}");
    assert_eq!(title("apiVersion: v1\nkind: Pod\nspec:\n  no|pe: 1\n"), None);
}

#[test]
fn tells_what_an_apply_would_change() {
    let scenario = engine::Scenario::lab(Era::V1, 1);
    let session = Session::new(scenario).unwrap();
    let snapshot = session.snapshot();
    let around = Around::session(&session, &snapshot, Lang::En);
    let live = snapshot.store.list(objects::Kind::NodePool).next().unwrap();
    let mut doc = live.doc.clone();
    doc.remove_at("status");
    let same = changes(&yaml::to_yaml(&doc), &around);
    assert_eq!(same[0].changes, vec![], "{same:#?}");
    doc.set("spec.weight", 7);
    let one = changes(&yaml::to_yaml(&doc), &around);
    assert_eq!((one[0].effect, one[0].object.as_str()), (Effect::Configured, "nodepool.karpenter.sh/default"));
    let paths: Vec<&str> = one[0].changes.iter().map(|c| c.path.as_str()).collect();
    assert_eq!(paths, ["spec.weight"]);
    let new = changes(DEPLOYMENT, &around);
    assert_eq!((new[0].effect, new[0].object.as_str()), (Effect::Created, "deployment.apps/inflate"));
    let bad = changes(&DEPLOYMENT.replace("replicas: 1", "replicas: x"), &around);
    assert_eq!(bad[0].effect, Effect::Refused);
}

/// Pieces that texts are made of: good lines, bad ones, and what breaks YAML.
fn pieces() -> impl Strategy<Value = String> {
    let lines: Vec<&'static str> = DEPLOYMENT.lines().chain(POOL.lines()).chain(PROVISIONER.lines()).collect();
    let odd = vec![
        "---",
        "- ",
        "  - {a: [1, ",
        "x: |",
        "\t",
        "// note",
        "memory: 512",
        "\u{a0}\u{200b}",
        "\"",
        "가: 나",
        "replicaz: 1",
        "&a",
        "*a",
        "? :",
    ];
    let line = prop_oneof![3 => proptest::sample::select(lines), 1 => proptest::sample::select(odd)];
    proptest::collection::vec((line, 0usize..3), 0..40)
        .prop_map(|l| l.into_iter().map(|(line, cut)| format!("{}{line}\n", " ".repeat(cut * 2))).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the text, there is an answer within the text, and fixes mend.
    #[test]
    fn any_text_has_an_answer(text in prop_oneof![pieces(), "\\PC{0,200}"], line in 1u32..50, column in 1u32..60) {
        for era in [Era::V1alpha5, Era::V1] {
            let around = files(era);
            let lines = u32::try_from(text.split('\n').count()).unwrap();
            for f in check(&text, &around) {
                prop_assert!(f.range.start <= f.range.end && f.range.start.line >= 1 && f.range.start.column >= 1);
                prop_assert!(f.range.end.line <= lines, "{f:?} of {lines}");
                for fix in &f.fixes {
                    let _ = apply(&text, &fix.edits);
                }
            }
            let spot = Spot::new(line, column);
            let _ = complete(&text, spot, &around);
            let _ = hover(&text, spot, &around);
        }
        let _ = outline(&text);
        let _ = changes(&text, &files(Era::V1));
    }

    /// One line of a good document changed, lost or doubled: every fix that is offered mends.
    #[test]
    fn fixes_mend_broken_documents(
        base in proptest::sample::select(vec![(DEPLOYMENT, Era::V1), (POOL, Era::V1), (PROVISIONER, Era::V1alpha5), (PROVISIONER, Era::V1)]),
        at in 0usize..30,
        how in 0usize..6,
    ) {
        let (text, era) = base;
        let lines: Vec<&str> = text.lines().collect();
        let at = at % lines.len();
        let mut out: Vec<String> = lines.iter().map(|l| (*l).to_owned()).collect();
        match how {
            0 => { out.remove(at); }
            1 => out[at] = out[at].replacen("s:", "z:", 1),
            2 => out[at].push_str("    // remark"),
            3 => out[at] = out[at].replace(": ", ":\u{a0}"),
            4 => if let Some((key, _)) = out[at].clone().split_once(": ") { out[at] = format!("{key}: 5") },
            _ => out[at] = out[at].replacen("  ", "\t", 1),
        }
        fixes_mend(&(out.join("\n") + "\n"), era);
    }
}
