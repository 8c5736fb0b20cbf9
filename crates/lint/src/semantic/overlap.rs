//! Pools of the same weight that may make the same nodes: which of them is taken is left to chance.

use super::surroundings::{PoolAt, Surroundings, serves};
use crate::code::SAME_WEIGHT;
use crate::finding::Finding;
use crate::{Around, say};

pub(super) fn check(all: &Surroundings<'_>, around: &Around<'_>, out: &mut Vec<Finding>) {
    for (i, a) in all.pools.iter().enumerate() {
        for b in all.pools.iter().skip(i + 1) {
            let Some(read) = a.read.or(b.read) else { continue };
            let shared = shared(a, b);
            if shared == 0 {
                continue;
            }
            let other = if a.read.is_some() { &b.name } else { &a.name };
            let message = say!(
                around.lang,
                "{other} 풀과 가중치가 같고 인스턴스 타입 {shared}개가 겹쳐요. `weight`를 다르게 하거나 조건을 나눠 주세요",
                "pool {other} has the same weight and shares {shared} instance types: give them different weights or requirements"
            );
            let at = "metadata.name";
            out.push(read.finding(&SAME_WEIGHT, at, read.place_of_value(at), message));
        }
    }
}

/// Types that both may launch for the same pods.
fn shared(a: &PoolAt<'_>, b: &PoolAt<'_>) -> usize {
    if a.pool.weight != b.pool.weight || a.pool.taints != b.pool.taints || !a.requirements.intersects(&b.requirements) {
        return 0;
    }
    // A label of one that the other does not have keeps the pods apart that ask for it, not the others.
    let mut both = a.requirements.clone();
    both.add_all(&b.requirements);
    a.types.iter().filter(|t| serves(t, &both)).count()
}
