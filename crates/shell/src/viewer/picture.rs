//! The screen, cell by cell: summary, pods line, a row per node and resource, paginator and help.

use super::Viewer;
use super::rows::{Row, ratio, rows};
use engine::totals::{self, Totals};
use engine::{Era, Snapshot};
use objects::format::quantity;

const BAR: usize = 40;
/// Hours of a month as the viewer counts them: 8760 / 12.
const MONTH_HOURS: i64 = 730;
const HELP: &str = "←/→ page • q: quit";

type Cells = Vec<String>;

impl Viewer {
    pub fn picture(&self, snapshot: &Snapshot, height: usize, interactive: bool) -> String {
        let (era, now) = (snapshot.profile.era, snapshot.unix_ms());
        let mut list = rows(snapshot, &self.selector);
        self.order.apply(&mut list, now, era);
        let mut out = align(&self.summary(&list, era));
        let t: Totals = totals::totals(snapshot);
        let count = |n: usize| whole(i64::try_from(n).unwrap_or(i64::MAX), era);
        out.push_str(&format!(
            "{} pods ({} pending {} running {} bound)\n\n",
            count(t.pods),
            count(t.pending),
            count(t.running),
            count(t.bound)
        ));
        let per_page = self.per_page(height);
        let pages = list.len().div_ceil(per_page).max(1);
        let page = self.page.min(pages - 1);
        if list.is_empty() {
            out.push_str("Waiting for update or no nodes found...\n");
        }
        let shown = list.iter().skip(page * per_page).take(per_page);
        let cells: Vec<Cells> = shown.flat_map(|r| self.node(r, now, era)).collect();
        out.push_str(&align(&cells));
        if interactive {
            // The dots differ by their shade alone.
            let dot = |p: usize| if p == page { "•" } else { "\u{1b}[90m•\u{1b}[39m" };
            out.push_str(&format!("{}\n{HELP}\n", (0..pages).map(dot).collect::<String>()));
        }
        out
    }

    pub fn pages(&self, snapshot: &Snapshot, height: usize) -> usize {
        rows(snapshot, &self.selector).len().div_ceil(self.per_page(height)).max(1)
    }

    /// Nodes that fit below the head and above the foot.
    fn per_page(&self, height: usize) -> usize {
        let resources = self.resources.len();
        (height.saturating_sub(resources + 4) / resources.max(1)).saturating_sub(1).max(1)
    }

    fn summary(&self, list: &[Row], era: Era) -> Vec<Cells> {
        let mut out = Vec::new();
        for (i, resource) in self.resources.iter().enumerate() {
            let used: i64 = list.iter().map(|r| r.used(resource)).sum();
            let all: i64 = list.iter().map(|r| r.allocatable.get(resource)).sum();
            let (used_text, all_text) = (quantity(resource, used).to_string(), quantity(resource, all).to_string());
            let permille = ratio(used, all, 1000);
            let percent = format!("{}.{}%", permille / 10, permille % 10);
            let bar = bar(used, all, BAR);
            if i > 0 {
                out.push(vec![" ".to_owned(), format!("{used_text}/{all_text}"), percent, resource.clone(), bar]);
                continue;
            }
            let rate: i64 = list.iter().filter_map(|r| r.price_micro).sum();
            let fraction = match era {
                Era::V1 => format!("({used_text:>10}/{all_text})"),
                Era::V1alpha5 => format!("({used_text}/{all_text})"),
            };
            let month = rate.saturating_mul(MONTH_HOURS);
            let price = format!("${}/hour | ${}/month", usd(rate, 3, era), usd(month, 3, era));
            let price = if self.pricing { price } else { String::new() };
            let nodes = format!("{} nodes", whole(i64::try_from(list.len()).unwrap_or(0), era));
            out.push(vec![nodes, fraction, percent, resource.clone(), bar, price]);
        }
        out
    }

