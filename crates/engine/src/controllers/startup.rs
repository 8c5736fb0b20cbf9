//! What a Karpenter that has just become the leader writes before it does anything. Sources: kubernetes-sigs/karpenter
//! pkg/operator/controller/singleton.go v0.29.2; aws/karpenter-provider-aws pkg/operator/operator.go and
//! pkg/controllers/pricing v0.29.2; a recorded start of 1.14.1.

use super::context::Cx;
use super::messages::{By, Say};
use objects::Era;
use objects::collections::VecSet;

const SINGLETONS: [By; 4] = [By::Provisioner, By::Disruption, By::GarbageCollection, By::Pricing];

pub fn announce(cx: &mut Cx<'_, '_>) {
    let region = cx.view.market.region().map(|r| r.name.clone()).unwrap_or_default();
    cx.log(Say::Discovered { message: "discovered region", field: "region", value: &region });
    let version = cx.view.profile.kubernetes_version.trim_start_matches('v');
    let minor: Vec<&str> = version.split('.').take(2).collect();
    cx.log(Say::Discovered { message: "discovered kubernetes version", field: "version", value: &minor.join(".") });
    // Interruption handling and the other controllers of single objects start without a word of their own.
    let era = cx.era();
    for controller in SINGLETONS.into_iter().filter(|c| era == Era::V1alpha5 || *c != By::Pricing) {
        cx.log(Say::Starting { controller });
    }
    let types = cx.view.market.types().clone();
    cx.log(Say::PricesUpdated { spot: false, types: types.len(), offerings: 0 });
    let is_spot = |o: &&crate::scheduling::Offering| &*o.capacity_type == super::names::SPOT;
    let spot: VecSet<&str> = types.iter().filter(|t| t.offerings.iter().any(|o| is_spot(&o))).map(|t| &*t.name).collect();
    let offerings = types.iter().flat_map(|t| &t.offerings).filter(is_spot).count();
    cx.log(Say::PricesUpdated { spot: true, types: spot.len(), offerings });
}
