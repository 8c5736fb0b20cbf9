//! What groups count before a round places anything: the domains that pools could provide, those of nodes, and the pods
//! that stay where they are. What does not change between rounds is read once.

use super::super::cluster::{Cluster, NodeInput};
use super::super::requirements::Requirements;
use super::super::taints;
use super::Hosts;
use super::group::{Group, GroupKey};
use objects::collections::{VecMap, VecSet};
use objects::selector::Operator;
use objects::typed::{Taint, Toleration};
use std::sync::Arc;

/// Domains that pools could provide, each with the taint lists of the pools that could.
pub type Domains = VecMap<Arc<str>, Vec<Vec<Taint>>>;

pub struct Counted<'a> {
    cluster: &'a Cluster,
    /// Pods that are being placed: they do not count where they are now.
    moving: Vec<bool>,
    moved: Vec<usize>,
    /// Nodes that take part.
    active: Vec<bool>,
    /// Made when a group asks.
    node_requirements: Vec<Requirements>,
    /// By pod its node and which labels it has, for those that count on nodes that exist.
    settled: Vec<Option<(usize, usize)>>,
    /// A pod for every namespace and set of labels.
    looks: Vec<usize>,
    universe: VecMap<Arc<str>, Domains>,
    /// Per group in order of number.
    groups: Vec<Prepared>,
}

/// What a group counts, whatever the round.
#[derive(Debug)]
struct Prepared {
    /// Domains that pools could provide to it.
    reachable: Vec<Arc<str>>,
    /// Which looks it selects.
    selected: Vec<bool>,
    /// Which nodes it looks at (every node where that is empty), and their domains.
    passes: Vec<bool>,
    node_domain: Vec<Option<Arc<str>>>,
    /// By node the number of its host, where that stays known; for groups of hosts only.
    hosts: Vec<Option<u32>>,
    /// By node how many pods it counts there.
    standing: Vec<u32>,
}