    fn node(&self, r: &Row, now: i64, era: Era) -> Vec<Cells> {
        let mut out = Vec::new();
        for (i, resource) in self.resources.iter().enumerate() {
            let (used, all) = (r.used(resource), r.allocatable.get(resource));
            let bar = format!("{} {:>3}%", bar(used, all, BAR - 5), ratio(used, all, 100).clamp(0, 100));
            if i > 0 {
                out.push(vec![" ".to_owned(), resource.clone(), bar]);
                continue;
            }
            let pods = match era {
                Era::V1 => format!("({}/{} pods)", r.pods, r.allocatable.get("pods")),
                Era::V1alpha5 => format!("({} pods)", r.pods),
            };
            let price = r.price_micro.filter(|_| self.pricing).map(|micro| format!("/${}", usd(micro, 4, Era::V1alpha5)));
            let is = |ours: &str, managed: &str| {
                r.label("karpenter.sh/capacity-type") == ours || r.label("eks.amazonaws.com/capacityType") == managed
            };
            let capacity = match r.label("eks.amazonaws.com/compute-type") {
                _ if is("on-demand", "ON_DEMAND") => "On-Demand",
                _ if is("spot", "SPOT") => "Spot",
                "fargate" => "Fargate",
                _ => "-",
            };
            let auto = if era == Era::V1 && r.label("eks.amazonaws.com/compute-type") == "auto" { "/Auto" } else { "" };
            let status = match (r.cordoned, r.deleting) {
                (false, false) => "-",
                (true, false) => "Cordoned",
                (false, true) => "Deleting",
                (true, true) => "Cordoned/Deleting",
            };
            let ready = match (r.ready, era) {
                (true, _) => "Ready".to_owned(),
                (false, Era::V1) => format!("NotReady/{}", r.not_ready(now)),
                (false, Era::V1alpha5) => r.age(now),
            };
            let mut cells = vec![
                r.name.clone(),
                resource.clone(),
                bar,
                pods,
                format!("{}{}", r.label("node.kubernetes.io/instance-type"), price.unwrap_or_default()),
                format!("{capacity}{auto}"),
                status.to_owned(),
                ready,
            ];
            cells.extend(self.labels.iter().map(|l| r.shown(l, now, era)));
            out.push(cells);
        }
        out
    }
}

/// `round(cells x ratio)` full cells.
fn bar(used: i64, all: i64, cells: usize) -> String {
    let n = i128::try_from(cells).unwrap_or(0);
    let full = if all == 0 { 0 } else { (i128::from(used) * n * 2 / i128::from(all) + 1) / 2 };
    let full = usize::try_from(full).unwrap_or(0).min(cells);
    format!("{}{}", "█".repeat(full), "░".repeat(cells - full))
}

/// A whole number; thousands are separated since 0.6.
fn whole(n: i64, era: Era) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, c) in digits.chars().enumerate() {
        if era == Era::V1 && i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(c);
    }
    text
}

/// Micro-dollars with so many decimals, rounded half up.
fn usd(micro: i64, decimals: u32, era: Era) -> String {
    let unit = 10i64.pow(6 - decimals);
    let rounded = micro.saturating_add(unit / 2) / unit;
    let scale = 10i64.pow(decimals);
    format!("{}.{:0width$}", whole(rounded / scale, era), rounded % scale, width = decimals as usize)
}

/// Cells one space apart, columns aligned, columns that are empty everywhere left out.
fn align(rows: &[Cells]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> =
        (0..columns).map(|i| rows.iter().filter_map(|r| r.get(i)).map(|c| c.chars().count()).max().unwrap_or(0)).collect();
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            if *width > 0 {
                line.push_str(cell);
                line.extend(std::iter::repeat_n(' ', width - cell.chars().count() + 1));
            }
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_and_money() {
        assert_eq!(bar(2450, 3860, 40).chars().filter(|c| *c == '█').count(), 25);
        assert_eq!(bar(5125, 7910, 35).chars().filter(|c| *c == '█').count(), 23);
        assert_eq!(bar(0, 0, 3), "░░░");
        assert_eq!(bar(9, 3, 3), "███");
        assert_eq!(usd(192_000, 3, Era::V1alpha5), "0.192");
        assert_eq!(usd(1_234_567_890, 3, Era::V1), "1,234.568");
        assert_eq!(usd(118_000, 4, Era::V1alpha5), "0.1180");
    }

    #[test]
    fn empty_columns_collapse() {
        let rows = vec![
            vec!["2 nodes".to_owned(), "(1/2)".to_owned(), String::new(), "x".to_owned()],
            vec![String::new(), "(10/20)".to_owned(), String::new(), "y".to_owned()],
        ];
        assert_eq!(align(&rows), "2 nodes (1/2)   x\n        (10/20) y\n");
    }
}
