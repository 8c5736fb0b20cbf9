//! `kubectl describe` of claims, volumes and storage classes.
//! Source: k8s.io/kubectl pkg/describe/describe.go, v0.35.4.

use super::super::age;
use super::super::columns::{labels_text, modes};
use super::{annotations, labels};
use engine::Snapshot;
use objects::collections::Order as _;
use objects::{DocExt, Kind, Object, Value};

fn status(o: &Object, snapshot: &Snapshot) -> String {
    match o.doc.str_at("metadata.deletionTimestamp") {
        Some(at) => format!("Terminating (lasts {})", age::since(Some(at), snapshot.unix_ms())),
        None => o.doc.str_at("status.phase").unwrap_or("Pending").to_owned(),
    }
}

fn finalizers(o: &Object) -> String {
    format!("Finalizers:\t[{}]\n", o.meta.finalizers.join(" "))
}

pub fn claim(o: &Object, snapshot: &Snapshot) -> String {
    let d = &o.doc;
    let field = |p: &str| d.str_at(p).unwrap_or_default();
    let mut out = format!(
        "Name:\t{}\nNamespace:\t{}\nStorageClass:\t{}\nStatus:\t{}\nVolume:\t{}\n",
        o.meta.name,
        o.meta.namespace,
        field("spec.storageClassName"),
        status(o, snapshot),
        field("spec.volumeName")
    );
    out.push_str(&labels("", &o.meta.labels));
    out.push_str(&annotations("", &o.meta.annotations));
    out.push_str(&finalizers(o));
    let bound = !field("spec.volumeName").is_empty();
    let (capacity, access) =
        if bound { (field("status.capacity.storage"), modes(d.at("status.accessModes"))) } else { ("", String::new()) };
    out.push_str(&format!(
        "Capacity:\t{capacity}\nAccess Modes:\t{access}\nVolumeMode:\t{}\n",
        d.str_at("spec.volumeMode").unwrap_or("Filesystem")
    ));
    let mut users: Vec<&str> = snapshot
        .store
        .list(Kind::Pod)
        .filter(|p| p.meta.namespace == o.meta.namespace)
        .filter(|p| {
            let volumes = p.doc.list_at("spec.volumes").iter();
            volumes.filter_map(|v| v.str_at("persistentVolumeClaim.claimName")).any(|name| name == o.meta.name)
        })
        .map(|p| p.meta.name.as_str())
        .collect();
    users.order();
    out.push_str("Used By:");
    if users.is_empty() {
        out.push_str("\t<none>\n");
    }
    users.iter().for_each(|user| out.push_str(&format!("\t{user}\n")));
    out
}

pub fn volume(o: &Object, snapshot: &Snapshot) -> String {
    let d = &o.doc;
    let field = |p: &str| d.str_at(p).unwrap_or_default();
    let mut out = format!("Name:\t{}\n", o.meta.name);
    out.push_str(&labels("", &o.meta.labels));
    out.push_str(&annotations("", &o.meta.annotations));
    out.push_str(&finalizers(o));
    let claim = match d.at("spec.claimRef") {
        Value::Null => String::new(),
        of => format!("{}/{}", of.str_at("namespace").unwrap_or_default(), of.str_at("name").unwrap_or_default()),
    };
    out.push_str(&format!(
        "StorageClass:\t{}\nStatus:\t{}\nClaim:\t{claim}\nReclaim Policy:\t{}\nAccess Modes:\t{}\nVolumeMode:\t{}\nCapacity:\t{}\n",
        field("spec.storageClassName"),
        status(o, snapshot),
        field("spec.persistentVolumeReclaimPolicy"),
        modes(d.at("spec.accessModes")),
        d.str_at("spec.volumeMode").unwrap_or("Filesystem"),
        field("spec.capacity.storage")
    ));
    out.push_str("Node Affinity:\t");
    let terms = d.list_at("spec.nodeAffinity.required.nodeSelectorTerms");
    out.push_str(if terms.is_empty() { "<none>\n" } else { "\n  Required Terms:\t\n" });
    for (i, term) in terms.iter().enumerate() {
        out.push_str(&format!("    Term {i}:\t"));
        for (n, e) in term.list_at("matchExpressions").iter().enumerate() {
            let values: Vec<&str> = e.list_at("values").iter().filter_map(Value::as_str).collect();
            let operator = e.str_at("operator").unwrap_or_default().to_lowercase();
            let key = e.str_at("key").unwrap_or_default();
            let behind = if values.is_empty() { String::new() } else { format!(" [{}]", values.join(", ")) };
            out.push_str(&format!("{}{key} {operator}{behind}\n", if n > 0 { "        \t" } else { "" }));
        }
    }
    out.push_str(&format!("Message:\t{}\nSource:\n", field("status.message")));
    source(d, &mut out);
    out
}

fn source(d: &Value, out: &mut String) {
    let csi = d.at("spec.csi");
    if csi.is_object() {
        let field = |p: &str| csi.str_at(p).unwrap_or_default();
        out.push_str(&format!(
            "    Type:\tCSI (a Container Storage Interface (CSI) volume source)\n    Driver:\t{}\n    FSType:\t{}\n    \
             VolumeHandle:\t{}\n    ReadOnly:\t{}\n",
            field("driver"),
            field("fsType"),
            field("volumeHandle"),
            csi.bool_at("readOnly").unwrap_or(false)
        ));
        let attributes = csi.strings_at("volumeAttributes");
        out.push_str(
            &super::lines("    ", "VolumeAttributes", attributes.iter().map(|(k, v)| format!("{k}={v}")).collect())
                .replace(":\t<none>", ":    \t<none>"),
        );
    } else if d.at("spec.hostPath").is_object() {
        out.push_str(&format!(
            "    Type:\tHostPath (bare host directory volume)\n    Path:\t{}\n    HostPathType:\t{}\n",
            d.str_at("spec.hostPath.path").unwrap_or_default(),
            d.str_at("spec.hostPath.type").unwrap_or_default()
        ));
    } else {
        out.push_str("  <unknown>\n");
    }
}

pub fn class(o: &Object) -> String {
    let d = &o.doc;
    let default = o.meta.annotations.get("storageclass.kubernetes.io/is-default-class").is_some_and(|v| v == "true");
    let mut out = format!(
        "Name:\t{}\nIsDefaultClass:\t{}\nAnnotations:\t{}\nProvisioner:\t{}\nParameters:\t{}\nAllowVolumeExpansion:\t{}\n",
        o.meta.name,
        if default { "Yes" } else { "No" },
        labels_text(&o.meta.annotations),
        d.str_at("provisioner").unwrap_or_default(),
        labels_text(&d.strings_at("parameters")),
        super::truth(d.bool_at("allowVolumeExpansion"))
    );
    let options = d.list_at("mountOptions");
    out.push_str(if options.is_empty() { "MountOptions:\t<none>\n" } else { "MountOptions:\n" });
    options.iter().for_each(|option| out.push_str(&format!("  {}\n", option.as_str().unwrap_or_default())));
    for (title, path, other) in
        [("ReclaimPolicy", "reclaimPolicy", "Delete"), ("VolumeBindingMode", "volumeBindingMode", "Immediate")]
    {
        out.push_str(&format!("{title}:\t{}\n", d.str_at(path).unwrap_or(other)));
    }
    out
}