impl<'a> Counted<'a> {
    pub fn new(cluster: &'a Cluster) -> Counted<'a> {
        Counted {
            cluster,
            moving: Vec::new(),
            moved: Vec::new(),
            active: Vec::new(),
            node_requirements: Vec::new(),
            settled: Vec::new(),
            looks: Vec::new(),
            universe: VecMap::new(),
            groups: Vec::new(),
        }
    }

    pub fn begin(&mut self, moving: &[usize], active: Vec<bool>) {
        self.moving.clear();
        self.moving.resize(self.cluster.pods.len(), false);
        for i in moving {
            if let Some(slot) = self.moving.get_mut(*i) {
                *slot = true;
            }
        }
        self.moved = moving.to_vec();
        self.active = active;
    }

    pub fn is_moving(&self, pod: usize) -> bool {
        self.moving.get(pod).copied().unwrap_or(false)
    }

    fn settle(&mut self, cluster: &'a Cluster) {
        self.settled.resize(cluster.pods.len(), None);
        let mut numbers: VecMap<(&VecMap<String, String>, &str), usize> = VecMap::new();
        for (i, pod) in cluster.pods.iter().enumerate().filter(|(_, p)| p.counts) {
            let Some(node) = pod.node.filter(|n| cluster.nodes.get(*n).is_some_and(|n| n.has_node)) else { continue };
            let next = self.looks.len();
            let look = *numbers.entry((&pod.labels, pod.namespace.as_str())).or_insert(next);
            if look == next {
                self.looks.push(i);
            }
            if let Some(slot) = self.settled.get_mut(i) {
                *slot = Some((node, look));
            }
        }
    }

    /// Reads what the next group counts. `tolerations` are those of the pod that brings it up.
    pub fn prepare(&mut self, key: &GroupKey, tolerations: &[Toleration], hosts: &Hosts) {
        let cluster = self.cluster;
        if self.groups.is_empty() {
            self.settle(cluster);
        }
        let reached =
            |taints: &Vec<Vec<Taint>>| !key.filter.honor_taints || taints.iter().any(|t| taints::tolerated(t, tolerations));
        let all = self.universe.entry(key.key.clone()).or_insert_with(|| universe(cluster, &key.key));
        let reachable = all.iter().filter(|(_, taints)| reached(taints)).map(|(domain, _)| domain.clone()).collect();
        // A missing selector selects nobody, but the listing that counts takes it for everybody.
        let selects = |pod: &usize| {
            cluster.pods.get(*pod).is_some_and(|p| {
                key.namespaces.contains(&p.namespace) && key.selector.as_ref().is_none_or(|s| s.matches(&p.labels))
            })
        };
        let mut names: VecSet<Arc<str>> = VecSet::new();
        let mut shared = |name: &String| {
            if let Some(known) = names.get(name.as_str()) {
                return known.clone();
            }
            let name: Arc<str> = Arc::from(name.as_str());
            names.insert(name.clone());
            name
        };
        let selected: Vec<bool> = self.looks.iter().map(selects).collect();
        let passes: Vec<bool> = match key.filter.is_open() {
            true => Vec::new(),
            false => {
                if self.node_requirements.is_empty() {
                    self.node_requirements = cluster.nodes.iter().map(|n| Requirements::of_labels(&n.labels)).collect();
                }
                let nodes = cluster.nodes.iter().zip(&self.node_requirements);
                nodes.map(|(n, r)| key.filter.matches(&n.node_taints, r, None)).collect()
            }
        };
        let mut standing = vec![0; cluster.nodes.len()];
        for (node, look) in self.settled.iter().flatten() {
            if selected.get(*look).copied().unwrap_or(false)
                && passes.get(*node).copied().unwrap_or(true)
                && let Some(count) = standing.get_mut(*node)
            {
                *count += 1;
            }
        }
        let host = |n: &NodeInput| hosts.lasting(n.labels.get(&*key.key).unwrap_or(&n.name));
        self.groups.push(Prepared {
            reachable,
            selected,
            passes,
            node_domain: cluster.nodes.iter().map(|n| n.labels.get(&*key.key).map(&mut shared)).collect(),
            hosts: if key.is_host() { cluster.nodes.iter().map(host).collect() } else { Vec::new() },
            standing,
        });
    }

    /// The domains that pools could provide, without pods.
    pub fn offer(&mut self, group: &mut Group, hosts: &mut Hosts) {
        let cluster = self.cluster;
        let all = self.universe.entry(group.key.key.clone()).or_insert_with(|| universe(cluster, &group.key.key));
        offer(group, all.keys(), hosts);
    }

    /// Counts the pods that stay. Which node comes first makes no difference.
    pub fn count(&self, group: &mut Group, hosts: &mut Hosts) {
        let Some(prepared) = self.groups.get(group.number) else { return };
        offer(group, prepared.reachable.iter(), hosts);
        let (is_host, is_v1) = (group.key.is_host(), self.cluster.rules.is_v1());
        for (i, (node, pods)) in self.cluster.nodes.iter().zip(self.staying(prepared)).enumerate() {
            let shows =
                || is_v1 && node.has_node && self.active.get(i) == Some(&true) && prepared.passes.get(i).copied().unwrap_or(true);
            if pods == 0 && !shows() {
                continue;
            }
            let domain = prepared.node_domain.get(i).and_then(Option::as_ref);
            match domain {
                Some(domain) if !is_host && pods > 0 => group.record_many(domain, pods),
                Some(domain) if !is_host && !group.domains.contains_key(domain) => {
                    group.domains.insert(domain.clone(), 0);
                }
                // A host without the label goes by the name of its node, once it has pods.
                _ if is_host && (pods > 0 || domain.is_some()) => {
                    let known = prepared.hosts.get(i).copied().flatten();
                    let host = known.unwrap_or_else(|| hosts.number(domain.map_or(&node.name, |d| d)));
                    if pods > 0 { group.record_many_on_host(host, pods) } else { group.register_host(host) }
                }
                _ => {}
            }
        }
    }

    /// By node how many of the pods that the group selects stay.
    fn staying(&self, prepared: &Prepared) -> Vec<u32> {
        let mut staying = prepared.standing.clone();
        for (node, look) in self.moved.iter().filter_map(|pod| self.settled.get(*pod).copied().flatten()) {
            if prepared.selected.get(look) == Some(&true)
                && prepared.passes.get(node).copied().unwrap_or(true)
                && let Some(count) = staying.get_mut(node)
            {
                *count -= 1;
            }
        }
        staying
    }
}

fn offer<'d>(group: &mut Group, domains: impl Iterator<Item = &'d Arc<str>>, hosts: &mut Hosts) {
    if group.key.is_host() {
        domains.for_each(|name| group.register_host(hosts.number(name)));
    } else {
        group.domains = domains.map(|d| (d.clone(), 0)).collect();
    }
}

/// The values of a key that types of the open pools could have, within what each pool asks.
pub fn universe(cluster: &Cluster, key: &str) -> Domains {
    let mut all = Domains::new();
    for pool in cluster.pools.iter().filter(|p| !p.closed) {
        let mut asked = Requirements::of_expressions(&pool.requirements);
        asked.add_all(&Requirements::of_labels(&pool.labels));
        let pool_values = asked.get(key);
        let mut values: VecSet<Arc<str>> = VecSet::new();
        for t in cluster.types.iter() {
            match (pool_values, t.requirements.get(key)) {
                (Some(p), Some(r)) => values.extend(r.intersection(p).values().cloned()),
                (Some(r), None) | (None, Some(r)) => values.extend(r.values().cloned()),
                (None, None) => {}
            }
        }
        if let Some(r) = pool_values.filter(|r| r.operator() == Operator::In) {
            values.extend(r.values().cloned());
        }
        for value in values {
            let lists = all.entry(value).or_default();
            if pool.taints.is_empty() {
                *lists = vec![Vec::new()];
            } else if lists.first().is_none_or(|l| !l.is_empty()) {
                lists.push(pool.taints.clone());
            }
        }
    }
    all
}
