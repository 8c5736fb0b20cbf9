//! Actors that have nothing to do in a cluster at rest: they watch from the start, but what they do is a part that may be
//! attached later (see [`crate::session::Parts`]).

use super::{autoscaler, cloud, kwok, volumes, workloads};
use crate::SimTime;
use crate::actor::{Actor, Intent, View};
use crate::store::Change;
use objects::ApiError;

type Act<A> = fn(&mut A, &View<'_>) -> Vec<Intent>;

/// An actor, and what it does once that is attached.
#[derive(Clone, Debug, Default)]
pub struct Later<A> {
    actor: A,
    act: Option<Act<A>>,
}

impl<A: Actor> Actor for Later<A> {
    fn name(&self) -> &'static str {
        self.actor.name()
    }

    fn observe(&mut self, change: &Change, view: &View<'_>) {
        self.actor.observe(change, view);
    }

    fn wake_at(&self) -> Option<SimTime> {
        self.actor.wake_at()
    }

    fn act(&mut self, view: &View<'_>) -> Vec<Intent> {
        self.act.map_or_else(Vec::new, |act| act(&mut self.actor, view))
    }

    fn refused(&mut self, intent: &Intent, error: &ApiError, view: &View<'_>) {
        self.actor.refused(intent, error, view);
    }

    fn waits_for_parts(&self, _now: SimTime) -> bool {
        self.act.is_none()
    }
}

/// What the actors of the environment do that can wait.
#[derive(Clone, Copy, Debug)]
pub struct Acts {
    fleet: Act<cloud::Fleet>,
    stateful_sets: Act<workloads::StatefulSetController>,
    cron_jobs: Act<workloads::CronJobController>,
    jobs: Act<workloads::JobController>,
    volumes: Act<volumes::Volumes>,
    autoscaler: Act<autoscaler::Autoscaler>,
    kwok: Act<kwok::Kwok>,
}

impl Acts {
    pub fn whole() -> Acts {
        Acts {
            fleet: Actor::act,
            stateful_sets: Actor::act,
            cron_jobs: Actor::act,
            jobs: Actor::act,
            volumes: Actor::act,
            autoscaler: Actor::act,
            kwok: Actor::act,
        }
    }
}

impl super::Environment {
    pub fn equip(&mut self, acts: Acts) {
        self.fleet.act = Some(acts.fleet);
        self.stateful_sets.act = Some(acts.stateful_sets);
        self.cron_jobs.act = Some(acts.cron_jobs);
        self.jobs.act = Some(acts.jobs);
        self.volumes.act = Some(acts.volumes);
        self.autoscaler.act = Some(acts.autoscaler);
        self.kwok.act = Some(acts.kwok);
    }
}
