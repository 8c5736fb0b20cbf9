//! Ports of the node that pods occupy.
//! Source: kubernetes-sigs/karpenter pkg/scheduling/hostportusage.go v0.31.4 and v1.14.1.

use objects::Era;
use objects::typed::HostPort;

/// The first pair of ports that cannot share a node: (asked, used).
pub fn conflict<'a>(
    asked: &'a [HostPort],
    used: impl Iterator<Item = &'a HostPort> + Clone,
) -> Option<(&'a HostPort, &'a HostPort)> {
    asked.iter().find_map(|a| used.clone().find(|u| clash(a, u)).map(|u| (a, u)))
}

fn clash(a: &HostPort, b: &HostPort) -> bool {
    let any = |ip: &str| matches!(ip, "" | "0.0.0.0" | "::");
    a.protocol == b.protocol && a.port == b.port && (a.ip == b.ip || any(&a.ip) || any(&b.ip))
}

pub fn words(era: Era, asked: &HostPort, used: &HostPort) -> String {
    let ip = |p: &HostPort| if p.ip.is_empty() { "0.0.0.0".to_owned() } else { p.ip.clone() };
    let fields = |p: &HostPort| format!("IP={} Port={} Proto={}", ip(p), p.port, p.protocol);
    match era {
        Era::V1alpha5 => {
            format!("checking host port usage, {} conflicts with existing HostPort configuration {}", fields(asked), fields(used))
        }
        Era::V1 => format!(
            "checking host port usage, pod hostport conflicts with existing hostport configuration (existing-hostport-ip={}, \
             existing-hostport-port={}, existing-hostport-protocol={}, pod-hostport-ip={}, pod-hostport-port={}, \
             pod-hostport-protocol={})",
            ip(used),
            used.port,
            used.protocol,
            ip(asked),
            asked.port,
            asked.protocol
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clashes() {
        let port = |ip: &str, port, protocol: &str| HostPort { ip: ip.into(), port, protocol: protocol.into() };
        let check = |a: &HostPort, b: &HostPort, clashes| {
            assert_eq!(conflict(std::slice::from_ref(a), [b].into_iter()).is_some(), clashes);
        };
        check(&port("", 80, "TCP"), &port("10.0.0.1", 80, "TCP"), true);
        check(&port("10.0.0.2", 80, "TCP"), &port("10.0.0.1", 80, "TCP"), false);
        check(&port("", 80, "TCP"), &port("", 80, "UDP"), false);
        check(&port("", 80, "TCP"), &port("", 81, "TCP"), false);
    }
}
