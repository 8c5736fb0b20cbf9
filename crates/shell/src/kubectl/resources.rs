//! kubectl api-resources and api-versions, and what is said of kinds that a server has and the simulation does not hold.

use super::table::{Table, row};
use super::{Call, Fail, Next, api, snapshot};
use crate::run::{Ctx, Io};
use engine::Era;
use objects::collections::Order as _;
use objects::{Api, Kind};

const OTHERS: &str = include_str!("data/resources.txt");

const ALL_VERBS: &str = "create,delete,deletecollection,get,list,patch,update,watch";
/// What a custom resource's discovery says, in its order.
const CRD_VERBS: &str = "delete,deletecollection,get,list,patch,create,update,watch";

/// One resource of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    pub plural: String,
    pub short: Vec<&'static str>,
    pub group: &'static str,
    pub version: &'static str,
    pub namespaced: bool,
    pub kind: &'static str,
    pub verbs: &'static str,
    pub categories: &'static str,
    /// The kind of the store, where the simulation holds it.
    pub held: Option<Kind>,
    /// Nothing makes objects of it here, and a new cluster has none.
    pub empty: bool,
}

impl Resource {
    fn of(kind: Kind) -> Resource {
        let info = kind.info();
        let verbs = match kind {
            _ if kind.is_crd() => CRD_VERBS,
            Kind::Namespace => "create,delete,get,list,patch,update,watch",
            _ => ALL_VERBS,
        };
        let categories = match kind {
            _ if kind.is_crd() => "karpenter",
            _ if super::resolve::ALL.contains(&kind) => "all",
            _ => "",
        };
        Resource {
            plural: info.plural.to_owned(),
            short: info.short.to_vec(),
            group: info.group,
            version: info.version,
            namespaced: kind.namespaced(),
            kind: info.kind,
            verbs,
            categories,
            held: Some(kind),
            empty: false,
        }
    }

    fn other(line: &'static str, era: Era) -> Option<Resource> {
        let words: Vec<&'static str> = line.split(' ').collect();
        let &[plural, short, api, scope, kind, verbs, categories, eras, any] = words.as_slice() else {
            return None;
        };
        if eras != "both" && eras != era.as_str() {
            return None;
        }
        let (group, version) = api.split_once('/').unwrap_or(("", api));
        let given = |text: &'static str| if text == "-" { "" } else { text };
        Some(Resource {
            plural: plural.to_owned(),
            short: given(short).split(',').filter(|s| !s.is_empty()).collect(),
            group,
            version,
            namespaced: scope == "ns",
            kind,
            verbs: match verbs {
                "*" => ALL_VERBS,
                "crd" => CRD_VERBS,
                other => other,
            },
            categories: given(categories),
            held: None,
            empty: any == "none",
        })
    }

    fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_owned() } else { format!("{}/{}", self.group, self.version) }
    }

    /// `deployments.apps`.
    pub fn qualified(&self) -> String {
        if self.group.is_empty() { self.plural.clone() } else { format!("{}.{}", self.plural, self.group) }
    }
}

/// Everything that the server serves, by group and name.
pub fn resources(api: Api) -> Vec<Resource> {
    let held = Kind::ALL.iter().copied().filter(|k| k.served_in(api)).map(Resource::of);
    let others = OTHERS.lines().filter(|l| !l.starts_with('#')).filter_map(|l| Resource::other(l, api.era));
    let mut all: Vec<Resource> = held.chain(others).collect();
    all.order_by_key(|r| (r.group, r.plural.clone()));
    all
}

/// The resource that an argument names and the simulation does not hold.
pub fn other(text: &str, api: Api) -> Option<Resource> {
    let text = text.to_lowercase();
    let (name, rest) = text.split_once('.').unwrap_or((&text, ""));
    resources(api).into_iter().filter(|r| r.held.is_none() && r.kind != "Event").find(|r| {
        let named = r.plural == name || r.kind.to_lowercase() == name || r.short.contains(&name);
        named && (rest.is_empty() || rest == r.group || rest == format!("{}.{}", r.version, r.group))
    })
}

