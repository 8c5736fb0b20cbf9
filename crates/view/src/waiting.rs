//! What the cluster is waiting for, and until when: a page on which nothing moves must say why.

use crate::{Lang, age_ms, format};
use engine::totals::Totals;
use engine::{Era, Snapshot};
use objects::collections::Order as _;
use objects::typed::ConsolidationPolicy;
use objects::{Kind, time};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Pods wait and Karpenter has not answered yet.
    Batch,
    /// Pods wait and there is no pool that could help.
    NoPool,
    /// The cloud has not answered the launch request.
    Launch,
    /// An instance boots.
    Boot,
    /// A node exists and is not ready.
    Ready,
    /// Ready nodes, pods starting.
    Pods,
    /// A node is emptied and goes.
    Drain,
    /// An empty node will be removed.
    Empty,
    /// Karpenter looks for something to consolidate at every poll.
    Consolidation,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub what: What,
    pub count: usize,
    /// An instance type or a short node name.
    pub about: String,
    /// Simulated seconds left, where that is known.
    pub left_s: Option<u64>,
}

impl Waiting {
    pub fn of(snapshot: &Snapshot, t: &Totals) -> Option<Waiting> {
        let claims: Vec<_> = snapshot.store.list(Kind::claim(snapshot.profile.era)).filter(|c| !c.meta.is_deleting()).collect();
        let make = |what, count, about: &str, left_s| Some(Waiting { what, count, about: about.to_owned(), left_s });
        let ty = |labels: &objects::collections::VecMap<String, String>| {
            labels.get("node.kubernetes.io/instance-type").cloned().unwrap_or_default()
        };
        let going: Vec<_> = t.nodes.iter().filter(|n| n.node.meta.is_deleting()).collect();
        let launching: Vec<_> = claims.iter().filter(|c| c.claim().is_some_and(|t| !t.launched)).collect();
        let booting: Vec<_> = claims.iter().filter(|c| c.claim().is_some_and(|t| t.launched && !t.registered)).collect();
        let coming: Vec<_> = t.nodes.iter().filter(|n| n.node.node().is_some_and(|n| !n.ready)).collect();
        let unbound = t.pods.saturating_sub(t.bound);
        if let Some(first) = going.first() {
            return make(What::Drain, going.len(), format::short_node(&first.node.meta.name), None);
        }
        if !launching.is_empty() {
            return make(What::Launch, launching.len(), "", None);
        }
        if let Some(first) = booting.first() {
            return make(What::Boot, booting.len(), &ty(&first.meta.labels), None);
        }
        if let Some(first) = coming.first() {
            return make(What::Ready, coming.len(), &ty(&first.node.meta.labels), None);
        }
        if unbound > 0 {
            let pools = snapshot.store.count(Kind::pool(snapshot.profile.era));
            return make(if pools == 0 { What::NoPool } else { What::Batch }, unbound, "", None);
        }
        if t.pending > 0 {
            return make(What::Pods, t.pending, "", None);
        }
        empty(snapshot, t).or_else(|| consolidation(snapshot, t))
    }

    pub fn sentence(&self, lang: Lang) -> String {
        let n = self.count;
        let about = &self.about;
        let s = if n == 1 { "" } else { "s" };
        let text = match (lang, self.what) {
            (Lang::Ko, What::Batch) => format!("파드 {n}개가 갈 곳을 찾는 중"),
            (Lang::Ko, What::NoPool) => format!("파드 {n}개 대기, 노드를 만들 규칙이 없음"),
            (Lang::Ko, What::Launch) => format!("EC2에 노드 {n}대를 요청하고 답을 기다리는 중"),
            (Lang::Ko, What::Boot) => format!("인스턴스 {n}대 부팅 중 ({about})"),
            (Lang::Ko, What::Ready) => format!("노드 {n}대 준비 중 ({about})"),
            (Lang::Ko, What::Pods) => format!("파드 {n}개 시작 중"),
            (Lang::Ko, What::Drain) => format!("노드 {n}대 정리 중 ({about})"),
            (Lang::Ko, What::Empty) => format!("빈 노드 {n}대 정리 대기 ({about})"),
            (Lang::Ko, What::Consolidation) => format!("노드 {n}대의 통합 여부를 살피는 중"),
            (Lang::En, What::Batch) => format!("{n} pod{s} looking for a place"),
            (Lang::En, What::NoPool) => format!("{n} pod{s} pending, and no rule to make nodes by"),
            (Lang::En, What::Launch) => format!("Asked EC2 for {n} node{s}, waiting for the answer"),
            (Lang::En, What::Boot) => format!("{n} instance{s} booting ({about})"),
            (Lang::En, What::Ready) => format!("{n} node{s} getting ready ({about})"),
            (Lang::En, What::Pods) => format!("{n} pod{s} starting"),
            (Lang::En, What::Drain) => format!("{n} node{s} being removed ({about})"),
            (Lang::En, What::Empty) => format!("{n} empty node{s} to be removed ({about})"),
            (Lang::En, What::Consolidation) => format!("Watching {n} node{s} for consolidation"),
        };
        match (self.left_s, lang) {
            (None, _) => text,
            (Some(left), Lang::Ko) => format!("{text} · {left}초 남음"),
            (Some(left), Lang::En) => format!("{text} · {left} s left"),
        }
    }
}

