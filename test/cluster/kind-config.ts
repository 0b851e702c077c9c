import { stringify } from 'yaml'
import type { ClusterMode } from './mode.ts'

/** Where the edge of the quickstart sample listens on every node. */
export const edgeNodePort = 30443

/**
 * What containerd would do for each container beyond what a node of its own does. Since 2.3 it asks each every second
 * what it uses, where the kubelet has its own figures: a twentieth of two processors. And kind's specification of a
 * container has a hook, a shell script that shows it another serial number of the machine.
 */
const leanContainers = `
[plugins."io.containerd.cri.v1.runtime"]
  stats_collect_period = "10s"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  base_runtime_spec = ""
`

export interface KindConfigOptions {
  mode: ClusterMode
  /** In all: the first is the control plane. */
  nodes: number
  /** On 127.0.0.1, leads to `edgeNodePort`. */
  edgePort: number
}

/** The configuration file for `kind create cluster`; see https://kind.sigs.k8s.io/docs/user/configuration/ */
export function kindConfig({ mode, nodes, edgePort }: KindConfigOptions): string {
  const kubelet = { apiVersion: 'kubelet.config.k8s.io/v1beta1', kind: 'KubeletConfiguration', failCgroupV1: false }
  return stringify({
    kind: 'Cluster',
    apiVersion: 'kind.x-k8s.io/v1alpha4',
    // kind's own network add-on is published only as an image.
    ...(mode === 'source' && { networking: { disableDefaultCNI: true } }),
    kubeadmConfigPatches: [stringify(kubelet)],
    containerdConfigPatches: [leanContainers],
    nodes: [
      {
        role: 'control-plane',
        extraPortMappings: [{ containerPort: edgeNodePort, hostPort: edgePort, listenAddress: '127.0.0.1' }],
      },
      ...Array.from({ length: nodes - 1 }, () => ({ role: 'worker' })),
    ],
  })
}
