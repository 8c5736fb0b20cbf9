// What the lab types, and the header lines that every pane must agree on.

export const inflate = `cat <<EOF | kubectl apply -f -
apiVersion: apps/v1
kind: Deployment
metadata:
  name: inflate
spec:
  replicas: 0
  selector:
    matchLabels:
      app: inflate
  template:
    metadata:
      labels:
        app: inflate
    spec:
      terminationGracePeriodSeconds: 0
      containers:
        - name: inflate
          image: public.ecr.aws/eks-distro/kubernetes/pause:3.7
          resources:
            requests:
              cpu: 1
EOF
`;

/** As printed: remarks behind `//` that YAML does not know. */
export const inflateWithRemarks = `// 디플로이먼트 배포\n${inflate
  .replace("replicas: 0", "replicas: 0    // #@ deployment 유형으로 리플리카스는 0")
  .replace("terminationGracePeriodSeconds: 0", "terminationGracePeriodSeconds: 0    // #@ 빠르게 종료")
  .replace("pause:3.7", "pause:3.7    // #@ pause 컨테이너는 굉장히 경량의 컨테이너")
  .replace("cpu: 1", "cpu: 1  // #@ pod에서 요청하는 cpu 코어는 1")}`;

export const provisioner = `apiVersion: karpenter.sh/v1alpha5
kind: Provisioner
metadata:
  name: default
spec:
  consolidation:
    enabled: true
  labels:
    type: karpenter
  limits:
    resources:
      cpu: 1000
      memory: 1000Gi
  providerRef:
    name: default
  requirements:
    - key: karpenter.sh/capacity-type
      operator: In
      values:
        - on-demand
    - key: node.kubernetes.io/instance-type
      operator: In
      values:
        - c5.large
        - m5.large
        - m5.xlarge
`;

export const consolidation = `cat <<EOF | kubectl apply -f -\n${provisioner}EOF\n`;

export const logs = (filter) =>
  `kubectl logs -f -n karpenter -l app.kubernetes.io/name=karpenter -c controller | ${filter}`;

export const milestones = {
  start: { nodes: 2, used: "2450m/3860m", percent: "63.5", grade: "ok", pods: "9 pods (0 pending 9 running 9 bound)" },
  pending: { nodes: 2, used: "2450m/3860m", percent: "63.5", grade: "ok", pods: "14 pods (5 pending 9 running 9 bound)" },
  scaled: { nodes: 3, used: "7575m/11770m", percent: "64.4", grade: "ok", pods: "16 pods (0 pending 16 running 16 bound)" },
  emptied: { nodes: 3, used: "2575m/11770m", percent: "21.9", grade: "bad", pods: "11 pods (0 pending 11 running 11 bound)" },
  twelve: { nodes: 6, used: "14950m/19540m", percent: "76.5", grade: "ok", pods: "29 pods (0 pending 29 running 29 bound)" },
  seven: { nodes: 6, used: "9950m/19540m", percent: "50.9", grade: "bad", pods: "24 pods (0 pending 24 running 24 bound)" },
  consolidated: { nodes: 5, used: "9825m/13630m", percent: "72.1", grade: "ok", pods: "22 pods (0 pending 22 running 22 bound)" },
};
