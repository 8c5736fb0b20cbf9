use super::{clear, inflate, namespace, node, running, until_running, until_usable};
use crate::api::eventually;
use crate::control_plane::Cluster;
use crate::kubelet::STOPS_AFTER;
use objects::{DocExt, Kind, json};
use std::time::{Duration, Instant};

/// The stand-in does what schedulers, controllers and Karpenter see of kubelets.
pub fn lives(cluster: &mut Cluster) {
    cluster.apply(&namespace("lives"));
    cluster.create(&node("lives-a")).unwrap();
    until_usable(cluster, "lives-a");
    let lease = cluster.get(Kind::Lease, "kube-node-lease", "lives-a").expect("a lease");
    assert_eq!(lease.int_at("spec.leaseDurationSeconds"), Some(40));

    let mut workload = inflate("lives", 2);
    workload.set("spec.template.spec.terminationGracePeriodSeconds", 30);
    workload.set("spec.template.metadata.annotations", json!({STOPS_AFTER: "2"}));
    cluster.create(&workload).unwrap();
    let pods = until_running(cluster, "lives", 2);
    assert!(pods.iter().all(|p| p.str_at("spec.nodeName") == Some("lives-a")));

    let name = pods[0].str_at("metadata.name").unwrap();
    let asked = Instant::now();
    cluster.evict("lives", name).unwrap();
    let leaving = cluster.get(Kind::Pod, "lives", name).expect("it takes its time");
    assert!(leaving.str_at("metadata.deletionTimestamp").is_some());
    eventually("the pod has ended", 20, || cluster.get(Kind::Pod, "lives", name).is_none().then_some(()));
    let took = asked.elapsed();
    assert!(took > Duration::from_secs(2) && took < Duration::from_secs(15), "{took:?}");
    until_running(cluster, "lives", 2);

    clear(cluster, "lives", &["lives-a"]);
    assert!(running(cluster, "lives").is_empty());
}
