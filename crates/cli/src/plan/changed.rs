//! The difference that changed manifests make: the plan of the cluster as it is, and of the same cluster after an apply.

use super::{Report, text};
use crate::Failure;
use engine::cluster::{Action, Plan};
use engine::session::{Request, Validation, Verdict, World};
use objects::{DocExt, Kind, Value, json};
use view::format;

/// Applies the documents to a cluster as `kubectl apply` does; what became of each.
pub fn apply(world: &mut World, docs: &[(String, Value)]) -> Result<Vec<String>, Failure> {
    let one = |(place, doc): &(String, Value)| {
        let failed = |what: &str| Failure { message: format!("{place}: {what}"), exit: 1 };
        let version = doc.str_at("apiVersion").unwrap_or_default();
        let kind = doc.str_at("kind").unwrap_or_default();
        let known = Kind::of(version, kind).filter(|k| k.served_in(world.cluster.profile.era));
        let era = world.cluster.profile.era.as_str();
        let known = known.ok_or_else(|| failed(&format!("no kind {kind:?} of {version:?} in a cluster of version {era}")))?;
        let request = Request::Apply { doc: doc.clone(), dry_run: false, validation: Validation::Strict };
        let outcome = world.request(&request).map_err(|error| failed(&error.message))?;
        let verdict = match outcome.verdict {
            Verdict::Created => "created",
            Verdict::Unchanged => "unchanged",
            _ => "configured",
        };
        let name = outcome.object.map(|o| o.meta.name.clone()).unwrap_or_default();
        Ok(format!("{}/{name} {verdict}", known.singular_resource()))
    };
    docs.iter().map(one).collect()
}

/// What an action is, for a comparison: its title and the nodes that go.
fn label(a: &Action) -> String {
    let nodes: Vec<&str> = a.nodes.iter().map(|m| m.node.as_str()).collect();
    let list = if nodes.is_empty() { String::new() } else { format!(" ({})", nodes.join(", ")) };
    format!("{}{list}", text::title(a))
}

/// Labels of the actions that only the first plan has, and of those that only the second has.
fn differences(before: &Plan, after: &Plan) -> (Vec<String>, Vec<String>) {
    let mut new: Vec<String> = after.actions.iter().map(label).collect();
    let mut gone = Vec::new();
    for label in before.actions.iter().map(label) {
        match new.iter().position(|l| *l == label) {
            Some(at) => {
                new.remove(at);
            }
            None => gone.push(label),
        }
    }
    (gone, new)
}

pub fn text(report: &Report, before: &Plan, verdicts: &[String]) -> String {
    let after = &report.plan;
    let (gone, new) = differences(before, after);
    let mut out = String::new();
    for verdict in verdicts {
        out.push_str(&format!("{verdict}\n"));
    }
    out.push_str("\nThe difference to the plan without them:\n");
    for (sign, labels) in [('-', &gone), ('+', &new)] {
        for label in labels {
            out.push_str(&format!("  {sign} {label}\n"));
        }
    }
    if gone.is_empty() && new.is_empty() {
        out.push_str("  no action is another\n");
    }
    let rate = |plan: &Plan| format!("{} nodes, {}/h", plan.after.nodes, format::usd(plan.after.price_micro, 4));
    out.push_str(&format!("  in the end {} instead of {}\n\n", rate(after), rate(before)));
    out.push_str(&text::report(report));
    out
}

pub fn json(report: &Report, before: &Plan, verdicts: &[String]) -> Value {
    let (gone, new) = differences(before, &report.plan);
    json!({
        "applied": verdicts, "before": super::json::plan(before), "after": super::json::report(report),
        "difference": {
            "gone": gone, "new": new,
            "savesMicroPerHour": before.after.price_micro.saturating_sub(report.plan.after.price_micro),
        },
    })
}
