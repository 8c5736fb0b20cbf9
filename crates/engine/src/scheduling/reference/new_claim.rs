//! The reference's view of a claim that the round opens: the pods on it, and the types that could still carry them.
//! Source: kubernetes-sigs/karpenter pkg/controllers/provisioning/scheduling/nodeclaim.go v0.31.4 and v1.14.1.

use super::cluster::{Cluster, PoolInput};
use super::daemons::{self, DaemonGroup, Residents};
use super::host_ports;
use super::labels;
use super::pod_class::{Class, Names, covers, plus};
use super::requirements::{Requirement, Requirements};
use super::reservations::{Reservations, Wanted};
use super::rules::MinValues;
use super::taints;
use super::text;
use super::topology::Topology;
use super::type_set::TypeSet;
use super::type_table::{Filtered, TypeFilter, TypeTable, min_values_text};
use objects::typed::HostPort;
use objects::{Era, Resources};
use std::sync::Arc;

/// A pool as the start of new claims.
#[derive(Debug)]
pub struct Template {
    /// Index into the cluster's pools.
    pub pool: usize,
    pub requirements: Requirements,
    pub types: TypeSet,
    pub groups: Vec<DaemonGroup>,
    /// The groups' overheads over the round's resource names.
    overheads: Vec<Vec<i64>>,
}

/// The round's view of types: answers that are kept and allocatable amounts as rows.
pub struct Types<'a> {
    pub table: &'a TypeTable,
    pub filter: TypeFilter,
    allocatable: Vec<Vec<i64>>,
}

impl<'a> Types<'a> {
    pub fn new(table: &'a TypeTable, names: &Names) -> Types<'a> {
        let allocatable = table.iter().map(|t| names.row(&t.allocatable)).collect();
        Types { table, filter: TypeFilter::default(), allocatable }
    }

    fn fitting(&self, asked: &[i64], within: &TypeSet) -> TypeSet {
        let fits = |i: &usize| self.allocatable.get(*i).is_some_and(|have| covers(have, asked));
        TypeSet::of(self.table.len(), within.iter().filter(fits))
    }
}

impl Template {
    /// `None` (era v1) where the pool's own requirements leave no type.
    pub fn new(
        cluster: &Cluster,
        pool: usize,
        input: &PoolInput,
        names: &Names,
        types: &mut Types<'_>,
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
            usable.keep(&types.filter.compatible(types.table, &requirements));
            usable.keep(&types.filter.offered(types.table, &requirements));
            let order: Vec<usize> = usable.iter().collect();
            let lacks = types.table.satisfies_min_values(&order, &requirements).is_err();
            if usable.is_empty() || (lacks && rules.min_values == MinValues::Strict) {
                return None;
            }
        }
        let groups = daemons::groups(cluster, &input.taints, &requirements, &usable, residents);
        let overheads = groups.iter().map(|g| names.row(&g.overhead)).collect();
        Some(Template { pool, requirements, types: usable, groups, overheads })
    }
}

#[derive(Debug)]
pub struct NewClaim {
    /// Index into the round's templates.
    pub template: usize,
    pub pods: Vec<usize>,
    pub requirements: Requirements,
    pub types: TypeSet,
    pub min_values_relaxed: bool,
    hostname: Arc<str>,
    /// Requests of the pods over the round's resource names.
    amounts: Vec<i64>,
    /// Ports of the pods.
    ports: Vec<HostPort>,
    /// Reservations that it holds.
    pub reserved: Wanted,
}

/// How a claim would be with one more pod.
pub struct Fit {
    requirements: Requirements,
    types: TypeSet,
    min_values_relaxed: bool,
    reserved: Wanted,
}

/// Why a pod cannot join.
pub struct Refused {
    /// It failed for reserved capacity alone: the pod should wait rather than give anything up.
    pub reserved: bool,
    pub words: String,
}

