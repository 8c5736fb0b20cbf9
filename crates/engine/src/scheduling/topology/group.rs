//! One group: a key, a selector and the count of selected pods per domain, and the domains that a pod may take next.

use super::selects;
use crate::scheduling::labels;
use crate::scheduling::pod_class::Shape;
use crate::scheduling::requirements::{Requirement, Requirements};
use crate::scheduling::taints;
use objects::Era;
use objects::collections::{VecMap, VecSet};
use objects::selector::LabelSelector;
use objects::typed::{SpreadConstraint, Taint, Toleration};
use std::sync::Arc;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GroupKind {
    Spread,
    Affinity,
    AntiAffinity,
}

/// What makes two constraints the same group. `minDomains` does not: the first constraint's stays.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupKey {
    pub kind: GroupKind,
    pub key: Arc<str>,
    pub namespaces: VecSet<String>,
    pub selector: Option<LabelSelector>,
    pub max_skew: i64,
    pub filter: NodeFilter,
}

/// Which nodes a spread constraint counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeFilter {
    /// Alternatives; none means every node.
    terms: Vec<Requirements>,
    pub honor_taints: bool,
    tolerations: Vec<Toleration>,
}

impl GroupKey {
    pub fn selects(&self, shape: &Shape) -> bool {
        self.namespaces.contains(&shape.namespace) && selects(self.selector.as_ref(), &shape.labels)
    }

    pub fn is_host(&self) -> bool {
        &*self.key == labels::HOSTNAME
    }
}

impl NodeFilter {
    /// Whether every node passes.
    pub fn is_open(&self) -> bool {
        !self.honor_taints && (self.terms.is_empty() || self.terms.iter().any(Requirements::is_empty))
    }

    /// The node selector together with each required term. Era v1alpha5 does not know the two inclusion policies.
    pub fn of(era: Era, shape: &Shape, c: &SpreadConstraint) -> NodeFilter {
        let selector = Requirements::of_labels(&shape.node_selector);
        let with_term = |t: &objects::typed::NodeSelectorTerm| {
            let mut all = selector.clone();
            all.add_all(&Requirements::of_expressions(&t.expressions));
            all
        };
        let mut terms: Vec<Requirements> = shape.affinity.node_required.iter().map(with_term).collect();
        if terms.is_empty() {
            terms.push(selector.clone());
        }
        if era == Era::V1 && !c.honor_affinity {
            terms.clear();
        }
        let honor_taints = era == Era::V1 && c.honor_taints;
        // Tolerations tell groups of era v1 apart even where taints do not matter.
        let tolerations = if era == Era::V1 { shape.tolerations.clone() } else { Vec::new() };
        NodeFilter { terms, honor_taints, tolerations }
    }

    pub fn matches(&self, node_taints: &[Taint], node: &Requirements, allow_well_known: Option<Era>) -> bool {
        (self.terms.is_empty() || self.terms.iter().any(|t| node.compatible(t, allow_well_known)))
            && (!self.honor_taints || taints::tolerated(node_taints, &self.tolerations))
    }
}

/// Counts of one round.
#[derive(Clone, Debug)]
pub struct Group {
    pub key: Arc<GroupKey>,
    /// Its number among all groups of the cluster.
    pub number: usize,
    pub min_domains: Option<i64>,
    /// Pods counted per domain, unless the domains are hosts.
    pub domains: VecMap<Arc<str>, i64>,
    /// Pods counted per host; [`UNKNOWN`] for hosts that the group has not heard of.
    pub hosts: Vec<i64>,
    /// Domains with pods.
    pub used: usize,
    /// Rises with every change.
    pub version: u64,
}

pub const UNKNOWN: i64 = -1;

impl Group {
    pub fn new(key: Arc<GroupKey>, number: usize) -> Group {
        Group { key, number, min_domains: None, domains: VecMap::new(), hosts: Vec::new(), used: 0, version: 0 }
    }

