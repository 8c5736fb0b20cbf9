//! A claim that the round opens: the pods on it, and the types that could still carry them.
//! Source: kubernetes-sigs/karpenter pkg/controllers/provisioning/scheduling/nodeclaim.go v0.31.4 and v1.14.1.

use super::cluster::{Cluster, PoolInput};
use super::columns::Columns;
use super::daemons::{self, DaemonGroup, Residents};
use super::host_ports;
use super::labels;
use super::pod_class::{Class, Kind, Names};
use super::requirements::{Requirement, Requirements};
use super::reservations::{Reservations, Wanted};
use super::rules::MinValues;
use super::states::States;
use super::taints;
use super::text;
use super::topology::Topology;
use super::type_set::TypeSet;
use super::type_table::{Filtered, min_values_text};
use objects::typed::HostPort;
use objects::{Era, Resources};

/// A pool as the start of new claims.
#[derive(Debug)]
pub struct Template {
    /// Index into the cluster's pools.
    pub pool: usize,
    pub state: u32,
    pub types: TypeSet,
    pub groups: Vec<DaemonGroup>,
    /// The groups' overheads over the planner's resource names.
    overheads: Vec<Vec<i64>>,
    /// The least of them, per resource.
    least: Vec<i64>,
}

impl Template {
    /// `None` (era v1) where the pool's own requirements leave no type.
    pub fn new(
        cluster: &Cluster,
        pool: usize,
        input: &PoolInput,
        names: &Names,
        states: &mut States<'_>,
        residents: &mut Residents<'_>,
    ) -> Option<Template> {
        let rules = &cluster.rules;
        let mut requirements = Requirements::of_expressions(&input.requirements);
        requirements.add_all(&Requirements::of_labels(&input.labels));
        requirements.add(Requirement::is_in(rules.pool_label(), [&input.name]));
        let mut usable = cluster.types.members(input.block);
        if rules.is_v1() {
            if !input.node_class.is_empty() {
                requirements.add(Requirement::is_in(rules.class_label(), [&input.node_class]));
            }
            for key in [labels::REGISTERED, labels::INITIALIZED] {
                requirements.add(Requirement::is_in(key, ["true"]));
            }
        }
        let state = states.number(requirements.clone(), false);
        if rules.is_v1() {
            usable.keep(states.usable(state)?);
            let order: Vec<usize> = usable.iter().collect();
            let lacks = states.table.satisfies_min_values(&order, &requirements).is_err();
            if usable.is_empty() || (lacks && rules.min_values == MinValues::Strict) {
                return None;
            }
        }
        let groups = daemons::groups(cluster, &input.taints, &requirements, &usable, residents);
        let overheads: Vec<Vec<i64>> = groups.iter().map(|g| names.row(&g.overhead)).collect();
        let least = (0..names.0.len()).map(|i| overheads.iter().filter_map(|o| o.get(i)).min().copied().unwrap_or(0)).collect();
        Some(Template { pool, state, types: usable, groups, overheads, least })
    }
}

#[derive(Debug)]
pub struct NewClaim {
    /// Index into the round's templates.
    pub template: usize,
    pub pods: Vec<usize>,
    /// What is asked of its node, by number.
    pub state: u32,
    pub host: u32,
    pub types: TypeSet,
    pub min_values_relaxed: bool,
    /// Requests of the pods over the planner's resource names.
    amounts: Vec<i64>,
    /// Per resource what the type with most of it would leave.
    room: Vec<i64>,
    /// Ports of the pods.
    ports: Vec<HostPort>,
    /// Reservations that it holds.
    pub reserved: Wanted,
}

/// How a claim would be with one more pod.
pub struct Fit {
    pub state: u32,
    types: TypeSet,
    min_values_relaxed: bool,
    reserved: Wanted,
}

/// Why a claim cannot take a pod as far as types matter.
pub enum NoType {
    /// No type is left.
    None,
    /// It failed for reserved capacity alone: the pod should wait rather than give anything up.
    Reserved(&'static str),
}

/// What filtering types looks at besides claim and pod.
pub struct Context<'c, 'a> {
    pub cluster: &'a Cluster,
    pub template: &'c Template,
    pub states: &'c mut States<'a>,
    pub columns: &'c Columns,
    pub reservations: &'c Reservations,
    /// A claim that would be new may have fewer values than `minValues` asks (policy BestEffort).
    pub is_new: bool,
}

impl NewClaim {
    /// A claim without pods.
    pub fn new(template: usize, from: &Template, types: TypeSet, host: u32) -> NewClaim {
        NewClaim {
            template,
            pods: Vec::new(),
            state: from.state,
            host,
            types,
            min_values_relaxed: false,
            amounts: vec![0; from.least.len()],
            room: vec![i64::MAX; from.least.len()],
            ports: Vec::new(),
            reserved: Wanted::default(),
        }
    }

