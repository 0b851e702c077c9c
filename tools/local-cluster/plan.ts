import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { cacheDirectory, checkout } from '../programs/checkout.ts'
import { ClusterError } from '../programs/failure.ts'
import { goToolsAreBuilt } from '../programs/go-tools.ts'
import { usersDocker } from './docker.ts'
import { clusterProblem, removeNodes } from './kind.ts'
import { type ClusterMode, decideMode, machineFacts } from './mode.ts'
import { chooseEdgePort, portIsFree } from './ports.ts'
import { engineAnswers, privateDocker } from './source/docker-engine.ts'
import { missingPackages } from './source/system-packages.ts'
import { type ClusterState, readState, removeState } from './state.ts'

/** What the user requests. Undefined keeps the present value, or uses the default. */
export interface ClusterRequest {
  /** The number of nodes, control plane included. */
  nodes?: number
  /** A port on 127.0.0.1 that leads to node port 30443. */
  edgePort?: number
}

/** Whether to keep the cluster or to create one. */
export type Plan = { kind: 'keep'; message: string } | CreationPlan

export interface CreationPlan {
  kind: 'create'
  mode: ClusterMode
  nodes: number
  edgePort: number
  /** The reason, for the user. */
  message: string
}

/** The size of a first build from source, with a reserve. */
const coldBuildBytes = 12 * 1024 ** 3

/**
 * Compares the request with the machine and decides. Removes a broken or different cluster, so that its port is free.
 *
 * @throws {ClusterError} when this machine cannot run a cluster, or the port is taken
 */
export async function makePlan(request: ClusterRequest): Promise<Plan> {
  const state = await readState()
  const reason = await reasonToCreate(state, request)
  if (state !== undefined && reason === undefined) {
    return { kind: 'keep', message: `${checkout.clusterName} is running` }
  }
  const decision = decideMode(await machineFacts())
  if ('unavailable' in decision) throw new ClusterError(decision.unavailable)
  await removeRemains(state)

  const edgePort = await edgePortFor(request, state)
  const notes = [reason, describe(decision.mode), packagesToInstall(decision.mode), await diskWarning(decision.mode)]
  const message = notes.filter((note) => note !== undefined).join('; ')
  return { kind: 'create', mode: decision.mode, nodes: request.nodes ?? state?.nodes ?? 1, edgePort, message }
}

async function reasonToCreate(state: ClusterState | undefined, request: ClusterRequest): Promise<string | undefined> {
  if (state === undefined) return undefined
  const difference = differenceFrom(state, request)
  if (difference !== undefined) return difference
  if (state.mode === 'source' && !(await engineAnswers()))
    return 'the container engine has stopped, so the cluster is replaced'
  const problem = await clusterProblem(state, state.mode === 'source' ? privateDocker : usersDocker)
  return problem === undefined ? undefined : `the cluster ${problem}, so it is replaced`
}

/** The difference between a running cluster and the request. */
export function differenceFrom(state: ClusterState, request: ClusterRequest): string | undefined {
  if (request.nodes !== undefined && request.nodes !== state.nodes) {
    return `the cluster has ${state.nodes} nodes instead of ${request.nodes}, so it is replaced`
  }
  if (request.edgePort !== undefined && request.edgePort !== state.edgePort) {
    return `the cluster's edge port is ${state.edgePort} instead of ${request.edgePort}, so it is replaced`
  }
  return undefined
}

/** Removes this checkout's cluster, also the rest of an interrupted creation, which has no state. */
export async function removeRemains(state: ClusterState | undefined): Promise<void> {
  if (state?.mode !== 'published' && (await engineAnswers())) await removeNodes(privateDocker)
  if (state?.mode !== 'source') await removeNodes(usersDocker)
  await removeState()
}

async function edgePortFor(request: ClusterRequest, state: ClusterState | undefined): Promise<number> {
  if (request.edgePort !== undefined || state === undefined) return chooseEdgePort(request.edgePort)
  return (await portIsFree(state.edgePort)) ? state.edgePort : chooseEdgePort(undefined)
}

function describe(mode: ClusterMode): string {
  return mode === 'published'
    ? 'Docker can pull images'
    : 'Docker is not running or cannot pull images, so everything is built from packages and source'
}

/** Printed before the first step that changes the machine. */
export function packagesToInstall(mode: ClusterMode, missing = missingPackages()): string | undefined {
  if (mode === 'published' || missing.length === 0) return undefined
  return `the next step installs Debian packages with apt-get: ${missing.join(', ')}`
}

async function diskWarning(mode: ClusterMode): Promise<string | undefined> {
  if (mode === 'published' || (await goToolsAreBuilt())) return undefined
  const free = await freeBytes(cacheDirectory)
  if (free >= coldBuildBytes) return undefined
  const gibibytes = (bytes: number) => Math.floor(bytes / 1024 ** 3)
  return `only ${gibibytes(free)} GiB are free on the disk of ${cacheDirectory}, and a first build may need ${gibibytes(coldBuildBytes)}`
}

/** The free space on the disk that has the directory, or that will have it. */
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
