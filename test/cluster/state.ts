import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { checkout } from './checkout.ts'
import type { ClusterMode } from './mode.ts'

/** What was made for this checkout, written when it was complete. */
export interface ClusterState {
  mode: ClusterMode
  nodes: number
  /** On 127.0.0.1. */
  edgePort: number
  /** Absent where kind chose the published one. */
  nodeImage?: string
  kubectl: string
  kind: string
}

const file = join(checkout.stateDirectory, 'state.json')

/** Undefined when no cluster was completed, or by another version of this tool. */
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

/** Forgets the cluster; the logs stay. */
export async function removeState(): Promise<void> {
  await rm(file, { force: true })
  await rm(checkout.kubeconfigPath, { force: true })
}
