//! The parts of a world that one at rest does without: the API server's door for users, Karpenter's controllers for
//! clusters in which there is something to do, the actors of what a start cluster has none of, and clusters of the kwok
//! provider altogether.
//!
//! A program that has everything at hand (the command line, tests) starts with all parts and never thinks of them. The page
//! starts without: it shows and plays the start cluster, fetches the code of the parts when somebody wants to do
//! something, and attaches them. A world that needs a part it does not have stands still ([`super::Advance::Waiting`]), so
//! that when they are attached makes no difference to what happens.

use super::request::carry_out;
use super::world::Cluster;
use super::{Outcome, Request, Scenario, scenario};
use crate::controllers::Busy;
use crate::environment::Acts;
use crate::pricing::Market;
use objects::{ApiError, Reason, Value};
use std::sync::OnceLock;

/// What an API server holds at the start, and what its provider sells.
type Start = fn(&Scenario) -> Result<(Vec<Value>, Market), ApiError>;

/// The parts' entrances. Code that only these reach is not in a program that never names [`Parts::all`].
#[derive(Clone, Copy, Debug)]
pub struct Parts {
    pub(super) carry_out: fn(&mut Cluster, &Request) -> Result<Outcome, ApiError>,
    pub(super) busy: Busy,
    pub(super) acts: Acts,
    pub(super) kwok: Start,
}

impl Parts {
    pub fn all() -> Parts {
        Parts { carry_out, busy: Busy::whole(), acts: Acts::whole(), kwok: scenario::kwok::world }
    }
}

/// What the clones of a world share, so that a checkpoint has the parts that were attached after it was taken.
pub(super) type Slot = OnceLock<Parts>;

/// Carries out a request on `cluster`, or says that it comes too early.
pub(super) fn request(slot: &Slot, cluster: &mut Cluster, request: &Request) -> Result<Outcome, ApiError> {
    match slot.get() {
        Some(parts) => (parts.carry_out)(cluster, request),
        None => Err(ApiError::new(Reason::BadRequest, "the API server is not attached yet")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Advance, KWOK, SCENARIOS, Scenario, Session};
    use super::*;
    use crate::Era;

    #[test]
    fn a_cluster_at_rest_needs_no_parts() {
        for era in [Era::V1alpha5, Era::V1] {
            for (id, _) in SCENARIOS.into_iter().filter(|(id, _)| *id != KWOK) {
                for region in ["ap-northeast-2", "us-east-1"] {
                    let scenario = Scenario::named(id, era, 5, region).unwrap();
                    let mut whole = Session::new(scenario.clone()).unwrap();
                    let mut rest = Session::at_rest(scenario).unwrap();
                    let docs = |s: &Session| s.snapshot().store.all().map(|o| o.doc.to_string()).collect::<Vec<_>>();
                    assert_eq!(docs(&whole), docs(&rest), "{id} {era:?}");
                    assert_eq!(whole.snapshot().hash, rest.snapshot().hash, "{id} {era:?}");
                    let day = whole.now() + 24 * 3_600_000;
                    whole.advance_to(day);
                    assert_eq!(rest.advance(day, usize::MAX), Advance::Reached, "{id} {era:?}");
                    assert_eq!(whole.snapshot().hash, rest.snapshot().hash, "{id} {era:?} after a day");
                }
            }
        }
    }

    #[test]
    fn what_needs_a_part_waits_for_it() {
        let mut session = Session::at_rest(Scenario::lab(Era::V1alpha5, 5)).unwrap();
        let node = session.snapshot().store.list(objects::Kind::Node).next().unwrap().key();
        let delete = Request::Delete { key: node, grace_s: None, dry_run: false };
        let before = session.snapshot().hash;
        assert!(session.request("kubectl delete node", delete.clone()).is_err());
        assert_eq!(session.snapshot().hash, before);
        session.attach(Parts::all());
        session.request("kubectl delete node", delete).unwrap();
        // Parts reach the checkpoints that were taken without them.
        assert!(session.undo());
        assert!(session.redo());
    }
}
