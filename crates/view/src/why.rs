//! Explanations: a sentence first, then the numbers it rests on, from the engine's decision records.

use crate::{Lang, format};
use engine::decisions::{Decision, Divergence, What};
use engine::{SimTime, Snapshot};
use objects::{Kind, ObjectKey};
use std::sync::Arc;

/// One decision as a person reads it.
#[derive(Clone, Debug, PartialEq)]
pub struct Why {
    pub at: SimTime,
    /// Class of decision, for an icon: `launch`, `fleet`, `pending`, `disrupt`, `keep`, `abandoned`.
    pub token: &'static str,
    pub sentence: String,
    /// Label and value, in reading order.
    pub facts: Vec<(String, String)>,
    /// Karpenter's own words, untranslated; empty where there are none.
    pub raw: String,
    /// Full names of the nodes that it is about.
    pub nodes: Vec<String>,
}

/// The newest decisions a pane shows.
pub const SHOWN: usize = 100;

/// Decisions, newest first; of equal refusals in a row only the newest.
pub fn rows(snapshot: &Snapshot, lang: Lang) -> Vec<Why> {
    let mut out: Vec<Why> = Vec::new();
    let mut newer: Option<&Arc<Decision>> = None;
    for d in snapshot.decisions.iter().rev() {
        let repeats = newer.is_some_and(|n| n.about == d.about && n.what == d.what);
        newer = Some(d);
        if !repeats {
            out.push(explain(d, lang));
        }
        if out.len() >= SHOWN {
            break;
        }
    }
    out
}

/// Decisions about one node, claim or pod, oldest first; of equal refusals in a row only the last. A node's are also those
/// about its claim and its commands, a pod's those about the claim that was opened for it.
pub fn about(snapshot: &Snapshot, object: &ObjectKey, lang: Lang) -> Vec<Why> {
    let mut names = vec![object.name.as_str()];
    let claims = || snapshot.store.list(Kind::claim(snapshot.profile.era));
    let of_node = claims().filter_map(|c| Some((c, c.claim()?)));
    for (claim, told) in of_node.filter(|_| matches!(object.kind, Kind::Node | Kind::NodeClaim | Kind::Machine)) {
        if claim.meta.name == object.name && !told.node_name.is_empty() {
            names.push(&told.node_name);
        } else if told.node_name == object.name {
            names.push(&claim.meta.name);
        }
    }
    let is_about = |d: &Decision| {
        let of_kind = d.about.kind == object.kind && d.about.namespace == object.namespace && d.about.name == object.name;
        of_kind
            || match &d.what {
                What::Launch { pods, .. } if object.kind == Kind::Pod => {
                    pods.iter().any(|p| p.split_once('/') == Some((object.namespace.as_str(), object.name.as_str())))
                }
                What::Disrupt { nodes, .. } => nodes.iter().any(|n| names.contains(&n.as_str())),
                What::Diverged { planned, node, .. } => names.contains(&planned.as_str()) || names.contains(&node.as_str()),
                _ => object.kind != Kind::Pod && d.about.namespace.is_empty() && names.contains(&d.about.name.as_str()),
            }
    };
    let mut found: Vec<&Arc<Decision>> = Vec::new();
    for d in snapshot.decisions.iter().filter(|d| is_about(d)) {
        let before = found.iter().rposition(|f| f.about == d.about);
        if let Some(at) = before.filter(|at| found.get(*at).is_some_and(|f| f.what == d.what)) {
            found.remove(at);
        }
        found.push(d);
    }
    found.into_iter().map(|d| explain(d, lang)).collect()
}

