//! Where sessions start.

mod base;
mod file;
pub(super) mod kwok;

use super::world::World;
use super::{Parts, Request, Validation};
use crate::Era;
use crate::kernel::SimTime;
use crate::pricing::Market;
use crate::profile::Profile;
use crate::store::exec;
use objects::{Api, ApiError, DocExt, Kind, Provider, Reason, Value};
use std::sync::Arc;

/// The seed of the lab: one for which its first launch is an r3.2xlarge.
pub const LAB_SEED: u64 = 196;

/// The scenario of the lab.
pub const LAB: &str = "karpenter-basics";

/// The scenario of the kwok provider; its world begins with all parts.
pub const KWOK: &str = "kwok";

/// A cluster that was read: its objects are a dump, and it is read from a file.
pub const OBSERVED: &str = "observed";

/// Where the lab runs.
pub const LAB_REGION: &str = "ap-northeast-2";

/// Simulated time in which the start cluster settles before the user's session begins: longer than events are kept, so
/// that a session begins without any, as on a cluster that was made earlier in the day.
pub const SETTLE_MS: u64 = 75 * 60_000;
/// When Deployments are created (the nodes are up by then), and when Karpenter's own objects are.
const WORKLOADS_MS: u64 = 5 * 60_000;
const POOLS_MS: u64 = 8 * 60_000;

/// Where a session starts.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// `karpenter-basics`, or whatever a share record named.
    pub id: String,
    pub seed: u64,
    pub era: Era,
    pub provider: Provider,
    pub region: String,
    /// Unix milliseconds of `SimTime::ZERO`; fixed by the scenario, never the wall clock.
    pub epoch_ms: i64,
    /// Objects that the API server holds at the start, in the order they are created. None at all for the kwok
    /// provider: those of the scenario `kwok`.
    pub docs: Vec<Value>,
    /// The region's packed catalogue text, where it is not built in (see [`catalog::Catalog::add_region`]); for the kwok
    /// provider its instance types file, where it is not the built-in one.
    pub prices: Option<Arc<str>>,
    /// Whether the managed node group with its two instances is there.
    pub node_group: bool,
    /// Simulated time in which the objects settle before the user's session begins.
    pub settle_ms: u64,
}

/// Scenarios that exist: id and what it holds.
pub const SCENARIOS: [(&str, &str); 4] = [
    (LAB, "two on-demand nodes, Karpenter, a spot pool that removes empty nodes after 30 s"),
    ("playground", "karpenter-basics, and the test Deployment `inflate` without replicas"),
    ("karpenter-bare", "two on-demand nodes and Karpenter without a pool or a node class"),
    (KWOK, "nodes without machines: kwok, and Karpenter with the kwok provider, without a pool or a node class (era v1)"),
];

impl Scenario {
    /// The lab's start in its own region.
    pub fn lab(era: Era, seed: u64) -> Scenario {
        Scenario::on(LAB, era, seed, LAB_REGION)
    }

    /// The scenario of an id (see [`SCENARIOS`]) in a region of [`catalog::REGIONS`]. Whether the region's prices are
    /// there, and go back to the era's date, is seen when a session is made of it.
    pub fn named(id: &str, era: Era, seed: u64, region: &str) -> Result<Scenario, ApiError> {
        if !catalog::REGIONS.contains(&region) {
            let message = format!("region \"{region}\" is unknown here: choose one of {}", catalog::REGIONS.join(", "));
            return Err(ApiError::new(Reason::BadRequest, message));
        }
        match id {
            KWOK if era != Era::V1 => {
                Err(ApiError::new(Reason::BadRequest, "scenario \"kwok\" is of era v1: its provider came with Karpenter 0.32"))
            }
            _ if SCENARIOS.iter().any(|(known, _)| *known == id) => Ok(Scenario::on(id, era, seed, region)),
            _ => {
                let known: Vec<&str> = SCENARIOS.iter().map(|(id, _)| *id).collect();
                let message = format!("scenario \"{id}\" is unknown: choose one of {}", known.join(", "));
                Err(ApiError::new(Reason::NotFound, message))
            }
        }
    }

    fn on(id: &str, era: Era, seed: u64, region: &str) -> Scenario {
        let provider = if id == KWOK { Provider::Kwok } else { Provider::Aws };
        let mut docs = base::objects(era, region);
        match id {
            KWOK => docs.clear(),
            "karpenter-bare" => docs.retain(|d| !is_karpenters(kind_of(d), era)),
            "playground" => docs.extend(base::inflate()),
            _ => {}
        }
        Scenario {
            id: id.to_owned(),
            seed,
            era,
            provider,
            region: region.to_owned(),
            epoch_ms: epoch_ms(era),
            docs,
            prices: None,
            node_group: provider == Provider::Aws,
            settle_ms: SETTLE_MS,
        }
    }

    /// A cluster of the kwok provider that holds what an API server makes by itself and these manifests. Its nodes are
    /// ready from the start. `types` is an instance types file. Karpenter works from [`Scenario::release_karpenter`] on.
    pub fn kwok(manifests: &[Value], types: Option<Arc<str>>, seed: u64, start_ms: i64, settle_ms: u64) -> Scenario {
        let epoch_ms = start_ms.saturating_sub_unsigned(settle_ms);
        let docs = kwok::objects(manifests, false, epoch_ms);
        Scenario { epoch_ms, docs, prices: types, settle_ms, ..Scenario::on(KWOK, Era::V1, seed, LAB_REGION) }
    }

    pub fn api(&self) -> Api {
        Api { era: self.era, provider: self.provider }
    }

