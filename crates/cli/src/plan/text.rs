//! A plan as people read it.

use super::Report;
use engine::cluster::{Action, Blocker, Done, Launch, Machine, Reason, Rest, Stay};
use objects::time::rfc3339;
use std::fmt::Write as _;
use view::format;

/// Names that are listed before the rest is counted.
const LISTED: usize = 8;

pub fn report(report: &Report) -> String {
    let plan = &report.plan;
    let mut out = String::new();
    let place = if report.region.is_empty() { "no region" } else { &report.region };
    let now = format!(
        "{} (Karpenter {}, {place}): {}, {}/h, {}{}\n",
        rfc3339(plan.at_ms),
        plan.era.as_str(),
        count(plan.before.nodes, "node"),
        usd(plan.before.price_micro),
        count(plan.before.pods, "pod"),
        if plan.before.pending > 0 { format!(", {} waiting", plan.before.pending) } else { String::new() },
    );
    out.push_str(&now);
    for sentence in &plan.under_way {
        line(&mut out, "under way", sentence);
    }
    if plan.actions.is_empty() {
        out.push_str("\nNothing to do.\n");
    }
    for (n, a) in plan.actions.iter().enumerate() {
        action(&mut out, n + 1, a);
    }
    if !plan.stays.is_empty() {
        out.push_str("\nStays:\n");
        plan.stays.iter().for_each(|s| stay(&mut out, s));
    }
    if !plan.pending.is_empty() {
        out.push_str("\nWaits:\n");
        for pod in &plan.pending {
            let _ = writeln!(out, "  {}\n    {}", pod.pod, pod.why);
        }
    }
    let saved = plan.before.price_micro.saturating_sub(plan.after.price_micro);
    let end = match plan.rest {
        Rest::Reached { after_ms: 0 } => "The cluster rests".to_owned(),
        Rest::Reached { after_ms } => format!("At rest after {}", format::age(after_ms)),
        Rest::Horizon { after_ms } => format!("Not at rest after {}", format::age(after_ms)),
        Rest::Moves { after_ms, pods } => {
            format!("Not at rest after {}, in which {pods} pods move (--moves looks further)", format::age(after_ms))
        }
    };
    let change = match saved {
        0 => String::new(),
        n if n > 0 => format!(", {} a month less", format::usd(format::monthly(n), 2)),
        n => format!(", {} a month more", format::usd(format::monthly(-n), 2)),
    };
    let _ = writeln!(
        out,
        "\n{end}: {}, {}/h{change}{}",
        count(plan.after.nodes, "node"),
        usd(plan.after.price_micro),
        if plan.after.pending > 0 { format!(", {} waiting", plan.after.pending) } else { String::new() },
    );
    out
}

fn usd(micro: i64) -> String {
    format::usd(micro, 4)
}

fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

fn line(out: &mut String, label: &str, text: &str) {
    let _ = writeln!(out, "   {label:<9} {text}");
}

/// What an action is called, and why it is taken.
pub fn title(a: &Action) -> String {
    let nodes = count(a.nodes.len(), "node");
    match (&a.reason, a.launches.as_slice()) {
        (Reason::Provisioning, [launch, ..]) if !launch.pods.is_empty() => {
            format!("provision a {} node for {}", launch.pool, count(launch.pods.len(), "pod"))
        }
        (Reason::Provisioning, launches) => format!("provision a {} node", launches.first().map_or("", |l| l.pool.as_str())),
        (Reason::Disruption(method), []) => format!("remove {nodes}: {method}"),
        (Reason::Disruption(method), launches) => {
            format!("replace {nodes} by {}: {method}", count(launches.len(), "new one"))
        }
        (Reason::Removal(why), _) => format!("remove {nodes}: {why}"),
    }
}

