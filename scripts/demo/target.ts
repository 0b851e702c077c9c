import type { Kubectl } from '../../tools/cluster-client/kubectl.ts'

/** The cluster of the demo, and the differences between its own and that of the user. */
export interface Target {
  kubectl: Kubectl
  /** The port of the edge on 127.0.0.1; closing it ends the port-forward. */
  openEdge(): Promise<{ port: number; close(): Promise<void> }>
  /** See {@link Closing}. */
  preparation: readonly string[]
  kubectlFlags: readonly string[]
  removal: string
}
