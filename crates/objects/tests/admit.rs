//! Admission against what a real API server (v1.35) and Karpenter's CRDs (1.14) answered to the same manifests, and against
//! the words of Karpenter 0.31's webhooks.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use nodewright_objects as objects;
use objects::admit::{admit, invalid_text};
use objects::{Era, Kind, Validation, Value};
use proptest::prelude::*;

const DEPLOYMENT: &str = include_str!("manifests/deployment.yaml");
const NODE_POOL: &str = include_str!("manifests/nodepool.yaml");
const PROVISIONER: &str = include_str!("manifests/provisioner.yaml");

fn read(text: &str) -> Value {
    let stream = objects::yaml::parse(text);
    assert_eq!(stream.error, None, "{text}");
    stream.documents.into_iter().next().unwrap().value
}

fn kind_of(doc: &Value) -> Kind {
    Kind::of(doc["apiVersion"].as_str().unwrap(), doc["kind"].as_str().unwrap()).unwrap()
}

/// What kubectl shows of the answer; empty where the document is accepted.
fn answer(doc: Value, old: Option<&Value>, era: Era) -> String {
    match admit(kind_of(&doc), doc, old, era, Validation::Strict) {
        Ok(_) => String::new(),
        Err(e) => invalid_text(&e).unwrap_or(e.message),
    }
}

/// Replaces `from` by `to` in the manifest and compares the answer.
fn check(manifest: &str, era: Era, cases: &[(&str, &str, &str)]) {
    for (from, to, want) in cases {
        assert!(manifest.contains(from), "{from}");
        let got = answer(read(&manifest.replacen(from, to, 1)), None, era);
        assert_eq!(got, *want, "{from:?} -> {to:?}");
    }
}

const BLOCKED: &str = "\n* <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation";

#[test]
fn deployments() {
    const FRAME: &str = "Deployment in version \"v1\" cannot be handled as a Deployment: ";
    let quantity = format!("{FRAME}quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
    check(
        DEPLOYMENT,
        Era::V1,
        &[
            ("replicas: 0", "replicas: 0", ""),
            (
                "replicas: 0",
                "replicas: zero",
                "Deployment in version \"v1\" cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32",
            ),
            (
                "replicas: 0",
                "replicaz: 0",
                "Deployment in version \"v1\" cannot be handled as a Deployment: strict decoding error: unknown field \"spec.replicaz\"",
            ),
            (
                "replicas: 0",
                "replicas: -1",
                "The Deployment \"inflate\" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0",
            ),
            ("cpu: 1", "cpu: 1x", &quantity),
            (
                "cpu: 1",
                "cpu: -1",
                "The Deployment \"inflate\" is invalid: spec.template.spec.containers[0].resources.requests[cpu]: Invalid value: \"-1\": must be greater than or equal to 0",
            ),
            (
                "  name: inflate\nspec",
                "  name: Inflate_1\nspec",
                "The Deployment \"Inflate_1\" is invalid: metadata.name: Invalid value: \"Inflate_1\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
            ),
            (
                "- name: inflate",
                "- name: Inflate_1",
                "The Deployment \"inflate\" is invalid: spec.template.spec.containers[0].name: Invalid value: \"Inflate_1\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
            ),
            // A quantity decodes itself, so its error is met before the type errors around it.
            (
                "replicas: 0",
                "replicas: 0    //\n  paused: x\n  minReadySeconds: 1x",
                "Deployment in version \"v1\" cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field DeploymentSpec.spec.minReadySeconds of type int32",
            ),
        ],
    );
    let with_remarks = DEPLOYMENT.replace("replicas: 0", "replicas: 0    // #@ x").replace("cpu: 1", "cpu: 1  // #@ y");
    assert_eq!(answer(read(&with_remarks), None, Era::V1), quantity);
}

#[test]
fn selectors() {
    let doc = |spec: &str| {
        read(&format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: x}}\nspec: {{replicas: 1, {spec}template: {{metadata: {{labels: {{a: b}}}}, spec: {{containers: [{{name: c, image: i}}]}}}}}}\n"
        ))
    };
    let mismatch = "spec.template.metadata.labels: Invalid value: {\"a\":\"b\"}: `selector` does not match template `labels`";
    assert_eq!(
        answer(doc(""), None, Era::V1),
        format!("The Deployment \"x\" is invalid: \n* spec.selector: Required value\n* {mismatch}")
    );
    let z = "selector: {matchLabels: {a: z}}, ";
    assert_eq!(answer(doc(z), None, Era::V1), format!("The Deployment \"x\" is invalid: {mismatch}"));
    assert!(answer(doc(z), None, Era::V1alpha5).contains("Invalid value: map[string]string{\"a\":\"b\"}: `selector`"));
    let old = read(DEPLOYMENT);
    let new = read(&DEPLOYMENT.replace("app: inflate", "app: inflate2"));
    assert_eq!(
        answer(new, Some(&old), Era::V1),
        "The Deployment \"inflate\" is invalid: spec.selector: Invalid value: {\"matchLabels\":{\"app\":\"inflate2\"}}: field is immutable"
    );
}

