//! Whether a decision is one of the recorded ones: field by field, or by its shape, which leaves out what ties decide
//! (zone names, pod numbers, which of equal nodes).

use objects::collections::VecMap;
use objects::{DocExt, Value, json};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Among the recorded outcomes, field by field.
    Exact,
    /// Of a recorded shape.
    Shape,
    /// Neither; the first difference from the most frequent outcome.
    Differs(String),
}

/// Judges a normalized outcome by a recorded file.
pub fn verdict(recorded: &Value, outcome: &Value) -> Verdict {
    let outcomes: Vec<Value> = recorded.list_at("outcomes").iter().map(normalized).collect();
    if outcomes.contains(outcome) {
        return Verdict::Exact;
    }
    let own = shape(outcome);
    if recorded.list_at("shapes").iter().any(|s| *s.at("shape") == own) {
        return Verdict::Shape;
    }
    let wanted = outcomes.first().map(shape).unwrap_or_default();
    let words = difference("", &own, &wanted).unwrap_or_else(|| "the recorded file has no outcome".to_owned());
    Verdict::Differs(words)
}

fn normalized(outcome: &Value) -> Value {
    let mut o = outcome.clone();
    o.remove_at("count");
    normalize(&mut o);
    o
}

/// Sorts what has no order.
pub fn normalize(outcome: &mut Value) {
    if !outcome.at("provision").is_null() {
        list(outcome.slot("provision.newNodeClaims")).iter_mut().for_each(normalize_claim);
        sort_by(outcome.slot("provision.newNodeClaims"), |c| strings(c.at("pods")).join(","));
        normalize_existing(outcome.slot("provision.existingNodes"));
    }
    for method in ["emptiness", "multi", "single"] {
        let path = format!("consolidate.{method}");
        if outcome.at(&path).is_null() {
            continue;
        }
        let m = outcome.slot(&path);
        sort_by(m.slot("candidates"), |c| c.str_at("node").unwrap_or_default().to_owned());
        if m.at("command").is_null() {
            continue;
        }
        let command = m.slot("command");
        sort_by(command.slot("candidates"), |c| c.as_str().unwrap_or_default().to_owned());
        if !command.at("replacement").is_null() {
            normalize_claim(command.slot("replacement"));
        }
        if !command.at("podsToExistingNodes").is_null() {
            normalize_existing(command.slot("podsToExistingNodes"));
        }
    }
}

fn normalize_claim(claim: &mut Value) {
    sort_by(claim.slot("pods"), |p| natural(p.as_str().unwrap_or_default()));
    sort_by(claim.slot("requirements"), |r| r.str_at("key").unwrap_or_default().to_owned());
}

fn normalize_existing(existing: &mut Value) {
    for e in list(existing) {
        sort_by(e.slot("pods"), |p| natural(p.as_str().unwrap_or_default()));
    }
    sort_by(existing, |e| e.str_at("node").unwrap_or_default().to_owned());
}

fn list(v: &mut Value) -> &mut [Value] {
    v.as_array_mut().map_or(&mut [], Vec::as_mut_slice)
}

fn sort_by(v: &mut Value, key: impl Fn(&Value) -> String) {
    list(v).sort_by_cached_key(key);
}

/// The workload of a pod: its name up to the last number.
fn group(pod: &str) -> &str {
    match pod.rsplit_once('-') {
        Some((head, tail)) if !head.is_empty() && tail.parse::<i64>().is_ok() => head,
        _ => pod,
    }
}

/// A key by which web-2 comes before web-10.
fn natural(pod: &str) -> String {
    match pod.strip_prefix(group(pod)).and_then(|t| t.strip_prefix('-')) {
        Some(number) => format!("{}-{number:>8}", group(pod)),
        None => pod.to_owned(),
    }
}

