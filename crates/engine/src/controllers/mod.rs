//! Karpenter's controllers.

use crate::SimTime;
use crate::actor::{Actor, Intent, View};
use crate::profile::Profile;
use crate::store::Change;

/// One running Karpenter process: its controllers and what they remember. The kernel makes a new one whenever another
/// pod becomes the leader.
#[derive(Clone, Debug, Default)]
pub struct Karpenter {}

impl Karpenter {
    pub fn new(_profile: &Profile) -> Karpenter {
        Karpenter {}
    }
}

impl Actor for Karpenter {
    fn name(&self) -> &'static str {
        "karpenter"
    }

    fn observe(&mut self, _change: &Change, _view: &View<'_>) {}

    fn wake_at(&self) -> Option<SimTime> {
        None
    }

    fn act(&mut self, _view: &View<'_>) -> Vec<Intent> {
        Vec::new()
    }
}
