//! One Provisioner or NodePool: which types it leaves, whether its limits hold a node, whether its nodes ever go.

use super::surroundings::{PoolAt, allowed};
use crate::code::{
    CONSOLIDATE_TRAP, EXPIRES_BEFORE_BOOT, LIMIT_BELOW_NODE, NEVER_SCALES_DOWN, NO_TYPES_LEFT, TYPES_LEFT, UNKNOWN_LABEL_VALUE,
};
use crate::document::Read;
use crate::finding::{Finding, Fix};
use crate::{Around, say};
use engine::Era;
use engine::scheduling::{Requirement, Requirements, labels};
use objects::collections::VecSet;
use objects::resources::CPU;
use objects::schema;
use objects::selector::{Expression, Operator};
use objects::typed::ConsolidationPolicy;

/// Nodes need about 45 seconds to boot; those that expire within this time hardly do any work.
const BOOT_MS: i64 = 5 * 60_000;

pub(super) fn requirements_path(era: Era) -> &'static str {
    if era == Era::V1 { "spec.template.spec.requirements" } else { "spec.requirements" }
}

pub(super) fn check(at: &PoolAt<'_>, around: &Around<'_>, out: &mut Vec<Finding>) {
    let Some(read) = at.read else { return };
    types(at, read, around, out);
    values(at, read, around, out);
    limits(at, read, around, out);
    waiting(at, read, around, out);
}

/// How many of the types on sale a requirement leaves when it stands alone.
fn alone(requirement: Requirement, around: &Around<'_>) -> usize {
    let one: Requirements = [requirement].into_iter().collect();
    allowed(around, &one).len()
}

/// The name of a label without its domain.
fn short(key: &str) -> &str {
    key.rsplit('/').next().unwrap_or(key)
}

fn types(at: &PoolAt<'_>, read: &Read<'_>, around: &Around<'_>, out: &mut Vec<Finding>) {
    let (lang, base) = (around.lang, requirements_path(around.era));
    // Of the types that the region sells; what has no price is left out by every requirement.
    let all = allowed(around, &Requirements::default()).len();
    let left = at.types.len();
    let offerings: usize = at.types.iter().map(|t| t.compatible(&at.requirements).count()).sum();
    // Requirements that were filled in have no line of their own; they count all the same.
    let mut removed: Vec<(usize, String, usize)> = Vec::new();
    for (i, e) in at.pool.requirements.iter().enumerate() {
        let gone = all.saturating_sub(alone(Requirement::of_expression(e), around));
        if gone > 0 {
            removed.push((gone, short(&e.key).to_owned(), i));
        }
    }
    for (key, value) in &at.pool.labels {
        let gone = all.saturating_sub(alone(Requirement::is_in(key, [value]), around));
        if gone > 0 {
            removed.push((gone, short(key).to_owned(), usize::MAX));
        }
    }
    let list: Vec<String> = removed.iter().map(|(gone, key, _)| format!("{key} -{gone}")).collect();
    let list =
        if list.is_empty() { lang.pick("조건 없음", "no requirement removes any").to_owned() } else { list.join(", ") };
    if left > 0 {
        let message = say!(
            lang,
            "인스턴스 타입 {all}개 가운데 {left}개가 남아요 (오퍼링 {offerings}개). 조건이 따로 제외하는 수: {list}",
            "{left} of {all} instance types are left, with {offerings} offerings; each requirement alone removes: {list}"
        );
        out.push(read.finding(&TYPES_LEFT, base, read.place(base), message));
        return;
    }
    // One requirement that removes everything is to blame alone.
    let guilty = removed.iter().find(|(gone, _, i)| *gone == all && *i != usize::MAX);
    let path = guilty.map_or_else(|| base.to_owned(), |(_, _, i)| format!("{base}[{i}]"));
    let message = say!(
        lang,
        "조건을 모두 만족하는 인스턴스 타입이 하나도 없어요 (전체 {all}개). 조건이 따로 제외하는 수: {list}",
        "no instance type of {all} satisfies all requirements; each alone removes: {list}"
    );
    out.push(read.finding(&NO_TYPES_LEFT, &path, read.place(&path), message));
}

/// Values that no type has, of labels that types do have.
fn values(at: &PoolAt<'_>, read: &Read<'_>, around: &Around<'_>, out: &mut Vec<Finding>) {
    let (lang, base) = (around.lang, requirements_path(around.era));
    let listed = at.pool.requirements.iter().enumerate().filter(|(_, e)| matches!(e.operator, Operator::In | Operator::NotIn));
    for (i, e) in listed {
        let known = known_values(e, around);
        if known.is_empty() {
            continue;
        }
        for (j, value) in e.values.iter().enumerate().filter(|(_, v)| !known.contains(v.as_str())) {
            // Reserved capacity is a capacity type that this market does not sell.
            if e.key == labels::CAPACITY_TYPE && value == labels::RESERVED {
                continue;
            }
            let path = format!("{base}[{i}].values[{j}]");
            let meant = schema::nearest(value, known.iter().copied());
            let name = short(&e.key);
            let message = match meant {
                Some(meant) => say!(
                    lang,
                    "`{value}`: 이 리전의 {name} 값이 아니에요. `{meant}`를 쓰려던 것인가요?",
                    "no instance type of the region has {name} `{value}`; did you mean `{meant}`?"
                ),
                None => say!(
                    lang,
                    "`{value}`: 이 리전에는 {name} 값이 이런 인스턴스 타입이 없어요",
                    "no instance type of the region has {name} `{value}`"
                ),
            };
            let mut finding = read.finding(&UNKNOWN_LABEL_VALUE, &path, read.place_of_value(&path), message);
            if let (Some(meant), Some(range)) = (meant, read.scalar(&path)) {
                let quoted = if meant.parse::<i64>().is_ok() { format!("\"{meant}\"") } else { meant.to_owned() };
                finding.fixes.push(Fix::replace(say!(lang, "`{meant}` 넣기", "Write `{meant}`"), range, quoted));
            }
            out.push(finding);
        }
    }
}