/// An empty node of a pool that removes empty nodes: its time runs from the emptiness timestamp (era A) or from the
/// claim's last pod event (era B).
fn empty(snapshot: &Snapshot, t: &Totals) -> Option<Waiting> {
    let era = snapshot.profile.era;
    let mut found: Vec<(u64, String)> = Vec::new();
    for n in &t.nodes {
        let label = if era == Era::V1 { "karpenter.sh/nodepool" } else { "karpenter.sh/provisioner-name" };
        let Some(pool) = n.node.meta.labels.get(label).and_then(|p| snapshot.store.cluster(Kind::pool(era), p)) else {
            continue;
        };
        let Some(typed) = pool.pool().filter(|p| p.policy == ConsolidationPolicy::WhenEmpty) else { continue };
        let since = match era {
            Era::V1alpha5 => n.node.meta.annotations.get("karpenter.sh/emptiness-timestamp").and_then(|s| time::parse_rfc3339(s)),
            Era::V1 => None,
        };
        if let (Some(since), Some(ttl)) = (since, typed.consolidate_after_ms.and_then(|m| u64::try_from(m).ok())) {
            found.push((ttl.saturating_sub(age_ms(snapshot, since)).div_ceil(1000), n.node.meta.name.clone()));
        }
    }
    found.order();
    let (left, name) = found.first()?;
    Some(Waiting {
        what: What::Empty,
        count: found.len(),
        about: format::short_node(name).to_owned(),
        left_s: (*left > 0).then_some(*left),
    })
}

fn consolidation(snapshot: &Snapshot, t: &Totals) -> Option<Waiting> {
    let era = snapshot.profile.era;
    let label = if era == Era::V1 { "karpenter.sh/nodepool" } else { "karpenter.sh/provisioner-name" };
    let count = t
        .nodes
        .iter()
        .filter(|n| {
            n.node
                .meta
                .labels
                .get(label)
                .and_then(|p| snapshot.store.cluster(Kind::pool(era), p))
                .and_then(|p| p.pool().map(|p| p.policy))
                .is_some_and(|p| p == ConsolidationPolicy::WhenEmptyOrUnderutilized)
        })
        .count();
    (count > 0).then_some(Waiting { what: What::Consolidation, count, about: String::new(), left_s: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use engine::totals::totals;

    #[test]
    fn names_the_nearest_hand_over() {
        let snapshot = sample::snapshot();
        let w = Waiting::of(&snapshot, &totals(&snapshot)).unwrap();
        assert_eq!((w.what, w.count), (What::Boot, 1));
        assert_eq!(w.sentence(Lang::En), "1 instance booting (m5.xlarge)");
        assert_eq!(w.sentence(Lang::Ko), "인스턴스 1대 부팅 중 (m5.xlarge)");
    }

    #[test]
    fn says_how_long() {
        let w = Waiting { what: What::Empty, count: 1, about: "3-91".to_owned(), left_s: Some(12) };
        assert_eq!(w.sentence(Lang::Ko), "빈 노드 1대 정리 대기 (3-91) · 12초 남음");
    }
}
