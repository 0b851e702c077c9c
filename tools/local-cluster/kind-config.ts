import { stringify } from 'yaml'
import type { ClusterMode } from './mode.ts'

/** The node port of the quickstart sample's edge. */
export const edgeNodePort = 30443

/**
 * Saves CPU time that each container would cost. containerd collects statistics every second since 2.3, although the
 * kubelet has its own: 5 % of two CPUs. kind's container specification runs a shell script for each container that
 * hides the machine's serial number.
 */
const leanContainers = `
[plugins."io.containerd.cri.v1.runtime"]
  stats_collect_period = "10s"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  base_runtime_spec = ""
`

/** Lets a node pull from another registry by `hosts.toml`, which containerd reads at each pull. */
const registryHosts = `
[plugins."io.containerd.cri.v1.images".registry]
  config_path = "/etc/containerd/certs.d"
`

export interface KindConfigOptions {
  mode: ClusterMode
  /** The number of nodes. The first is the control plane. */
  nodes: number
  /** A port on 127.0.0.1 that leads to `edgeNodePort`. */
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
    containerdConfigPatches: [leanContainers, registryHosts],
    nodes: [
      {
        role: 'control-plane',
        extraPortMappings: [{ containerPort: edgeNodePort, hostPort: edgePort, listenAddress: '127.0.0.1' }],
      },
      ...Array.from({ length: nodes - 1 }, () => ({ role: 'worker' })),
    ],
  })
}