fn strings(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// A decision without what ties decide.
pub fn shape(outcome: &Value) -> Value {
    let consolidate = outcome.at("consolidate");
    if !consolidate.is_null() {
        let by = |method: &str| shape_of_method(consolidate.at(method));
        return json!({
            "decidedBy": consolidate.at("decidedBy"),
            "emptiness": by("emptiness"), "multi": by("multi"), "single": by("single"),
        });
    }
    let provision = outcome.at("provision");
    let mut nodes: Vec<String> = provision.list_at("newNodeClaims").iter().map(shape_of_claim).collect();
    nodes.sort();
    let mut shape = json!({});
    if !nodes.is_empty() {
        shape.set("newNodes", json!(run_length(&nodes)));
    }
    let text = |e: &Value| format!("{} pods={{{}}}", e.str_at("node").unwrap_or_default(), groups(e.at("pods")));
    let existing: Vec<String> = provision.list_at("existingNodes").iter().map(text).collect();
    if !existing.is_empty() {
        shape.set("existing", json!(existing));
    }
    let mut errors: VecMap<String, u32> = VecMap::new();
    for (pod, category) in provision.strings_at("podErrors") {
        *errors.entry(format!("{}: {category}", group(&pod))).or_insert(0) += 1;
    }
    if !errors.is_empty() {
        shape.set("errors", json!(errors));
    }
    shape
}

fn shape_of_method(m: &Value) -> String {
    let command = m.at("command");
    if command.is_null() {
        return "no-op".to_owned();
    }
    let gone = |name: &str| {
        let c = m.list_at("candidates").iter().find(|c| c.str_at("node") == Some(name)).unwrap_or(&Value::Null);
        let part = |key: &str| c.str_at(key).unwrap_or_default();
        format!("{}/{}/{}", part("nodePool"), part("instanceType"), part("capacityType"))
    };
    let mut all: Vec<String> = strings(command.at("candidates")).into_iter().map(gone).collect();
    all.sort();
    let mut text = format!("{} [{}]", command.str_at("decision").unwrap_or_default(), run_length(&all).join(", "));
    if !command.at("replacement").is_null() {
        text.push_str(&format!(" -> {}", shape_of_claim(command.at("replacement"))));
    }
    text
}

fn shape_of_claim(claim: &Value) -> String {
    let values = |key: &str| {
        let is = |r: &&Value| r.str_at("key") == Some(key) && r.str_at("operator") == Some("In");
        claim.list_at("requirements").iter().find(is).map(|r| strings(r.at("values"))).unwrap_or_default()
    };
    let mut zones = values("topology.kubernetes.io/zone");
    zones.dedup();
    let zones = if zones.is_empty() { "any".to_owned() } else { zones.len().to_string() };
    let mut types: Vec<&str> =
        strings(claim.at("instanceTypes")).into_iter().map(|t| t.split('@').next().unwrap_or_default()).collect();
    types.sort_unstable();
    let mut text = types.join(",");
    if types.len() > 12 {
        let hash = text.bytes().fold(2_166_136_261_u32, |h, b| (h ^ u32::from(b)).wrapping_mul(16_777_619));
        text = format!("{} types fnv={hash:08x}", types.len());
    }
    format!(
        "pool={} ct={} zones={zones} types=[{text}] pods={{{}}}",
        claim.str_at("nodePool").unwrap_or_default(),
        values("karpenter.sh/capacity-type").join("|"),
        groups(claim.at("pods"))
    )
}

fn groups(pods: &Value) -> String {
    let mut counts: VecMap<&str, u32> = VecMap::new();
    for p in strings(pods) {
        *counts.entry(group(p)).or_insert(0) += 1;
    }
    counts.iter().map(|(g, n)| format!("{g} x{n}")).collect::<Vec<_>>().join(" ")
}

fn run_length(list: &[String]) -> Vec<String> {
    let text = |run: &[String]| format!("{}x {}", run.len(), run.first().map_or("", String::as_str));
    list.chunk_by(|a, b| a == b).map(text).collect()
}

/// The first place where two documents differ, with both values.
fn difference(path: &str, own: &Value, recorded: &Value) -> Option<String> {
    match (own, recorded) {
        (Value::Object(a), Value::Object(b)) => {
            let mut keys: Vec<&String> = a.keys().chain(b.keys()).collect();
            keys.sort();
            let inner = |k: &&String| if path.is_empty() { (*k).clone() } else { format!("{path}.{k}") };
            keys.iter().find_map(|k| difference(&inner(k), own.field(k), recorded.field(k)))
        }
        (Value::Array(a), Value::Array(b)) => (0..a.len().max(b.len())).find_map(|i| {
            let of = |l: &[Value]| l.get(i).cloned().unwrap_or_default();
            difference(&format!("{path}[{i}]"), &of(a), &of(b))
        }),
        (a, b) if a == b => None,
        (a, b) => Some(format!("{path} is {a}, recorded {b}")),
    }
}

/// Where the recorded words about a pod or a node are not the engine's. Placeholder numbers count up over all rounds of a process,
/// and domain counts fall as ties do, so both are left out.
pub fn words_differ(words: &VecMap<String, String>, recorded: &Value) -> Option<String> {
    for (about, own) in words {
        let said = strings(recorded.at("explain").field(about));
        if !said.is_empty() && !said.iter().any(|r| neutral(r) == neutral(own)) {
            return Some(format!("{about} says {own:?}, recorded {:?}", said.join("; ")));
        }
    }
    None
}

fn neutral(words: &str) -> String {
    let mut text = words.to_owned();
    if let (Some(a), Some(b)) = (text.find("(counts = "), text.find(", podDomains"))
        && a < b
    {
        text.replace_range(a..b, "(counts");
    }
    let mut out = String::new();
    let mut rest = text.as_str();
    const NAME: &str = "hostname-placeholder-";
    while let Some((before, after)) = rest.split_once(NAME) {
        out.push_str(before);
        out.push_str(NAME);
        rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(pods: &[&str], zone: &str) -> Value {
        let mut outcome = json!({"hourlyPrice": 1, "provision": {"newNodeClaims": [{
            "nodePool": "default", "pods": pods, "instanceTypes": ["m5.large@0.096"],
            "requirements": [{"key": "topology.kubernetes.io/zone", "operator": "In", "values": [zone]}]}],
            "existingNodes": [], "podErrors": {"web-3": "taint"}}});
        normalize(&mut outcome);
        outcome
    }

    #[test]
    fn judges_by_fields_then_by_shape() {
        let recorded = |outcome: &Value| json!({"outcomes": [outcome], "shapes": [{"shape": shape(outcome)}]});
        let check = |own: &Value, want: &Verdict| assert_eq!(verdict(&recorded(&plan(&["web-2", "web-10"], "a")), own), *want);
        check(&plan(&["web-10", "web-2"], "a"), &Verdict::Exact);
        check(&plan(&["web-1", "web-2"], "b"), &Verdict::Shape);
        let text = |n: u32| format!("\"1x pool=default ct= zones=1 types=[m5.large] pods={{web x{n}}}\"");
        check(&plan(&["web-1"], "a"), &Verdict::Differs(format!("newNodes[0] is {}, recorded {}", text(1), text(2))));
    }

    #[test]
    fn pods_sort_by_number() {
        let mut pods = json!(["web-10", "web-2", "api"]);
        sort_by(&mut pods, |p| natural(p.as_str().unwrap_or_default()));
        assert_eq!(pods, json!(["api", "web-2", "web-10"]));
    }

    #[test]
    fn placeholders_and_counts_do_not_matter() {
        assert_eq!(
            neutral("x hostname-placeholder-0012 (counts = a: 1, podDomains"),
            "x hostname-placeholder- (counts, podDomains"
        );
    }
}
