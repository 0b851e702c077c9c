import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { checkout } from '../programs/checkout.ts'
import type { ClusterMode } from './mode.ts'

/** The settings of this checkout's cluster, written when it is complete. */
export interface ClusterState {
  mode: ClusterMode
  nodes: number
  /** On 127.0.0.1. */
  edgePort: number
  /** Absent for kind's published image. */
  nodeImage?: string
  kubectl: string
  kind: string
}

const file = join(checkout.stateDirectory, 'state.json')

/** Undefined when no cluster was completed, or the file is of another version of this tool. */
export async function readState(): Promise<ClusterState | undefined> {
  try {
    const state: Partial<ClusterState> = JSON.parse(await readFile(file, 'utf8'))
    const { mode, nodes, edgePort, kubectl, kind, nodeImage } = state
    if (mode === undefined || nodes === undefined || edgePort === undefined) return undefined
    if (kubectl === undefined || kind === undefined) return undefined
    return { mode, nodes, edgePort, kubectl, kind, ...(nodeImage !== undefined && { nodeImage }) }
  } catch {
    return undefined
  }
}

export async function writeState(state: ClusterState): Promise<void> {
  await mkdir(checkout.stateDirectory, { recursive: true })
  await writeFile(`${file}.unfinished`, `${JSON.stringify(state, null, 2)}\n`)
  await rename(`${file}.unfinished`, file)
}

/** Removes the state and the kubeconfig. The logs stay. */
export async function removeState(): Promise<void> {
  await rm(file, { force: true })
  await rm(checkout.kubeconfigPath, { force: true })
}