#[test]
fn pods() {
    let pod =
        |container: &str| format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: x}}\nspec: {{containers: [{container}]}}\n");
    for (container, want) in [
        ("{name: c, image: i}", ""),
        ("{name: c}", "The Pod \"x\" is invalid: spec.containers[0].image: Required value"),
        (
            "{name: c, image: i, resources: {requests: {cpu: 2}, limits: {cpu: 1}}}",
            "The Pod \"x\" is invalid: spec.containers[0].resources.requests: Invalid value: \"2\": must be less than or equal to cpu limit of 1",
        ),
        ("{name: c, image: i}, {name: c, image: i}", "The Pod \"x\" is invalid: spec.containers[1].name: Duplicate value: \"c\""),
        ("", "The Pod \"x\" is invalid: spec.containers: Required value"),
    ] {
        assert_eq!(answer(read(&pod(container)), None, Era::V1), want, "{container}");
    }
}

#[test]
fn node_pools() {
    let one = |text: &str| format!("The NodePool \"default\" is invalid: {text}");
    let two = |text: &str| format!("The NodePool \"default\" is invalid: \n* {text}{BLOCKED}");
    let after = "    consolidateAfter: 0s";
    let on_demand = "operator: In\n          values:\n            - on-demand";
    let key = "key: karpenter.sh/capacity-type";
    let class = "      nodeClassRef:\n        group: karpenter.kwok.sh\n        kind: KWOKNodeClass\n        name: default\n";
    let budget = |text: &str| format!("{after}\n    budgets:\n{text}");
    let cases: Vec<(&str, String, String)> = vec![
        ("name: default", "name: default".into(), String::new()),
        (
            "WhenEmptyOrUnderutilized",
            "WhenUnderutilized".into(),
            two(
                "spec.disruption.consolidationPolicy: Unsupported value: \"WhenUnderutilized\": supported values: \"WhenEmpty\", \"WhenEmptyOrUnderutilized\", \"Balanced\"",
            ),
        ),
        (
            after,
            "    consolidateAfter: 30".into(),
            two(
                "spec.disruption.consolidateAfter: Invalid value: \"integer\": spec.disruption.consolidateAfter in body must be of type string: \"integer\"",
            ),
        ),
        (
            after,
            "    consolidateAfter: abc".into(),
            one(
                "spec.disruption.consolidateAfter: Invalid value: \"abc\": spec.disruption.consolidateAfter in body should match '^(([0-9]+(s|m|h))+|Never)$'",
            ),
        ),
        (after, "    consolidateAfter: Never".into(), String::new()),
        (after, String::new(), two("spec.disruption.consolidateAfter: Required value")),
        (
            "operator: In",
            "operator: IN".into(),
            two(
                "spec.template.spec.requirements[0].operator: Unsupported value: \"IN\": supported values: \"Gte\", \"Lte\", \"In\", \"NotIn\", \"Exists\", \"DoesNotExist\", \"Gt\", \"Lt\"",
            ),
        ),
        (
            "values:\n            - on-demand",
            "values: []".into(),
            one("spec.template.spec.requirements: Invalid value: requirements with operator 'In' must have a value defined"),
        ),
        (
            key,
            "key: karpenter.sh/foo".into(),
            one(
                "spec.template.spec.requirements[0].key: Invalid value: \"karpenter.sh/foo\": label domain \"karpenter.sh\" is restricted",
            ),
        ),
        (
            key,
            "key: karpenter.sh/nodepool".into(),
            one(
                "spec.template.spec.requirements[0].key: Invalid value: \"karpenter.sh/nodepool\": label \"karpenter.sh/nodepool\" is restricted",
            ),
        ),
        (
            key,
            "key: kubernetes.io/hostname".into(),
            one(
                "spec.template.spec.requirements[0].key: Invalid value: \"kubernetes.io/hostname\": label \"kubernetes.io/hostname\" is restricted",
            ),
        ),
        (
            key,
            "key: \"a b\"".into(),
            one(
                "spec.template.spec.requirements[0].key: Invalid value: \"a b\": spec.template.spec.requirements[0].key in body should match '^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*(\\/))?([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$'",
            ),
        ),
        (on_demand, "operator: Exists\n          values:\n            - on-demand".into(), String::new()),
        (
            on_demand,
            "operator: Gt\n          values: [\"a\"]".into(),
            one(
                "spec.template.spec.requirements: Invalid value: \"array\": type conversion error from 'string' to 'int' evaluating rule: requirements operator 'Gt', 'Lt', 'Gte', or 'Lte' must have a single positive integer value",
            ),
        ),
        (
            on_demand,
            "operator: In\n          minValues: 2\n          values:\n            - on-demand".into(),
            one(
                "spec.template.spec.requirements: Invalid value: requirements with 'minValues' must have at least that many values specified in the 'values' field",
            ),
        ),
        (class, String::new(), two("spec.template.spec.nodeClassRef: Required value")),
        ("        group: karpenter.kwok.sh\n", String::new(), two("spec.template.spec.nodeClassRef.group: Required value")),
        (
            "  limits:",
            "  weight: 101\n  limits:".into(),
            one("spec.weight: Invalid value: 101: spec.weight in body should be less than or equal to 100"),
        ),
        ("  limits:", "  weight: 10\n  limits:".into(), String::new()),
        (
            after,
            budget("    - nodes: \"150%\""),
            one(
                "spec.disruption.budgets[0].nodes: Invalid value: \"150%\": spec.disruption.budgets[0].nodes in body should match '^((100|[0-9]{1,2})%|[0-9]+)$'",
            ),
        ),
        (
            after,
            budget("    - nodes: \"10%\"\n      schedule: \"0 9 * * 1\""),
            one("spec.disruption.budgets: Invalid value: 'schedule' must be set with 'duration'"),
        ),
        (
            after,
            budget("    - nodes: \"10%\"\n      schedule: \"0 9\"\n      duration: 8h"),
            one(
                "spec.disruption.budgets[0].schedule: Invalid value: \"0 9\": spec.disruption.budgets[0].schedule in body should match '^(@(annually|yearly|monthly|weekly|daily|midnight|hourly))|((.+)\\s(.+)\\s(.+)\\s(.+)\\s(.+))$'",
            ),
        ),
        (
            after,
            budget("    - nodes: \"10%\"\n      reasons: [\"Empty\",\"Foo\"]"),
            two(
                "spec.disruption.budgets[0].reasons[1]: Unsupported value: \"Foo\": supported values: \"Underutilized\", \"Empty\", \"Drifted\"",
            ),
        ),
        (
            "  limits:",
            "  foo: bar\n  limits:".into(),
            "NodePool in version \"v1\" cannot be handled as a NodePool: strict decoding error: unknown field \"spec.foo\""
                .into(),
        ),
        (
            "expireAfter: 720h",
            "expireAfter: 1d".into(),
            one(
                "spec.template.spec.expireAfter: Invalid value: \"1d\": spec.template.spec.expireAfter in body should match '^(([0-9]+(s|m|h))+|Never)$'",
            ),
        ),
        (
            "type: karpenter",
            "karpenter.sh/nodepool: x".into(),
            one("spec.template.metadata.labels: Invalid value: label \"karpenter.sh/nodepool\" is restricted"),
        ),
        (
            "type: karpenter",
            "type: \"a b\"".into(),
            one(
                "spec.template.metadata.labels.type: Invalid value: \"a b\": spec.template.metadata.labels.type in body should match '^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$'",
            ),
        ),
        (
            "      expireAfter: 720h",
            "      terminationGracePeriod: 5x\n      expireAfter: 720h".into(),
            one(
                "spec.template.spec.terminationGracePeriod: Invalid value: \"5x\": spec.template.spec.terminationGracePeriod in body should match '^([0-9]+(s|m|h))+$'",
            ),
        ),
    ];
    let cases: Vec<(&str, &str, &str)> = cases.iter().map(|(a, b, c)| (*a, b.as_str(), c.as_str())).collect();
    check(NODE_POOL, Era::V1, &cases);
}

