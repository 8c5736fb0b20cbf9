//! The engine's decisions in the form of the recorded ones.

use engine::scheduling::{Cluster, Plan, PlannedClaim, Round, solve};
use objects::collections::VecMap;
use objects::{DocExt, Value, json};

/// The plan for the pending pods: `claims`, `existing`, `errors` (categories), `words`.
pub fn provision(c: &Cluster) -> Value {
    let plan = solve(c, &Round::default());
    let mut claims: Vec<Value> = plan.claims.iter().map(|p| claim(c, p)).collect();
    claims.sort_by_key(|p| strings(p.at("pods")).join(","));
    let mut existing: Vec<Value> =
        plan.existing.iter().map(|(n, pods)| json!({"node": c.nodes[*n].name, "pods": names(c, pods)})).collect();
    existing.sort_by_key(|e| e.str_at("node").unwrap().to_owned());
    let (errors, words) = errors(c, &plan);
    json!({"claims": claims, "existing": existing, "errors": errors, "words": words})
}

fn errors(c: &Cluster, plan: &Plan) -> (VecMap<String, String>, VecMap<String, String>) {
    let mut all: VecMap<String, String> = VecMap::new();
    let mut words = VecMap::new();
    for (p, text) in &plan.errors {
        all.insert(c.pods[*p].name.clone(), category(text));
        words.insert(c.pods[*p].name.clone(), text.clone());
    }
    for p in c.ignored.keys() {
        all.insert(c.pods[*p].name.clone(), "ignored".to_owned());
    }
    if c.pools.iter().all(|p| p.closed) {
        all.extend(c.pods.iter().filter(|p| p.pending).map(|p| (p.name.clone(), "ignored".to_owned())));
    }
    (all, words)
}

pub fn claim(c: &Cluster, p: &PlannedClaim) -> Value {
    let (rules, types) = (&c.rules, &c.types);
    let kept = p.kept_types(types, rules).unwrap_or_default();
    let mut requirements = p.expressions(types, rules);
    requirements.retain(|e| e.key != "node.kubernetes.io/instance-type" || e.min_values.is_some());
    let requirement = |e: &objects::selector::Expression| {
        let mut v = json!({"key": e.key, "operator": e.operator.as_str()});
        if !e.values.is_empty() {
            v.set("values", json!(e.values));
        }
        if let Some(n) = e.min_values {
            v.set("minValues", n);
        }
        v
    };
    let priced = |i: &usize| {
        let t = types.get(*i).unwrap();
        let micro = t.cheapest_micro(&p.requirements);
        let text = format!("{}.{:06}", micro / 1_000_000, micro % 1_000_000);
        format!("{}@{}", t.name, text.trim_end_matches('0').trim_end_matches('.'))
    };
    json!({
        "nodePool": p.pool, "pods": names(c, &p.pods), "requests": p.requests.0,
        "requirements": requirements.iter().map(requirement).collect::<Vec<_>>(),
        "instanceTypes": kept.iter().map(priced).collect::<Vec<_>>(),
    })
}

fn group(pod: &str) -> &str {
    pod.rsplit_once('-').map_or(pod, |(head, _)| head)
}

/// Names in order of their number.
pub fn names(c: &Cluster, pods: &[usize]) -> Vec<String> {
    let mut all: Vec<String> = pods.iter().map(|p| c.pods[*p].name.clone()).collect();
    let key = |n: &String| n.rsplit_once('-').map(|(g, i)| (g.to_owned(), i.parse::<u32>().unwrap_or(0)));
    all.sort_by_key(key);
    all
}

fn category(words: &str) -> String {
    let mut found: Vec<&str> = words.split("; ").map(one_category).collect();
    found.sort_unstable();
    found.dedup();
    found.join("+")
}

fn one_category(words: &str) -> &'static str {
    let has = |text: &str| words.contains(text);
    if has("did not tolerate") {
        "taint"
    } else if has("minValues") {
        "min-values"
    } else if has("reserved offering") {
        "reserved"
    } else if has("unsatisfiable topology") || has("kubernetes.io/hostname DoesNotExist not in") {
        "topology"
    } else if has("incompatible volume requirements") {
        "volume"
    } else if has("host port") || has("hostport") {
        "host-port"
    } else if has("exceed limits") || has("limits have been exhausted") {
        "limits"
    } else if has("filtered out all available") {
        "no-instance-types"
    } else if has("no instance type") {
        "instance-types"
    } else {
        "requirements"
    }
}