/// Puts one decision into words.
pub fn explain(d: &Decision, lang: Lang) -> Why {
    let t = |ko: &str, en: &str| lang.pick(ko, en).to_owned();
    let mut why = Why { at: d.at, token: "", sentence: String::new(), facts: Vec::new(), raw: String::new(), nodes: Vec::new() };
    match &d.what {
        What::Launch { pool, pods, funnel, cheapest, cpu_milli, daemon_cpu_milli } => {
            let (n, cpu) = (pods.len(), format::cpu(*cpu_milli));
            why.token = "launch";
            why.sentence = match lang {
                Lang::Ko => format!("파드 {n}개(CPU {cpu})를 담을 새 노드를 {pool} 규칙으로 만들기로 했어요."),
                Lang::En => format!("A new node by the rule {pool} for {n} pod{} (CPU {cpu}).", if n == 1 { "" } else { "s" }),
            };
            let stages: Vec<String> = funnel.iter().map(|(stage, left)| format!("{} {left}", stage_name(stage, lang))).collect();
            if !stages.is_empty() {
                why.facts.push((t("후보 타입", "Candidate types"), stages.join(" → ")));
            }
            why.facts.push((t("DaemonSet 몫", "DaemonSets take"), format!("CPU {}", format::cpu(*daemon_cpu_milli))));
            for (name, micro) in cheapest {
                let label = t("남은 타입 중 값싼 순", "Cheapest that remain");
                why.facts.push((label, format!("{name} {}/h", format::usd(*micro, 4))));
            }
        }
        What::Fleet { instance_type, zone, capacity_type, price_micro, candidates, strategy } => {
            let price = format::usd(*price_micro, 4);
            why.token = "fleet";
            why.sentence = match lang {
                Lang::Ko => format!("EC2가 후보 {candidates}개 중에서 {instance_type}({capacity_type}, {zone})를 골랐어요."),
                Lang::En => format!("EC2 chose {instance_type} ({capacity_type}, {zone}) out of {candidates} candidates."),
            };
            why.facts.push((t("할당 전략", "Allocation strategy"), (*strategy).to_owned()));
            why.facts.push((t("가격", "Price"), format!("{price}/h")));
        }
        What::Unschedulable { message } => {
            why.token = "pending";
            why.sentence = match lang {
                Lang::Ko => format!("{} 파드를 놓을 자리를 Karpenter가 찾지 못했어요.", d.about.name),
                Lang::En => format!("Karpenter found no place for the pod {}.", d.about.name),
            };
            why.raw = message.clone();
        }
        What::Disrupt { method, action, nodes, replacement_types, price_before_micro, price_after_micro } => {
            let names: Vec<&str> = nodes.iter().map(|n| format::short_node(n)).collect();
            let (list, n) = (names.join(", "), nodes.len());
            why.token = "disrupt";
            why.nodes = nodes.clone();
            why.sentence = match (lang, replacement_types.is_empty()) {
                (Lang::Ko, true) => format!("{} 때문에 노드 {n}대({list})를 없애기로 했어요.", method_name(method, lang)),
                (Lang::Ko, false) => {
                    format!("{} 때문에 노드 {n}대({list})를 더 싼 노드 1대로 바꾸기로 했어요.", method_name(method, lang))
                }
                (Lang::En, true) => format!("Removing {n} node{} ({list}): {}.", plural(n), method_name(method, lang)),
                (Lang::En, false) => {
                    format!("Replacing {n} node{} ({list}) by one that is cheaper: {}.", plural(n), method_name(method, lang))
                }
            };
            why.facts.push((t("방법", "Method"), format!("{method} {action}")));
            if !replacement_types.is_empty() {
                why.facts.push((t("바꿀 타입", "Replacement types"), replacement_types.join(", ")));
            }
            why.facts.push((
                t("시간당 비용", "Cost per hour"),
                format!("{} → {}", format::usd(*price_before_micro, 4), format::usd(*price_after_micro, 4)),
            ));
        }
        What::Keep { method, message } => {
            why.token = "keep";
            why.sentence = match lang {
                Lang::Ko => format!("{} 노드는 그대로 둡니다({}).", format::short_node(&d.about.name), method_name(method, lang)),
                Lang::En => format!("The node {} stays ({}).", format::short_node(&d.about.name), method_name(method, lang)),
            };
            why.nodes.push(d.about.name.clone());
            why.raw = message.clone();
        }
        What::Diverged { planned, node, why: reason } => {
            why.token = "fleet";
            let (from, to) = (format::short_node(planned), format::short_node(node));
            why.sentence = match lang {
                Lang::Ko => format!(
                    "Karpenter는 파드 {}의 자리로 {from}을(를) 계획했지만 kube-scheduler는 {to}에 배치했어요.",
                    d.about.name
                ),
                Lang::En => format!("Karpenter planned pod {} onto {from}; kube-scheduler placed it on {to}.", d.about.name),
            };
            let because = match reason {
                Divergence::Gone => t("계획한 노드가 사라졌어요", "the planned node is gone"),
                Divergence::NotJoined => t("계획한 노드가 아직 합류하지 않았어요", "the planned node had not joined yet"),
                Divergence::NotReady => t("계획한 노드가 아직 준비되지 않았어요", "the planned node was not ready yet"),
                Divergence::NoRoom => t("다른 파드가 자리를 먼저 차지했어요", "other pods took its room first"),
                Divergence::Preferred => t("이 노드의 점수가 더 높았어요", "this node scored higher"),
            };
            why.facts.push((t("이유", "Because"), because));
            why.nodes = vec![planned.clone(), node.clone()];
        }
        What::Abandoned { method, message } => {
            why.token = "abandoned";
            why.sentence = match lang {
                Lang::Ko => format!("그사이 클러스터가 바뀌어 계획을 취소했어요({}).", method_name(method, lang)),
                Lang::En => format!("Gave up on {}: the cluster changed meanwhile.", method_name(method, lang)),
            };
            why.raw = message.clone();
        }
    }
    why
}

