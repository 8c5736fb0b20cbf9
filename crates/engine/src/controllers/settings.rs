//! Karpenter's settings, read where each era keeps them: the ConfigMap `karpenter-global-settings` (0.29 to 0.31, read
//! anew when it changes) and the environment of the Deployment (1.14, a rollout away in reality). Absent and unreadable
//! ones mean the default. Sources: kubernetes-sigs/karpenter pkg/apis/settings/settings.go v0.31.4 and
//! pkg/operator/options/options.go v1.14.1; the AWS provider's charts.

use crate::actor::View;
use crate::scheduling::Rules;
use crate::scheduling::rules::{MinValues, Preferences};
use objects::{DocExt, Era, Kind, ObjectKey};

/// A gate that is on. The names are the era's own: `driftEnabled`, `NodeRepair`.
pub fn gate(view: &View<'_>, name: &str) -> bool {
    let text = match view.era() {
        Era::V1alpha5 => return text(view, &format!("featureGates.{name}")) == Some("true"),
        Era::V1 => text(view, "FEATURE_GATES").unwrap_or_default(),
    };
    let found = text.split(',').filter_map(|pair| pair.split_once('=')).find(|(gate, _)| gate.trim() == name);
    found.is_some_and(|(_, on)| on.trim().eq_ignore_ascii_case("true"))
}

/// The queue of the cloud's notices; `None` where interruption handling is off, as it is by default.
pub fn interruption_queue<'v>(view: &View<'v>) -> Option<&'v str> {
    let name = if view.era() == Era::V1 { "INTERRUPTION_QUEUE" } else { "aws.interruptionQueueName" };
    text(view, name).filter(|queue| !queue.is_empty())
}

/// Network interfaces that carry no pods, and whether interfaces bound the number of pods at all (they always do since
/// 1.x).
pub fn interfaces(view: &View<'_>) -> (u32, bool) {
    let reserved = if view.era() == Era::V1 { "RESERVED_ENIS" } else { "aws.reservedENIs" };
    let bound_pods = view.era() == Era::V1 || text(view, "aws.enableENILimitedPodDensity") != Some("false");
    (text(view, reserved).and_then(|n| n.parse().ok()).unwrap_or(0), bound_pods)
}

/// The batching window: (idle, most), milliseconds.
pub fn batch_ms(view: &View<'_>) -> (u64, u64) {
    let (idle, most) = match view.era() {
        Era::V1alpha5 => ("batchIdleDuration", "batchMaxDuration"),
        Era::V1 => ("BATCH_IDLE_DURATION", "BATCH_MAX_DURATION"),
    };
    let read = |name, default| {
        let given = text(view, name).and_then(objects::duration::parse_go_ms).and_then(|ms| u64::try_from(ms).ok());
        given.filter(|ms| *ms > 0).unwrap_or(default)
    };
    (read(idle, view.profile.batch_idle_ms), read(most, view.profile.batch_max_ms))
}

/// What the solver goes by.
pub fn rules(view: &View<'_>) -> Rules {
    let mut rules = Rules { provider: view.profile.provider, ..Rules::latest(view.era()) };
    if view.era() == Era::V1 {
        rules.spot_to_spot = gate(view, "SpotToSpotConsolidation");
        if text(view, "PREFERENCE_POLICY") == Some("Ignore") {
            rules.preferences = Preferences::Ignore;
        }
        if text(view, "MIN_VALUES_POLICY") == Some("BestEffort") {
            rules.min_values = MinValues::BestEffort;
        }
    }
    rules
}

fn text<'v>(view: &View<'v>, name: &str) -> Option<&'v str> {
    let namespace = view.profile.karpenter_namespace;
    match view.era() {
        Era::V1alpha5 => {
            let settings = view.store.get(&ObjectKey::new(Kind::ConfigMap, namespace, "karpenter-global-settings"))?;
            settings.doc.at("data").field(name).as_str()
        }
        Era::V1 => {
            let deployment = view.store.get(&ObjectKey::new(Kind::Deployment, namespace, "karpenter"))?;
            let containers = deployment.doc.list_at("spec.template.spec.containers");
            let mut variables = containers.iter().flat_map(|c| c.list_at("env"));
            variables.find(|e| e.str_at("name") == Some(name))?.str_at("value")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Lab;
    use super::*;
    use objects::json;

    fn v1(env: &[(&str, &str)]) -> Lab {
        let mut lab = Lab::new(Era::V1);
        lab.settings(env);
        lab
    }

    #[test]
    fn absent_settings_have_the_defaults() {
        for era in [Era::V1alpha5, Era::V1] {
            let lab = Lab::new(era);
            assert_eq!(batch_ms(&lab.view()), (1_000, 10_000));
            assert_eq!(interruption_queue(&lab.view()), None);
            assert_eq!(interfaces(&lab.view()), (0, true));
            assert_eq!(rules(&lab.view()), Rules::latest(era));
            assert!(!gate(&lab.view(), "driftEnabled") && !gate(&lab.view(), "NodeRepair"));
        }
    }

    #[test]
    fn gates_and_policies_of_1_14() {
        let lab = v1(&[
            ("FEATURE_GATES", "ReservedCapacity=true, SpotToSpotConsolidation=true,NodeRepair=false,StaticCapacity"),
            ("BATCH_IDLE_DURATION", "3s"),
            ("BATCH_MAX_DURATION", "soon"),
            ("PREFERENCE_POLICY", "Ignore"),
            ("MIN_VALUES_POLICY", "BestEffort"),
            ("INTERRUPTION_QUEUE", "q"),
            ("RESERVED_ENIS", "1"),
        ]);
        let view = lab.view();
        assert_eq!(interfaces(&view), (1, true));
        assert!(gate(&view, "SpotToSpotConsolidation") && !gate(&view, "NodeRepair") && !gate(&view, "StaticCapacity"));
        assert_eq!(batch_ms(&view), (3_000, 10_000));
        let rules = rules(&view);
        assert!(rules.spot_to_spot);
        assert_eq!((rules.preferences, rules.min_values), (Preferences::Ignore, MinValues::BestEffort));
        assert_eq!(interruption_queue(&view), Some("q"));
    }

    #[test]
    fn the_config_map_of_0_29() {
        let mut lab = Lab::new(Era::V1alpha5);
        lab.settings(&[
            ("featureGates.driftEnabled", "true"),
            ("batchIdleDuration", "500ms"),
            ("batchMaxDuration", "1m"),
            ("aws.reservedENIs", "2"),
            ("aws.enableENILimitedPodDensity", "false"),
        ]);
        assert_eq!(interfaces(&lab.view()), (2, false));
        assert!(gate(&lab.view(), "driftEnabled"));
        assert_eq!(batch_ms(&lab.view()), (500, 60_000));
        lab.patch_in(
            "karpenter",
            Kind::ConfigMap,
            "karpenter-global-settings",
            json!({"data": {"featureGates.driftEnabled": "false"}}),
        );
        assert!(!gate(&lab.view(), "driftEnabled"));
    }
}
