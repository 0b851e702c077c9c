/** Where the parts of an edge pod find each other. Tests run the same parts in a folder of theirs. */
export interface EdgeLayout {
  /** The volume of the configuration, as the kubelet mounts it. */
  config: string
  /** The volume of the certificate. */
  tls: string
  /** What the pod keeps for itself, in memory: the key is among it. */
  own: string
  /** Bodies that are too long for memory. */
  scratch: string
  ports: { http: number; https: number; health: number }
}

export const edgeLayout: EdgeLayout = {
  config: '/etc/edge/config',
  tls: '/etc/edge/tls',
  own: '/run/edge',
  scratch: '/tmp',
  ports: { http: 8080, https: 8443, health: 8081 },
}
