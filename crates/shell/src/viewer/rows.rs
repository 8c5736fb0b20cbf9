//! What the viewer shows of each node: nodes, and in era v1 NodeClaims whose instance has no node yet.

use crate::kubectl::human;
use engine::totals::{self, counts};
use engine::{Era, Snapshot};
use objects::collections::{Order as _, VecMap};
use objects::selector::Expression;
use objects::{DocExt, Kind, Object, Resources};
use std::cmp::Ordering;

/// One line of the list, and the numbers behind it.
#[derive(Debug)]
pub struct Row {
    pub name: String,
    /// The instance's id, or the whole provider ID of another cloud.
    id: String,
    created_ms: i64,
    pub labels: VecMap<String, String>,
    pub allocatable: Resources,
    pub used: Resources,
    pub pods: usize,
    pub price_micro: Option<i64>,
    pub cordoned: bool,
    pub deleting: bool,
    pub ready: bool,
    /// Since when it is not ready.
    since_ms: i64,
}

impl Row {
    pub fn label(&self, key: &str) -> &str {
        self.labels.get(key).map(String::as_str).unwrap_or_default()
    }

    pub fn used(&self, resource: &str) -> i64 {
        if resource == "pods" { i64::try_from(self.pods).unwrap_or(0) } else { self.used.get(resource) }
    }

    pub fn age(&self, now_ms: i64) -> String {
        human(now_ms - self.created_ms)
    }

    pub fn not_ready(&self, now_ms: i64) -> String {
        human(now_ms - self.since_ms)
    }

    /// A label's value, or what the viewer computes under such a name; for any other it has a dash, before 0.7.2 the name.
    pub fn shown(&self, key: &str, now_ms: i64, era: Era) -> String {
        if let Some(value) = self.labels.get(key) {
            return value.clone();
        }
        if key == "eks-node-viewer/node-age" {
            return self.age(now_ms);
        }
        match key.strip_prefix("eks-node-viewer/node-").and_then(|k| k.strip_suffix("-usage")) {
            Some(resource) if self.allocatable.0.contains_key(resource) => {
                format!("{}%", ratio(self.used(resource), self.allocatable.get(resource), 100))
            }
            Some(_) => "N/A".to_owned(),
            None if era == Era::V1 => "-".to_owned(),
            None => key.to_owned(),
        }
    }
}

/// `part / whole` times `scale`, to the nearest whole number, halves to the even one, as Go prints it.
pub fn ratio(part: i64, whole: i64, scale: i128) -> i128 {
    let whole = i128::from(whole);
    if whole <= 0 {
        return 0;
    }
    let product = i128::from(part) * scale;
    let (down, rest) = (product.div_euclid(whole), product.rem_euclid(whole) * 2);
    if rest > whole || (rest == whole && down % 2 == 1) { down + 1 } else { down }
}

/// The rows that the selector takes, in no order.
pub fn rows(snapshot: &Snapshot, selector: &[Expression]) -> Vec<Row> {
    let claims: Vec<&Object> = match snapshot.profile.era {
        Era::V1 => snapshot.store.list(Kind::NodeClaim).map(|c| &**c).collect(),
        Era::V1alpha5 => Vec::new(),
    };
    let mut rows: Vec<Row> = Vec::new();
    for node in snapshot.store.list(Kind::Node) {
        let provider = node.node().map(|n| n.provider_id.clone()).unwrap_or_default();
        let claim = claims.iter().find(|c| !provider.is_empty() && c.doc.str_at("status.providerID") == Some(&provider));
        rows.push(of_node(node, &provider, claim.copied(), snapshot));
    }
    for claim in claims {
        let Some(provider) = claim.doc.str_at("status.providerID").filter(|p| !p.is_empty()) else { continue };
        if !rows.iter().any(|r| r.id == instance_id(provider)) {
            rows.push(of_claim(claim, provider, snapshot));
        }
    }
    rows.retain(|r| selector.iter().all(|e| e.matches(&r.labels)));
    rows
}

fn instance_id(provider: &str) -> &str {
    provider.strip_prefix("aws:///").and_then(|p| p.rsplit_once('/')).map_or(provider, |(_, id)| id)
}

/// The label that overrides a price, in dollars.
fn own_price(labels: &VecMap<String, String>) -> Option<i64> {
    let text = labels.get("eks-node-viewer/instance-price")?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction: i64 = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
    whole.parse::<i64>().ok()?.checked_mul(1_000_000)?.checked_add(fraction)
}

fn of_node(node: &Object, provider: &str, claim: Option<&Object>, snapshot: &Snapshot) -> Row {
    let typed = node.node();
    let mut row = Row {
        name: node.meta.name.clone(),
        id: instance_id(provider).to_owned(),
        created_ms: node.meta.created_ms,
        labels: node.meta.labels.clone(),
        allocatable: typed.map(|n| n.allocatable.clone()).unwrap_or_default(),
        used: Resources::default(),
        pods: 0,
        price_micro: own_price(&node.meta.labels).or_else(|| snapshot.ledger.price_of(&node.meta.name)),
        cordoned: cordoned(node, snapshot.profile.era),
        deleting: node.meta.is_deleting(),
        ready: typed.is_some_and(|n| n.ready),
        since_ms: node.meta.created_ms,
    };
    for pod in snapshot.store.pods_on(&node.meta.name).filter(|p| counts(p)).filter_map(|p| p.pod()) {
        row.used.add(&pod.spec.requests);
        row.pods += 1;
    }
    if row.ready || snapshot.profile.era == Era::V1alpha5 {
        return row;
    }
    // Until it has been ready for the first time, its life began with its NodeClaim.
    let initialized = |c: &&Object| condition(c, "Initialized").is_some_and(|c| c.str_at("status") == Some("True"));
    match claim.filter(|c| !initialized(c)) {
        Some(claim) => (row.created_ms, row.since_ms) = (claim.meta.created_ms, claim.meta.created_ms),
        None => {
            let went = condition(node, "Ready").and_then(|c| c.str_at("lastTransitionTime"));
            row.since_ms = went.and_then(objects::time::parse_rfc3339).unwrap_or(row.created_ms);
        }
    }
    row
}