fn action(out: &mut String, n: usize, a: &Action) {
    let _ = writeln!(out, "\n{n}. +{} {}", seconds(a.after_ms), title(a));
    for m in &a.nodes {
        line(out, "goes", &machine(m));
    }
    for l in &a.launches {
        launch(out, l);
    }
    if !a.evictions.is_empty() {
        let pods: Vec<&str> = a.evictions.iter().map(|e| e.pod.as_str()).collect();
        line(out, "evicts", &list(&pods));
    }
    match a.saves_micro {
        0 => {}
        n if n > 0 => line(out, "saves", &format!("{}/h", usd(n))),
        n => line(out, "costs", &format!("{}/h", usd(-n))),
    }
    for b in &a.blockers {
        line(out, "blocked", &blocker(b));
    }
    match &a.done {
        Done::Yes => {}
        Done::NotYet => line(out, "open", "not finished when the plan ends"),
        Done::Abandoned(words) => line(out, "given up", words),
    }
}

fn launch(out: &mut String, l: &Launch) {
    if !l.pods.is_empty() {
        let pods: Vec<&str> = l.pods.iter().map(String::as_str).collect();
        line(out, "pods", &list(&pods));
    }
    if !l.funnel.is_empty() {
        let stages: Vec<String> = l.funnel.iter().map(|(stage, n)| format!("{stage} {n}")).collect();
        line(out, "types", &stages.join(", "));
    }
    if !l.cheapest.is_empty() {
        let types: Vec<String> = l.cheapest.iter().map(|(name, micro)| format!("{name} {}/h", usd(*micro))).collect();
        line(out, "cheapest", &types.join(", "));
    }
    match &l.given {
        Some(m) => line(out, "comes", &format!("{} (as the cloud is modelled)", machine(m))),
        None => line(out, "comes", "nothing: the cloud had no capacity in the model"),
    }
}

fn stay(out: &mut String, s: &Stay) {
    let _ = writeln!(out, "  {}", machine(&s.machine));
    for why in &s.why {
        let _ = writeln!(out, "    {why}");
    }
    for b in &s.blockers {
        let _ = writeln!(out, "    blocked by {}", blocker(b));
    }
}

fn machine(m: &Machine) -> String {
    let parts = [m.instance_type.as_str(), m.capacity_type.as_str(), m.zone.as_str()];
    let mut text = m.node.clone();
    for part in parts.into_iter().filter(|p| !p.is_empty()) {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(part);
    }
    if m.price_micro > 0 {
        text.push_str(&format!(" {}/h", usd(m.price_micro)));
    }
    text
}

pub fn blocker(b: &Blocker) -> String {
    match b {
        Blocker::Pdb { pdb, pod } => format!("PodDisruptionBudget {pdb}: no eviction of {pod} now"),
        Blocker::Pdbs { pdbs, pod } => format!("PodDisruptionBudgets {}: more than one covers {pod}", pdbs.join(", ")),
        Blocker::Annotation { annotation, pod: Some(pod) } => format!("annotation {annotation} of pod {pod}"),
        Blocker::Annotation { annotation, pod: None } => format!("annotation {annotation} of the node"),
        Blocker::Budget { pool, reason, closed } => {
            let schedule = closed.budget.schedule.as_ref().map(|s| format!(", schedule {s:?}")).unwrap_or_default();
            let opens = match closed.opens_ms {
                Some(at) => format!("opens {}", rfc3339(at)),
                None if closed.disrupting > 0 => format!("{} under disruption already", count_of(closed.disrupting)),
                None => "no time opens it".to_owned(),
            };
            format!("budget nodes: {:?}{schedule} of {pool} for {reason}: {opens}", closed.budget.nodes)
        }
    }
}

fn count_of(n: i64) -> String {
    count(usize::try_from(n).unwrap_or(0), "node")
}

fn list(names: &[&str]) -> String {
    let shown = names.get(..LISTED).unwrap_or(names).join(", ");
    match names.len().saturating_sub(LISTED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn seconds(ms: u64) -> String {
    if ms < 60_000 { format!("{}.{}s", ms / 1000, ms % 1000 / 100) } else { format::age(ms) }
}
