//! Ports of the node that pods occupy.
//! Source: kubernetes-sigs/karpenter pkg/scheduling/hostportusage.go v0.31.4 and v1.14.1.

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
