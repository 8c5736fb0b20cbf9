//! View models, each computed once per change of what it reads.

use super::core::Core;
use crate::tools;
use engine::logs::Level;
use engine::totals::{Totals, totals};
use engine::{SimTime, Snapshot};
use std::rc::Rc;
use view::{CostSeries, EventRow, FleetMap, Lang, LogRows, Memo, NodeRows, Overview, Timeline, Waiting, Why};

/// A shared value compared by pointer.
#[derive(Debug)]
pub struct Ptr<T>(pub Rc<T>);

impl<T> Clone for Ptr<T> {
    fn clone(&self) -> Self {
        Ptr(self.0.clone())
    }
}

impl<T> PartialEq for Ptr<T> {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl<T> std::ops::Deref for Ptr<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

/// What most models read: the store, and the ledger beside it.
type Revision = (u64, u64, usize);

#[derive(Default)]
pub struct Models {
    totals: Option<(Revision, Rc<Totals>)>,
    fleet: Memo<Revision, FleetMap>,
    rows: Memo<(Revision, u64), NodeRows>,
    cost: Memo<(Revision, u64), CostSeries>,
    logs: Memo<(u64, usize, String, u8), LogRows>,
    events: Memo<(u64, u64, String), Vec<EventRow>>,
    timeline: Memo<(Revision, usize, u64), Timeline>,
    waiting: Memo<(Revision, u64), Option<Waiting>>,
    why: Memo<(u64, usize, Lang), Vec<Why>>,
    overview: Memo<Revision, Overview>,
}

fn revision(s: &Snapshot) -> Revision {
    (s.hash, s.store.revision(), s.ledger.series.len())
}

/// Seconds per step of the right edge of charts, so that they are not redrawn every frame.
pub const CHART_STEP_S: u64 = 5;

impl Models {
    fn totals(&mut self, s: &Snapshot) -> Rc<Totals> {
        let key = revision(s);
        match &self.totals {
            Some((k, t)) if *k == key => t.clone(),
            _ => {
                let t = Rc::new(totals(s));
                self.totals = Some((key, t.clone()));
                t
            }
        }
    }

    pub fn fleet(&mut self, core: &Core) -> Ptr<FleetMap> {
        let s = core.snapshot();
        let t = self.totals(&s);
        Ptr(self.fleet.get(revision(&s), || FleetMap::of(&s, &t)))
    }

    pub fn rows(&mut self, core: &Core) -> Ptr<NodeRows> {
        let s = core.snapshot();
        let t = self.totals(&s);
        Ptr(self.rows.get((revision(&s), s.now.ms() / 1000), || NodeRows::of(&s, &t)))
    }

    pub fn cost(&mut self, core: &Core) -> Ptr<CostSeries> {
        let s = core.snapshot();
        let edge = s.elapsed_ms() / (1000 * CHART_STEP_S) + 1;
        let until = s.start + (edge * CHART_STEP_S).max(60) * 1000;
        Ptr(self.cost.get((revision(&s), s.now.ms() / 1000), || CostSeries::of(&s, until)))
    }

    pub fn logs(&mut self, core: &Core, filter: &str, least: Level) -> Ptr<LogRows> {
        let s = core.snapshot();
        let last = s.logs.last().map_or(0, |l| l.at.ms());
        Ptr(self.logs.get((last, s.logs.len(), filter.to_owned(), least as u8), || LogRows::of(&s, filter, least)))
    }

    pub fn events(&mut self, core: &Core, filter: &str) -> Ptr<Vec<EventRow>> {
        let s = core.snapshot();
        let key = (s.hash, s.store.kind_revision(objects::Kind::Event), filter.to_owned());
        Ptr(self.events.get(key, || view::events::rows(&s, filter)))
    }

    pub fn timeline(&mut self, core: &Core) -> Ptr<Timeline> {
        let s = core.snapshot();
        let history = core.session.history();
        Ptr(self.timeline.get((revision(&s), history.len(), s.now.ms() / 1000), || Timeline::of(&s, history)))
    }

    pub fn waiting(&mut self, core: &Core) -> Ptr<Option<Waiting>> {
        let s = core.snapshot();
        let t = self.totals(&s);
        Ptr(self.waiting.get((revision(&s), s.now.ms() / 1000), || Waiting::of(&s, &t)))
    }

    pub fn why(&mut self, core: &Core, lang: Lang) -> Ptr<Vec<Why>> {
        let s = core.snapshot();
        // Words come with the extras; until they are here there are none.
        let extras = tools::get_extras();
        let last = s.decisions.last().map_or(SimTime::ZERO, |d| d.at).ms();
        let key = (last, s.decisions.len() + usize::from(extras.is_some()), lang);
        Ptr(self.why.get(key, || extras.map_or_else(Vec::new, |x| (x.why)(&s, lang))))
    }

    pub fn overview(&mut self, core: &Core) -> Ptr<Overview> {
        let s = core.snapshot();
        let t = self.totals(&s);
        Ptr(self.overview.get(revision(&s), || Overview::of(&t)))
    }
}