#[test]
fn provisioners() {
    let webhook = |text: &str| {
        format!("admission webhook \"validation.webhook.karpenter.sh\" denied the request: validation failed: {text}")
    };
    let decode = |text: &str| {
        format!(
            "admission webhook \"defaulting.webhook.karpenter.k8s.aws\" denied the request: mutation failed: cannot decode incoming new object: {text}"
        )
    };
    let label = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
    let cases: Vec<(&str, &str, String)> = vec![
        ("name: default", "name: default", String::new()),
        ("spec:\n", "spec:\n  ttlSecondsAfterEmpty: 30\n", webhook("expected exactly one, got both: spec.consolidation.enabled, spec.ttlSecondsAfterEmpty")),
        ("enabled: true", "enabled: false\n  ttlSecondsAfterEmpty: 30", String::new()),
        ("enabled: true", "enabled: true    // #@ on", decode("json: cannot unmarshal string into Go struct field Consolidation.spec.consolidation.enabled of type bool")),
        ("- c5.large", "- c5.large    // #@ x", webhook(&format!("invalid value: invalid value c5.large    // for key node.kubernetes.io/instance-type, {label}: spec.requirements[1]"))),
        ("  providerRef:\n    name: default\n", "", webhook("expected exactly one, got neither: spec.provider, spec.providerRef")),
        ("cpu: 1000", "cpu: 1x", decode("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")),
        ("spec:\n", "spec:\n  ttlSecondsUntilExpired: -1\n", webhook("invalid value: cannot be negative: spec.ttlSecondsUntilExpired")),
        ("operator: In", "operator: IN", webhook("invalid value: key karpenter.sh/capacity-type has an unsupported operator IN not in [DoesNotExist Exists Gt In Lt NotIn]: spec.requirements[0]")),
        ("values:\n        - on-demand", "values: []", webhook("invalid value: key karpenter.sh/capacity-type with operator In must have a value defined: spec.requirements[0]")),
        ("consolidation:", "consolidaton:", "Provisioner in version \"v1alpha5\" cannot be handled as a Provisioner: strict decoding error: unknown field \"spec.consolidaton\"".to_owned()),
        ("spec:\n", "spec:\n  weight: 101\n", "The Provisioner \"default\" is invalid: spec.weight: Invalid value: 101: spec.weight in body should be less than or equal to 100".to_owned()),
    ];
    let cases: Vec<(&str, &str, &str)> = cases.iter().map(|(a, b, c)| (*a, *b, c.as_str())).collect();
    check(PROVISIONER, Era::V1alpha5, &cases);
    let restricted = read(&PROVISIONER.replace("type: karpenter", "kubernetes.io/foo: x"));
    assert!(
        answer(restricted, None, Era::V1alpha5).contains("label kubernetes.io/foo is restricted; specify a well known label: [")
    );
}

