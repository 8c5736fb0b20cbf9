//! Pods of a workload: do they ask for anything, does any type hold them, does any pool make nodes for them.

use super::pool::amount;
use super::surroundings::{PoolAt, Surroundings, WorkloadAt, serves};
use crate::code::{DO_NOT_DISRUPT, POD_NO_POOL, POD_TOO_LARGE, REQUESTS_MISSING, SPREAD_IMPOSSIBLE};
use crate::document::Read;
use crate::finding::Finding;
use crate::{Around, say};
use engine::Era;
use engine::scheduling::{InstanceType, Requirements, labels, text};
use objects::collections::VecSet;
use objects::typed::untolerated;
use objects::{DocExt, Kind, Resources};

pub(super) fn check(workload: &WorkloadAt<'_>, all: &Surroundings<'_>, around: &Around<'_>, out: &mut Vec<Finding>) {
    let Some(read) = workload.read else { return };
    requests(workload, read, around, out);
    if workload.kind != Kind::DaemonSet {
        size(workload, read, all, around, out);
        spread(workload, read, all, around, out);
        protection(workload, read, all, around, out);
    }
}

fn requests(workload: &WorkloadAt<'_>, read: &Read<'_>, around: &Around<'_>, out: &mut Vec<Finding>) {
    let lang = around.lang;
    let spec = read.document.value.at(workload.path);
    if !Resources::read(spec.at("resources.requests")).0.is_empty() {
        return;
    }
    for (i, c) in spec.list_at("containers").iter().enumerate() {
        let asked = |name: &str| ["requests", "limits"].iter().any(|l| !c.at("resources").at(l).field(name).is_null());
        let missing: Vec<&str> = ["cpu", "memory"].into_iter().filter(|n| !asked(n)).collect();
        // Karpenter packs by CPU first; a container that names its CPU has been thought about.
        if !missing.contains(&"cpu") {
            continue;
        }
        let (path, name) = (format!("{}.containers[{i}]", workload.path), c.str_at("name").unwrap_or_default());
        let missing = missing.join(", ");
        let message = say!(
            lang,
            "컨테이너 {name}: {missing} requests가 없어요. 스케줄러와 Karpenter는 0으로 셈해서 파드가 몇 개든 노드를 늘리지 않아요",
            "container {name} requests no {missing}: it counts as nothing, so that no number of pods brings a node"
        );
        let at = format!("{path}.resources");
        let at = if c.at("resources").is_null() { format!("{path}.name") } else { at };
        out.push(read.finding(&REQUESTS_MISSING, &path, read.place_of_value(&at), message));
    }
}

/// What a node must hold for one of these pods.
fn needed(workload: &WorkloadAt<'_>, all: &Surroundings<'_>) -> Resources {
    let mut sum = workload.spec.requests.clone().with("pods", 1);
    sum.add(&all.daemons);
    sum
}

fn size(workload: &WorkloadAt<'_>, read: &Read<'_>, all: &Surroundings<'_>, around: &Around<'_>, out: &mut Vec<Finding>) {
    let lang = around.lang;
    let need = needed(workload, all);
    let types = around.market.types();
    let path = format!("{}.containers", workload.path);
    if !types.is_empty() && !types.iter().any(|t| need.fits(&t.allocatable)) {
        let message = match closest(types.iter(), &need) {
            Some((t, short)) => {
                let (ty, short) = (&t.name, short.join(", "));
                say!(
                    lang,
                    "이 파드는 어떤 인스턴스 타입에도 들어가지 않아요. 가장 가까운 {ty}에서도 모자라는 것: {short}",
                    "the pod fits no instance type; the closest, {ty}, lacks {short}"
                )
            }
            None => lang.pick("이 파드는 어떤 인스턴스 타입에도 들어가지 않아요", "the pod fits no instance type").to_owned(),
        };
        out.push(read.finding(&POD_TOO_LARGE, &path, read.place(&path), message));
        return;
    }
    if all.pools.is_empty() || all.pools.iter().any(|p| takes(p, workload, &need, around).is_ok()) {
        return;
    }
    let why: Vec<String> = all
        .pools
        .iter()
        .filter_map(|p| takes(p, workload, &need, around).err().map(|why| format!("{}: {why}", p.name)))
        .take(5)
        .collect();
    let why = why.join("; ");
    let message =
        say!(lang, "어떤 풀도 이 파드를 위한 노드를 만들 수 없어요. {why}", "no pool can make a node for these pods. {why}");
    out.push(read.finding(&POD_NO_POOL, workload.path, read.place(workload.path), message));
}

/// The type that comes closest, and what it lacks.
fn closest<'a>(types: impl Iterator<Item = &'a InstanceType>, need: &Resources) -> Option<(&'a InstanceType, Vec<String>)> {
    // By the share of the worst resource, in thousandths, then by all of them, each as far as it is needed.
    let rank = |t: &InstanceType| {
        let part = |(name, n): (&String, &i64)| t.allocatable.get(name).saturating_mul(1000).checked_div(*n).unwrap_or(1000);
        let parts = || need.0.iter().map(part);
        (parts().min().unwrap_or(1000), parts().map(|p| p.min(1000)).sum::<i64>())
    };
    let best = types.max_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| b.name.cmp(&a.name)))?;
    let lacking = need.0.iter().filter(|(name, n)| best.allocatable.get(name) < **n);
    let words = lacking.map(|(name, n)| format!("{name} {} > {}", amount(name, *n), amount(name, best.allocatable.get(name))));
    Some((best, words.collect()))
}

