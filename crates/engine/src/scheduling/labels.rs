//! Label keys that scheduling knows, their old names, and the hint for a key that looks like one of them.
//! Source: kubernetes-sigs/karpenter pkg/apis/v1alpha5/labels.go v0.31.4, pkg/apis/v1/labels.go and
//! pkg/scheduling/requirements.go v1.14.1; aws/karpenter-provider-aws pkg/apis/{v1alpha1,v1}/labels.go.

use super::requirements::Requirements;
use objects::Era;
use objects::collections::Order as _;

pub const ZONE: &str = "topology.kubernetes.io/zone";
pub const REGION: &str = "topology.kubernetes.io/region";
pub const INSTANCE_TYPE: &str = "node.kubernetes.io/instance-type";
pub const ARCH: &str = "kubernetes.io/arch";
pub const OS: &str = "kubernetes.io/os";
pub const HOSTNAME: &str = "kubernetes.io/hostname";
pub const CAPACITY_TYPE: &str = "karpenter.sh/capacity-type";
pub const RESERVATION_ID: &str = "karpenter.k8s.aws/capacity-reservation-id";
pub const PROVISIONER: &str = "karpenter.sh/provisioner-name";
pub const NODEPOOL: &str = "karpenter.sh/nodepool";
pub const REGISTERED: &str = "karpenter.sh/registered";
pub const INITIALIZED: &str = "karpenter.sh/initialized";
pub const EC2_NODE_CLASS: &str = "karpenter.k8s.aws/ec2nodeclass";
pub const KWOK_NODE_CLASS: &str = "karpenter.kwok.sh/kwoknodeclass";

/// An annotation of era v1, and the taint of nodes that go.
pub const DO_NOT_DISRUPT: &str = "karpenter.sh/do-not-disrupt";
pub const DISRUPTED: &str = "karpenter.sh/disrupted";

pub const SPOT: &str = "spot";
pub const ON_DEMAND: &str = "on-demand";
pub const RESERVED: &str = "reserved";

const AWS_PREFIX: &str = "karpenter.k8s.aws/instance-";

/// What follows [`AWS_PREFIX`] in both eras.
const AWS_COMMON: &[&str] = &[
    "accelerator-count",
    "accelerator-manufacturer",
    "accelerator-name",
    "category",
    "cpu",
    "encryption-in-transit-supported",
    "family",
    "generation",
    "gpu-count",
    "gpu-manufacturer",
    "gpu-memory",
    "gpu-name",
    "hypervisor",
    "local-nvme",
    "memory",
    "network-bandwidth",
    "size",
];

/// What only the later provider has.
const AWS_V1: &[&str] = &["capability-flex", "cpu-manufacturer", "cpu-sustained-clock-speed-mhz", "ebs-bandwidth", "tenancy"];

const CORE: &[&str] = &[CAPACITY_TYPE, ARCH, OS, INSTANCE_TYPE, "node.kubernetes.io/windows-build", REGION, ZONE];

const AWS_V1_OTHER: &[&str] = &[
    RESERVATION_ID,
    "karpenter.k8s.aws/capacity-reservation-interruptible",
    "karpenter.k8s.aws/capacity-reservation-type",
    "topology.k8s.aws/zone-id",
];

/// Whether the key is one whose values the cloud provider knows: a pod may ask for it though the pool does not name it.
pub fn is_well_known(era: Era, key: &str) -> bool {
    if CORE.contains(&key) {
        return true;
    }
    if let Some(rest) = key.strip_prefix(AWS_PREFIX) {
        return AWS_COMMON.contains(&rest)
            || match era {
                // The catalogue describes every type with the later labels too; asking for them in the earlier era
                // meets the types' values as it would with a provider that knew them.
                Era::V1alpha5 => rest == "pods" || AWS_V1.contains(&rest),
                Era::V1 => AWS_V1.contains(&rest),
            };
    }
    match era {
        Era::V1alpha5 => key == PROVISIONER,
        Era::V1 => key == NODEPOOL || AWS_V1_OTHER.contains(&key),
    }
}

fn well_known(era: Era) -> Vec<String> {
    let mut all: Vec<String> = CORE.iter().map(|k| (*k).to_owned()).collect();
    all.extend(AWS_COMMON.iter().map(|k| format!("{AWS_PREFIX}{k}")));
    match era {
        Era::V1alpha5 => all.extend([format!("{AWS_PREFIX}pods"), PROVISIONER.to_owned()]),
        Era::V1 => {
            all.extend(AWS_V1.iter().map(|k| format!("{AWS_PREFIX}{k}")));
            all.extend(AWS_V1_OTHER.iter().map(|k| (*k).to_owned()));
            all.push(NODEPOOL.to_owned());
        }
    }
    all.order();
    all
}

