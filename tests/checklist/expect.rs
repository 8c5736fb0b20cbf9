//! What cases expect: nodes, claims and pods, log lines and events, fields of objects, and what the API server refuses.

use super::case::value;
use super::world::{Done, Lab, ensure, split};
use engine::pricing::Kubelet;
use engine::scheduling::input::{Source, read};
use engine::scheduling::{Round, Rules, solve};
use engine::session::{Request, Validation};
use objects::collections::{VecMap, VecSet};
use objects::{DocExt, Kind, Object, Value};
use std::sync::Arc;

/// Whether a step can fail for what the cluster does, not only for being refused.
pub fn is_expectation(step: &str) -> bool {
    const WORDS: &str = "until hold nodes claims kinds ready waiting pods split over together asunder onnode log nolog before event \
                         noevent is has hasnot includes excludes there gone density kept decided accepted refused pool-refused \
                         pool-accepted";
    step.split(' ').next().is_some_and(|verb| WORDS.split_whitespace().any(|w| w == verb))
}

impl Lab {
    pub fn expect(&self, text: &str) -> Done {
        let (verb, rest) = split(text);
        let (name, tail) = split(rest);
        let count = |want: &str, got: usize| {
            let want: usize = want.parse().map_err(|_| format!("{want} is no number"))?;
            ensure(want == got, || format!("there are {got}"))
        };
        match verb {
            "nodes" => count(rest, self.karpenter_nodes().len()),
            "claims" => count(rest, self.store().count(Kind::claim(self.era()))),
            "kinds" => {
                let label = |n: &&Arc<Object>| n.meta.labels.get("node.kubernetes.io/instance-type").cloned();
                let mut got: Vec<String> = self.karpenter_nodes().iter().filter_map(label).collect();
                got.sort();
                ensure(got.join(" ") == rest, || format!("they are {}", got.join(" ")))
            }
            "ready" => count(tail, self.pods(name).iter().filter(|p| p.pod().is_some_and(|p| p.ready)).count()),
            "waiting" => count(tail, self.pods(name).iter().filter(|p| p.pod().is_some_and(|p| !p.is_bound())).count()),
            "pods" => count(tail, self.pods(name).len()),
            "split" => self.counts(name, tail, &|node| node.meta.name.clone()),
            "over" => {
                let (key, tail) = split(tail);
                let key = self.short.key(key);
                self.counts(name, tail, &|node| node.meta.labels.get(&key).cloned().unwrap_or_default())
            }
            "together" | "asunder" => {
                let of = |app: &str| -> Vec<String> {
                    self.pods(app).iter().filter_map(|p| p.pod().map(|p| p.node_name.clone())).filter(|n| !n.is_empty()).collect()
                };
                let (a, b) = (of(name), of(tail));
                ensure(!a.is_empty() && !b.is_empty(), || "not all are bound".to_owned())?;
                let shared = a.iter().any(|n| b.contains(n));
                ensure(shared == (verb == "together"), || format!("{a:?} and {b:?}"))
            }
            "onnode" => {
                let (alias, n) = split(tail);
                let node = self.key("node", alias)?.name;
                let got = self.pods(name).iter().filter(|p| p.pod().is_some_and(|p| p.node_name == node)).count();
                count(n, got)
            }
            "log" | "nolog" => {
                let (times, needle) = match name.strip_prefix('x').and_then(|n| n.parse::<usize>().ok()) {
                    Some(n) => (Some(n), tail),
                    None => (None, rest),
                };
                let got = self.log().iter().filter(|l| l.contains(needle)).count();
                match (verb, times) {
                    ("nolog", _) => ensure(got == 0, || "it was logged".to_owned()),
                    (_, Some(n)) => ensure(got == n, || format!("logged {got} times")),
                    _ => ensure(got > 0, || "not logged".to_owned()),
                }
            }
            // What was logged first, of two.
            "before" => {
                let (first, second) = rest.split_once(" || ").ok_or("`before FIRST || SECOND`")?;
                let log = self.log();
                let place = |needle: &str| log.iter().position(|l| l.contains(needle)).ok_or(format!("not logged: {needle}"));
                let (a, b) = (place(first)?, place(second)?);
                ensure(a < b, || "the other way round".to_owned())
            }
            "event" | "noevent" => {
                let found = self.events().iter().any(|e| e.contains(rest));
                ensure(found == (verb == "event"), || format!("the event is {}there", if found { "" } else { "not " }))
            }
            "is" | "has" | "hasnot" | "includes" | "excludes" => {
                let (obj, path) = split(tail);
                let (path, want) = split(path);
                let key = self.key(name, obj)?;
                let object = self.store().get(&key).ok_or_else(|| format!("{key} is not there"))?;
                let got = look(&object.doc, path);
                match verb {
                    "has" => ensure(!got.is_null(), || "it has not".to_owned()),
                    "hasnot" => ensure(got.is_null(), || format!("it has: {got}")),
                    "is" => {
                        let want = value(want)?;
                        ensure(got == want, || format!("it is {got}"))
                    }
                    _ => {
                        let in_it = got.to_string().contains(want);
                        ensure(in_it == (verb == "includes"), || format!("it is {got}"))
                    }
                }
            }
            "there" | "gone" => {
                let key = if tail.is_empty() { self.key("node", name)? } else { self.key(name, tail)? };
                ensure(self.store().get(&key).is_some() == (verb == "there"), || format!("it is not {verb}"))
            }
            // The pods of a node by its kubelet's settings: `density m5.large {maxPods: 10} 10`.
            "density" => {
                let (map, want) = tail.rsplit_once(' ').ok_or("no number")?;
                let v = value(map)?;
                let reserved = v.int_at("reservedENIs").and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
                let bound_pods = v.bool_at("eniDensity").unwrap_or(true);
                let kubelet = Kubelet::read(&v, "AL2", self.era()).with_interfaces(reserved, bound_pods);
                let sold = self.world.cluster.market.sold(name).ok_or("not sold")?;
                let got = kubelet.sizes(&sold.facts, self.era()).0.get("pods");
                ensure(got.to_string() == want, || format!("there are {got}"))
            }
            // What truncation to N types makes of the first claim of a plan for the pods that wait now: how many types,
            // or words of the refusal.
            "kept" => {
                let mut rules = Rules::latest(self.era());
                rules.max_instance_types = name.parse().map_err(|_| "no number")?;
                let cluster = read(&Source {
                    store: self.store(),
                    rules: rules.clone(),
                    types: self.world.cluster.market.types().clone(),
                    blocks: VecMap::new(),
                    now_ms: self.world.cluster.view().unix_ms(),
                    marked: &VecSet::new(),
                });
                let plan = solve(&cluster, &Round::default());
                let claim = plan.claims.first().ok_or("no claim is planned")?;
                match claim.kept_types(&cluster.types, &rules) {
                    Ok(kept) => count(tail, kept.len()),
                    Err(words) => ensure(words.contains(tail), || words),
                }
            }
            // What Karpenter decided and why, as the record has it.
            "decided" => {
                let found = self.world.decisions.share().iter().any(|d| format!("{} {:?}", d.about, d.what).contains(rest));
                ensure(found, || "no such decision".to_owned())
            }
            // The documents that an API server takes or refuses, without storing them.
            "accepted" => {
                let mut world = self.world.clone();
                let doc = value(rest)?;
                let request = Request::Apply { doc, dry_run: false, validation: Validation::Strict };
                world.request(&request).map(|_| ()).map_err(|e| e.message)
            }
            "refused" => {
                let (words, doc) = rest.split_once(" <= ").ok_or("`refused WORDS <= DOCUMENT`")?;
                let mut world = self.world.clone();
                let request = Request::Apply { doc: value(doc)?, dry_run: false, validation: Validation::Strict };
                match world.request(&request) {
                    Ok(_) => Err("it was accepted".to_owned()),
                    Err(e) => ensure(e.message.contains(words), || e.message),
                }
            }
            // The same for a pool in short form.
            "pool-refused" | "pool-accepted" => {
                let (words, map) = if verb == "pool-refused" { rest.split_once(" <= ").ok_or("no <=")? } else { ("", rest) };
                let mut world = self.world.clone();
                let doc = self.short.pool("probe", &value(map)?);
                let request = Request::Apply { doc, dry_run: false, validation: Validation::Strict };
                match world.request(&request) {
                    Ok(_) => ensure(verb == "pool-accepted", || "it was accepted".to_owned()),
                    Err(e) => ensure(verb == "pool-refused" && e.message.contains(words), || e.message),
                }
            }
            other => Err(format!("no step {other}")),
        }
    }