fn known_values<'a>(e: &Expression, around: &Around<'a>) -> VecSet<&'a str> {
    let key = labels::normalized(&e.key);
    // What no type of the region has may still exist; operating systems other than Linux do.
    if key == labels::OS {
        return ["linux", "windows"].into_iter().collect();
    }
    around.label_values(key)
}

fn limits(at: &PoolAt<'_>, read: &Read<'_>, around: &Around<'_>, out: &mut Vec<Finding>) {
    let lang = around.lang;
    let Some(limits) = &at.pool.limits else { return };
    let path = if around.era == Era::V1 { "spec.limits" } else { "spec.limits.resources" };
    for (name, limit) in &limits.0 {
        if name == "nodes" || at.types.is_empty() {
            continue;
        }
        let smallest = at.types.iter().min_by(|a, b| (a.capacity.get(name), &a.name).cmp(&(b.capacity.get(name), &b.name)));
        let Some(smallest) = smallest.filter(|t| t.capacity.get(name) > *limit) else { continue };
        let (ty, need, limit) = (&smallest.name, amount(name, smallest.capacity.get(name)), amount(name, *limit));
        let message = say!(
            lang,
            "한도 {name} {limit}: 남은 타입 가운데 가장 작은 {ty}({need})도 만들 수 없어요",
            "the limit of {limit} {name} is below the smallest type that is left, {ty} with {need}"
        );
        let at = format!("{path}.{name}");
        out.push(read.finding(&LIMIT_BELOW_NODE, &at, read.place_of_value(&at), message));
    }
}

/// An amount for people: cores, GiB, counts.
pub(super) fn amount(name: &str, n: i64) -> String {
    match name {
        CPU if n % 1000 == 0 => (n / 1000).to_string(),
        CPU => format!("{n}m"),
        "memory" | "ephemeral-storage" => format!("{} GiB", crate::hover::gib(n)),
        _ => n.to_string(),
    }
}

fn waiting(at: &PoolAt<'_>, read: &Read<'_>, around: &Around<'_>, out: &mut Vec<Finding>) {
    let (lang, pool, v1) = (around.lang, at.pool, around.era == Era::V1);
    let (expire, after) = if v1 {
        ("spec.template.spec.expireAfter", "spec.disruption.consolidateAfter")
    } else {
        ("spec.ttlSecondsUntilExpired", "spec.ttlSecondsAfterEmpty")
    };
    if let Some(ms) = pool.expire_after_ms.filter(|ms| *ms < BOOT_MS) {
        let seconds = ms / 1000;
        let message = say!(
            lang,
            "노드가 {seconds}초 만에 만료돼요. 부팅에만 45초쯤 걸려서 노드를 끝없이 갈아 치우게 됩니다",
            "nodes expire after {seconds} s and need about 45 s to boot: they are replaced without end"
        );
        out.push(read.finding(&EXPIRES_BEFORE_BOOT, expire, read.place_of_value(expire), message));
    }
    if !v1 && pool.policy == ConsolidationPolicy::None {
        let message = lang.pick(
            "`ttlSecondsAfterEmpty`도 `consolidation`도 없어서, 비어 있는 노드도 지워지지 않아요",
            "with neither `ttlSecondsAfterEmpty` nor `consolidation` even empty nodes stay",
        );
        out.push(read.finding(&NEVER_SCALES_DOWN, "spec", read.place("spec"), message.to_owned()));
    }
    if v1 && pool.consolidate_after_ms.is_none() && pool.replicas.is_none() {
        let message = lang.pick(
            "`consolidateAfter: Never`면 비어 있는 노드도 지워지지 않고, `consolidationPolicy`는 아무 일도 하지 않아요",
            "with `consolidateAfter: Never` even empty nodes stay, and `consolidationPolicy` does nothing",
        );
        out.push(read.finding(&NEVER_SCALES_DOWN, after, read.place_of_value(after), message.to_owned()));
    }
    if let (Some(wait), Some(age)) = (pool.consolidate_after_ms, pool.expire_after_ms)
        && wait >= age
        && age >= BOOT_MS
    {
        let message = lang.pick(
            "통합을 기다리는 시간이 노드의 수명보다 길어서, 통합 전에 노드가 만료돼요",
            "nodes expire before the wait for consolidation is over",
        );
        out.push(read.finding(&CONSOLIDATE_TRAP, after, read.place_of_value(after), message.to_owned()));
    }
}
