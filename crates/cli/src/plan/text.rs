//! A plan as people read it.

use super::Report;
use engine::cluster::{Action, Blocker, Done, Launch, Rest, Stay};
use objects::time::rfc3339;
use std::fmt::Write as _;
use view::plan::{self, list, machine};
use view::{Lang, format};

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
    plan::title(a, Lang::En)
}

/// What stands in the way, by name.
pub fn blocker(b: &Blocker) -> String {
    plan::blocker(b, Lang::En)
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
        let pods: Vec<String> = a.evictions.iter().map(|e| e.pod.clone()).collect();
        line(out, "evicts", &list(&pods, Lang::En));
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
        line(out, "pods", &list(&l.pods, Lang::En));
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

fn seconds(ms: u64) -> String {
    if ms < 60_000 { format!("{}.{}s", ms / 1000, ms % 1000 / 100) } else { format::age(ms) }
}