fn condition<'a>(object: &'a Object, kind: &str) -> Option<&'a objects::Value> {
    object.doc.list_at("status.conditions").iter().find(|c| c.str_at("type") == Some(kind))
}

/// The taint counts since 0.6.
fn cordoned(node: &Object, era: Era) -> bool {
    match era {
        Era::V1 => totals::cordoned(node),
        Era::V1alpha5 => node.node().is_some_and(|n| n.unschedulable),
    }
}

fn of_claim(claim: &Object, provider: &str, snapshot: &Snapshot) -> Row {
    let id = instance_id(provider);
    let instance = snapshot.store.list(Kind::Instance).find(|i| i.meta.name == id);
    let node = claim.doc.str_at("status.nodeName").filter(|n| !n.is_empty());
    let tainted =
        |t: &objects::Value| t.str_at("key") == Some("karpenter.sh/disruption") && t.str_at("effect") == Some("NoSchedule");
    Row {
        name: node.unwrap_or(id).to_owned(),
        id: id.to_owned(),
        created_ms: claim.meta.created_ms,
        labels: claim.meta.labels.clone(),
        allocatable: Resources::read(claim.doc.at("status.allocatable")),
        used: Resources::default(),
        pods: 0,
        price_micro: own_price(&claim.meta.labels).or_else(|| instance.and_then(|i| i.doc.int_at("spec.priceMicro"))),
        cordoned: claim.doc.list_at("spec.taints").iter().any(tainted),
        // The times of the claim's end are not taken over.
        deleting: false,
        ready: false,
        since_ms: claim.meta.created_ms,
    }
}

/// `--node-sort`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    key: String,
    descending: bool,
}

impl Order {
    pub fn parse(text: &str) -> Order {
        let (key, descending) = match (text.strip_suffix("=asc"), text.strip_suffix("=dsc")) {
            (Some(key), _) => (key, false),
            (_, Some(key)) => (key, true),
            _ => (text, false),
        };
        Order { key: key.to_owned(), descending }
    }

    pub fn apply(&self, rows: &mut [Row], now_ms: i64, era: Era) {
        let seconds = |r: &Row| r.created_ms.div_euclid(1000);
        // Before 0.5 there was one order: by age, then by name.
        if era == Era::V1alpha5 && *self == Order::parse("creation=dsc") {
            rows.order_by(|a, b| seconds(a).cmp(&seconds(b)).then_with(|| a.name.cmp(&b.name)));
            return;
        }
        rows.order_by(|a, b| {
            let order = if self.key == "creation" {
                // The original's comparison of times is the other way round: ascending is newest first.
                seconds(b).cmp(&seconds(a)).then_with(|| natural(&a.name, &b.name))
            } else {
                let label = |r: &Row| r.shown(&self.key, now_ms, era);
                natural(&label(a), &label(b)).then_with(|| natural(&a.id, &b.id))
            };
            if self.descending { order.reverse() } else { order }
        });
    }
}

/// Numbers within texts by their value, everything else by its bytes. Source: facette/natsort.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (chunks(a).into_iter(), chunks(b).into_iter());
    loop {
        let (x, y) = match (left.next(), right.next()) {
            (Some(x), Some(y)) => (x, y),
            (x, y) => return x.is_some().cmp(&y.is_some()),
        };
        let order = match (x.parse::<i64>(), y.parse::<i64>()) {
            (Ok(x), Ok(y)) => x.cmp(&y),
            _ => x.cmp(y),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// Runs of digits and runs of anything else.
fn chunks(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let digits = first.is_ascii_digit();
        let end = rest.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(rest.len());
        out.push(rest.get(..end).unwrap_or_default());
        rest = rest.get(end..).unwrap_or_default();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorts_numbers_by_their_value() {
        for (a, b) in [("ip-10-0-9-1", "ip-10-0-10-1"), ("9%", "65%"), ("a", "ab"), ("m5.large", "m5.xlarge"), ("-", "9")] {
            assert_eq!((natural(a, b), natural(b, a)), (Ordering::Less, Ordering::Greater), "{a} {b}");
        }
    }

    /// `%.0f` and `%.1f` of Go 1.24.
    #[test]
    fn rounds_halves_to_even() {
        for (part, whole, want) in [(1, 8, 12), (3, 8, 38), (5, 8, 62), (2450, 3860, 63), (7, 7, 100), (1, 0, 0)] {
            assert_eq!(ratio(part, whole, 100), want, "{part}/{whole}");
        }
    }

    #[test]
    fn reads_a_price_from_a_label() {
        let of = |text: &str| own_price(&VecMap::from([("eks-node-viewer/instance-price".to_owned(), text.to_owned())]));
        assert_eq!((of("0.192000"), of("1.5"), of("2"), of("x")), (Some(192_000), Some(1_500_000), Some(2_000_000), None));
    }
}