fn plural(n: usize) -> &'static str {
    if n == 1 { "" } else { "s" }
}

fn stage_name(stage: &str, lang: Lang) -> String {
    let (ko, en) = match stage {
        "all" => ("전체", "all"),
        "requirements" => ("요구 조건", "requirements"),
        "resources" => ("자원", "resources"),
        "offerings" => ("구매 가능", "offerings"),
        "limits" => ("한도", "limits"),
        other => return other.to_owned(),
    };
    lang.pick(ko, en).to_owned()
}

fn method_name(method: &str, lang: Lang) -> String {
    let (ko, en) = match method {
        "emptiness" => ("빈 노드 정리(Emptiness)", "the node is empty"),
        "consolidation" => ("통합(Consolidation)", "consolidation"),
        "candidates" => ("정리 후보 검사", "not a candidate now"),
        "drift" => ("드리프트(Drift)", "drift"),
        "expiration" => ("만료(Expiration)", "expiration"),
        other => return other.to_owned(),
    };
    lang.pick(ko, en).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(what: What, ko: &str, en: &str) {
        let d = Decision { at: SimTime::ZERO, about: ObjectKey::cluster(Kind::Node, "ip-192-168-3-91.x"), what };
        assert_eq!(explain(&d, Lang::Ko).sentence, ko);
        assert_eq!(explain(&d, Lang::En).sentence, en);
    }

    #[test]
    fn sentences() {
        check(
            What::Fleet {
                instance_type: "r3.2xlarge".to_owned(),
                zone: "ap-northeast-2c".to_owned(),
                capacity_type: "spot".to_owned(),
                price_micro: 239_000,
                candidates: 100,
                strategy: "price-capacity-optimized",
            },
            "EC2가 후보 100개 중에서 r3.2xlarge(spot, ap-northeast-2c)를 골랐어요.",
            "EC2 chose r3.2xlarge (spot, ap-northeast-2c) out of 100 candidates.",
        );
        check(
            What::Disrupt {
                method: "consolidation",
                action: "replace",
                nodes: vec!["ip-192-168-3-91.x".to_owned(), "ip-192-168-2-7.x".to_owned()],
                replacement_types: vec!["c5.large".to_owned()],
                price_before_micro: 472_000,
                price_after_micro: 96_000,
            },
            "통합(Consolidation) 때문에 노드 2대(3-91, 2-7)를 더 싼 노드 1대로 바꾸기로 했어요.",
            "Replacing 2 nodes (3-91, 2-7) by one that is cheaper: consolidation.",
        );
        check(
            What::Keep { method: "consolidation", message: "can't replace with a cheaper node".to_owned() },
            "3-91 노드는 그대로 둡니다(통합(Consolidation)).",
            "The node 3-91 stays (consolidation).",
        );
    }
}
