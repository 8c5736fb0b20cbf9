//! eks-node-viewer, cell by cell: summary, pods line, a row per node and resource, paginator and help.
//! Source of formats: awslabs/eks-node-viewer pkg/model/{uimodel,node,cluster}.go, v0.4 (look A) and main (look C).

use crate::Key;
use crate::kubectl::human;
use crate::run::{Ctx, Io, Program, Step};
use crate::tools::Refusal;
use engine::session::Seen;
use engine::totals::{self, NodeTotals, Totals};
use engine::{Era, SimTime, Snapshot};
use objects::collections::Order as _;
use objects::format::quantity;
use objects::selector::Expression;
use objects::{DocExt, Resources};

/// Redraw while something is on screen. The original redraws ten times a second; ages change once.
const TICK_MS: u64 = 1_000;
const BAR: usize = 40;
/// A screen so high that every node is on its first page.
const ALL_ROWS: usize = usize::MAX / 2;
/// Hours of a month as the viewer counts them: 8760 / 12.
const MONTH_HOURS: i64 = 730;

#[derive(Debug)]
struct Viewer {
    resources: Vec<String>,
    labels: Vec<String>,
    selector: Vec<Expression>,
    sort: (String, bool),
    pricing: bool,
    page: usize,
    seen: bool,
    last: String,
    next: Option<SimTime>,
}

/// Text cells with a mark for what the columns of the summary do not share.
type Cells = Vec<String>;

impl Default for Viewer {
    fn default() -> Viewer {
        Viewer {
            resources: vec!["cpu".to_owned()],
            labels: Vec::new(),
            selector: Vec::new(),
            sort: ("creation".to_owned(), false),
            pricing: true,
            page: 0,
            seen: false,
            last: String::new(),
            next: None,
        }
    }
}

/// The whole picture at once, as the viewer draws it without options.
pub fn picture(snapshot: &Snapshot) -> String {
    Viewer::default().picture(snapshot, ALL_ROWS, false)
}

pub fn build(args: Vec<String>, ctx: &Ctx<'_>) -> Result<Box<dyn Program>, Refusal> {
    let mut viewer = Viewer::default();
    // Defaults come from ~/.eks-node-viewer as key=value lines, flags win.
    let path = ctx.state.path(&format!("{}/.eks-node-viewer", ctx.state.env.home));
    let mut settings: Vec<String> = Vec::new();
    if let Some(text) = ctx.state.files.read(&path) {
        settings.extend(text.lines().filter(|l| !l.trim().is_empty() && !l.starts_with('#')).map(|l| format!("-{}", l.trim())));
    }
    let mut rest = settings.into_iter().chain(args);
    while let Some(arg) = rest.next() {
        let Some(body) = arg.strip_prefix("--").or_else(|| arg.strip_prefix('-')) else {
            continue;
        };
        let (name, value) = body.split_once('=').map_or((body, None), |(n, v)| (n, Some(v.to_owned())));
        match name {
            "disable-pricing" => viewer.pricing = value.as_deref() == Some("false"),
            "v" | "version" => {
                let version = if ctx.session.scenario().era == Era::V1 { "0.7.4" } else { "0.4.0" };
                return Err(Refusal::new(0, format!("eks-node-viewer version {version} (simulated)")));
            }
            "attribution" => return Err(Refusal::new(0, "eks-node-viewer is drawn here by nodewright")),
            "context" | "kubeconfig" | "style" | "resources" | "extra-labels" | "node-selector" | "node-sort" => {
                let needs = || Refusal::new(2, format!("flag needs an argument: -{name}"));
                let value = value.or_else(|| rest.next()).ok_or_else(needs)?;
                let list = || value.split(',').map(str::trim).filter(|v| !v.is_empty()).map(str::to_owned).collect();
                match name {
                    "resources" => viewer.resources = list(),
                    "extra-labels" => viewer.labels = list(),
                    "node-selector" => {
                        let parsed = crate::kubectl::label_selector(&value);
                        viewer.selector = parsed.map_err(|why| Refusal::new(1, format!("parsing node selector: {why}")))?;
                    }
                    "node-sort" => {
                        let (key, order) = value.split_once('=').unwrap_or((&value, "asc"));
                        // The original's comparator of ages is inverted: `creation=asc` is newest first.
                        let reverse = (order == "dsc") != (key == "creation");
                        viewer.sort = (key.to_owned(), reverse);
                    }
                    _ => {}
                }
            }
            other => {
                return Err(Refusal::new(
                    2,
                    format!(
                        "flag provided but not defined: -{other}\nUsage of eks-node-viewer: --context --disable-pricing \
                             --extra-labels --kubeconfig --node-selector --node-sort --resources --style --version"
                    ),
                ));
            }
        }
    }
    Ok(Box::new(viewer))
}