/// What a check looks at besides claim and pod.
pub struct Context<'c, 't, 'a> {
    pub cluster: &'a Cluster,
    pub template: &'c Template,
    pub pool: &'c PoolInput,
    pub types: &'c mut Types<'a>,
    pub topology: &'c Topology<'t>,
    pub reservations: &'c Reservations,
    /// A claim that would be new may have fewer values than `minValues` asks (policy BestEffort), and its refusal is
    /// put into words.
    pub is_new: bool,
}

impl NewClaim {
    /// A claim without pods. `number` makes its placeholder host name.
    pub fn new(template: usize, from: &Template, types: TypeSet, number: usize) -> NewClaim {
        let hostname: Arc<str> = Arc::from(format!("hostname-placeholder-{number:04}"));
        let mut requirements = from.requirements.clone();
        requirements.add(Requirement::is_in(labels::HOSTNAME, [&hostname]));
        NewClaim {
            template,
            pods: Vec::new(),
            requirements,
            types,
            min_values_relaxed: false,
            hostname,
            amounts: from.overheads.first().map_or_else(Vec::new, |row| vec![0; row.len()]),
            ports: Vec::new(),
            reserved: Wanted::default(),
        }
    }

    pub fn hostname(&self) -> &Arc<str> {
        &self.hostname
    }

    pub fn check(&self, class: &Class, cx: &mut Context<'_, '_, '_>) -> Result<Fit, Refused> {
        let era = cx.cluster.rules.era;
        let words = |cx: &Context<'_, '_, '_>, f: &dyn Fn() -> String| if cx.is_new { f() } else { String::new() };
        let never = |words: String| Refused { reserved: false, words };
        let shape = &class.shape;
        if !taints::tolerated(&cx.pool.taints, &shape.tolerations) {
            return Err(never(words(cx, &|| taints::intolerance(era, &cx.pool.taints, &shape.tolerations))));
        }
        if era == Era::V1alpha5 && host_ports::conflict(&shape.host_ports, self.ports.iter()).is_some() {
            // A new claim has no ports that could clash, so this is never put into words.
            return Err(never(String::new()));
        }
        if !self.requirements.compatible(&class.requirements, Some(era)) {
            let why =
                || format!("incompatible requirements, {}", self.requirements.incompatibility(&class.requirements, true, era));
            return Err(never(words(cx, &why)));
        }
        let mut base = self.requirements.clone();
        base.add_all(&class.requirements);
        if class.volume_alternatives.is_empty() {
            return self.try_with(class, base, cx);
        }
        let mut last = None;
        for volumes in &class.volume_alternatives {
            let mut wanted = base.clone();
            if !wanted.compatible(volumes, Some(era)) {
                let why = || format!("incompatible volume requirements, {}", wanted.incompatibility(volumes, true, era));
                last = Some(never(words(cx, &why)));
                continue;
            }
            wanted.add_all(volumes);
            match self.try_with(class, wanted, cx) {
                Ok(fit) => return Ok(fit),
                Err(refused) => last = Some(refused),
            }
        }
        Err(last.unwrap_or_else(|| never(String::new())))
    }

