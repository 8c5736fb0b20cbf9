//! The instance types of a scenario: a catalogue file narrowed and patched as the header says.

use crate::Fault;
use crate::scenario::Scenario;
use engine::scheduling::{InstanceType, TypeTable};
use objects::collections::VecMap;
use objects::{DocExt, Value};

#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    /// By name the entries that the scenario keeps, with their offerings as it patches them.
    entries: VecMap<String, Value>,
}

impl Catalogue {
    /// `file` is the catalogue's JSON: `zones` and `instanceTypes`.
    pub fn of(file: &Value, scenario: &Scenario) -> Result<Catalogue, Fault> {
        let spec = &scenario.spec;
        let globs: Vec<&str> = spec.list_at("instanceTypes").iter().filter_map(Value::as_str).collect();
        let own = spec.list_at("zones");
        let zones = if own.is_empty() { file.list_at("zones") } else { own };
        let mut entries = VecMap::new();
        for entry in file.list_at("instanceTypes") {
            let name = entry.str_at("name").unwrap_or_default();
            if !globs.is_empty() && !globs.iter().any(|g| matches(g, name)) {
                continue;
            }
            let mut offerings = entry.list_at("offerings").to_vec();
            offerings.retain(|o| zones.contains(o.at("zone")));
            for patch in spec.list_at("offerings").iter().filter(|p| matches(p.str_at("instanceType").unwrap_or_default(), name))
            {
                apply(patch, &mut offerings);
            }
            let mut entry = entry.clone();
            entry.set("offerings", offerings);
            if InstanceType::read(&entry).is_none() {
                return Err(Fault(format!("instance type {name:?} of the catalogue cannot be read: it needs a name")));
            }
            entries.insert(name.to_owned(), entry);
        }
        Ok(Catalogue { entries })
    }

    pub fn entry(&self, name: &str) -> Option<&Value> {
        self.entries.get(name)
    }

    pub fn types(&self) -> TypeTable {
        TypeTable::new(self.entries.values().filter_map(InstanceType::read).collect())
    }

    /// Dollars per hour as the catalogue writes them.
    pub fn price(&self, name: &str, zone: &str, capacity_type: &str, reservation: Option<&str>) -> f64 {
        let is = |o: &&Value| {
            let same = |key: &str, wanted: Option<&str>| o.str_at(key).filter(|v| !v.is_empty()) == wanted;
            same("zone", Some(zone)) && same("capacityType", Some(capacity_type)) && same("reservationID", reservation)
        };
        let found = self.entry(name).and_then(|e| e.list_at("offerings").iter().find(is));
        found.and_then(|o| o.at("price").as_f64()).unwrap_or(0.0)
    }
}

fn apply(patch: &Value, offerings: &mut Vec<Value>) {
    if patch.bool_at("add") == Some(true) {
        let mut added = patch.clone();
        for (key, value) in [("available", Value::Bool(true)), ("price", Value::from(0))] {
            if added.at(key).is_null() {
                added.set(key, value);
            }
        }
        offerings.push(added);
        return;
    }
    for o in offerings {
        let same = |key: &str| patch.str_at(key).is_none_or(|v| v.is_empty() || o.str_at(key) == Some(v));
        if same("zone") && same("capacityType") {
            for key in ["available", "price"] {
                if !patch.at(key).is_null() {
                    o.set(key, patch.at(key).clone());
                }
            }
        }
    }
}

/// Shell patterns as Go's `path.Match` reads them: `*`, `?`, `[a-z]`, `[^a]` and `\`.
pub fn matches(glob: &str, name: &str) -> bool {
    let (glob, name): (Vec<char>, Vec<char>) = (glob.chars().collect(), name.chars().collect());
    is_match(&glob, &name)
}

fn is_match(glob: &[char], name: &[char]) -> bool {
    match glob.split_first() {
        None => name.is_empty(),
        Some(('*', rest)) => {
            // No further than the next slash.
            let end = name.iter().position(|c| *c == '/').unwrap_or(name.len());
            (0..=end).any(|n| name.get(n..).is_some_and(|tail| is_match(rest, tail)))
        }
        Some((first, rest)) => {
            let Some((c, tail)) = name.split_first() else { return false };
            match first {
                '?' => *c != '/' && is_match(rest, tail),
                '[' => {
                    let Some(end) = rest.iter().position(|c| *c == ']') else { return false };
                    let (class, after) = rest.split_at(end);
                    in_class(class, *c) && is_match(after.get(1..).unwrap_or_default(), tail)
                }
                '\\' => rest.split_first().is_some_and(|(literal, rest)| literal == c && is_match(rest, tail)),
                literal => literal == c && is_match(rest, tail),
            }
        }
    }
}

fn in_class(class: &[char], c: char) -> bool {
    let (negated, mut rest) = match class.split_first() {
        Some(('^', rest)) => (true, rest),
        _ => (false, class),
    };
    let mut found = false;
    while let Some((low, after)) = rest.split_first() {
        match after {
            ['-', high, tail @ ..] => {
                found |= (*low..=*high).contains(&c);
                rest = tail;
            }
            _ => {
                found |= *low == c;
                rest = after;
            }
        }
    }
    found != negated
}

#[cfg(test)]
mod tests {
    use super::*;
    use objects::json;

    #[test]
    fn globs() {
        let check = |glob: &str, name: &str, want: bool| assert_eq!(matches(glob, name), want, "{glob} {name}");
        check("m5.*", "m5.large", true);
        check("m5.*", "m5a.large", false);
        check("[cm]5.large", "c5.large", true);
        check("[^c]5.large", "c5.large", false);
        check("*.?xlarge", "c5.2xlarge", true);
        check("*.?xlarge", "c5.xlarge", false);
        check("c5\\.large", "c5.large", true);
        check("m[4-6].large", "m5.large", true);
        check("m5", "m5.large", false);
    }

    #[test]
    fn patches_apply_in_order() {
        let file = json!({"zones": ["a", "b"], "instanceTypes": [{"name": "m5.large", "offerings": [
            {"zone": "a", "capacityType": "spot", "price": 0.1, "available": true},
            {"zone": "b", "capacityType": "spot", "price": 0.2, "available": true},
            {"zone": "c", "capacityType": "spot", "price": 0.3, "available": true}]}]});
        let header = "kind: Scenario\nmetadata: {name: a}\nspec: {mode: provision, offerings: [{instanceType: 'm*', price: 1}, \
                      {instanceType: '*', zone: b, available: false}, {instanceType: m5.large, add: true, zone: a, \
                      capacityType: reserved, reservationID: r, reservationCapacity: 2}]}";
        let c = Catalogue::of(&file, &Scenario::read(header).unwrap()).unwrap();
        let list = c.entry("m5.large").unwrap().list_at("offerings").to_vec();
        let shown: Vec<String> =
            list.iter().map(|o| format!("{} {} {}", o.at("zone"), o.at("price"), o.at("available"))).collect();
        assert_eq!(shown, ["\"a\" 1 true", "\"b\" 1 false", "\"a\" 0 true"]);
        assert_eq!(c.price("m5.large", "a", "spot", None), 1.0);
        assert_eq!(c.types().named("m5.large").unwrap().1.offerings.len(), 3);
    }
}