pub fn api_resources(call: &mut Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    if !call.args.is_empty() {
        return Err(Fail::usage("api-resources", format!("unexpected arguments: [{}]", call.args.join(" "))));
    }
    let sort = call.flags.text("sort-by").unwrap_or_default();
    if !["", "name", "kind"].contains(&sort) {
        return Err(Fail::error("--sort-by accepts only name or kind"));
    }
    let wide = match call.flags.text("output") {
        None | Some("" | "name") => false,
        Some("wide") => true,
        Some(other) => {
            return Err(Fail::error(format!(
                "unable to match a printer suitable for the output format \"{other}\", allowed formats are: name,wide"
            )));
        }
    };
    let group = call.flags.text("api-group");
    let namespaced = call.flags.given("namespaced").then(|| call.flags.on("namespaced"));
    let has_all = |have: &str, wanted: &[String]| wanted.iter().all(|w| have.split(',').any(|h| h == w));
    let mut list = resources(api(ctx));
    list.retain(|r| {
        group.is_none_or(|g| r.group == g)
            && namespaced.is_none_or(|n| r.namespaced == n)
            && has_all(r.verbs, call.flags.list("verbs"))
            && has_all(r.categories, call.flags.list("categories"))
    });
    match sort {
        "name" => list.order_by_key(|r| r.plural.clone()),
        "kind" => list.order_by_key(|r| (r.kind, r.plural.clone())),
        _ => {}
    }
    if call.flags.text("output") == Some("name") {
        list.iter().for_each(|r| io.out(&format!("{}\n", r.qualified())));
        return Ok(Next::Done(0));
    }
    let mut rows = Vec::new();
    if !call.flags.on("no-headers") {
        let mut headers = row(["NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND"]);
        if wide {
            headers.extend(row(["VERBS", "CATEGORIES"]));
        }
        rows.push(headers);
    }
    for r in list {
        let mut cells = vec![r.plural.clone(), r.short.join(","), r.api_version(), r.namespaced.to_string(), r.kind.to_owned()];
        if wide {
            cells.extend([r.verbs.to_owned(), r.categories.to_owned()]);
        }
        rows.push(cells);
    }
    io.out(&Table::default().print(&rows));
    Ok(Next::Done(0))
}

/// Versions that are served and that no resource prefers.
const MORE_VERSIONS: [&str; 1] = ["autoscaling/v1"];

pub fn api_versions(call: &mut Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    if !call.args.is_empty() {
        return Err(Fail::usage("api-versions", format!("unexpected arguments: [{}]", call.args.join(" "))));
    }
    let mut versions: Vec<String> = resources(api(ctx)).iter().map(Resource::api_version).collect();
    versions.extend(MORE_VERSIONS.map(str::to_owned));
    versions.order();
    versions.dedup();
    io.out(&format!("{}\n", versions.join("\n")));
    Ok(Next::Done(0))
}

/// `kubectl get` of a kind that the simulation does not hold; `None` where another answer is due.
pub fn get_other(call: &Call, io: &mut Io<'_>, ctx: &Ctx<'_>) -> Option<Result<Next, Fail>> {
    let (first, names) = call.args.split_first()?;
    let found = other(first, api(ctx)).filter(|_| !first.contains(['/', ',']))?;
    if found.kind == "CustomResourceDefinition" {
        return Some(crds(call, names, io, ctx));
    }
    if !found.empty {
        return None;
    }
    if let Some(name) = names.first() {
        let text = format!("Error from server (NotFound): {} \"{name}\" not found\n", found.qualified());
        return Some(if call.flags.on("ignore-not-found") { Ok(Next::Done(0)) } else { Err(Fail { text, exit: 1 }) });
    }
    if call.flags.text("output").is_some_and(|o| o != "wide" && o != "name") {
        return None;
    }
    let place = if found.namespaced && !call.all_namespaces() {
        format!(" in {} namespace.", call.namespace(ctx))
    } else {
        String::new()
    };
    if call.flags.text("output") != Some("name") {
        io.err(&format!("No resources found{place}\n"));
    }
    Some(Ok(Next::Done(0)))
}

/// The definitions of Karpenter's kinds, which came with the cluster.
fn crds(call: &Call, names: &[String], io: &mut Io<'_>, ctx: &Ctx<'_>) -> Result<Next, Fail> {
    let at = objects::time::rfc3339(snapshot(ctx).epoch_ms);
    let mut list: Vec<String> = resources(api(ctx)).iter().filter(|r| r.verbs == CRD_VERBS).map(Resource::qualified).collect();
    list.order();
    let mut rows = Vec::new();
    let mut missing = 0;
    for name in names.iter().filter(|n| !list.contains(n)) {
        missing = 1;
        io.err(&format!("Error from server (NotFound): customresourcedefinitions.apiextensions.k8s.io \"{name}\" not found\n"));
    }
    list.retain(|n| names.is_empty() || names.contains(n));
    match call.flags.text("output") {
        None | Some("" | "wide") => {
            if !call.flags.on("no-headers") && !list.is_empty() {
                rows.push(row(["NAME", "CREATED AT"]));
            }
            rows.extend(list.into_iter().map(|n| vec![n, at.clone()]));
            io.out(&Table::default().print(&rows));
        }
        Some("name") => {
            list.iter().for_each(|n| io.out(&format!("customresourcedefinition.apiextensions.k8s.io/{n}\n")));
        }
        Some(_) => {
            return Err(Fail::error(
                "the documents of CustomResourceDefinitions are not simulated: kubectl explain has their fields",
            ));
        }
    }
    Ok(Next::Done(missing))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_reads() {
        let lines = OTHERS.lines().filter(|l| !l.starts_with('#')).count();
        let eras = |era| OTHERS.lines().filter(|l| Resource::other(l, era).is_some()).count();
        assert!(eras(Era::V1) + eras(Era::V1alpha5) > lines);
        assert_eq!(other("netpol", Era::V1.into()).map(|r| r.empty), Some(true));
        assert_eq!(other("secrets", Era::V1.into()).map(|r| r.empty), Some(false));
        assert_eq!(other("pods", Era::V1.into()), None);
    }
}