impl Viewer {
    fn picture(&self, snapshot: &Snapshot, rows: usize, interactive: bool) -> String {
        let mut t = totals::totals(snapshot);
        if !self.selector.is_empty() {
            restrict(&mut t, snapshot, &self.selector);
        }
        self.order(&mut t.nodes);
        let new = snapshot.profile.era == Era::V1;
        let mut out = align(&self.summary(&t, new));
        out.push_str(&format!("{} pods ({} pending {} running {} bound)\n", t.pods, t.pending, t.running, t.bound));
        out.push('\n');
        let per_node = self.resources.len().max(1);
        let fixed = self.resources.len() + 5;
        let per_page = (rows.saturating_sub(fixed) / per_node).max(1);
        let pages = t.nodes.len().div_ceil(per_page).max(1);
        let page = self.page.min(pages - 1);
        if t.nodes.is_empty() {
            out.push_str("Waiting for update or no nodes found...\n");
        }
        let shown: Vec<Cells> =
            t.nodes.iter().skip(page * per_page).take(per_page).flat_map(|n| self.node(n, snapshot, new)).collect();
        out.push_str(&align(&shown));
        if interactive {
            let dots: String = (0..pages).map(|p| if p == page { '•' } else { '○' }).collect();
            out.push_str(&format!("{dots}\n←/→ page • q: quit\n"));
        }
        out
    }

    fn order(&self, nodes: &mut [NodeTotals]) {
        let (key, reverse) = &self.sort;
        if key == "creation" {
            // `totals` gives the oldest first.
            if *reverse {
                nodes.reverse();
            }
            return;
        }
        nodes.order_by(|a, b| {
            let order = match key.strip_prefix("eks-node-viewer/node-").and_then(|k| k.strip_suffix("-usage")) {
                Some(resource) => usage(a, resource).cmp(&usage(b, resource)),
                None => {
                    let label = |n: &NodeTotals| n.node.meta.labels.get(key).cloned().unwrap_or_default();
                    label(a).cmp(&label(b))
                }
            };
            let order = if *reverse { order.reverse() } else { order };
            order.then_with(|| a.node.meta.name.cmp(&b.node.meta.name))
        });
    }

    fn summary(&self, t: &Totals, new: bool) -> Vec<Cells> {
        let mut rows = Vec::new();
        for (i, resource) in self.resources.iter().enumerate() {
            let (used, all) = (t.requested.get(resource), t.allocatable.get(resource));
            let used_text = quantity(resource, used).to_string();
            let all_text = quantity(resource, all).to_string();
            let fraction = if new { format!("({used_text:>10}/{all_text})") } else { format!("({used_text}/{all_text})") };
            let permille = if all == 0 { 0 } else { i128::from(used) * 10_000 / i128::from(all) };
            let permille = (permille + 5) / 10;
            let price = if i == 0 && self.pricing {
                let month = t.rate_micro.saturating_mul(MONTH_HOURS);
                format!("${}/hour | ${}/month", usd(t.rate_micro, 3, new), usd(month, 3, new))
            } else {
                String::new()
            };
            let nodes = if i == 0 { format!("{} nodes", t.nodes.len()) } else { String::new() };
            rows.push(vec![
                nodes,
                fraction,
                format!("{}.{}%", permille / 10, permille % 10),
                resource.clone(),
                bar(used, all, BAR),
                price,
            ]);
        }
        rows
    }

    fn node(&self, n: &NodeTotals, snapshot: &Snapshot, new: bool) -> Vec<Cells> {
        let o = &n.node;
        let label = |key: &str| o.meta.labels.get(key).map(String::as_str).unwrap_or_default();
        let mut rows = Vec::new();
        for (i, resource) in self.resources.iter().enumerate() {
            let (used, all) = (n.requested.get(resource), n.allocatable.get(resource));
            let percent = if all == 0 { 0 } else { (i128::from(used) * 1000 / i128::from(all) + 5) / 10 };
            let mut cells = vec![
                if i == 0 { o.meta.name.clone() } else { String::new() },
                resource.clone(),
                format!("{} {percent:>3}%", bar(used, all, BAR - 5)),
            ];
            if i == 0 {
                let pods = n.pods;
                cells.push(if new { format!("({pods}/{} pods)", n.allocatable.get("pods")) } else { format!("({pods} pods)") });
                let price = match n.price_micro.filter(|_| self.pricing) {
                    Some(micro) => format!("/${}", usd(micro, 4, new)),
                    None => String::new(),
                };
                cells.push(format!("{}{price}", label("node.kubernetes.io/instance-type")));
                cells.push(
                    match totals::capacity_type(o) {
                        "spot" => "Spot",
                        "on-demand" => "On-Demand",
                        _ => "-",
                    }
                    .to_owned(),
                );
                cells.push(
                    match (totals::cordoned(o), o.meta.is_deleting()) {
                        (false, false) => "-",
                        (true, false) => "Cordoned",
                        (false, true) => "Deleting",
                        (true, true) => "Cordoned/Deleting",
                    }
                    .to_owned(),
                );
                let ready = o.node().is_some_and(|t| t.ready);
                let age = human(snapshot.unix_ms() - o.meta.created_ms);
                cells.push(match (ready, new) {
                    (true, _) => "Ready".to_owned(),
                    (false, true) => format!("NotReady/{age}"),
                    (false, false) => age.clone(),
                });
                cells.extend(self.labels.iter().map(|l| match l.strip_prefix("eks-node-viewer/node-") {
                    Some("age") => age.clone(),
                    Some(rest) => match rest.strip_suffix("-usage").and_then(|r| usage(n, r)) {
                        Some(percent) => format!("{percent}%"),
                        None => "N/A".to_owned(),
                    },
                    None => label(l).to_owned(),
                }));
            }
            rows.push(cells);
        }
        rows
    }
}

