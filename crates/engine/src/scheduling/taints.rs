//! Taints that a coming-up node is expected to lose, and the words for one that a pod does not tolerate.
//! Source: kubernetes-sigs/karpenter pkg/scheduling/taints.go v0.31.4 and v1.14.1.

use super::text;
use objects::Era;
use objects::typed::{Taint, Toleration};

/// Taints that are expected while a node initializes.
pub fn is_ephemeral(era: Era, taint: &Taint) -> bool {
    let is = |key: &str, effect: &str| taint.key == key && taint.effect == effect;
    let both = is("node.kubernetes.io/not-ready", "NoSchedule")
        || is("node.kubernetes.io/unreachable", "NoSchedule")
        || is("node.cloudprovider.kubernetes.io/uninitialized", "NoSchedule");
    both || (era == Era::V1
        && (is("node.kubernetes.io/not-ready", "NoExecute")
            || is("karpenter.sh/unregistered", "NoExecute")
            || taint.key.starts_with("readiness.k8s.io/")))
}

/// The taints of a node that count for scheduling. `startup` are its claim's startup taints.
pub fn counted(era: Era, taints: &[Taint], startup: &[Taint], managed: bool, initialized: bool) -> Vec<Taint> {
    let coming_up = managed && !initialized;
    let expected = |t: &Taint| {
        // Era v1alpha5 looks away from these taints for good, v1 only until the node is initialized.
        ((era == Era::V1alpha5 || coming_up) && is_ephemeral(era, t))
            || (coming_up && startup.iter().any(|s| s.key == t.key && s.effect == t.effect))
    };
    taints.iter().filter(|t| !expected(t)).cloned().collect()
}

/// Whether all taints are tolerated; PreferNoSchedule counts too until a pod is relaxed.
pub fn tolerated(taints: &[Taint], tolerations: &[Toleration]) -> bool {
    objects::typed::untolerated(taints, tolerations, true).is_none()
}

/// The era's words for every taint that is not tolerated.
pub fn intolerance(era: Era, taints: &[Taint], tolerations: &[Toleration]) -> String {
    let words = |t: &Taint| match era {
        Era::V1alpha5 => format!("did not tolerate {}={}:{}", t.key, t.value, t.effect),
        Era::V1 => format!("did not tolerate taint (taint={})", text::taint(t)),
    };
    let not = taints.iter().filter(|t| !tolerations.iter().any(|x| x.tolerates(t)));
    not.map(words).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_taints_count() {
        let not_ready = Taint::new("node.kubernetes.io/not-ready", "", "NoSchedule");
        let startup = Taint::new("cni", "", "NoSchedule");
        let own = Taint::new("dedicated", "web", "NoSchedule");
        let all = [not_ready.clone(), startup.clone(), own.clone()];
        let check = |era, managed, initialized, left: &[&Taint]| {
            let got = counted(era, &all, std::slice::from_ref(&startup), managed, initialized);
            assert_eq!(got.iter().collect::<Vec<_>>(), left);
        };
        check(Era::V1alpha5, true, false, &[&own]);
        check(Era::V1alpha5, true, true, &[&startup, &own]);
        check(Era::V1, true, false, &[&own]);
        check(Era::V1, true, true, &[&not_ready, &startup, &own]);
        check(Era::V1, false, true, &[&not_ready, &startup, &own]);
    }

    #[test]
    fn words() {
        let taints = [Taint::new("dedicated", "web", "NoSchedule"), Taint::new("a", "", "NoSchedule")];
        assert_eq!(
            intolerance(Era::V1alpha5, &taints, &[]),
            "did not tolerate dedicated=web:NoSchedule; did not tolerate a=:NoSchedule"
        );
        assert_eq!(
            intolerance(Era::V1, &taints, &[]),
            "did not tolerate taint (taint=dedicated=web:NoSchedule); did not tolerate taint (taint=a:NoSchedule)"
        );
    }
}
