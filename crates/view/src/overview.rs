//! One sentence about the cluster, for the live region and for the embed's status line.

use crate::{Lang, format};
use engine::totals::Totals;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overview {
    pub nodes: usize,
    pub nodes_ready: usize,
    pub pods_running: usize,
    pub pods_pending: usize,
    pub rate_micro: i64,
}

impl Overview {
    pub fn of(t: &Totals) -> Overview {
        Overview {
            nodes: t.nodes.len(),
            nodes_ready: t.nodes.iter().filter(|n| n.node.node().is_some_and(|n| n.ready)).count(),
            pods_running: t.running,
            pods_pending: t.pending,
            rate_micro: t.rate_micro,
        }
    }

    /// A summary, not a copy of anything on screen.
    pub fn sentence(&self, lang: Lang) -> String {
        let rate = format::usd(self.rate_micro, 3);
        match lang {
            Lang::Ko => {
                let pending = if self.pods_pending == 0 {
                    String::new()
                } else {
                    format!(", 대기 중인 파드 {}개", self.pods_pending)
                };
                format!(
                    "노드 {}대 중 {}대 준비 완료, 실행 중인 파드 {}개{pending}, 시간당 {rate}",
                    self.nodes, self.nodes_ready, self.pods_running
                )
            }
            Lang::En => {
                let pending = if self.pods_pending == 0 { String::new() } else { format!(", {} pending", self.pods_pending) };
                format!(
                    "{} of {} nodes ready, {} pods running{pending}, {rate} per hour",
                    self.nodes_ready, self.nodes, self.pods_running
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences() {
        let o = Overview { nodes: 3, nodes_ready: 2, pods_running: 11, pods_pending: 5, rate_micro: 475_000 };
        assert_eq!(o.sentence(Lang::En), "2 of 3 nodes ready, 11 pods running, 5 pending, $0.475 per hour");
        assert_eq!(o.sentence(Lang::Ko), "노드 3대 중 2대 준비 완료, 실행 중인 파드 11개, 대기 중인 파드 5개, 시간당 $0.475");
    }
}