/// Whole percent of a resource in use; `None` where the node has none of it.
fn usage(n: &NodeTotals, resource: &str) -> Option<i64> {
    let all = n.allocatable.get(resource);
    let used = if resource == "pods" { i64::try_from(n.pods).unwrap_or(0) } else { n.requested.get(resource) };
    (all > 0).then(|| used.saturating_mul(100) / all)
}

/// Leaves only the nodes that the selector takes, and their pods.
fn restrict(t: &mut Totals, snapshot: &Snapshot, selector: &[Expression]) {
    t.nodes.retain(|n| selector.iter().all(|e| e.matches(&n.node.meta.labels)));
    t.allocatable = Resources::default();
    t.requested = Resources::default();
    (t.pods, t.running, t.bound, t.pending, t.rate_micro) = (0, 0, 0, 0, 0);
    for n in &t.nodes {
        t.allocatable.add(&n.allocatable);
        t.requested.add(&n.requested);
        t.pods += n.pods;
        t.bound += n.pods;
        t.rate_micro = t.rate_micro.saturating_add(n.price_micro.unwrap_or(0));
        for pod in snapshot.store.pods_on(&n.node.meta.name).filter(|p| totals::counts(p)) {
            match pod.doc.str_at("status.phase") {
                Some("Running") => t.running += 1,
                _ => t.pending += 1,
            }
        }
    }
}

/// `round(cells x ratio)` full cells.
fn bar(used: i64, all: i64, cells: usize) -> String {
    let n = i128::try_from(cells).unwrap_or(0);
    let full = if all == 0 { 0 } else { (i128::from(used) * n * 2 / i128::from(all) + 1) / 2 };
    let full = usize::try_from(full).unwrap_or(0).min(cells);
    format!("{}{}", "█".repeat(full), "░".repeat(cells - full))
}

/// Micro-dollars with so many decimals, rounded half up; thousands are separated since 0.6.
fn usd(micro: i64, decimals: u32, separate: bool) -> String {
    let unit = 10i64.pow(6 - decimals);
    let rounded = micro.saturating_add(unit / 2) / unit;
    let scale = 10i64.pow(decimals);
    let whole = (rounded / scale).to_string();
    let mut text = String::new();
    for (i, c) in whole.chars().enumerate() {
        if separate && i > 0 && (whole.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(c);
    }
    format!("{text}.{:0width$}", rounded % scale, width = decimals as usize)
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

impl Program for Viewer {
    fn step(&mut self, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Step {
        let snapshot = ctx.session.snapshot();
        if !self.seen {
            self.seen = true;
            ctx.seen.push(Seen::NodeViewer);
        }
        if !ctx.state.options.interactive || !io.to_terminal {
            io.out(&self.picture(&snapshot, ALL_ROWS, false));
            return Step::Done(0);
        }
        *ctx.follows = true;
        *ctx.full_screen = true;
        for key in ctx.keys.drain(..) {
            match key {
                Key::Char('q') | Key::Escape => return Step::Done(0),
                Key::Left | Key::Char('h') => self.page = self.page.saturating_sub(1),
                Key::Right | Key::Char('l') => self.page += 1,
                _ => {}
            }
        }
        let picture = self.picture(&snapshot, ctx.state.options.rows, true);
        if picture != self.last {
            io.screen(&picture);
            self.last = picture;
        }
        if self.next.is_none_or(|next| next <= ctx.now()) {
            self.next = Some(ctx.now() + TICK_MS);
        }
        Step::Wait(self.next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_and_money() {
        assert_eq!(bar(2450, 3860, 40).chars().filter(|c| *c == '█').count(), 25);
        assert_eq!(bar(5125, 7910, 35).chars().filter(|c| *c == '█').count(), 23);
        assert_eq!(bar(0, 0, 3), "░░░");
        assert_eq!(usd(192_000, 3, false), "0.192");
        assert_eq!(usd(1_234_567_890, 3, true), "1,234.568");
        assert_eq!(usd(118_000, 4, false), "0.1180");
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