    pub fn record(&mut self, domain: &Arc<str>) {
        self.record_many(domain, 1);
    }

    /// Counts so many pods, one at least.
    pub fn record_many(&mut self, domain: &Arc<str>, pods: u32) {
        let count = match self.domains.get_mut(domain) {
            Some(count) => count,
            None => self.domains.entry(domain.clone()).or_insert(0),
        };
        self.used += usize::from(*count == 0);
        *count += i64::from(pods);
        self.version += u64::from(pods);
    }

    pub fn record_host(&mut self, host: u32) {
        self.record_many_on_host(host, 1);
    }

    pub fn record_many_on_host(&mut self, host: u32, pods: u32) {
        self.register_host(host);
        if let Some(count) = self.hosts.get_mut(host as usize) {
            self.used += usize::from(*count == 0);
            *count += i64::from(pods);
            self.version += u64::from(pods);
        }
    }

    pub fn register_host(&mut self, host: u32) {
        let at = host as usize;
        if self.hosts.len() <= at {
            self.hosts.resize(at + 1, UNKNOWN);
        }
        if let Some(count) = self.hosts.get_mut(at).filter(|c| **c == UNKNOWN) {
            *count = 0;
            self.version += 1;
        }
    }

    /// The group with its hosts by name, as the questions below read them.
    pub fn spelled(&self, names: &[Arc<str>]) -> Group {
        let counts = names.iter().zip(&self.hosts).filter(|(_, count)| **count != UNKNOWN);
        Group { domains: counts.map(|(name, count)| (name.clone(), *count)).collect(), ..self.clone() }
    }

    /// Whether a node of that name may take a pod, which [`Self::next`] would answer with the name itself, and whether
    /// a refusal is for good: counts only rise. `own`: the group selects the pod; `pod` is what it asks of host names.
    pub fn host_allows(&self, era: Era, host: u32, names: &[Arc<str>], own: bool, pod: Option<&Requirement>) -> (bool, bool) {
        let count = self.hosts.get(host as usize).copied().unwrap_or(UNKNOWN);
        let is_known = era == Era::V1 || count != UNKNOWN;
        let pods = count.max(0);
        let has = |host: usize| pod.is_none_or(|p| names.get(host).is_some_and(|name| p.has(name)));
        match self.key.kind {
            GroupKind::Spread => {
                let fits = pods + i64::from(own) <= self.key.max_skew;
                (is_known && fits, !fits)
            }
            GroupKind::AntiAffinity => (is_known && pods == 0 && (era == Era::V1 || has(host as usize)), pods > 0),
            GroupKind::Affinity => {
                let elsewhere = || match pod {
                    None => self.used > 0,
                    Some(_) => self.hosts.iter().enumerate().any(|(host, count)| *count > 0 && has(host)),
                };
                let here = has(host as usize) && (pods > 0 || (own && is_known && !elsewhere()));
                (here, false)
            }
        }
    }

    pub fn selects(&self, shape: &Shape) -> bool {
        self.key.selects(shape)
    }

    fn is_hostname(&self) -> bool {
        self.key.is_host()
    }

    fn count_of(&self, domain: &str) -> i64 {
        self.domains.get(domain).copied().unwrap_or(0)
    }

    /// The domains that a pod may take on a node; empty where there is none.
    pub fn next(&self, era: Era, shape: &Shape, pod: &Requirement, node: &Requirement) -> Requirement {
        let own_host = if self.is_hostname() && era == Era::V1 { node.single() } else { None };
        match (self.key.kind, own_host) {
            (GroupKind::Spread, Some(host)) => {
                // A new host can always be made, so the lowest count is zero.
                let count = self.count_of(host) + i64::from(self.selects(shape));
                self.these(if count <= self.key.max_skew { Some(host) } else { None })
            }
            (GroupKind::Spread, None) => self.next_spread(shape, pod, node),
            (GroupKind::Affinity, Some(host)) => {
                let start = || self.selects(shape) && (self.is_unused() || !self.any_used(pod));
                let ok = pod.has(host) && (self.count_of(host) > 0 || start());
                self.these(if ok { Some(host) } else { None })
            }
            (GroupKind::Affinity, None) => self.next_affinity(era, shape, pod, node),
            (GroupKind::AntiAffinity, Some(host)) => self.these(if self.count_of(host) == 0 { Some(host) } else { None }),
            (GroupKind::AntiAffinity, None) => self.next_anti_affinity(era, pod, node),
        }
    }