    /// Topology, then types, for one alternative of the pod's volumes.
    fn try_with(&self, class: &Class, mut wanted: Requirements, cx: &mut Context<'_, '_, '_>) -> Result<Fit, Refused> {
        let rules = &cx.cluster.rules;
        let era = rules.era;
        let concerned = cx.topology.concerns(class);
        let refused = |words: String| Refused { reserved: false, words };
        if concerned {
            let narrowed = cx.topology.narrow(class, &wanted).map_err(refused)?;
            if !wanted.compatible(&narrowed, Some(era)) {
                let words = if cx.is_new { wanted.incompatibility(&narrowed, true, era) } else { String::new() };
                return Err(refused(words));
            }
            wanted.add_all(&narrowed);
        }
        let amounts = plus(&self.amounts, &class.amounts);
        let mut filtered = Filtered::default();
        let mut left = TypeSet::empty(cx.types.table.len());
        let compatible = cx.types.filter.compatible(cx.types.table, &wanted).and(&self.types);
        let offered = cx.types.filter.offered(cx.types.table, &wanted).and(&self.types);
        let mut counted = Vec::new();
        for (group, overhead) in cx.template.groups.iter().zip(&cx.template.overheads) {
            let used = self.ports.iter().chain(&group.ports);
            if era == Era::V1 && host_ports::conflict(&class.shape.host_ports, used).is_some() {
                continue;
            }
            counted.push(group);
            let here = self.types.and(&group.types);
            let mut fits = cx.types.fitting(&plus(&amounts, overhead), &here);
            let offered = offered.and(&here);
            if era == Era::V1 {
                // This version counts a type as large enough only together with an offering.
                fits.keep(&offered);
            }
            left.add(&filtered.note(&compatible.and(&here), &fits, &offered));
        }
        let mut relaxed = false;
        let mut lacking = None;
        if wanted.has_min_values() {
            let order: Vec<usize> = left.iter().collect();
            if let Err(keys) = cx.types.table.satisfies_min_values(&order, &wanted) {
                if cx.is_new && rules.min_values == MinValues::BestEffort {
                    relaxed = true;
                    for (key, n) in &keys {
                        if let Some(r) = wanted.get(key).cloned() {
                            wanted.replace(r.with_min_values(Some(*n)));
                        }
                    }
                } else {
                    left = TypeSet::empty(cx.types.table.len());
                    lacking = Some(min_values_text(&keys));
                }
            }
        }
        if left.is_empty() {
            let words = if cx.is_new { no_type(era, class, &wanted, &filtered, &counted, lacking) } else { String::new() };
            return Err(refused(words));
        }
        let reserved = if rules.reserved_capacity {
            cx.reservations.want(&self.reserved, cx.types.table, &left, &wanted)
        } else {
            Ok(Wanted::default())
        };
        let reserved = reserved.map_err(|words| Refused { reserved: true, words: words.to_owned() })?;
        Ok(Fit { requirements: wanted, types: left, min_values_relaxed: relaxed, reserved })
    }

    pub fn add(
        &mut self,
        pod: usize,
        class: &Class,
        fit: Fit,
        node_taints: &[objects::typed::Taint],
        topology: &mut Topology<'_>,
    ) {
        self.pods.push(pod);
        self.amounts = plus(&self.amounts, &class.amounts);
        self.types = fit.types;
        self.min_values_relaxed |= fit.min_values_relaxed;
        topology.register(labels::HOSTNAME, &self.hostname);
        topology.record(class, node_taints, &fit.requirements, true);
        self.requirements = fit.requirements;
        self.reserved = fit.reserved;
        self.ports.extend(class.shape.host_ports.iter().cloned());
    }

    /// The smallest overhead among groups that still have a type.
    pub fn daemon_requests(&self, template: &Template) -> Resources {
        let mut least: Option<Resources> = None;
        for group in template.groups.iter().filter(|g| !g.types.and(&self.types).is_empty()) {
            least = Some(match least {
                Some(least) if !least.0.is_empty() => smallest(&least, &group.overhead),
                _ => group.overhead.clone(),
            });
        }
        least.unwrap_or_default()
    }
}

fn smallest(a: &Resources, b: &Resources) -> Resources {
    Resources(a.0.iter().filter_map(|(n, x)| Some((n.clone(), (*x).min(*b.0.get(n)?)))).collect())
}

/// The era's words for a pod that leaves no type of a claim that holds nothing else.
fn no_type(
    era: Era,
    class: &Class,
    wanted: &Requirements,
    filtered: &Filtered,
    groups: &[&DaemonGroup],
    lacking: Option<String>,
) -> String {
    let requests = &class.shape.requests;
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
