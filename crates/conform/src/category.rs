//! Error messages reduced to a few stable words, as the recorded decisions have them.

/// Parts of a message and what they stand for.
const PARTS: [(&str, &str); 13] = [
    ("did not tolerate", "taint"),
    ("incompatible requirements", "requirements"),
    ("incompatible volume requirements", "volume"),
    ("unsatisfiable topology constraint", "topology"),
    ("exceed limits for nodepool", "limits"),
    ("exceed limits for provisioner", "limits"),
    ("node limits have been exhausted", "limits"),
    ("minValues", "min-values"),
    ("filtered out all available instance types", "no-instance-types"),
    ("no instance type", "instance-types"),
    ("reserved offering", "reserved"),
    ("checking host port usage", "host-port"),
    ("persistentvolumeclaim", "volume"),
];

/// The categories of a message, in order, joined with `+`; `other` where there is none.
pub fn category(words: &str) -> String {
    let mut found: Vec<&str> = PARTS.iter().filter(|(part, _)| words.contains(part)).map(|(_, c)| *c).collect();
    if found.contains(&"min-values") || found.contains(&"no-instance-types") {
        found.retain(|c| *c != "instance-types");
    }
    // Era v1alpha5 reports a topology without a domain this way.
    if found.is_empty() && words.contains("DoesNotExist not in") {
        found.push("topology");
    }
    if found.is_empty() {
        found.push("other");
    }
    found.sort_unstable();
    found.dedup();
    found.join("+")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn categories() {
        let check = |words: &str, want: &str| assert_eq!(category(words), want, "{words}");
        check("did not tolerate taint (taint=a=b:NoSchedule); incompatible requirements, x", "requirements+taint");
        check("all available instance types exceed limits for nodepool (NodePool=a)", "limits");
        check("minValues requirement is not met; no instance type met", "min-values");
        check("incompatible requirements, label \"kubernetes.io/hostname\" DoesNotExist not in x", "requirements");
        check("\"kubernetes.io/hostname\" DoesNotExist not in x", "topology");
        check("?", "other");
    }
}
