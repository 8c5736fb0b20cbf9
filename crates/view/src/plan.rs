//! A plan for a cluster in words: what would be done, what stays and what would change that.

use crate::{Lang, Why, format};
use engine::SimTime;
use engine::cluster::{Action, Blocker, Done, Launch, Machine, Pending, Plan, Reason, Rest, Stay};
use objects::time::rfc3339;

/// Names that are listed before the rest is counted.
const LISTED: usize = 8;

/// The plan as the pane shows it: how it ends, each action, each node that stays, each pod that waits. `at` counts from when
/// the cluster was read.
pub fn rows(plan: &Plan, lang: Lang) -> Vec<Why> {
    let mut out = vec![end(plan, lang)];
    out.extend(plan.actions.iter().map(|a| action(a, lang)));
    out.extend(plan.stays.iter().map(|s| stay(s, lang)));
    out.extend(plan.pending.iter().map(|p| pending(p, lang)));
    out
}

fn row(token: &'static str, after_ms: u64, sentence: String) -> Why {
    Why { at: SimTime(after_ms), token, sentence, facts: Vec::new(), raw: String::new(), nodes: Vec::new() }
}

fn end(plan: &Plan, lang: Lang) -> Why {
    let n = plan.actions.len();
    let mut row = row(
        "plan",
        0,
        match (lang, n) {
            (Lang::Ko, 0) => "지금 Karpenter가 할 일은 없어요.".to_owned(),
            (Lang::Ko, _) => format!("Karpenter가 지금부터 할 일은 {n}가지예요. 실제로 하지는 않았어요."),
            (Lang::En, 0) => "There is nothing for Karpenter to do now.".to_owned(),
            (Lang::En, _) => format!("Karpenter would do {} from now on. None of it is done.", count(n, "thing")),
        },
    );
    let after = match plan.rest {
        Rest::Reached { after_ms: 0 } => lang.pick("쉬는 중", "at rest").to_owned(),
        Rest::Reached { after_ms } => match lang {
            Lang::Ko => format!("{} 뒤에는 더 할 일이 없음", format::age(after_ms)),
            Lang::En => format!("at rest after {}", format::age(after_ms)),
        },
        Rest::Horizon { after_ms } | Rest::Moves { after_ms, .. } => match lang {
            Lang::Ko => format!("{} 뒤까지만 내다봄", format::age(after_ms)),
            Lang::En => format!("looked {} ahead, and not at rest then", format::age(after_ms)),
        },
    };
    row.facts.push((lang.pick("끝", "The end").to_owned(), after));
    let change = |before: String, after: String| if before == after { before } else { format!("{before} → {after}") };
    let nodes = change(plan.before.nodes.to_string(), plan.after.nodes.to_string());
    row.facts.push((lang.pick("노드", "Nodes").to_owned(), nodes));
    let usd = |micro| format!("{}/h", format::usd(micro, 4));
    row.facts.push((lang.pick("비용", "Cost").to_owned(), change(usd(plan.before.price_micro), usd(plan.after.price_micro))));
    if plan.before.pending + plan.after.pending > 0 {
        let waiting = change(plan.before.pending.to_string(), plan.after.pending.to_string());
        row.facts.push((lang.pick("기다리는 파드", "Pods that wait").to_owned(), waiting));
    }
    row.facts.extend(plan.under_way.iter().map(|s| (lang.pick("진행 중", "Under way").to_owned(), s.clone())));
    row
}

/// What an action is called, and why it is taken.
pub fn title(a: &Action, lang: Lang) -> String {
    let n = a.nodes.len();
    let nodes = count(n, "node");
    let new = a.launches.len();
    let pool = a.launches.first().map_or("", |l| l.pool.as_str());
    match (&a.reason, a.launches.as_slice(), lang) {
        (Reason::Provisioning, [launch, ..], Lang::En) if !launch.pods.is_empty() => {
            format!("provision a {pool} node for {}", count(launch.pods.len(), "pod"))
        }
        (Reason::Provisioning, [launch, ..], Lang::Ko) if !launch.pods.is_empty() => {
            format!("파드 {}개를 위해 {pool} 노드를 만듭니다", launch.pods.len())
        }
        (Reason::Provisioning, _, Lang::En) => format!("provision a {pool} node"),
        (Reason::Provisioning, _, Lang::Ko) => format!("{pool} 노드를 만듭니다"),
        (Reason::Disruption(method), [], Lang::En) => format!("remove {nodes}: {method}"),
        (Reason::Disruption(method), [], Lang::Ko) => format!("노드 {n}대를 없앱니다: {method}"),
        (Reason::Disruption(method), _, Lang::En) => format!("replace {nodes} by {}: {method}", count(new, "new one")),
        (Reason::Disruption(method), _, Lang::Ko) => format!("노드 {n}대를 새 노드 {new}대로 바꿉니다: {method}"),
        (Reason::Removal(why), _, Lang::En) => format!("remove {nodes}: {why}"),
        (Reason::Removal(why), _, Lang::Ko) => format!("노드 {n}대를 없앱니다: {why}"),
    }
}

