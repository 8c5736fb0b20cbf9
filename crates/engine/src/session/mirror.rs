//! A session that shows a cluster which somebody else looks at. There is nothing to be done to it from here: no request is
//! taken, whoever asks, and time passes only with the next picture.

use super::{Session, Snapshot};
use crate::Store;
use objects::{ApiError, Reason};
use std::sync::Arc;

impl Session {
    /// From now on shows these pictures and nothing of its own world.
    pub fn show(&mut self, picture: Arc<Snapshot>) {
        self.mirror = Some(picture);
    }

    /// The same before there is a picture.
    pub fn show_nothing(&mut self) {
        let (store, seed) = (Store::default(), 0);
        let (ledger, logs, decisions) = Default::default();
        let region = String::new();
        self.show(Arc::new(Snapshot { store, seed, ledger, logs, decisions, region, ..(*self.snapshot()).clone() }));
    }

    pub fn is_mirror(&self) -> bool {
        self.mirror.is_some()
    }

    /// # Errors
    /// Where the session is a mirror.
    pub(super) fn check_own(&self) -> Result<(), ApiError> {
        match self.mirror {
            None => Ok(()),
            Some(_) => Err(ApiError::new(Reason::Forbidden, "this cluster is only looked at here: nothing is written to it")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{Advance, NextEvent, Request, Scenario};
    use crate::{Era, SimTime};
    use objects::{Kind, ObjectKey};

    #[test]
    fn a_mirror_takes_no_request_and_plays_no_time() {
        let mut session = Session::new(Scenario::lab(Era::V1, 1)).unwrap();
        let mut picture = (*session.snapshot()).clone();
        picture.now = picture.now + 5_000;
        let picture = Arc::new(picture);
        session.show(picture.clone());
        let before = session.world().hash();
        let pod = picture.store.list(Kind::Pod).next().unwrap().key();
        let node = picture.store.list(Kind::Node).next().unwrap().meta.name.clone();
        let scale = Request::Scale { key: ObjectKey::new(Kind::Deployment, "default", "inflate"), replicas: 3, dry_run: true };
        for request in [scale, Request::Delete { key: pod, grace_s: None, dry_run: false }, Request::InterruptSpot { node }] {
            let refused = session.request("x", request).unwrap_err();
            assert_eq!(refused.message, "this cluster is only looked at here: nothing is written to it");
        }
        assert_eq!(session.advance(SimTime::MAX, 10), Advance::Reached);
        assert_eq!(session.advance_to_next_event(SimTime::MAX, 10), NextEvent::Nothing);
        session.seek(SimTime::ZERO);
        session.reset();
        assert!(!session.undo() && !session.redo() && !session.is_rewound());
        assert_eq!((session.world().hash(), session.now()), (before, picture.now));
        assert!(Arc::ptr_eq(&session.snapshot(), &picture));
        assert!(session.history().is_empty());
        session.show_nothing();
        assert_eq!(session.snapshot().store.all().count(), 0);
    }
}
