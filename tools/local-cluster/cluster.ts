import type { ListrTask } from 'listr2'
import { checkout } from '../programs/checkout.ts'
import { ClusterError } from '../programs/failure.ts'
import { StepLog } from '../programs/step-log.ts'
import { type Docker, usersDocker } from './docker.ts'
import { imageSteps } from './images.ts'
import { clusterProblem } from './kind.ts'
import { loadIntoNodes } from './load-images.ts'
import { machineSteps } from './machine-steps.ts'
import type { ClusterMode } from './mode.ts'
import { type ClusterRequest, removeRemains } from './plan.ts'
import { privateDocker, stopIdleEngine } from './source/docker-engine.ts'
import { removeNodeNetwork } from './source/node-network.ts'
import { type ClusterState, readState } from './state.ts'
import { stepTasks } from './step.ts'

/** A running cluster of this checkout. */
export interface Cluster {
  name: string
  mode: ClusterMode
  /** The number of nodes. The first is the control plane. */
  nodes: number
  kubeconfigPath: string
  context: string
  /** 127.0.0.1:edgePort leads to node port 30443. */
  edgePort: number
  /** The path or name of a kubectl of a matching version. */
  kubectl: string
  docker: Docker
  /**
   * Loads images of the container engine into every node, except those that all nodes have.
   * @throws {ClusterError} when the engine does not have an image
   */
  loadImages(references: readonly string[]): Promise<void>
}

export type ClusterStatus =
  | { state: 'absent' }
  | { state: 'running'; cluster: Cluster }
  | { state: 'broken'; problem: string }

/** Brings the cluster of this checkout up, unless it is running. The steps may be interrupted and repeated. */
export function clusterTasks(options: ClusterRequest = {}): ListrTask[] {
  return stepTasks(machineSteps(options))
}

/**
 * Builds or pulls every image that an AuthService needs, the project's own included, and loads them into the running
 * cluster.
 */
export function imageTasks(): ListrTask[] {
  return stepTasks(imageSteps(runningCluster))
}

/** The cluster for a node drain: two workers in addition to the control plane. A running cluster is not changed. */
export async function requestForDrain(): Promise<ClusterRequest> {
  const { state } = await clusterStatus()
  return state === 'running' ? {} : { nodes: 3 }
}

/** @throws {ClusterError} when this checkout has no cluster, or the cluster is broken */
export async function runningCluster(): Promise<Cluster> {
  const status = await clusterStatus()
  if (status.state === 'running') return status.cluster
  const problem = status.state === 'absent' ? 'There is no cluster' : `The cluster ${status.problem}`
  throw new ClusterError(`${problem}: run "npm run cluster -- up".`)
}

export async function clusterStatus(): Promise<ClusterStatus> {
  const state = await readState()
  if (state === undefined) return { state: 'absent' }
  const problem = await clusterProblem(state, engineFor(state.mode))
  return problem === undefined ? { state: 'running', cluster: clusterFrom(state) } : { state: 'broken', problem }
}

/** Removes this checkout's cluster, and stops the private container engine unless another checkout uses it. */
export async function destroyCluster(): Promise<void> {
  await removeRemains(await readState())
  await stopIdleEngine(removeNodeNetwork)
}

function engineFor(mode: ClusterMode): Docker {
  return mode === 'published' ? usersDocker : privateDocker
}

function clusterFrom(state: ClusterState): Cluster {
  const { mode, nodes, edgePort, kubectl } = state
  const docker = engineFor(mode)
  return {
    name: checkout.clusterName,
    mode,
    nodes,
    kubeconfigPath: checkout.kubeconfigPath,
    context: `kind-${checkout.clusterName}`,
    edgePort,
    kubectl,
    docker,
    loadImages: (references) =>
      loadIntoNodes(state.kind, docker, references, new StepLog(`${checkout.logDirectory}/load-images.log`)),
  }
}