fn action(a: &Action, lang: Lang) -> Why {
    let token = if a.reason == Reason::Provisioning { "launch" } else { "disrupt" };
    let mut row = row(token, a.after_ms, capital(&title(a, lang)) + ".");
    let mut fact = |ko: &str, en: &str, text: String| row.facts.push((lang.pick(ko, en).to_owned(), text));
    for m in &a.nodes {
        fact("나가는 노드", "Goes", machine(m));
    }
    for l in &a.launches {
        fact("새 노드", "Comes", launch(l, lang));
        if !l.pods.is_empty() {
            fact("파드", "For", list(&l.pods, lang));
        }
    }
    if !a.evictions.is_empty() {
        let pods: Vec<String> = a.evictions.iter().map(|e| e.pod.clone()).collect();
        fact("옮기는 파드", "Evicts", list(&pods, lang));
    }
    match a.saves_micro {
        0 => {}
        n if n > 0 => fact("절약", "Saves", format!("{}/h", format::usd(n, 4))),
        n => fact("추가 비용", "Costs", format!("{}/h", format::usd(-n, 4))),
    }
    match &a.done {
        Done::Yes => {}
        Done::NotYet => {
            fact("상태", "State", lang.pick("내다본 시간 안에 끝나지 않음", "not finished when the plan ends").to_owned())
        }
        Done::Abandoned(words) => fact("포기", "Given up", words.clone()),
    }
    block(&mut row, &a.blockers, &a.nodes, lang);
    row.nodes = a.nodes.iter().map(|m| m.node.clone()).collect();
    row
}

/// What blocks, and what would change each of it, once.
fn block(row: &mut Why, blockers: &[Blocker], nodes: &[Machine], lang: Lang) {
    let by = lang.pick("막는 것", "Blocked by");
    let mut budgets: Vec<(&str, Vec<String>)> = Vec::new();
    for b in blockers {
        let Blocker::Pdb { pdb, pod } = b else {
            row.facts.push((by.to_owned(), blocker(b, lang)));
            continue;
        };
        match budgets.iter_mut().find(|(name, _)| name == pdb) {
            Some((_, pods)) => pods.push(pod.clone()),
            None => budgets.push((pdb, vec![pod.clone()])),
        }
    }
    for (pdb, pods) in budgets {
        let all = Blocker::Pdb { pdb: pdb.to_owned(), pod: list(&pods, lang) };
        row.facts.push((by.to_owned(), blocker(&all, lang)));
    }
    let label = lang.pick("바꾸려면", "What would change it");
    for fact in blockers.iter().map(|b| (label.to_owned(), remedy(b, nodes, lang))) {
        if !row.facts.contains(&fact) {
            row.facts.push(fact);
        }
    }
}

fn launch(l: &Launch, lang: Lang) -> String {
    match &l.given {
        Some(m) => machine(m),
        None => {
            lang.pick("없음: 모델의 클라우드에 남은 용량이 없음", "nothing: the cloud had no capacity in the model").to_owned()
        }
    }
}

fn stay(s: &Stay, lang: Lang) -> Why {
    let short = format::short_node(&s.machine.node);
    let mut row = row(
        "keep",
        0,
        match lang {
            Lang::Ko => format!("{short} 노드는 그대로 있어요."),
            Lang::En => format!("The node {short} stays."),
        },
    );
    block(&mut row, &s.blockers, std::slice::from_ref(&s.machine), lang);
    row.raw = s.why.join("\n");
    row.nodes.push(s.machine.node.clone());
    row
}

fn pending(p: &Pending, lang: Lang) -> Why {
    let mut row = row(
        "pending",
        0,
        match lang {
            Lang::Ko => format!("{} 파드는 계속 기다려요.", p.pod),
            Lang::En => format!("The pod {} still waits.", p.pod),
        },
    );
    row.raw = p.why.clone();
    row
}