#[test]
fn the_aws_webhook_adds_requirements() {
    let bare = "apiVersion: karpenter.sh/v1alpha5\nkind: Provisioner\nmetadata: {name: x}\nspec: {providerRef: {name: d}, limits: {resources: {cpu: 1000}}}";
    let (doc, _) = admit(Kind::Provisioner, read(bare), None, Era::V1alpha5, Validation::Strict).unwrap();
    let keys: Vec<&str> = doc["spec"]["requirements"].as_array().unwrap().iter().map(|r| r["key"].as_str().unwrap()).collect();
    assert_eq!(
        keys,
        [
            "kubernetes.io/os",
            "kubernetes.io/arch",
            "karpenter.sh/capacity-type",
            "karpenter.k8s.aws/instance-category",
            "karpenter.k8s.aws/instance-generation"
        ]
    );
    assert_eq!(doc["spec"]["limits"]["resources"]["cpu"], "1k");
}

#[test]
fn node_templates() {
    let base = "apiVersion: karpenter.k8s.aws/v1alpha1\nkind: AWSNodeTemplate\nmetadata: {name: default}\nspec:\n  subnetSelector: {a: b}\n  securityGroupSelector: {a: b}\n";
    let webhook = |text: &str| {
        format!("admission webhook \"validation.webhook.karpenter.k8s.aws\" denied the request: validation failed: {text}")
    };
    check(
        base,
        Era::V1alpha5,
        &[
            ("a: b", "a: b", ""),
            ("  subnetSelector: {a: b}\n", "", &webhook("missing field(s): spec.provider.subnetSelector")),
            (
                "spec:\n",
                "spec:\n  amiFamily: AL3\n",
                &webhook(
                    "invalid value: AL3 not in AL2, Bottlerocket, Ubuntu, Windows2019, Windows2022, Custom: spec.provider.amiFamily",
                ),
            ),
            (
                "spec:\n",
                "spec:\n  metadataOptions: {httpPutResponseHopLimit: 65}\n",
                &webhook("expected 1 <= 65 <= 64: spec.provider.metadataOptions.httpPutResponseHopLimit"),
            ),
        ],
    );
}

