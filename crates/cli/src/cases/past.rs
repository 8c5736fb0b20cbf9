//! What the recorded clusters had been through before a set began: the lab, from no pod to none, with Karpenter running. The
//! commands and their times are those of the recording.

use super::run::Cluster;

/// When a step comes, in milliseconds after the cluster had settled.
type Step = (u64, Then);

#[derive(Clone, Copy)]
enum Then {
    Run(&'static str),
    Karpenter { works: bool },
}
use Then::{Karpenter, Run};

/// The machine of the lab before set a had more to do than it could, which its scheduler and Karpenter waited for.
const BUSY: &str = "kubectl annotate namespace kube-system nodewright.dev/call-time=100ms";
const NOT_BUSY: &str = "kubectl annotate namespace kube-system nodewright.dev/call-time-";

/// Of the pods of a ReplicaSet that are alike those go whose uids say so. On the recorded cluster one of the four nodes lost
/// its three, two lost one each.
const GIVE_UP_3_1_1: &str = "for node in $(kubectl get nodes -l type=karpenter -o name | head -3 | cut -d/ -f2); do \
    pods=$(kubectl get pods -l app=inflate -o name --field-selector spec.nodeName=$node); \
    if [ -z \"$all\" ]; then all=$node; else pods=$(echo $pods | cut -d' ' -f1); fi; \
    kubectl annotate $pods controller.kubernetes.io/pod-deletion-cost=-1; done";

/// Nodes came as fast as kwok makes them; the pool and its class were deleted before Karpenter was stopped.
const BEFORE_A: &[Step] = &[
    (8_000, Run(BUSY)),
    // Its polls fell on whole tens of seconds.
    (8_900, Karpenter { works: true }),
    (11_868, Run("kubectl apply -f nodeclass.yaml -f nodepool-spot.yaml")),
    (15_046, Run("kubectl apply -f inflate.yaml")),
    (17_174, Run("kubectl scale deployment inflate --replicas 5")),
    (41_295, Run("kubectl delete deployment inflate")),
    (108_725, Run("kubectl delete nodepool default")),
    (108_838, Run("kubectl apply -f nodepool-od.yaml")),
    (108_970, Run("kubectl apply -f inflate.yaml")),
    (112_173, Run("kubectl scale deployment inflate --replicas 12")),
    (166_000, Run(GIVE_UP_3_1_1)),
    (167_070, Run("kubectl scale deployment inflate --replicas 7")),
    (300_649, Run("kubectl delete deployment inflate")),
    (410_000, Run("kubectl delete nodepool default")),
    (410_500, Run("kubectl delete kwoknodeclass default")),
    (425_000, Karpenter { works: false }),
    // The recorded process was started by hand and elected nobody.
    (426_000, Run("kubectl delete lease karpenter-leader-election -n karpenter")),
    (434_000, Run(NOT_BUSY)),
    (435_000, Run("true")),
];

/// One of its nodes had been drained, as set a does; the node class asks for as much time as a node of EKS takes.
const BEFORE_C: &[Step] = &[
    (0, Run("kubectl drain ip-192-168-2-102.ap-northeast-2.compute.internal --ignore-daemonsets --delete-emptydir-data")),
    (10_000, Run("kubectl uncordon ip-192-168-2-102.ap-northeast-2.compute.internal")),
    (66_648, Karpenter { works: true }),
    (69_751, Run("kubectl apply -f nodeclass-eks.yaml -f nodepool-spot.yaml")),
    (73_606, Run("kubectl apply -f inflate.yaml")),
    (76_499, Run("kubectl scale deployment inflate --replicas 5")),
    (125_762, Run("kubectl delete deployment inflate")),
    (187_737, Run("kubectl delete nodepool default")),
    (187_865, Run("kubectl apply -f nodepool-od.yaml")),
    (188_027, Run("kubectl apply -f inflate.yaml")),
    (191_431, Run("kubectl scale deployment inflate --replicas 12")),
    (275_003, Run("kubectl scale deployment inflate --replicas 7")),
    (451_598, Run("kubectl delete deployment inflate")),
    (650_000, Run("kubectl delete nodepool default")),
    (681_000, Run("true")),
];

/// Karpenter began 7 s after the cluster, a minute before the set.
const BEFORE_D: &[Step] = &[(7_159, Karpenter { works: true }), (60_000, Run("true"))];

/// Plays what came before the set.
pub fn play(set: char, cluster: &mut Cluster) {
    let steps = match set {
        'a' => BEFORE_A,
        'c' => BEFORE_C,
        'd' => BEFORE_D,
        _ => return,
    };
    for (at, then) in steps {
        cluster.wait_until(*at);
        match then {
            Run(command) => {
                cluster.run(command, None);
            }
            Karpenter { works } => cluster.set_karpenter(*works),
        }
    }
}