/// What stands in the way, by name.
pub fn blocker(b: &Blocker, lang: Lang) -> String {
    match (b, lang) {
        (Blocker::Pdb { pdb, pod }, Lang::En) => format!("PodDisruptionBudget {pdb}: no eviction of {pod} now"),
        (Blocker::Pdb { pdb, pod }, Lang::Ko) => format!("PodDisruptionBudget {pdb}: 지금은 {pod}을(를) 내보낼 수 없음"),
        (Blocker::Pdbs { pdbs, pod }, Lang::En) => {
            format!("PodDisruptionBudgets {}: more than one covers {pod}", pdbs.join(", "))
        }
        (Blocker::Pdbs { pdbs, pod }, Lang::Ko) => {
            format!("PodDisruptionBudget {}: 둘 이상이 {pod}에 걸려 있음", pdbs.join(", "))
        }
        (Blocker::Annotation { annotation, pod: Some(pod) }, Lang::En) => format!("annotation {annotation} of pod {pod}"),
        (Blocker::Annotation { annotation, pod: Some(pod) }, Lang::Ko) => format!("파드 {pod}의 주석 {annotation}"),
        (Blocker::Annotation { annotation, pod: None }, Lang::En) => format!("annotation {annotation} of the node"),
        (Blocker::Annotation { annotation, pod: None }, Lang::Ko) => format!("노드의 주석 {annotation}"),
        (Blocker::Budget { pool, reason, closed }, _) => {
            let schedule = closed.budget.schedule.as_ref().map(|s| format!(", schedule {s:?}")).unwrap_or_default();
            let nodes = usize::try_from(closed.disrupting).unwrap_or(0);
            let opens = match (closed.opens_ms, lang) {
                (Some(at), Lang::En) => format!("opens {}", rfc3339(at)),
                (Some(at), Lang::Ko) => format!("{}에 열림", rfc3339(at)),
                (None, Lang::En) if nodes > 0 => format!("{} under disruption already", count(nodes, "node")),
                (None, Lang::Ko) if nodes > 0 => format!("이미 노드 {nodes}대가 정리되는 중"),
                (None, Lang::En) => "no time opens it".to_owned(),
                (None, Lang::Ko) => "열리는 시간이 없음".to_owned(),
            };
            match lang {
                Lang::En => format!("budget nodes: {:?}{schedule} of {pool} for {reason}: {opens}", closed.budget.nodes),
                Lang::Ko => format!("{pool}의 budget nodes: {:?}{schedule} ({reason}): {opens}", closed.budget.nodes),
            }
        }
    }
}

/// What a person can do about it.
fn remedy(b: &Blocker, nodes: &[Machine], lang: Lang) -> String {
    match b {
        Blocker::Pdb { pdb, .. } => match lang {
            Lang::En => format!("more ready pods, or a {pdb} that lets one go (status.disruptionsAllowed above 0)"),
            Lang::Ko => format!("준비된 파드를 늘리거나 {pdb}를 완화 (status.disruptionsAllowed가 1 이상)"),
        },
        Blocker::Pdbs { pod, .. } => match lang {
            Lang::En => format!("one PodDisruptionBudget alone that selects {pod}"),
            Lang::Ko => format!("{pod}을(를) 고르는 PodDisruptionBudget을 하나만 남기기"),
        },
        Blocker::Annotation { annotation, pod: Some(pod) } => match pod.split_once('/') {
            Some((namespace, name)) => format!("kubectl annotate pod {name} -n {namespace} {annotation}-"),
            None => format!("kubectl annotate pod {pod} {annotation}-"),
        },
        Blocker::Annotation { annotation, pod: None } => match nodes {
            [only] => format!("kubectl annotate node {} {annotation}-", only.node),
            _ => format!("kubectl annotate node NAME {annotation}-"),
        },
        Blocker::Budget { pool, .. } => match lang {
            Lang::En => format!("time, or more nodes in spec.disruption.budgets of {pool}"),
            Lang::Ko => format!("기다리거나 {pool}의 spec.disruption.budgets에서 nodes를 늘리기"),
        },
    }
}

