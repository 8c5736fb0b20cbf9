//! What kubelets of the two eras say in events.
//!
//! Source: kubernetes pkg/kubelet/images/image_manager.go and kuberuntime/kuberuntime_container.go, v1.27 and v1.35.

use crate::kernel::stable_hash;
use objects::Era;

pub(super) fn present(era: Era, image: &str) -> String {
    match era {
        Era::V1alpha5 => format!("Container image \"{image}\" already present on machine"),
        Era::V1 => format!("Container image \"{image}\" already present on machine and can be accessed by the pod"),
    }
}

pub(super) fn pulled(era: Era, image: &str, ms: u64) -> String {
    let took = format!("{}s", seconds(ms));
    let text = format!("Successfully pulled image \"{image}\" in {took} ({took} including waiting)");
    match era {
        Era::V1alpha5 => text,
        Era::V1 => format!("{text}. Image size: {} bytes.", size_of(image)),
    }
}

pub(super) fn created(era: Era, container: &str) -> String {
    match era {
        Era::V1alpha5 => format!("Created container {container}"),
        Era::V1 => "Container created".to_owned(),
    }
}

pub(super) fn started(era: Era, container: &str) -> String {
    match era {
        Era::V1alpha5 => format!("Started container {container}"),
        Era::V1 => "Container started".to_owned(),
    }
}

/// Seconds without trailing zeros, as Go prints durations.
fn seconds(ms: u64) -> String {
    let text = format!("{}.{:03}", ms / 1000, ms % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The pause images are known; other sizes are drawn from the name, 5 to 80 MB.
fn size_of(image: &str) -> u64 {
    if image.contains("/pause:") { 311_278 } else { 5_000_000 + stable_hash(&["image-size", image]) % 75_000_000 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eras_differ() {
        let pause = "public.ecr.aws/eks-distro/kubernetes/pause:3.7";
        for (got, want) in [
            (pulled(Era::V1alpha5, "a", 1_500), "Successfully pulled image \"a\" in 1.5s (1.5s including waiting)"),
            (
                pulled(Era::V1, pause, 2_000),
                "Successfully pulled image \"public.ecr.aws/eks-distro/kubernetes/pause:3.7\" in 2s (2s including waiting). Image size: 311278 bytes.",
            ),
            (created(Era::V1alpha5, "inflate"), "Created container inflate"),
            (started(Era::V1, "inflate"), "Container started"),
        ] {
            assert_eq!(got, want);
        }
    }
}
