//! New names where the old ones stand, in what refers to renamed resources.
//! Source: sigs.k8s.io/kustomize/api v0.20.1, filters/nameref/nameref.go, internal/accumulator/namereferencetransformer.go.

use super::referring::{Target, fields};
use super::resource::{Gvk, Id, Resource, plain};
use super::spec::{Made, Spec, visit};
use super::{Build, Wrong};
use objects::{DocExt, Value};

/// What is known of a resource whose name somebody may hold.
struct Named {
    id: Id,
    previous: Vec<Id>,
    prefixes: Vec<String>,
    suffixes: Vec<String>,
}

/// Writes the new names where the old ones stand.
pub fn rename(all: &mut [Resource], build: &mut Build<'_>) -> Result<(), Wrong> {
    let named: Vec<Named> = all
        .iter()
        .map(|r| Named { id: r.id(), previous: r.previous(), prefixes: r.prefixes.clone(), suffixes: r.suffixes.clone() })
        .collect();
    // Names that never changed need no second look.
    if named.iter().all(|n| n.previous.is_empty()) {
        return Ok(());
    }
    let shown: Vec<Value> = all.iter().map(Resource::with_notes).collect();
    for (at, resource) in all.iter_mut().enumerate() {
        let Some(own) = named.get(at) else { continue };
        let first = resource.original().gvk;
        let others = visible(resource, own, &named);
        for (target, (group, version), path) in fields(&first.kind) {
            if !first.is(group, version, "") {
                continue;
            }
            build.charge(others.len() * 4 + 16)?;
            let role = path.ends_with("roleRef/name").then(|| role(&resource.doc)).flatten();
            let search = Search { own, others: &others, target, role, shown: (&shown, &named, at) };
            let mut set = |node: &mut Value, _: &str| search.rename(node);
            let gvk = resource.gvk();
            let spec = Spec { group: &gvk.group, version: &gvk.version, kind: &gvk.kind, path: &path, create: false };
            visit(resource, spec, Made::Nothing, &mut set)
                .map_err(|e| Wrong::Said(format!("updating name reference in '{path}' field of '{}': {e}", own.id.text())))?;
        }
    }
    Ok(())
}

/// The resources that one may refer to: those of its namespace, and those of none.
fn visible<'n>(resource: &Resource, own: &Named, named: &'n [Named]) -> Vec<&'n Named> {
    if own.id.cluster {
        return named.iter().collect();
    }
    let mut accounts = Vec::new();
    if own.id.gvk.kind == "RoleBinding" {
        let subjects = resource.doc.list_at("subjects").iter();
        accounts.extend(subjects.filter(|s| s.str_at("kind") == Some("ServiceAccount")).map(|s| plain(s.at("namespace"))));
    }
    let there = |other: &&Named| {
        other.id.cluster
            || other.id.effective() == own.id.effective()
            || (!other.id.namespace.is_empty() && accounts.contains(&other.id.namespace))
    };
    named.iter().filter(there).collect()
}

/// The kind that a binding names.
fn role(doc: &Value) -> Option<Gvk> {
    let field = |name: &str| doc.at("roleRef").get(name).filter(|v| !v.is_null()).map(plain);
    Some(Gvk { group: field("apiGroup")?, version: String::new(), kind: field("kind")? })
}

struct Search<'n> {
    own: &'n Named,
    others: &'n [&'n Named],
    target: Target,
    role: Option<Gvk>,
    /// All documents and their names, and which one refers, for messages.
    shown: (&'n [Value], &'n [Named], usize),
}

impl Search<'_> {
    /// Renames what stands at a path: a name, or an object with a name and perhaps a namespace, or a list of such.
    fn rename(&self, node: &mut Value) -> Result<(), String> {
        match node {
            Value::Null => Ok(()),
            Value::Array(items) => items.iter_mut().try_for_each(|item| match item {
                Value::Array(_) => Err("expected to be either a string or a map of string".to_owned()),
                item => self.rename(item),
            }),
            Value::Object(map) => {
                let Some(name) = map.get("name").map(plain) else {
                    return Err("path config error; no 'name' field in node".to_owned());
                };
                let all = self.of_namespace(map.get("namespace").map(plain).as_deref());
                let Some(found) = self.find(&name, all, true)? else { return Ok(()) };
                if found.name == name && found.namespace.is_empty() {
                    return Ok(());
                }
                map.insert("name".to_owned(), Value::String(found.name.clone()));
                if !found.namespace.is_empty() {
                    map.insert("namespace".to_owned(), Value::String(found.namespace.clone()));
                }
                Ok(())
            }
            scalar => {
                let name = plain(scalar);
                if let Some(found) = self.find(&name, self.others.to_vec(), false)?.filter(|f| f.name != name) {
                    *scalar = Value::String(found.name.clone());
                }
                Ok(())
            }
        }
    }

    /// Those that were in the namespace at first, or else are in it now.
    fn of_namespace(&self, namespace: Option<&str>) -> Vec<&Named> {
        let Some(namespace) = namespace else { return self.others.to_vec() };
        let first = |n: &Named| n.previous.first().unwrap_or(&n.id).effective().to_owned();
        let before: Vec<&Named> = self.others.iter().copied().filter(|n| first(n) == namespace).collect();
        if !before.is_empty() {
            return before;
        }
        self.others.iter().copied().filter(|n| !n.id.cluster && n.id.effective() == namespace).collect()
    }

    fn find<'a>(&self, name: &str, mut all: Vec<&'a Named>, with_namespace: bool) -> Result<Option<&'a Id>, String> {
        let (group, version, kind) = self.target;
        all.retain(|n| n.previous.iter().any(|p| p.name == name));
        all.retain(|n| n.previous.iter().any(|p| p.gvk.is(group, version, kind)));
        if let Some(role) = &self.role {
            all.retain(|n| n.previous.iter().any(|p| p.gvk.is(&role.group, &role.version, &role.kind)));
        }
        let own = &self.own.id;
        all.retain(|n| own.cluster || n.id.cluster || n.id.gvk.kind == "ServiceAccount" || n.id.effective() == own.effective());
        if all.len() != 1 {
            all.retain(|n| self.same_affixes(n, true));
            if all.len() > 1 {
                all.retain(|n| self.same_affixes(n, false));
            }
        }
        let Some((first, rest)) = all.split_first() else { return Ok(None) };
        let same = |n: &&Named| n.id.name == first.id.name && (!with_namespace || n.id.namespace == first.id.namespace);
        if rest.iter().all(same) {
            return Ok(Some(&first.id));
        }
        let ids: Vec<String> = all.iter().map(|n| n.id.text()).collect();
        let (docs, named, at) = self.shown;
        let text = |doc: Option<&Value>| doc.map(objects::yaml::to_yaml).unwrap_or_default();
        let mut why = format!("\n**** Too many possible referral targets to referrer:\n{}\n", text(docs.get(at)));
        for (i, one) in all.iter().enumerate() {
            let place = named.iter().position(|n| n.id == one.id);
            why.push_str(&format!("--- possible referral {i}:\n{}\n", text(place.and_then(|p| docs.get(p)))));
        }
        Err(format!("found multiple possible referrals: {}\n{why}", ids.join(", ")))
    }

    fn same_affixes(&self, other: &Named, empty_fits: bool) -> bool {
        let same = |a: &[String], b: &[String]| {
            if a.is_empty() || b.is_empty() {
                return empty_fits || a.len() == b.len();
            }
            a.iter().rev().zip(b.iter().rev()).all(|(x, y)| x == y)
        };
        same(&self.own.prefixes, &other.prefixes) && same(&self.own.suffixes, &other.suffixes)
    }
}