/// A node with what it is and costs.
pub fn machine(m: &Machine) -> String {
    let mut parts: Vec<&str> = [&m.node, &m.instance_type, &m.capacity_type, &m.zone].into_iter().map(String::as_str).collect();
    parts.retain(|p| !p.is_empty());
    let mut text = parts.join(" ");
    if m.price_micro > 0 {
        text.push_str(&format!(" {}/h", format::usd(m.price_micro, 4)));
    }
    text
}

/// The first names, and how many more there are.
pub fn list(names: &[String], lang: Lang) -> String {
    let shown = names.get(..LISTED).unwrap_or(names).join(", ");
    match names.len().saturating_sub(LISTED) {
        0 => shown,
        more => match lang {
            Lang::En => format!("{shown} and {more} more"),
            Lang::Ko => format!("{shown} 외 {more}개"),
        },
    }
}

fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::Era;
    use engine::cluster::Sum;

    fn machine(name: &str) -> Machine {
        Machine { node: name.to_owned(), instance_type: "m5.large".to_owned(), price_micro: 96_000, ..Machine::default() }
    }

    fn stay(blockers: Vec<Blocker>) -> Stay {
        Stay { machine: machine("ip-10-0-0-1.x"), why: vec!["its pool removes no nodes".to_owned()], blockers }
    }

    fn plan(actions: Vec<Action>, stays: Vec<Stay>) -> Plan {
        let sum = |nodes, price_micro| Sum { nodes, price_micro, ..Sum::default() };
        Plan {
            at_ms: 0,
            era: Era::V1,
            before: sum(3, 300_000),
            after: sum(2, 200_000),
            under_way: Vec::new(),
            actions,
            stays,
            pending: vec![Pending { pod: "default/big".to_owned(), why: "too large".to_owned() }],
            rest: Rest::Reached { after_ms: 61_000 },
        }
    }

    fn facts(row: &Why) -> String {
        row.facts.iter().map(|(k, v)| format!("{k}: {v}\n")).collect()
    }

    #[test]
    fn what_blocks_is_said_once_with_what_would_change_it() {
        let pdb = |pod: &str| Blocker::Pdb { pdb: "default/web".to_owned(), pod: format!("default/{pod}") };
        let annotation = Blocker::Annotation { annotation: "karpenter.sh/do-not-disrupt", pod: Some("default/a".to_owned()) };
        let plan = plan(Vec::new(), vec![stay(vec![pdb("a"), annotation, pdb("b")])]);
        let rows = rows(&plan, Lang::En);
        let tokens: Vec<&str> = rows.iter().map(|r| r.token).collect();
        assert_eq!(tokens, ["plan", "keep", "pending"]);
        assert_eq!(rows[0].sentence, "There is nothing for Karpenter to do now.");
        assert_eq!(facts(&rows[0]), "The end: at rest after 61s\nNodes: 3 → 2\nCost: $0.3000/h → $0.2000/h\n");
        assert_eq!(
            facts(&rows[1]),
            "Blocked by: annotation karpenter.sh/do-not-disrupt of pod default/a\n\
             Blocked by: PodDisruptionBudget default/web: no eviction of default/a, default/b now\n\
             What would change it: more ready pods, or a default/web that lets one go (status.disruptionsAllowed above 0)\n\
             What would change it: kubectl annotate pod a -n default karpenter.sh/do-not-disrupt-\n"
        );
        assert_eq!(
            (rows[1].nodes.as_slice(), rows[1].raw.as_str()),
            (&["ip-10-0-0-1.x".to_owned()][..], "its pool removes no nodes")
        );
    }

    #[test]
    fn actions_in_both_languages() {
        let action = Action {
            after_ms: 15_000,
            reason: Reason::Disruption("consolidation"),
            nodes: vec![machine("ip-10-0-0-1.x")],
            launches: Vec::new(),
            evictions: Vec::new(),
            saves_micro: 96_000,
            blockers: Vec::new(),
            done: Done::Yes,
        };
        let plan = plan(vec![action], Vec::new());
        let said = |lang| {
            let row = &rows(&plan, lang)[1];
            format!("{} {}", row.sentence, facts(row))
        };
        assert_eq!(said(Lang::En), "Remove 1 node: consolidation. Goes: ip-10-0-0-1.x m5.large $0.0960/h\nSaves: $0.0960/h\n");
        assert_eq!(
            said(Lang::Ko),
            "노드 1대를 없앱니다: consolidation. 나가는 노드: ip-10-0-0-1.x m5.large $0.0960/h\n절약: $0.0960/h\n"
        );
    }
}
