//! Where sessions start.

use super::world::World;
use super::{Request, Validation};
use crate::Era;
use crate::kernel::SimTime;
use crate::pricing::Market;
use crate::profile::Profile;
use crate::store::exec;
use objects::{ApiError, DocExt, Kind, Value};
use std::sync::Arc;

/// The seed of the lab: one for which its first launch is an r3.2xlarge.
pub const LAB_SEED: u64 = 7;

/// Simulated time in which the start cluster settles before the user's session begins.
pub const SETTLE_MS: u64 = 20 * 60_000;

/// Where a session starts.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// `karpenter-basics`, or whatever a share record named.
    pub id: String,
    pub seed: u64,
    pub era: Era,
    pub region: String,
    /// Unix milliseconds of `SimTime::ZERO`; fixed by the scenario, never the wall clock.
    pub epoch_ms: i64,
    /// Objects that exist at the start, in the order they are created.
    pub docs: Vec<Value>,
}

impl Scenario {
    /// The world after its objects were created and had time to settle.
    pub(super) fn build(&self) -> Result<World, ApiError> {
        let market = Arc::new(Market::default());
        let mut world = World::new(Profile::of(self.era), market, self.epoch_ms, self.seed);
        for doc in &self.docs {
            let kind = Kind::of(doc.str_at("apiVersion").unwrap_or_default(), doc.str_at("kind").unwrap_or_default());
            if kind.is_some_and(Kind::is_internal) {
                world.plant(doc.clone())?;
            } else {
                world.request(&Request::Create { doc: doc.clone(), dry_run: false, validation: Validation::Strict })?;
            }
        }
        world.run_to(SimTime(SETTLE_MS));
        world.begin();
        Ok(world)
    }
}

impl World {
    /// Creates a record of the cloud, which no user can.
    fn plant(&mut self, doc: Value) -> Result<(), ApiError> {
        self.internal(|store, ctx| exec::create(store, ctx, doc).map(|_| ()))
    }
}
