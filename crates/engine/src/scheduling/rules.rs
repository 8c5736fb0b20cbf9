//! What differs between versions of Karpenter, as named values that the solver reads.

use crate::profile::Profile;
use objects::{Api, Era, Provider};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preferences {
    /// Preferences are required at first and given up one by one.
    Respect,
    Ignore,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MinValues {
    Strict,
    /// A new claim may have fewer values than asked.
    BestEffort,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    pub era: Era,
    pub provider: Provider,
    /// Instance types kept when a claim is made.
    pub max_instance_types: usize,
    /// Nodes that Karpenter did not make may take pods too (from 0.30 on).
    pub uses_unmanaged_nodes: bool,
    /// A pod that was pending before may stay so without stopping a consolidation (from 0.30 on).
    pub pending_may_stay: bool,
    /// Nodes that are not Ready count as not initialized in a simulation (from 0.30 to 0.31).
    pub needs_ready: bool,
    /// How many candidates multi-node consolidation looks at.
    pub max_candidates: usize,
    pub preferences: Preferences,
    pub min_values: MinValues,
    pub spot_to_spot: bool,
    pub reserved_capacity: bool,
}

impl Rules {
    /// 0.29.2, 0.31.4 and 1.14.1 are told apart by the profile's version.
    pub fn of(profile: &Profile) -> Rules {
        let early = profile.karpenter_version.starts_with("v0.29");
        Rules {
            provider: profile.provider,
            max_instance_types: profile.max_instance_types,
            uses_unmanaged_nodes: !early,
            pending_may_stay: !early,
            needs_ready: !early && profile.era == Era::V1alpha5,
            max_candidates: if early { usize::MAX } else { 100 },
            ..Rules::latest(profile.era)
        }
    }

    /// The last version of an era: 0.31.4 or 1.14.1.
    pub fn latest(era: Era) -> Rules {
        Rules {
            era,
            provider: Provider::Aws,
            max_instance_types: if era == Era::V1alpha5 { 100 } else { 600 },
            uses_unmanaged_nodes: true,
            pending_may_stay: true,
            needs_ready: era == Era::V1alpha5,
            max_candidates: 100,
            preferences: Preferences::Respect,
            min_values: MinValues::Strict,
            spot_to_spot: false,
            reserved_capacity: era == Era::V1,
        }
    }

    pub fn is_v1(&self) -> bool {
        self.era == Era::V1
    }

    /// The cloud provider whose labels are known.
    pub fn api(&self) -> Api {
        Api { era: self.era, provider: self.provider }
    }

    /// The label by which claims of era v1 name their node class.
    pub fn class_label(&self) -> &'static str {
        match self.provider {
            Provider::Aws => super::labels::EC2_NODE_CLASS,
            Provider::Kwok => super::labels::KWOK_NODE_CLASS,
        }
    }

    /// The label that says which pool a node is of.
    pub fn pool_label(&self) -> &'static str {
        match self.era {
            Era::V1alpha5 => super::labels::PROVISIONER,
            Era::V1 => super::labels::NODEPOOL,
        }
    }
}