    /// What lets Karpenter's pods work in a cluster that began without.
    pub fn release_karpenter() -> Request {
        kwok::hold(false)
    }

    /// What lets Karpenter's pods stand idle: its process ends, the pods stay.
    pub fn hold_karpenter() -> Request {
        kwok::hold(true)
    }

    /// The world after its objects were created and had time to settle.
    pub(super) fn build(&self, parts: Option<Parts>) -> Result<World, ApiError> {
        let bad = |message: String| ApiError::new(Reason::BadRequest, message);
        let without_parts = || bad(format!("scenario \"{}\" does not come to rest by itself: attach the parts first", self.id));
        let (docs, market, profile) = match self.provider {
            Provider::Aws => {
                let market = Market::load(&self.region, self.era, self.prices.as_deref());
                (None, market.map_err(|error| bad(error.to_string()))?, Profile::of(self.era))
            }
            Provider::Kwok => {
                let (docs, market) = (parts.ok_or_else(without_parts)?.kwok)(self)?;
                (Some(docs), market, Profile::kwok())
            }
        };
        let docs = docs.as_deref().unwrap_or(&self.docs);
        let is_internal = |d: &&Value| kind_of(d).is_some_and(Kind::is_internal);
        let instances = match self.node_group {
            true => base::instances(self.era, self.seed, &market),
            false => docs.iter().filter(is_internal).cloned().collect(),
        };
        let mut world = World::new(profile, Arc::new(market), self.epoch_ms, self.seed);
        if let Some(parts) = parts {
            world.attach(parts);
        }
        for doc in &instances {
            world.found_at_rest(doc, self.api())?;
        }
        let stages: [(u64, Belongs); 3] = [
            (0, |kind, api| kind != Some(Kind::Deployment) && !is_karpenters(kind, api)),
            (WORKLOADS_MS, |kind, _| kind == Some(Kind::Deployment)),
            (POOLS_MS, is_karpenters),
        ];
        for (at, belongs) in stages {
            // The nodes of a node group take their time; manifests are applied at one go.
            if self.provider == Provider::Aws {
                world.run_to(SimTime(at.min(self.settle_ms / 2)));
            }
            for doc in docs.iter().filter(|d| !is_internal(d) && belongs(kind_of(d), self.api())) {
                match parts {
                    Some(_) => world.found(doc, self.api())?,
                    None => world.found_at_rest(doc, self.api())?,
                }
            }
        }
        world.run_to(SimTime(self.settle_ms));
        if world.waits_for_parts() {
            return Err(without_parts());
        }
        world.begin();
        Ok(world)
    }
}

type Belongs = fn(Option<Kind>, Api) -> bool;

fn kind_of(doc: &Value) -> Option<Kind> {
    Kind::of(doc.str_at("apiVersion").unwrap_or_default(), doc.str_at("kind").unwrap_or_default())
}

fn is_karpenters(kind: Option<Kind>, api: impl Into<Api>) -> bool {
    let api = api.into();
    kind.is_some_and(|k| k == Kind::pool(api.era) || k == Kind::node_class(api))
}

/// What a user applied, so that a later `kubectl apply` knows what it may remove.
fn is_applied(doc: &Value, api: Api) -> bool {
    let kind = kind_of(doc);
    is_karpenters(kind, api) || kind == Some(Kind::Deployment) && doc.str_at("metadata.namespace") == Some("default")
}

/// The user's session begins at 14:00 in Seoul on a day of the era.
fn epoch_ms(era: Era) -> i64 {
    let begin = match era {
        Era::V1alpha5 => objects::time::from_parts(2023, 7, 26, 5, 0, 0),
        Era::V1 => objects::time::from_parts(2026, 8, 25, 5, 0, 0),
    };
    begin.saturating_sub_unsigned(SETTLE_MS)
}

impl World {
    /// Creates one object of a scenario.
    fn found(&mut self, doc: &Value, api: Api) -> Result<(), ApiError> {
        let (doc, kind) = (doc.clone(), kind_of(doc));
        let (dry_run, validation) = (false, Validation::Strict);
        let request = if is_applied(&doc, api) {
            Request::Apply { doc, dry_run, validation }
        } else {
            Request::Create { doc, dry_run, validation }
        };
        self.request(&request).map(|_| ()).map_err(|error| {
            let named = request.document().map(|d| d.str_at("metadata.name").unwrap_or_default()).unwrap_or_default();
            ApiError { message: format!("{} {named}: {}", kind.map_or("", Kind::name), error.message), ..error }
        })
    }

    /// The same without the API server's door: the scenarios' own documents are known to be good, so that all that
    /// admission would do is to fill in defaults. A test compares the two.
    fn found_at_rest(&mut self, doc: &Value, api: Api) -> Result<(), ApiError> {
        let kind = kind_of(doc);
        let mut doc = if is_applied(doc, api) { objects::patch::with_last_applied(doc) } else { doc.clone() };
        match kind {
            // The cloud's records have no request.
            Some(kind) if kind.is_internal() => self.price(&mut doc),
            Some(kind) => objects::default_fields(kind, &mut doc),
            None => {}
        }
        self.internal(|store, ctx| exec::create(store, ctx, doc).map(|_| ()))
    }

    /// A managed node group buys at the list price.
    fn price(&self, doc: &mut Value) {
        let list = self.cluster.market.on_demand_micro(doc.str_at("spec.instanceType").unwrap_or_default()).unwrap_or(0);
        doc.set("spec.priceMicro", list);
        doc.set("spec.onDemandMicro", list);
    }
}
