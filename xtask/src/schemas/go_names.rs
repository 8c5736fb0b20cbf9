//! Names of the Go types behind the blocks of the CRDs: error messages of webhooks name them, and CRDs do not.
//! Sources: kubernetes-sigs/karpenter pkg/apis/{v1alpha5,v1}, aws/karpenter-provider-aws pkg/apis/{v1alpha1,v1}, v0.31.4 and
//! v1.14.1.

use objects::Kind;

/// Types of Kubernetes that the Go types of the earlier era contain.
pub const BORROWED: [&str; 2] = ["v1.NodeSelectorRequirement", "v1.Taint"];

const NAMES: &[(&[Kind], &str, &str)] = {
    use Kind::{AWSNodeTemplate, EC2NodeClass, Machine, NodeClaim, NodePool, Provisioner};
    &[
        (&[Provisioner], "spec.kubeletConfiguration", "KubeletConfiguration"),
        (&[Machine], "spec.kubelet", "KubeletConfiguration"),
        (&[Provisioner], "spec.providerRef", "MachineTemplateRef"),
        (&[Machine], "spec.machineTemplateRef", "MachineTemplateRef"),
        (&[Provisioner], "spec.consolidation", "Consolidation"),
        (&[Provisioner], "spec.limits", "Limits"),
        (&[Provisioner, Machine], "spec.requirements", "v1.NodeSelectorRequirement"),
        (&[AWSNodeTemplate], "status.amis.requirements", "v1.NodeSelectorRequirement"),
        (&[Provisioner, Machine], "spec.taints", "v1.Taint"),
        (&[Provisioner, Machine], "spec.startupTaints", "v1.Taint"),
        (&[Machine], "spec.resources", "ResourceRequirements"),
        (&[AWSNodeTemplate, EC2NodeClass], "spec.blockDeviceMappings", "BlockDeviceMapping"),
        (&[AWSNodeTemplate, EC2NodeClass], "spec.blockDeviceMappings.ebs", "BlockDevice"),
        (&[AWSNodeTemplate, EC2NodeClass], "spec.metadataOptions", "MetadataOptions"),
        (&[AWSNodeTemplate, EC2NodeClass], "status.amis", "AMI"),
        (&[AWSNodeTemplate, EC2NodeClass], "status.securityGroups", "SecurityGroup"),
        (&[AWSNodeTemplate, EC2NodeClass], "status.subnets", "Subnet"),
        (&[NodePool], "spec.disruption", "Disruption"),
        (&[NodePool], "spec.disruption.budgets", "Budget"),
        (&[NodePool], "spec.template", "NodeClaimTemplate"),
        (&[NodePool], "spec.template.metadata", "NodeMetadata"),
        (&[NodePool], "spec.template.spec", "NodeClaimTemplateSpec"),
        (&[NodePool], "spec.template.spec.nodeClassRef", "NodePoolClassReference"),
        (&[NodeClaim], "spec.nodeClassRef", "NodeClassReference"),
        (&[NodePool], "spec.template.spec.requirements", "NodeSelectorRequirementWithMinValues"),
        (&[NodeClaim], "spec.requirements", "ClaimRequirementWithMinValues"),
        (&[NodePool], "spec.template.spec.taints", "NodeTaint"),
        (&[NodePool], "spec.template.spec.startupTaints", "NodeTaint"),
        (&[NodeClaim], "spec.taints", "NodeTaint"),
        (&[NodeClaim], "spec.startupTaints", "NodeTaint"),
        (&[NodeClaim], "spec.resources", "NodeClaimResources"),
        (&[EC2NodeClass], "spec.kubelet", "KubeletConfiguration"),
        (&[EC2NodeClass], "spec.amiSelectorTerms", "AMISelectorTerm"),
        (&[EC2NodeClass], "spec.subnetSelectorTerms", "SubnetSelectorTerm"),
        (&[EC2NodeClass], "spec.securityGroupSelectorTerms", "SecurityGroupSelectorTerm"),
        (&[EC2NodeClass], "spec.capacityReservationSelectorTerms", "CapacityReservationSelectorTerm"),
    ]
};

/// The name for the block at `path` (without indices): the Go type's where it matters, else one made of the path.
pub fn go_name(kind: Kind, path: &str) -> String {
    let version = kind.info().version;
    let known = NAMES.iter().find(|(kinds, p, _)| kinds.contains(&kind) && *p == path).map(|(_, _, name)| *name);
    match known {
        Some(name) if name.contains('.') => name.to_owned(),
        Some(name) => format!("{version}.{name}"),
        None => {
            let upper = |part: &str| {
                let mut letters = part.chars();
                letters.next().map_or_else(String::new, |c| c.to_uppercase().chain(letters).collect())
            };
            format!("{version}.{}{}", kind.name(), path.split('.').map(upper).collect::<String>())
        }
    }
}