pub fn without_words(outcome: &Value) -> Value {
    let mut o = outcome.clone();
    o.remove_at("words");
    o
}

/// A decision without what ties decide.
pub fn shape(outcome: &Value) -> Value {
    let mut nodes: Vec<String> = outcome.list_at("claims").iter().map(shape_of_claim).collect();
    nodes.sort();
    let mut shape = json!({});
    if !nodes.is_empty() {
        shape.set("newNodes", json!(run_length(&nodes)));
    }
    let existing: Vec<String> = outcome
        .list_at("existing")
        .iter()
        .map(|e| format!("{} pods={{{}}}", e.str_at("node").unwrap(), groups(e.at("pods"))))
        .collect();
    if !existing.is_empty() {
        shape.set("existing", json!(existing));
    }
    let mut errors: VecMap<String, u32> = VecMap::new();
    for (pod, category) in outcome.strings_at("errors") {
        *errors.entry(format!("{}: {category}", group(&pod))).or_insert(0) += 1;
    }
    if !errors.is_empty() {
        shape.set("errors", json!(errors));
    }
    shape
}

pub fn shape_of_claim(claim: &Value) -> String {
    let values = |key: &str| {
        let r = claim.list_at("requirements").iter().find(|r| r.str_at("key") == Some(key) && r.str_at("operator") == Some("In"));
        r.map(|r| strings(r.at("values"))).unwrap_or_default()
    };
    let zones = values("topology.kubernetes.io/zone").len();
    let zones = if zones == 0 { "any".to_owned() } else { zones.to_string() };
    let mut types: Vec<String> =
        strings(claim.at("instanceTypes")).iter().map(|t| t.split('@').next().unwrap().to_owned()).collect();
    types.sort();
    let mut text = types.join(",");
    if types.len() > 12 {
        let hash = text.bytes().fold(2_166_136_261u32, |h, b| (h ^ u32::from(b)).wrapping_mul(16_777_619));
        text = format!("{} types fnv={hash:08x}", types.len());
    }
    let kinds = values("karpenter.sh/capacity-type").join("|");
    format!(
        "pool={} ct={kinds} zones={zones} types=[{text}] pods={{{}}}",
        claim.str_at("nodePool").unwrap(),
        groups(claim.at("pods"))
    )
}

fn groups(pods: &Value) -> String {
    let mut counts: VecMap<String, u32> = VecMap::new();
    for p in strings(pods) {
        *counts.entry(group(&p).to_owned()).or_insert(0) += 1;
    }
    counts.iter().map(|(g, n)| format!("{g} x{n}")).collect::<Vec<_>>().join(" ")
}

pub fn run_length(list: &[String]) -> Vec<String> {
    list.chunk_by(|a, b| a == b).map(|run| format!("{}x {}", run.len(), run[0])).collect()
}

fn strings(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(|v| v.as_str().map(str::to_owned)).collect()
}

/// Where the recorded words about a pod are not the engine's. Placeholder numbers count up over all rounds of a process,
/// and domain counts fall as ties do, so both are left out.
pub fn words_differ(outcome: &Value, decided: &Value) -> Option<String> {
    let ours = outcome.strings_at("words");
    for (pod, recorded) in decided.at("words").as_object().into_iter().flatten() {
        let Some(own) = ours.get(pod) else { continue };
        let recorded = strings(recorded);
        if !recorded.iter().any(|r| neutral(r) == neutral(own)) {
            return Some(format!("{pod}\n  engine {own}\n  real   {}", recorded.join("\n         ")));
        }
    }
    None
}

fn neutral(words: &str) -> String {
    let mut text = words.to_owned();
    if let (Some(a), Some(b)) = (text.find("(counts = "), text.find(", podDomains")) {
        text.replace_range(a..b, "(counts");
    }
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find("hostname-placeholder-") {
        let after = at + "hostname-placeholder-".len();
        out.push_str(&rest[..after]);
        rest = rest[after..].trim_start_matches(|c: char| c.is_ascii_digit());
    }
    out + rest
}