/// Why the pool makes no node for the pod.
fn takes(pool: &PoolAt<'_>, workload: &WorkloadAt<'_>, need: &Resources, around: &Around<'_>) -> Result<(), String> {
    let lang = around.lang;
    if let Some(taint) = untolerated(&pool.pool.taints, &workload.spec.tolerations, false) {
        let taint = text::taint(taint);
        return Err(say!(lang, "테인트 {taint}를 견디지 않음", "taint {taint} is not tolerated"));
    }
    let selector = Requirements::of_labels(&workload.spec.node_selector);
    let terms = &workload.spec.affinity.node_required;
    let alternatives: Vec<Requirements> = if terms.is_empty() {
        vec![selector]
    } else {
        let with = |t: &objects::typed::NodeSelectorTerm| {
            let mut all = selector.clone();
            all.add_all(&Requirements::of_expressions(&t.expressions));
            all
        };
        terms.iter().map(with).collect()
    };
    let mut why = String::new();
    for asked in &alternatives {
        if !pool.requirements.compatible(asked, Some(around.era)) {
            why = pool.requirements.incompatibility(asked, true, around.era);
            continue;
        }
        let mut both = pool.requirements.clone();
        both.add_all(asked);
        let left: Vec<&InstanceType> = pool.types.iter().copied().filter(|t| serves(t, &both)).collect();
        if left.iter().any(|t| need.fits(&t.allocatable)) {
            return Ok(());
        }
        why = match closest(left.iter().copied(), need) {
            Some((t, short)) => {
                let (ty, short) = (&t.name, short.join(", "));
                say!(lang, "가장 가까운 {ty}에서도 모자람 ({short})", "even {ty} lacks {short}")
            }
            None => lang.pick("남는 인스턴스 타입 없음", "no instance type is left").to_owned(),
        };
    }
    Err(why)
}

fn spread(workload: &WorkloadAt<'_>, read: &Read<'_>, all: &Surroundings<'_>, around: &Around<'_>, out: &mut Vec<Finding>) {
    let lang = around.lang;
    let mut zones: VecSet<&str> = VecSet::new();
    for pool in &all.pools {
        for t in &pool.types {
            zones.extend(t.compatible(&pool.requirements).map(|o| &*o.zone));
        }
    }
    if all.pools.is_empty() {
        zones.extend(around.market.zones());
    }
    let count = i64::try_from(zones.len()).unwrap_or(i64::MAX);
    if count == 0 {
        return;
    }
    for (i, s) in workload.spec.spread.iter().enumerate() {
        let domains = i64::from(s.min_domains.unwrap_or(0));
        if s.topology_key != labels::ZONE || !s.do_not_schedule || domains <= count {
            continue;
        }
        let path = format!("{}.topologySpreadConstraints[{i}].minDomains", workload.path);
        let message = say!(
            lang,
            "영역 {domains}개를 요구하지만 풀이 노드를 만들 수 있는 영역은 {count}개예요",
            "asks for {domains} zones, and pools make nodes in {count}"
        );
        out.push(read.finding(&SPREAD_IMPOSSIBLE, &path, read.place_of_value(&path), message));
    }
    let own = |s: &objects::typed::PodAffinityTerm| s.selector.as_ref().is_some_and(|x| x.matches(&workload.labels));
    for (i, term) in workload.spec.affinity.anti_required.iter().enumerate() {
        if term.topology_key != labels::ZONE || workload.replicas <= count || !own(term) {
            continue;
        }
        let base = "affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution";
        let path = format!("{}.{base}[{i}].topologyKey", workload.path);
        let replicas = workload.replicas;
        let message = say!(
            lang,
            "영역마다 파드 하나씩만 둘 수 있는데 파드는 {replicas}개, 영역은 {count}개예요. 나머지는 계속 기다립니다",
            "one pod a zone for {replicas} pods in {count} zones: the others wait for ever"
        );
        out.push(read.finding(&SPREAD_IMPOSSIBLE, &path, read.place_of_value(&path), message));
    }
}

/// Pods that keep their node from being drained, on nodes that nothing else ends.
fn protection(workload: &WorkloadAt<'_>, read: &Read<'_>, all: &Surroundings<'_>, around: &Around<'_>, out: &mut Vec<Finding>) {
    let protected = workload.annotations.get(labels::DO_NOT_DISRUPT).is_some_and(|v| v == "true");
    if around.era != Era::V1 || !protected {
        return;
    }
    let open: Vec<&str> = all.pools.iter().filter(|p| p.pool.termination_grace_ms.is_none()).map(|p| p.name.as_str()).collect();
    if open.is_empty() {
        return;
    }
    let pools = open.join(", ");
    let message = say!(
        around.lang,
        "`do-not-disrupt` 파드가 있는데 풀 {pools}에 `terminationGracePeriod`가 없어요. 만료된 노드도 파드가 끝날 때까지 남습니다",
        "these pods are not to be disrupted, and pool {pools} has no `terminationGracePeriod`: expired nodes stay as long as the pods do"
    );
    let meta = workload.path.strip_suffix("spec").unwrap_or_default();
    let path = format!("{meta}metadata.annotations.{}", labels::DO_NOT_DISRUPT);
    out.push(read.finding(&DO_NOT_DISRUPT, &path, read.place(&path), message));
}