    /// Whether some type may have room for the requests, each resource looked at by itself. What is refused here stays
    /// refused.
    pub fn has_room(&self, class: &Class) -> bool {
        self.room.iter().zip(&class.amounts).all(|(room, asked)| asked <= room)
    }

    /// Whether the pod's ports are free beside those of the pods; DaemonSets apart.
    pub fn ports_are_free(&self, kind: &Kind) -> bool {
        host_ports::conflict(&kind.shape.host_ports, self.ports.iter()).is_none()
    }

    fn asked<'s>(&'s self, class: &'s Class, overhead: &'s [i64]) -> impl Iterator<Item = i64> + 's {
        let both = self.amounts.iter().zip(&class.amounts).map(|(a, b)| a.saturating_add(*b));
        both.zip(overhead).map(|(a, b)| a.saturating_add(*b))
    }

    /// The types that could carry the pod too in a state.
    fn left(&self, state: u32, kind: &Kind, class: &Class, cx: &mut Context<'_, '_>) -> TypeSet {
        let mut usable = self.types.clone();
        match cx.states.usable(state) {
            Some(set) => usable.keep(set),
            None => usable.clear(),
        }
        let groups = cx.template.groups.iter().zip(&cx.template.overheads);
        if let ([group], [overhead]) = (cx.template.groups.as_slice(), cx.template.overheads.as_slice()) {
            if !self.clashes(kind, group, cx.cluster.rules.era) {
                usable.keep(&group.types);
                cx.columns.keep(&mut usable, self.asked(class, overhead));
                return usable;
            }
            usable.clear();
            return usable;
        }
        let mut left = TypeSet::empty(cx.states.table.len());
        for (group, overhead) in groups {
            if !self.clashes(kind, group, cx.cluster.rules.era) {
                let mut here = usable.and(&group.types);
                cx.columns.keep(&mut here, self.asked(class, overhead));
                left.add(&here);
            }
        }
        left
    }

    /// Era v1: DaemonSets of these types hold a port that the pod asks for.
    fn clashes(&self, kind: &Kind, group: &DaemonGroup, era: Era) -> bool {
        let used = self.ports.iter().chain(&group.ports);
        era == Era::V1 && host_ports::conflict(&kind.shape.host_ports, used).is_some()
    }

    /// Whether a pod of the class fits as a claim in that state.
    pub fn fit(&self, state: u32, kind: &Kind, class: &Class, cx: &mut Context<'_, '_>) -> Result<Fit, NoType> {
        let rules = &cx.cluster.rules;
        let left = self.left(state, kind, class, cx);
        if left.is_empty() {
            return Err(NoType::None);
        }
        let Some(requirements) = cx.states.get(state).map(|s| s.requirements.clone()) else { return Err(NoType::None) };
        let mut fit = Fit { state, types: left, min_values_relaxed: false, reserved: Wanted::default() };
        if requirements.has_min_values() {
            let order: Vec<usize> = fit.types.iter().collect();
            if let Err(keys) = cx.states.table.satisfies_min_values(&order, &requirements) {
                if !cx.is_new || rules.min_values != MinValues::BestEffort {
                    return Err(NoType::None);
                }
                fit.min_values_relaxed = true;
                let mut wanted = requirements.clone();
                for (key, n) in &keys {
                    if let Some(r) = wanted.get(key).cloned() {
                        wanted.replace(r.with_min_values(Some(*n)));
                    }
                }
                fit.state = cx.states.number(wanted, false);
            }
        }
        if rules.reserved_capacity && !cx.reservations.is_empty() {
            let wanted = cx.reservations.want(&self.reserved, cx.states.table, &fit.types, &requirements);
            fit.reserved = wanted.map_err(NoType::Reserved)?;
        }
        Ok(fit)
    }

    pub fn add(&mut self, pod: usize, kind: &Kind, class: &Class, fit: Fit, least: &Template, columns: &Columns) {
        self.pods.push(pod);
        for (amount, asked) in self.amounts.iter_mut().zip(&class.amounts) {
            *amount = amount.saturating_add(*asked);
        }
        self.state = fit.state;
        self.types = fit.types;
        self.min_values_relaxed |= fit.min_values_relaxed;
        self.reserved = fit.reserved;
        self.ports.extend(kind.shape.host_ports.iter().cloned());
        for (resource, ((room, used), least)) in self.room.iter_mut().zip(&self.amounts).zip(&least.least).enumerate() {
            let most = columns.most(resource, &self.types).unwrap_or(i64::MIN);
            *room = most.saturating_sub(*used).saturating_sub(*least);
        }
    }

    /// The smallest overhead among groups that still have a type.
    pub fn daemon_requests(&self, template: &Template) -> Resources {
        let mut least: Option<Resources> = None;
        for group in template.groups.iter().filter(|g| g.types.meets(&self.types)) {
            least = Some(match least {
                Some(least) if !least.0.is_empty() => smallest(&least, &group.overhead),
                _ => group.overhead.clone(),
            });
        }
        least.unwrap_or_default()
    }

    /// The words for a pod that this claim, which holds nothing else, cannot take.
    pub fn refusal(
        &self,
        kind: &Kind,
        class: &Class,
        pool: &PoolInput,
        topology: &Topology<'_>,
        cx: &mut Context<'_, '_>,
    ) -> String {
        let era = cx.cluster.rules.era;
        let shape = &kind.shape;
        if !taints::tolerated(&pool.taints, &shape.tolerations) {
            return taints::intolerance(era, &pool.taints, &shape.tolerations);
        }
        let Some(mut base) = cx.states.get(self.state).map(|s| s.requirements.clone()) else { return String::new() };
        base.add(Requirement::is_in(labels::HOSTNAME, topology.hosts.names.get(self.host as usize)));
        let mut asked = kind.requirements.clone();
        if let Some(host) = &kind.host {
            asked.add_shared(host);
        }
        if !base.compatible(&asked, Some(era)) {
            return format!("incompatible requirements, {}", base.incompatibility(&asked, true, era));
        }
        base.add_all(&asked);
        let mut words = String::new();
        for volumes in &kind.alternatives {
            words = if base.compatible(volumes, Some(era)) {
                let mut wanted = base.clone();
                wanted.add_all(volumes);
                let by_topology = topology.refusal(kind, &wanted, era);
                by_topology.unwrap_or_else(|| {
                    let narrowed = topology.narrowed(kind, &wanted, Some(era));
                    self.no_type(kind, class, &narrowed.unwrap_or(wanted), cx)
                })
            } else {
                format!("incompatible volume requirements, {}", base.incompatibility(volumes, true, era))
            };
        }
        words
    }

    /// The era's words for requirements that leave no type.
    fn no_type(&self, kind: &Kind, class: &Class, wanted: &Requirements, cx: &mut Context<'_, '_>) -> String {
        let era = cx.cluster.rules.era;
        let table = cx.states.table;
        let mut filtered = Filtered::default();
        let mut left = TypeSet::empty(table.len());
        let compatible = cx.states.filter.compatible(table, wanted).and(&self.types);
        let offered = cx.states.filter.offered(table, wanted).and(&self.types);
        let mut counted = Vec::new();
        for (group, overhead) in cx.template.groups.iter().zip(&cx.template.overheads) {
            if self.clashes(kind, group, era) {
                continue;
            }
            counted.push(group);
            let here = self.types.and(&group.types);
            let mut fits = here.clone();
            cx.columns.keep(&mut fits, self.asked(class, overhead));
            let offered = offered.and(&here);
            if era == Era::V1 {
                // This version counts a type as large enough only together with an offering.
                fits.keep(&offered);
            }
            left.add(&filtered.note(&compatible.and(&here), &fits, &offered));
        }
        let order: Vec<usize> = left.iter().collect();
        let lacking = table.satisfies_min_values(&order, wanted).err().map(|keys| min_values_text(&keys));
        no_type(era, &class.requests, wanted, &filtered, &counted, lacking)
    }
}