    fn these<'d>(&self, domains: impl IntoIterator<Item = &'d Arc<str>>) -> Requirement {
        Requirement::is_in(&self.key.key, domains)
    }

    /// Known domains among those of the node, with their counts.
    fn known_in<'d>(&'d self, node: &'d Requirement) -> Vec<(&'d Arc<str>, i64)> {
        if node.is_complement() {
            self.domains.iter().filter(|(d, _)| node.has(d)).map(|(d, c)| (d, *c)).collect()
        } else {
            node.values().filter_map(|d| self.domains.get_key_value(d)).map(|(d, c)| (d, *c)).collect()
        }
    }

    fn next_spread(&self, shape: &Shape, pod: &Requirement, node: &Requirement) -> Requirement {
        let lowest = self.lowest(pod);
        let own = i64::from(self.selects(shape));
        let mut best: Option<(i64, &Arc<str>)> = None;
        for (domain, count) in self.known_in(node) {
            let count = count + own;
            if count - lowest <= self.key.max_skew && best.is_none_or(|(c, _)| count < c) {
                best = Some((count, domain));
            }
        }
        self.these(best.map(|(_, d)| d))
    }

    fn lowest(&self, pod: &Requirement) -> i64 {
        if self.is_hostname() {
            return 0;
        }
        let counts: Vec<i64> = self.domains.iter().filter(|(d, _)| pod.has(d)).map(|(_, c)| *c).collect();
        let supported = i64::try_from(counts.len()).unwrap_or(i64::MAX);
        if self.min_domains.is_some_and(|n| supported < n) {
            return 0;
        }
        counts.into_iter().min().unwrap_or(i64::from(i32::MAX))
    }

    fn is_unused(&self) -> bool {
        self.domains.values().all(|c| *c == 0)
    }

    fn any_used(&self, pod: &Requirement) -> bool {
        self.domains.iter().any(|(d, c)| *c > 0 && pod.has(d))
    }

    fn next_affinity(&self, era: Era, shape: &Shape, pod: &Requirement, node: &Requirement) -> Requirement {
        let used = |(d, c): &(&Arc<str>, i64)| *c > 0 && pod.has(d);
        let options: Vec<&Arc<str>> = match era {
            Era::V1 => self.known_in(node).into_iter().filter(used).map(|(d, _)| d).collect(),
            Era::V1alpha5 => self.domains.iter().map(|(d, c)| (d, *c)).filter(used).map(|(d, _)| d).collect(),
        };
        let may_start = match era {
            Era::V1 => self.is_unused() || !self.any_used(pod),
            Era::V1alpha5 => true,
        };
        if !options.is_empty() || !self.selects(shape) || !may_start {
            return self.these(options);
        }
        // The first of its kind may start anywhere: where the node already is if that is possible.
        let here = self.known_in(node).into_iter().map(|(d, _)| d).find(|d| pod.has(d));
        let anywhere = self.domains.keys().find(|d| pod.has(d));
        self.these(here.into_iter().chain(anywhere))
    }

    fn next_anti_affinity(&self, era: Era, pod: &Requirement, node: &Requirement) -> Requirement {
        let free = |(d, c): &(&Arc<str>, i64)| *c == 0 && pod.has(d);
        let here = self.known_in(node).into_iter().filter(free).map(|(d, _)| d);
        let options = self.these(here);
        if era == Era::V1 || !options.is_empty() {
            return options;
        }
        // Era v1alpha5 looks at the pod's domains only and leaves the node's for the check that follows.
        self.these(self.domains.iter().map(|(d, c)| (d, *c)).filter(free).map(|(d, _)| d))
    }

    pub fn refusal(&self, era: Era, pod: &Requirement, node: &Requirement) -> String {
        let kind = match self.key.kind {
            GroupKind::Spread => "topology spread",
            GroupKind::Affinity => "pod affinity",
            GroupKind::AntiAffinity => "pod anti-affinity",
        };
        let (counts, end) = match era {
            Era::V1alpha5 => {
                let all: Vec<String> = self.domains.iter().map(|(d, c)| format!("{d}:{c}")).collect();
                (format!("map[{}]", all.join(" ")), ")")
            }
            Era::V1 => {
                let shown: Vec<String> = self.domains.iter().take(25).map(|(d, c)| format!("{d}: {c}")).collect();
                let more = self.domains.len().saturating_sub(25);
                let more = if more > 0 { format!(" and {more} other(s)") } else { String::new() };
                (format!("{}{more}", shown.join(", ")), "")
            }
        };
        format!(
            "unsatisfiable topology constraint for {kind}, key={} (counts = {counts}, podDomains = {}, nodeDomains = {}{end}",
            self.key.key,
            pod.text(era),
            node.text(era)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(kind: GroupKind, counts: &[(&str, i64)]) -> Group {
        Group {
            key: Arc::new(GroupKey {
                kind,
                key: Arc::from(labels::ZONE),
                namespaces: VecSet::from(["default".to_owned()]),
                selector: Some(LabelSelector::default()),
                max_skew: 1,
                filter: NodeFilter::default(),
            }),
            number: 0,
            min_domains: None,
            hosts: Vec::new(),
            used: 0,
            version: 0,
            domains: counts.iter().map(|(d, c)| (Arc::from(*d), *c)).collect(),
        }
    }

    #[test]
    fn next_domains() {
        let shape = Shape { namespace: "default".to_owned(), ..Shape::default() };
        let check = |g: &Group, pod: Requirement, node: Requirement, a: &str, b: &str| {
            let text = |era| {
                let values: Vec<String> = g.next(era, &shape, &pod, &node).values().map(|v| v.to_string()).collect();
                values.join(" ")
            };
            assert_eq!((text(Era::V1alpha5).as_str(), text(Era::V1).as_str()), (a, b), "{g:?}");
        };
        let any = || Requirement::exists(labels::ZONE);
        let only = |zones: &[&str]| Requirement::is_in(labels::ZONE, zones);
        let spread = group(GroupKind::Spread, &[("a", 2), ("b", 1), ("c", 1)]);
        check(&spread, any(), any(), "b", "b");
        check(&spread, any(), only(&["a"]), "", "");
        check(&spread, only(&["a"]), only(&["a"]), "a", "a");
        let with_minimum = Group { min_domains: Some(4), ..spread };
        check(&with_minimum, any(), any(), "", "");
        let near = group(GroupKind::Affinity, &[("a", 0), ("b", 1), ("c", 1)]);
        check(&near, any(), any(), "b c", "b c");
        check(&near, any(), only(&["c"]), "b c", "c");
        check(&near, any(), only(&["a"]), "b c", "");
        check(&near, only(&["a"]), any(), "a", "a");
        let unused = group(GroupKind::Affinity, &[("a", 0), ("b", 0)]);
        check(&unused, any(), only(&["b"]), "a b", "a b");
        let apart = group(GroupKind::AntiAffinity, &[("a", 0), ("b", 1), ("c", 0)]);
        check(&apart, any(), any(), "a c", "a c");
        check(&apart, any(), only(&["b"]), "a c", "");
    }
}
