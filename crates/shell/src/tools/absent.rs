//! What people look for and this playground does not have: the reason and what to use instead, in English and Korean.

/// Names, and what is said of them.
pub const ABSENT: &[(&[&str], &str, &str)] = &[
    (&["eksctl"], "the cluster is already there: kubectl shows it", "클러스터는 이미 있습니다. kubectl로 보세요"),
    (
        &["terraform", "tofu", "pulumi", "cdk", "sam"],
        "there is no infrastructure to build here: the cluster is already there",
        "여기에는 만들 인프라가 없습니다. 클러스터는 이미 있습니다",
    ),
    (
        &["docker", "podman", "nerdctl", "buildah", "crictl", "ctr"],
        "there are no containers to build or run here: kubectl create deployment makes pods",
        "여기에는 만들거나 돌릴 컨테이너가 없습니다. kubectl create deployment로 파드를 만드세요",
    ),
    (
        &["minikube", "kind", "k3d", "kubeadm"],
        "the cluster is already there: kubectl shows it",
        "클러스터는 이미 있습니다. kubectl로 보세요",
    ),
    (
        &["curl", "wget", "ping", "nslookup", "dig", "host", "nc", "telnet", "traceroute"],
        "the playground has no network: cat <<EOF > file makes files",
        "이 놀이터는 네트워크에 나가지 않습니다. 파일은 cat <<EOF > 파일 로 만드세요",
    ),
    (
        &["git", "gh", "svn"],
        "the playground has no network and no repositories: paste manifests, or cat <<EOF > file",
        "이 놀이터에는 네트워크도 저장소도 없습니다. 매니페스트를 붙여 넣거나 cat <<EOF > 파일 로 적으세요",
    ),
    (
        &["ssh", "scp", "rsync", "systemctl", "journalctl"],
        "nodes have no shell here: kubectl describe node shows them",
        "노드에 접속할 수 없습니다. kubectl describe node로 보세요",
    ),
    (
        &["k9s", "lens", "octant"],
        "use watch kubectl get pods -A, eks-node-viewer, or the page's panels",
        "watch kubectl get pods -A나 eks-node-viewer, 페이지의 창을 쓰세요",
    ),
    (&["kubetail"], "use stern, or kubectl logs -f -l LABELS --prefix", "stern이나 kubectl logs -f -l 레이블 --prefix를 쓰세요"),
    (
        &["kustomize"],
        "kubectl has it in itself: kubectl kustomize DIR, kubectl apply -k DIR",
        "kubectl 안에 있습니다. kubectl kustomize 디렉터리, kubectl apply -k 디렉터리를 쓰세요",
    ),
    (
        &["kapp", "skaffold", "tilt", "argocd", "flux"],
        "manifests are applied by kubectl apply -f here",
        "여기서는 kubectl apply -f로 매니페스트를 적용하세요",
    ),
    (
        &["krew", "kubent", "kube-capacity", "ktop"],
        "use kubectl top, kubectl describe node or eks-node-viewer",
        "kubectl top, kubectl describe node나 eks-node-viewer를 쓰세요",
    ),
    (
        &["vi", "vim", "nvim", "nano", "emacs", "ed", "code"],
        "use the YAML pane, kubectl edit, or cat <<EOF > file",
        "YAML 창이나 kubectl edit를 쓰거나 cat <<EOF > 파일 로 적으세요",
    ),
    (
        &["python", "python3", "node", "ruby", "perl", "go", "npm", "pip", "pip3", "cargo", "make"],
        "there is no interpreter or compiler here: use jq, yq, awk or sed",
        "인터프리터도 컴파일러도 없습니다. jq, yq, awk나 sed를 쓰세요",
    ),
    (
        &["apt", "apt-get", "yum", "dnf", "apk", "brew", "snap"],
        "nothing can be installed here: help lists what is there",
        "여기에는 아무것도 설치할 수 없습니다. help로 있는 것을 보세요",
    ),
    (&["sudo", "su", "doas"], "you need no rights here: leave it out", "권한이 필요 없습니다. 빼고 입력하세요"),
    (
        &["ps", "top", "htop", "free", "df", "du", "uname", "lsof", "nohup", "screen", "tmux"],
        "there is no machine under this shell: kubectl top and kubectl describe node show those of the cluster",
        "이 셸 밑에는 기계가 없습니다. 클러스터의 노드는 kubectl top과 kubectl describe node로 보세요",
    ),
    (
        &["tar", "gzip", "gunzip", "zip", "unzip", "chown", "ln", "find", "file", "stat", "mktemp"],
        "the home directory is a small one of text files: ls, cat, cp, mv, rm and mkdir are there",
        "홈 디렉터리는 작은 텍스트 파일만 담습니다. ls, cat, cp, mv, rm, mkdir를 쓰세요",
    ),
];

pub fn reason(name: &str) -> Option<(&'static str, &'static str)> {
    ABSENT.iter().find(|(names, ..)| names.contains(&name)).map(|(_, en, ko)| (*en, *ko))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_is_both_there_and_absent_or_twice_absent() {
        let names: Vec<&str> = ABSENT.iter().flat_map(|(names, ..)| names.iter().copied()).collect();
        for (i, name) in names.iter().enumerate() {
            assert!(crate::tools::find(name).is_none(), "{name} is a tool");
            assert!(!names.iter().skip(i + 1).any(|n| n == name), "{name} stands twice");
        }
    }
}
