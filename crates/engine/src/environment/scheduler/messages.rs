//! The sentence behind FailedScheduling, as the era's scheduler says it.
//!
//! Source: kubernetes pkg/scheduler/framework/types.go `FitError`, v1.27 (every part is closed by a full stop, so that the
//! end of the preemption part is doubled) and v1.35 (recorded).

use objects::Era;
use objects::collections::Order as _;
use objects::collections::VecMap;

/// How many nodes gave each reason.
pub(super) type Histogram = VecMap<String, usize>;

/// `3 Insufficient cpu, 1 node(s) were unschedulable`, in the order of the finished strings.
fn reasons(histogram: &Histogram) -> String {
    let mut parts: Vec<String> = histogram.iter().map(|(reason, n)| format!("{n} {reason}")).collect();
    parts.order();
    parts.join(", ")
}

/// What preemption answers: a sentence about nodes, or another one.
pub(super) enum Preemption {
    Nodes(Histogram),
    Said(String),
}

pub(super) fn fit_error(
    era: Era,
    n_nodes: usize,
    blocked: Option<&str>,
    histogram: &Histogram,
    preemption: &Preemption,
) -> String {
    let mut text = format!("0/{n_nodes} nodes are available:");
    match blocked {
        Some(reason) => text.push_str(&format!(" {reason}.")),
        None if !histogram.is_empty() => text.push_str(&format!(" {}.", reasons(histogram))),
        None => {}
    }
    let said = match preemption {
        Preemption::Nodes(histogram) if histogram.is_empty() => format!("0/{n_nodes} nodes are available:"),
        Preemption::Nodes(histogram) => format!("0/{n_nodes} nodes are available: {}.", reasons(histogram)),
        Preemption::Said(text) => text.clone(),
    };
    match era {
        Era::V1alpha5 => text.push_str(&format!(" preemption: {said}.")),
        Era::V1 => text.push_str(&format!(" no new claims to deallocate, preemption: {said}")),
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(era: Era, n: usize, filter: &[(&str, usize)], preempt: &[(&str, usize)], want: &str) {
        let map = |list: &[(&str, usize)]| list.iter().map(|(r, n)| ((*r).to_owned(), *n)).collect::<Histogram>();
        assert_eq!(fit_error(era, n, None, &map(filter), &Preemption::Nodes(map(preempt))), want);
    }

    const NO_VICTIMS: &str = "No preemption victims found for incoming pod";
    const NOT_HELPFUL: &str = "Preemption is not helpful for scheduling";

    #[test]
    fn says_what_the_eras_say() {
        check(
            Era::V1alpha5,
            2,
            &[("Insufficient cpu", 2)],
            &[(NO_VICTIMS, 2)],
            "0/2 nodes are available: 2 Insufficient cpu. preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod..",
        );
        check(
            Era::V1,
            2,
            &[("Insufficient cpu", 2)],
            &[(NO_VICTIMS, 2)],
            "0/2 nodes are available: 2 Insufficient cpu. no new claims to deallocate, preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.",
        );
        check(
            Era::V1,
            3,
            &[("node(s) had untolerated taint(s)", 1), ("Insufficient cpu", 2)],
            &[(NO_VICTIMS, 2), (NOT_HELPFUL, 1)],
            "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient cpu. no new claims to deallocate, preemption: 0/3 nodes are available: 1 Preemption is not helpful for scheduling, 2 No preemption victims found for incoming pod.",
        );
        check(
            Era::V1,
            4,
            &[("node(s) had untolerated taint(s)", 2), ("Insufficient cpu", 2)],
            &[(NO_VICTIMS, 2), (NOT_HELPFUL, 2)],
            "0/4 nodes are available: 2 Insufficient cpu, 2 node(s) had untolerated taint(s). no new claims to deallocate, preemption: 0/4 nodes are available: 2 No preemption victims found for incoming pod, 2 Preemption is not helpful for scheduling.",
        );
    }
}