    /// Pods of an app by a property of their nodes, most first.
    fn counts(&self, app: &str, want: &str, of: &dyn Fn(&Object) -> String) -> Done {
        let mut counts: VecMap<String, usize> = VecMap::new();
        for p in self.pods(app) {
            let Some(node) = p.pod().and_then(|p| self.store().cluster(Kind::Node, &p.node_name)) else { continue };
            *counts.entry(of(node)).or_default() += 1;
        }
        let mut got: Vec<usize> = counts.values().copied().collect();
        got.sort_unstable_by(|a, b| b.cmp(a));
        let got: Vec<String> = got.iter().map(usize::to_string).collect();
        ensure(got.join(" ") == want, || format!("they are {} ({counts:?})", got.join(" ")))
    }
}

/// The value at a path whose parts may be `[label/key]`, `[0]` or `[type=Ready]`.
pub fn look(doc: &Value, path: &str) -> Value {
    let mut value = doc;
    let mut rest = path;
    while !rest.is_empty() {
        let part;
        if let Some(inner) = rest.strip_prefix('[') {
            let Some((inside, after)) = inner.split_once(']') else { return Value::Null };
            (part, rest) = (inside, after.strip_prefix('.').unwrap_or(after));
            if let Some(list) = value.as_array() {
                let found = match part.split_once('=') {
                    Some((k, v)) => list.iter().find(|e| e.str_at(k) == Some(v)),
                    None => part.parse::<usize>().ok().and_then(|i| list.get(i)),
                };
                value = found.unwrap_or(&Value::Null);
                continue;
            }
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            part = &rest[..end];
            rest = rest[end..].strip_prefix('.').unwrap_or(&rest[end..]);
        }
        value = value.field(part);
    }
    value.clone()
}