/// What the server printed for an object after it took it, against what admission makes of the manifest.
#[test]
fn defaults_are_those_of_the_server() {
    for (manifest, printed) in
        [(DEPLOYMENT, include_str!("yaml/deployment-new.yaml")), (NODE_POOL, include_str!("yaml/nodepool.yaml"))]
    {
        let doc = read(manifest);
        let (got, _) = admit(kind_of(&doc), doc, None, Era::V1, Validation::Strict).unwrap();
        assert_eq!(objects::yaml::to_yaml(&got["spec"]), objects::yaml::to_yaml(&read(printed)["spec"]));
    }
    // A pod gets what admission plugins add; the token volume's name is random there.
    let printed = read(include_str!("yaml/pod-pending.yaml"));
    let mut bare = printed.clone();
    bare["spec"] = objects::json!({
        "containers": [{"image": "public.ecr.aws/eks-distro/kubernetes/pause:3.7", "name": "inflate", "resources": {"requests": {"cpu": "1"}}}],
        "terminationGracePeriodSeconds": 0,
    });
    let (got, _) = admit(Kind::Pod, bare, None, Era::V1, Validation::Strict).unwrap();
    let text = objects::yaml::to_yaml(&got["spec"]);
    let name = got["spec"]["volumes"][0]["name"].as_str().unwrap().to_owned();
    assert_eq!(text.replace(&name, "kube-api-access-5rjzt"), objects::yaml::to_yaml(&printed["spec"]));
}

#[test]
fn unknown_fields_can_be_warned_about_or_dropped() {
    let doc = read(&DEPLOYMENT.replace("replicas: 0", "replicaz: 0"));
    let (got, warnings) = admit(Kind::Deployment, doc.clone(), None, Era::V1, Validation::Warn).unwrap();
    assert_eq!(warnings, ["unknown field \"spec.replicaz\""]);
    assert_eq!(got["spec"]["replicas"], 1);
    assert!(got["spec"].get("replicaz").is_none());
    assert_eq!(admit(Kind::Deployment, doc, None, Era::V1, Validation::Ignore).unwrap().1, Vec::<String>::new());
}