fn smallest(a: &Resources, b: &Resources) -> Resources {
    Resources(a.0.iter().filter_map(|(n, x)| Some((n.clone(), (*x).min(*b.0.get(n)?)))).collect())
}

fn no_type(
    era: Era,
    requests: &Resources,
    wanted: &Requirements,
    filtered: &Filtered,
    groups: &[&DaemonGroup],
    lacking: Option<String>,
) -> String {
    let with = |overhead: &Resources| {
        let mut total = overhead.clone();
        total.add(requests);
        total
    };
    if era == Era::V1alpha5 {
        let total = groups.first().map_or_else(|| requests.clone(), |g| with(&g.overhead));
        return format!(
            "no instance type satisfied resources {} and requirements {} ({}{})",
            text::resources(&total),
            wanted.text(era),
            filtered.reason(),
            filtered.remark(total.cpu())
        );
    }
    let overheads: Vec<&Resources> = groups.iter().map(|g| &g.overhead).filter(|o| !o.0.is_empty()).collect();
    let mut least = overheads.first().map_or_else(Resources::default, |o| (*o).clone());
    let mut most = least.clone();
    for o in &overheads {
        least = smallest(&least, o);
        most.raise_to(o);
    }
    let (low, high) = (text::resources(&with(&least)), text::resources(&with(&most)));
    let resources = if low == high { low } else { format!("min={low}, max={high}") };
    let reason = lacking.as_deref().unwrap_or_else(|| filtered.reason());
    let remark = if lacking.is_none() { filtered.remark(requests.cpu()) } else { "" };
    format!("{reason}, requirements={}, resources={resources}{remark}", wanted.text(era))
}
