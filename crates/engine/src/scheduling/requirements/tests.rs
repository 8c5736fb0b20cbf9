use super::*;
use proptest::prelude::*;

fn r(text: &str) -> Requirement {
    let mut words = text.split(' ');
    let key = words.next().unwrap();
    let operator = Operator::parse(words.next().unwrap()).unwrap();
    Requirement::new(key, operator, words)
}

fn all(list: &[&str]) -> Requirements {
    list.iter().map(|t| r(t)).collect()
}

#[test]
fn intersections() {
    let check = |a: &str, b: &str, text: &str| {
        assert_eq!(r(a).intersection(&r(b)).text(Era::V1), text, "{a} with {b}");
        assert_eq!(r(a).intersects(&r(b)), !r(a).intersection(&r(b)).is_empty(), "{a} with {b}");
    };
    check("k In a b", "k In b c", "k In [b]");
    check("k In a", "k In b", "k DoesNotExist");
    check("k In a b", "k NotIn b", "k In [a]");
    check("k NotIn a", "k NotIn b", "k NotIn [a b]");
    check("k Exists", "k In a", "k In [a]");
    check("k Gt 4", "k Lt 17", "k Exists >=5 <=16");
    check("k Gt 4", "k In 2 4 8 x", "k In [8]");
    check("k Gt 4", "k Lt 5", "k DoesNotExist");
    check("k Gte 4", "k Lte 4", "k Exists >=4 <=4");
    check("k DoesNotExist", "k NotIn a", "k DoesNotExist");
}

#[test]
fn printing() {
    let check = |list: &[&str], a: &str, b: &str| {
        assert_eq!((all(list).text(Era::V1alpha5).as_str(), all(list).text(Era::V1).as_str()), (a, b));
    };
    check(&["b In 2 1", "a Exists"], "a Exists, b In [1 2]", "a Exists, b In [1 2]");
    check(&["k In f e d c b a g"], "k In [a b c d e and 2 others]", "k In [a b c d e and 2 others]");
    check(&["k Gt 2"], "k Exists >2", "k Exists >=3");
    check(&["kubernetes.io/hostname In n1", "z DoesNotExist"], "z DoesNotExist", "z DoesNotExist");
    check(&["beta.kubernetes.io/arch In arm64"], "kubernetes.io/arch In [arm64]", "kubernetes.io/arch In [arm64]");
}

#[test]
fn written_forms() {
    let check = |text: &str, b: &str, era: Era, written: &[(Operator, &str)]| {
        let got: Vec<_> =
            r(text).intersection(&r(b)).expressions(era).into_iter().map(|e| (e.operator, e.values.join(" "))).collect();
        let want: Vec<_> = written.iter().map(|(o, v)| (*o, (*v).to_owned())).collect();
        assert_eq!(got, want, "{text}");
    };
    check("k Gt 4", "k Lt 17", Era::V1alpha5, &[(Operator::Gt, "4")]);
    check("k Gt 4", "k Lt 17", Era::V1, &[(Operator::Gte, "5"), (Operator::Lte, "16")]);
    check("k Lt 17", "k Exists", Era::V1alpha5, &[(Operator::Lt, "17")]);
    check("k NotIn b a", "k Exists", Era::V1, &[(Operator::NotIn, "a b")]);
}

#[test]
fn compatibility_and_its_words() {
    let check = |node: &[&str], pod: &[&str], era: Era, words: &str| {
        let (node, pod) = (all(node), all(pod));
        assert_eq!(node.compatible(&pod, Some(era)), words.is_empty());
        assert_eq!(node.incompatibility(&pod, true, era), words);
    };
    for era in [Era::V1alpha5, Era::V1] {
        check(&[], &["topology.kubernetes.io/zone In a"], era, "");
        check(&[], &["team In a"], era, r#"label "team" does not have known values"#);
        check(&[], &["team NotIn a"], era, "");
        check(&[], &["team DoesNotExist"], era, "");
        check(&["team In a b"], &["team In b"], era, "");
        check(&["team In a"], &["team In b"], era, "key team, team In [b] not in team In [a]");
        check(&["team NotIn a"], &["team DoesNotExist"], era, "");
        check(&["team In a"], &["team DoesNotExist"], era, "key team, team DoesNotExist not in team In [a]");
    }
    let words = r#"label "zone" does not have known values (typo of "topology.kubernetes.io/zone"?)"#;
    check(&[], &["zone In a"], Era::V1alpha5, words);
    let (node, pod) = (&["b In 1"], &["b In 2", "team In a"]);
    check(node, pod, Era::V1, r#"label "team" does not have known values"#);
    check(node, pod, Era::V1alpha5, r#"label "team" does not have known values; key b, b In [2] not in b In [1]"#);
    // Without the well-known keys every undefined key counts.
    assert!(!all(&[]).compatible(&all(&["topology.kubernetes.io/zone In a"]), None));
}

fn any_requirement() -> impl Strategy<Value = Requirement> {
    let operator = prop::sample::select(vec![
        Operator::In,
        Operator::NotIn,
        Operator::Exists,
        Operator::DoesNotExist,
        Operator::Gt,
        Operator::Lt,
        Operator::Gte,
        Operator::Lte,
    ]);
    (operator, prop::collection::vec(0u8..6, 1..4))
        .prop_map(|(operator, values)| Requirement::new("k", operator, values.iter().map(u8::to_string)))
}

proptest! {
    /// The slow obvious reading: a value is allowed by the intersection exactly where both allow it.
    #[test]
    fn intersection_is_and(a in any_requirement(), b in any_requirement(), value in -1i64..8) {
        let both = a.intersection(&b);
        let value = value.to_string();
        prop_assert_eq!(both.has(&value), a.has(&value) && b.has(&value));
        prop_assert_eq!(&both, &b.intersection(&a));
        prop_assert_eq!(a.intersects(&b), !both.is_empty());
        prop_assert_eq!(a.intersection(&a), a);
    }

    #[test]
    fn intersection_associates(a in any_requirement(), b in any_requirement(), c in any_requirement(), value in -1i64..8) {
        let value = value.to_string();
        prop_assert_eq!(a.intersection(&b).intersection(&c).has(&value), a.intersection(&b.intersection(&c)).has(&value));
    }
}