#[test]
fn admitting_twice_changes_nothing() {
    for manifest in [DEPLOYMENT, NODE_POOL, PROVISIONER] {
        let doc = read(manifest);
        let kind = kind_of(&doc);
        let (once, _) = admit(kind, doc, None, Era::V1, Validation::Strict).unwrap();
        let (twice, _) = admit(kind, once.clone(), Some(&once), Era::V1, Validation::Strict).unwrap();
        assert_eq!(once, twice);
    }
}

#[test]
fn a_patch_that_cannot_be_carried_out() {
    let mut doc = read(DEPLOYMENT);
    let patch = objects::json!([{"op": "remove", "path": "/spec/foo"}]);
    let error = objects::patch::json_patch(&mut doc, &patch).unwrap_err();
    let text = "The request is invalid: the server rejected our request due to an error in our request";
    assert_eq!(invalid_text(&error).unwrap(), text);
}

/// Paths to everything in a document, as JSON pointers.
fn pointers(v: &Value, at: &str, out: &mut Vec<String>) {
    out.push(at.to_owned());
    match v {
        Value::Object(map) => map.iter().for_each(|(k, v)| pointers(v, &format!("{at}/{}", k.replace('/', "~1")), out)),
        Value::Array(items) => items.iter().enumerate().for_each(|(i, v)| pointers(v, &format!("{at}/{i}"), out)),
        _ => {}
    }
}

fn junk() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-2i64..3).prop_map(Value::from),
        Just(objects::json!(0.5)),
        "[ -~]{0,8}".prop_map(Value::from),
        Just(objects::json!({})),
        Just(objects::json!([])),
        Just(objects::json!([{}])),
        Just(objects::json!({"a": null, "spec": [], "key": {}})),
    ]
}

proptest! {
    /// Whatever stands anywhere in a manifest: no panic, and what is accepted is accepted again unchanged.
    #[test]
    fn any_value_anywhere(which in 0usize..3, at in any::<prop::sample::Index>(), v in junk(), strict in any::<bool>()) {
        let manifest = [DEPLOYMENT, NODE_POOL, PROVISIONER][which];
        let mut doc = read(manifest);
        let kind = kind_of(&doc);
        let mut all = Vec::new();
        pointers(&doc, "", &mut all);
        *doc.pointer_mut(&all[at.index(all.len())]).unwrap() = v;
        let validation = if strict { Validation::Strict } else { Validation::Ignore };
        for kind in [kind, Kind::Pod, Kind::Service, Kind::EC2NodeClass, Kind::AWSNodeTemplate, Kind::Node, Kind::PodDisruptionBudget] {
            if let Ok((once, _)) = admit(kind, doc.clone(), None, Era::V1, validation) {
                let twice = admit(kind, once.clone(), None, Era::V1, validation).map(|(d, _)| d);
                prop_assert_eq!(twice, Ok(once));
            }
            let _ = objects::convert::convert(kind, &doc);
        }
        let _ = objects::yaml::parse(&objects::yaml::to_yaml(&doc));
    }
}

/// The lab's manifests as published, with `//` remarks: refused as a real server does, and accepted once mended.
#[test]
fn the_labs_own_manifests() {
    for (text, refusal, lines) in [
        (
            include_str!("manifests/lab-deployment.yaml"),
            "Deployment in version \"v1\" cannot be handled as a Deployment: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
            4,
        ),
        (
            include_str!("manifests/lab-provisioner.yaml"),
            "admission webhook \"defaulting.webhook.karpenter.k8s.aws\" denied the request: mutation failed: cannot decode incoming new object: json: cannot unmarshal string into Go struct field Consolidation.spec.consolidation.enabled of type bool",
            4,
        ),
    ] {
        assert_eq!(answer(read(text), None, Era::V1alpha5), refusal);
        let (mended, changed) = objects::yaml::diagnose::strip_remarks(text).unwrap();
        assert_eq!(changed.len(), lines);
        assert_eq!(answer(read(&mended), None, Era::V1alpha5), "");
        assert_eq!(objects::yaml::diagnose::strip_remarks(&mended), None);
    }
}
