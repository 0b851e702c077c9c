import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { cacheDirectory, checkout } from './checkout.ts'
import { usersDocker } from './docker.ts'
import { ClusterError } from './failure.ts'
import { goToolsAreBuilt } from './go-tools.ts'
import { removeNodes, whatIsWrong } from './kind.ts'
import { type ClusterMode, decideMode, machineFacts } from './mode.ts'
import { chooseEdgePort, portIsFree } from './ports.ts'
import { engineAnswers, privateDocker } from './source/docker-engine.ts'
import { type ClusterState, readState, removeState } from './state.ts'

/** What the user asked for; undefined leaves it to what is there, or to the default. */
export interface Wishes {
  /** In all, the control plane included. */
  nodes?: number
  /** On 127.0.0.1; leads to node port 30443. */
  edgePort?: number
}

/** Whether there is anything to do, and what. */
export type Plan = { kind: 'keep'; message: string } | CreationPlan

export interface CreationPlan {
  kind: 'create'
  mode: ClusterMode
  nodes: number
  edgePort: number
  /** Why, for the user. */
  message: string
}

/** What a first build from source takes, with some to spare. */
const coldBuildBytes = 12 * 1024 ** 3

/**
 * Looks at what is there and decides. A broken or different cluster is removed here, so that its port is free again.
 *
 * @throws {ClusterError} when this machine cannot run a cluster, or the port is taken
 */
export async function makePlan(wishes: Wishes): Promise<Plan> {
  const state = await readState()
  const reason = await reasonToCreate(state, wishes)
  if (state !== undefined && reason === undefined) {
    return { kind: 'keep', message: `${checkout.clusterName} is running` }
  }
  const decision = decideMode(await machineFacts())
  if ('unavailable' in decision) throw new ClusterError(decision.unavailable)
  await removeRemains(state)

  const edgePort = await edgePortFor(wishes, state)
  const notes = [reason, describe(decision.mode), await diskWarning(decision.mode)]
  const message = notes.filter((note) => note !== undefined).join('; ')
  return { kind: 'create', mode: decision.mode, nodes: wishes.nodes ?? state?.nodes ?? 1, edgePort, message }
}

async function reasonToCreate(state: ClusterState | undefined, wishes: Wishes): Promise<string | undefined> {
  if (state === undefined) return undefined
  const difference = differenceFrom(state, wishes)
  if (difference !== undefined) return difference
  if (state.mode === 'source' && !(await engineAnswers()))
    return 'the container engine had stopped, so the cluster is made anew'
  const problem = await whatIsWrong(state, state.mode === 'source' ? privateDocker : usersDocker)
  return problem === undefined ? undefined : `the cluster ${problem}, so it is made anew`
}

/** How a running cluster differs from what the user asks for now. */
export function differenceFrom(state: ClusterState, wishes: Wishes): string | undefined {
  if (wishes.nodes !== undefined && wishes.nodes !== state.nodes) {
    return `the cluster has ${state.nodes} nodes instead of ${wishes.nodes}, so it is made anew`
  }
  if (wishes.edgePort !== undefined && wishes.edgePort !== state.edgePort) {
    return `the cluster's edge port is ${state.edgePort} instead of ${wishes.edgePort}, so it is made anew`
  }
  return undefined
}

/** Removes this checkout's cluster, also what an interrupted creation left, of which there is no state. */
export async function removeRemains(state: ClusterState | undefined): Promise<void> {
  if (state?.mode !== 'published' && (await engineAnswers())) await removeNodes(privateDocker)
  if (state?.mode !== 'source') await removeNodes(usersDocker)
  await removeState()
}

async function edgePortFor(wishes: Wishes, state: ClusterState | undefined): Promise<number> {
  if (wishes.edgePort !== undefined || state === undefined) return chooseEdgePort(wishes.edgePort)
  return (await portIsFree(state.edgePort)) ? state.edgePort : chooseEdgePort(undefined)
}

function describe(mode: ClusterMode): string {
  return mode === 'published'
    ? 'Docker and an image registry answer'
    : 'no Docker with an image registry answers, so everything is built from packages and source'
}

async function diskWarning(mode: ClusterMode): Promise<string | undefined> {
  if (mode === 'published' || (await goToolsAreBuilt())) return undefined
  const free = await freeBytes(cacheDirectory)
  if (free >= coldBuildBytes) return undefined
  const gibibytes = (bytes: number) => Math.floor(bytes / 1024 ** 3)
  return `only ${gibibytes(free)} GiB are free on the disk of ${cacheDirectory}, and a first build may need ${gibibytes(coldBuildBytes)}`
}

/** On the file system that holds the directory, or will hold it: on a new machine there is none yet. */
export async function freeBytes(directory: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(directory)
    return bavail * bsize
  } catch (error) {
    const parent = dirname(directory)
    if (parent === directory) throw error
    return freeBytes(parent)
  }
}
