use crate::control_plane::Cluster;
use crate::programs::{is_at_least, required};

pub fn versions(_: &mut Cluster) {
    for (found, needed, enough) in [
        ("go1.26.6", "1.26.6", true),
        ("go1.26.8", "1.26.6", true),
        ("go1.27", "1.26.6", true),
        ("go2.0.0", "1.26.6", true),
        ("go1.26.5", "1.26.6", false),
        ("go1.26", "1.26.6", false),
        ("go1.9.7", "1.26.6", false),
        ("go1.27rc1", "1.26.6", false),
        ("go1.26.8 X:nodwarf5", "1.26.6", true),
        ("go1.26.8-vendor", "1.26.6", true),
        ("", "1.26.6", false),
    ] {
        assert_eq!(is_at_least(found, needed), enough, "{found} for {needed}");
    }
    let file = "module m\n\ngo 1.26.6\n\nrequire one v1.2.3 // indirect\n\nrequire (\n\tk8s.io/api v0.35.4 // indirect\n)\n";
    for (module, version) in [("go", Some("1.26.6")), ("one", Some("v1.2.3")), ("k8s.io/api", Some("v0.35.4")), ("k8s.io", None)]
    {
        assert_eq!(required(file, module).as_deref(), version, "{module}");
    }
}

pub fn server_version(cluster: &mut Cluster) {
    let version = cluster.block_on(cluster.client.apiserver_version()).unwrap();
    assert_eq!(version.git_version, cluster.programs.version);
    assert_eq!(format!("v{}.{}", version.major, version.minor), version.git_version.rsplit_once('.').unwrap().0);
}