/// Why nobody may ask for the key, in the era's words; `None` where one may.
pub fn restriction(era: Era, key: &str) -> Option<String> {
    if is_well_known(era, key) {
        return None;
    }
    let domain = key.split_once('/').map_or("", |(domain, _)| domain);
    let reserved: &[&str] = match era {
        Era::V1alpha5 => &["k8s.io", "karpenter.k8s.aws", "karpenter.sh", "kubernetes.io"],
        Era::V1 => &["karpenter.k8s.aws", "karpenter.sh"],
    };
    let is_reserved = match era {
        // A plain test of how the text ends, except for three domains.
        Era::V1alpha5 => {
            !["kops.k8s.io", "node.kubernetes.io", "node-restriction.kubernetes.io"].contains(&domain)
                && reserved.iter().any(|r| domain.ends_with(r))
        }
        Era::V1 => reserved.iter().any(|r| domain == *r || domain.strip_suffix(r).is_some_and(|d| d.ends_with('.'))),
    };
    if !is_reserved && !is_hidden(era, key) {
        return None;
    }
    let known = well_known(era).join(" ");
    let domains = reserved.join(" ");
    Some(match era {
        Era::V1alpha5 => format!(
            "label {key} is restricted; specify a well known label: [{known}], or a custom label that does not use a \
             restricted domain: [{domains}]"
        ),
        Era::V1 => format!(
            "using label {key} is not allowed as it might interfere with the internal provisioning logic; specify a well \
             known label: [{known}], or a custom label that does not use a restricted domain: [{domains}]"
        ),
    })
}

/// The present name of a key: old aliases are read as what replaced them.
pub fn normalized(key: &str) -> &str {
    match key {
        "failure-domain.beta.kubernetes.io/zone" | "topology.ebs.csi.aws.com/zone" => ZONE,
        "failure-domain.beta.kubernetes.io/region" => REGION,
        "beta.kubernetes.io/arch" => ARCH,
        "beta.kubernetes.io/os" => OS,
        "beta.kubernetes.io/instance-type" => INSTANCE_TYPE,
        other => other,
    }
}

/// Keys that never show in a printed requirement list or on a claim.
pub fn is_hidden(era: Era, key: &str) -> bool {
    key == HOSTNAME || (era == Era::V1alpha5 && key == "karpenter.sh/emptiness-timestamp")
}

/// ` (typo of "key"?)` where a known key resembles `key`, else nothing. Known keys are tried in order of name.
pub fn hint(era: Era, defined: &Requirements, key: &str, allow_well_known: bool) -> String {
    let known = if allow_well_known { well_known(era) } else { Vec::new() };
    let resembles = |known: &str| match era {
        Era::V1alpha5 => known.contains(key) || edit_distance(key, known) < known.len() / 5,
        Era::V1 => known.contains(key) || known.ends_with(key.split_once('/').map_or(key, |(_, name)| name)),
    };
    let found = known.iter().map(String::as_str).chain(defined.keys()).find(|k| resembles(k));
    found.map_or_else(String::new, |k| format!(" (typo of {k:?}?)"))
}

/// Distance over the two texts without their first letters, which the original never compares.
fn edit_distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.is_empty() || b.is_empty() {
        return a.len().max(b.len());
    }
    let tail = b.get(1..).unwrap_or_default();
    let mut previous: Vec<usize> = (0..b.len()).collect();
    for x in a.iter().skip(1) {
        // The original never fills the first column, so it stays zero.
        let mut row = Vec::with_capacity(b.len());
        row.push(0);
        let mut left = 0;
        for (j, y) in tail.iter().enumerate() {
            let up = previous.get(j + 1).copied().unwrap_or(0) + 1;
            let diagonal = previous.get(j).copied().unwrap_or(0) + usize::from(x != y);
            left = up.min(left + 1).min(diagonal);
            row.push(left);
        }
        previous = row;
    }
    previous.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typos_are_hinted_at() {
        let check = |era, key: &str, hint_text: &str| {
            assert_eq!(hint(era, &Requirements::default(), key, true), hint_text, "{key}");
        };
        check(Era::V1alpha5, "zone", r#" (typo of "topology.kubernetes.io/zone"?)"#);
        check(Era::V1alpha5, "topology.kubernetesio/zone", r#" (typo of "topology.kubernetes.io/zone"?)"#);
        check(Era::V1alpha5, "team", "");
        check(Era::V1, "mycompany.io/zone", r#" (typo of "topology.kubernetes.io/zone"?)"#);
        check(Era::V1, "team", "");
    }

    #[test]
    fn keys_of_each_era() {
        assert!(is_well_known(Era::V1, NODEPOOL) && !is_well_known(Era::V1alpha5, NODEPOOL));
        assert!(is_well_known(Era::V1alpha5, "karpenter.k8s.aws/instance-pods"));
        assert!(!is_well_known(Era::V1, "karpenter.k8s.aws/instance-pods"));
        assert_eq!(normalized("beta.kubernetes.io/arch"), ARCH);
    }
}
