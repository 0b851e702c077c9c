import type { Kubectl } from './kubectl.ts'

/** The cluster that the demo works on, and what differs between its own and the user's. */
export interface Target {
  kubectl: Kubectl
  /** The port on 127.0.0.1 where the edge answers; closing it ends what was opened for it. */
  openEdge(): Promise<{ port: number; close(): Promise<void> }>
  /** See {@link Closing}. */
  preparation: readonly string[]
  kubectlFlags: readonly string[]
  removal: string
}
