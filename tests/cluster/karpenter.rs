//! The real Karpenter with its kwok provider: it decides as it does anywhere, and makes Node objects instead of machines.

use super::api::eventually;
use super::control_plane::{Cluster, Part};
use anyhow::{Context, Result, bail};
use objects::{Kind, Value, yaml};
use std::path::Path;

const MODULE: &str = "sigs.k8s.io/karpenter";

impl Cluster {
    /// Installs the definitions of NodePool, NodeClaim and the others, and waits until the server serves them.
    pub fn install_karpenter_crds(&self) -> Result<()> {
        let sources = self.programs.sources(MODULE)?;
        for folder in ["pkg/apis/crds", "kwok/apis/crds"] {
            documents(&sources.join(folder))?.iter().for_each(|definition| self.define(definition));
        }
        // What is established is answered with 429 for a moment.
        for kind in [Kind::NodePool, Kind::NodeClaim, Kind::KWOKNodeClass] {
            eventually(&format!("{} are listed", kind.name()), 30, || self.serves(kind).then_some(()));
        }
        Ok(())
    }

    /// Starts Karpenter with these instance types, or the generic ones that it is built with.
    pub fn run_karpenter(&mut self, instance_types: Option<&Value>) -> Result<()> {
        self.run_karpenter_with(instance_types, false, &self.kubeconfig.clone())
    }

    /// The same as the user of a kubeconfig.
    pub fn run_karpenter_as(&mut self, kubeconfig: &str) -> Result<()> {
        self.run_karpenter_with(None, false, kubeconfig)
    }

    /// The same as one that holds its Lease, by which others see that it is at work.
    pub fn run_elected_karpenter(&mut self) -> Result<()> {
        self.run_karpenter_with(None, true, &self.kubeconfig.clone())
    }

    fn run_karpenter_with(&mut self, instance_types: Option<&Value>, elected: bool, kubeconfig: &str) -> Result<()> {
        let mut file = String::new();
        if let Some(types) = instance_types {
            file = self.pki.path("instance-types.json");
            std::fs::write(&file, types.to_string()).with_context(|| format!("write {file}"))?;
        }
        let (health, metrics) = self.karpenter_ports();
        let settings = [
            ("KUBECONFIG", kubeconfig.to_owned()),
            ("SYSTEM_NAMESPACE", "kube-system".to_owned()),
            ("DISABLE_LEADER_ELECTION", (!elected).to_string()),
            ("LEADER_ELECTION_NAMESPACE", "kube-system".to_owned()),
            ("HEALTH_PROBE_PORT", health.to_string()),
            ("METRICS_PORT", metrics.to_string()),
            ("INSTANCE_TYPES_FILE_PATH", file),
            ("LOG_LEVEL", "debug".to_owned()),
        ];
        self.run_with(Part::Karpenter, &settings)
    }
}

/// All documents of the YAML files of a folder.
fn documents(folder: &Path) -> Result<Vec<Value>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("list {}", folder.display()))?;
    let mut paths: Vec<_> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == "yaml"));
    paths.sort();
    let mut out = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        let stream = yaml::parse(&text);
        if let Some(error) = stream.error {
            bail!("{}: {error}", path.display());
        }
        out.extend(stream.documents.into_iter().map(|d| d.value).filter(|d| !d.is_null()));
    }
    Ok(out)
}
