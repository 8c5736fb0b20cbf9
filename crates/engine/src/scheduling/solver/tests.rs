use super::super::cluster::{Cluster, PoolInput};
use super::super::go_sort::sort_slice;
use super::super::planner::solve;
use super::super::testing::*;
use super::*;
use objects::typed::Taint;
use objects::{Era, Value, json};
use proptest::prelude::*;

fn check(c: &Cluster, expected: &[&str]) -> Plan {
    let plan = solve(c, &Round::default());
    assert_eq!(claims(c, &plan), expected, "{:?}", plan.errors);
    plan
}

#[test]
fn the_lab_packs_as_karpenter_did() {
    let all: [&[&str]; 2] = [&[], &["c5.large", "m5.large", "m5.xlarge"]];
    for (types, n, expected) in [
        (all[0], 5, &[r#"default: 5 pods {"cpu":"5125m","pods":"7"} c5.2xlarge"#][..]),
        (all[1], 12, &[r#"default: 3 pods {"cpu":"3125m","pods":"5"} m5.xlarge"#; 4]),
        (
            all[1],
            7,
            &[
                r#"default: 3 pods {"cpu":"3125m","pods":"5"} m5.xlarge"#,
                r#"default: 3 pods {"cpu":"3125m","pods":"5"} m5.xlarge"#,
                r#"default: 1 pods {"cpu":"1125m","pods":"3"} c5.large m5.large m5.xlarge"#,
            ],
        ),
    ] {
        for era in [Era::V1alpha5, Era::V1] {
            let mut c = cluster(era);
            c.pools.push(pool("default", types));
            lab_daemons(&mut c);
            pods(&mut c, "inflate", n, &cpu("1"));
            check(&c, expected);
        }
    }
}

#[test]
fn funnel_says_where_types_went() {
    let mut c = cluster(Era::V1alpha5);
    c.pools.push(pool("default", &[]));
    pods(&mut c, "inflate", 5, &cpu("1"));
    let plan = check(&c, &[r#"default: 5 pods {"cpu":"5","pods":"5"} c5.2xlarge"#]);
    assert_eq!(plan.claims[0].funnel, [("all", 5), ("requirements", 5), ("resources", 1), ("offerings", 1), ("limits", 1)]);
}

/// One pod that finds no place: the words per era.
fn check_words(change: impl Fn(&mut Cluster), spec: &Value, a: &str, b: &str) {
    for (era, words) in [(Era::V1alpha5, a), (Era::V1, b)] {
        let mut c = cluster(era);
        c.pools.push(pool("default", &["c5.large", "m5.xlarge"]));
        lab_daemons(&mut c);
        change(&mut c);
        pods(&mut c, "web", 1, spec);
        let plan = solve(&c, &Round::default());
        assert_eq!(plan.errors.values().collect::<Vec<_>>(), [words]);
    }
}

#[test]
fn reasons_in_karpenters_words() {
    const A: &str = r#"incompatible with provisioner "default", daemonset overhead={"cpu":"125m","pods":"2"}, "#;
    const REQUIREMENTS_A: &str = "karpenter.sh/capacity-type In [on-demand], karpenter.sh/provisioner-name In [default], \
                                  node.kubernetes.io/instance-type In [c5.large m5.xlarge]";
    const REQUIREMENTS_B: &str = "karpenter.sh/capacity-type In [on-demand], karpenter.sh/initialized In [true], \
                                  karpenter.sh/nodepool In [default], karpenter.sh/registered In [true], \
                                  node.kubernetes.io/instance-type In [c5.large m5.xlarge]";
    let same = |_: &mut Cluster| {};
    check_words(
        same,
        &cpu("4"),
        &format!(
            "{A}no instance type satisfied resources {{\"cpu\":\"4125m\",\"pods\":\"3\"}} and requirements {REQUIREMENTS_A} \
             (no instance type which had enough resources and the required offering met the scheduling requirements)"
        ),
        &format!(
            "no instance type has enough resources, requirements={REQUIREMENTS_B}, resources={{\"cpu\":\"4125m\",\"pods\":\"3\"}}"
        ),
    );
    check_words(
        same,
        &cpu("2M"),
        &format!(
            "{A}no instance type satisfied resources {{\"cpu\":\"2000000125m\",\"pods\":\"3\"}} and requirements {REQUIREMENTS_A} \
             (no instance type has enough resources (CPU request >= 1 Million, m vs M typo?))"
        ),
        // Types that the pool rules out are gone before, and a type counts as offered only where it is large enough.
        &format!(
            "no instance type has enough resources, requirements={REQUIREMENTS_B}, \
             resources={{\"cpu\":\"2000000125m\",\"pods\":\"3\"}} (CPU request >= 1 Million, m vs M typo?)"
        ),
    );
    check_words(
        |c| c.pools[0].taints.push(Taint::new("dedicated", "web", "NoSchedule")),
        &cpu("1"),
        r#"incompatible with provisioner "default", daemonset overhead={"cpu":"125m","pods":"2"}, did not tolerate dedicated=web:NoSchedule"#,
        "did not tolerate taint (taint=dedicated=web:NoSchedule)",
    );
    check_words(
        |c| c.pools[0].limits = Some(Resources::default().with("cpu", 1000)),
        &cpu("1"),
        r#"all available instance types exceed limits for provisioner: "default""#,
        "all available instance types exceed limits for nodepool (NodePool=default)",
    );
    check_words(
        same,
        &json!({"nodeSelector": {"team": "x"}, "containers": []}),
        r#"incompatible with provisioner "default", daemonset overhead={"cpu":"125m","pods":"2"}, incompatible requirements, label "team" does not have known values"#,
        r#"incompatible requirements, label "team" does not have known values"#,
    );
}

#[test]
fn limits_are_charged_with_the_largest_type() {
    for era in [Era::V1alpha5, Era::V1] {
        let mut c = cluster(era);
        c.pools.push(PoolInput { limits: Some(Resources::default().with("cpu", 8000)), ..pool("default", &["m5.xlarge"]) });
        node(&mut c, "n1", "m5.xlarge", "default", 3);
        pods(&mut c, "web", 6, &cpu("1"));
        // Four CPUs are left: room for one more node of three pods.
        let plan = check(&c, &[r#"default: 3 pods {"cpu":"3","pods":"3"} m5.xlarge"#]);
        assert_eq!(plan.errors.len(), 3);
    }
}

#[test]
fn pods_go_to_existing_nodes_first() {
    for (managed_only, expected) in [(false, 3), (true, 0)] {
        let mut c = cluster(Era::V1alpha5);
        c.rules.uses_unmanaged_nodes = !managed_only;
        c.pools.push(pool("default", &[]));
        node(&mut c, "n1", "m5.xlarge", "", 0);
        c.nodes[0].claim = None;
        pods(&mut c, "web", 3, &cpu("1"));
        let plan = solve(&c, &Round::default());
        assert_eq!(plan.existing.iter().map(|(_, pods)| pods.len()).sum::<usize>(), expected);
        assert!(plan.place_of(c.pods.len() - 1).is_some());
    }
}

/// The slow obvious reading of packing for plain pods: largest first, each on the emptiest open claim that can still be
/// a type large enough, else on a new one.
fn packed(allocatable: &[i64], mut requests: Vec<i64>) -> Vec<Vec<i64>> {
    requests.sort_by_key(|r| std::cmp::Reverse(*r));
    let largest = allocatable.iter().copied().max().unwrap();
    let mut claims: Vec<Vec<i64>> = Vec::new();
    let mut order: Vec<usize> = Vec::new();
    for r in requests {
        sort_slice(&mut order, |a, b| claims[*a].len() < claims[*b].len());
        match order.iter().find(|i| claims[**i].iter().sum::<i64>() + r <= largest) {
            Some(i) => claims[*i].push(r),
            None => {
                order.push(claims.len());
                claims.push(vec![r]);
            }
        }
    }
    claims
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn plain_pods_pack_as_the_obvious_reading(requests in prop::collection::vec(100i64..3900, 1..60)) {
        for era in [Era::V1alpha5, Era::V1] {
            let mut c = cluster(era);
            c.pools.push(pool("default", &["c5.large", "c5.xlarge", "m5.xlarge"]));
            for r in &requests {
                pods(&mut c, "p", 1, &cpu(&format!("{r}m")));
            }
            let plan = solve(&c, &Round::default());
            let got: Vec<Vec<i64>> =
                plan.claims.iter().map(|p| p.pods.iter().map(|i| c.pods[*i].spec.requests.cpu()).collect()).collect();
            prop_assert_eq!(&got, &packed(&[1930, 3920], requests.clone()));
            for p in &plan.claims {
                let sum: i64 = p.pods.iter().map(|i| c.pods[*i].spec.requests.cpu()).sum();
                // Exactly the types that are large enough are left.
                let left: Vec<&str> = p.types.iter().map(|t| &*c.types.get(*t).unwrap().name).collect();
                prop_assert_eq!(left.contains(&"c5.large"), sum <= 1930);
                prop_assert!(left.contains(&"m5.xlarge"));
            }
        }
    }
}
