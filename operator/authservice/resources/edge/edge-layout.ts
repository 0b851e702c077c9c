/** The paths in an edge pod. Tests run the same programs with paths in a temporary folder. */
export interface EdgeLayout {
  /** The volume of the configuration, as the kubelet mounts it. */
  config: string
  /** The volume of the certificate. */
  tls: string
  /** The volume of the secret that the edge sends to the server. */
  secret: string
  /** Files that the pod writes, in memory, because they include the private key. */
  own: string
  /** Request bodies that are too long for memory. */
  scratch: string
  ports: { http: number; https: number; health: number }
}

export const edgeLayout: EdgeLayout = {
  config: '/etc/edge/config',
  tls: '/etc/edge/tls',
  secret: '/etc/edge/secret',
  own: '/run/edge',
  scratch: '/tmp',
  ports: { http: 8080, https: 8443, health: 8081 },
}
