use super::{clear, inflate, namespace, node, until_running, until_usable};
use crate::api::resource;
use crate::control_plane::{Cluster, Part};
use futures::{StreamExt, TryStreamExt};
use kube::api::{Api, DynamicObject, WatchEvent, WatchParams};
use objects::{DocExt, Kind, json};

/// The harness itself: whoever works on the cluster finds it as it was, and the others go on.
pub fn server_dies(cluster: &mut Cluster) {
    cluster.apply(&namespace("dies"));
    cluster.create(&node("dies-a")).unwrap();
    until_usable(cluster, "dies-a");
    cluster.create(&inflate("dies", 1)).unwrap();
    let before = until_running(cluster, "dies", 1);

    cluster.kill(Part::ApiServer);
    let options = engine::cluster::Options { kubeconfig: Some(cluster.kubeconfig.clone()), ..Default::default() };
    let refused = nodewright_cli::observe::picture(&options, 0).unwrap_err();
    assert_eq!(refused.exit, 3, "{}", refused.message);
    cluster.kill(Part::Etcd);
    cluster.run(Part::Etcd).unwrap();
    cluster.run(Part::ApiServer).unwrap();

    // What was before its start it does not remember: a watch from there is to begin anew with a list.
    let expired = cluster.block_on(async {
        let api: Api<DynamicObject> = Api::all_with(cluster.client.clone(), &resource(Kind::Pod));
        let mut changes = api.watch(&WatchParams::default().timeout(20), "1").await.expect("the watch opens").boxed();
        changes.try_next().await
    });
    match expired {
        Ok(Some(WatchEvent::Error(status))) => assert_eq!((status.code, status.reason.as_str()), (410, "Expired"), "{status:?}"),
        other => panic!("not expired: {other:?}"),
    }

    // Scheduler, controllers and kubelets find it again.
    let patched = cluster.patch(Kind::Deployment, "dies", "dies", &json!({"spec": {"replicas": 2}}));
    patched.unwrap();
    let after = until_running(cluster, "dies", 2);
    let uid = before[0].str_at("metadata.uid");
    assert!(after.iter().any(|p| p.str_at("metadata.uid") == uid), "the first pod was lost");
    clear(cluster, "dies", &["dies-a"]);
}
