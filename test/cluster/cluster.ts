import type { ListrTask } from 'listr2'
import { checkout } from './checkout.ts'
import { type Docker, usersDocker } from './docker.ts'
import { ClusterError } from './failure.ts'
import { imageSteps } from './images.ts'
import { whatIsWrong } from './kind.ts'
import { loadIntoNodes } from './load-images.ts'
import { machineSteps } from './machine-steps.ts'
import type { ClusterMode } from './mode.ts'
import { removeRemains, type Wishes } from './plan.ts'
import { privateDocker, stopIdleEngine } from './source/docker-engine.ts'
import { removeNodeNetwork } from './source/node-network.ts'
import { type ClusterState, readState } from './state.ts'
import { runSteps, stepTasks } from './step.ts'
import { StepLog } from './step-log.ts'

/** A running cluster that belongs to this checkout. */
export interface Cluster {
  name: string
  mode: ClusterMode
  /** In all: the first is the control plane. */
  nodes: number
  kubeconfigPath: string
  context: string
  /** 127.0.0.1:edgePort leads to node port 30443. */
  edgePort: number
  /** The path or name of a kubectl that fits. */
  kubectl: string
  docker: Docker
  /**
   * Makes images of the container engine known to every node; those that are there already cost nothing.
   * @throws {ClusterError} when the engine does not have one
   */
  loadImages(references: readonly string[]): Promise<void>
}

export type ClusterStatus =
  | { state: 'absent' }
  | { state: 'running'; cluster: Cluster }
  | { state: 'broken'; problem: string }

/**
 * Brings this checkout's cluster up, or finds that it is up. Safe to interrupt and to repeat.
 *
 * @throws {ClusterError} with one sentence that says what to do
 */
export async function ensureCluster({
  onProgress = () => {},
  ...options
}: Wishes & { onProgress?: (message: string) => void } = {}): Promise<Cluster> {
  await runSteps(machineSteps(options), onProgress)
  return runningCluster()
}

/** The same as `ensureCluster`, shown step by step as part of a longer list. */
export function clusterTasks(options: Wishes = {}): ListrTask[] {
  return stepTasks(machineSteps(options))
}

/**
 * Makes or pulls every image that an AuthService needs, the project's own included, and loads them into the cluster,
 * which must be running by then.
 */
export function imageTasks(): ListrTask[] {
  return stepTasks(imageSteps(runningCluster))
}

/** What to wish for where a node is to be drained: two workers beside the control plane, and a cluster that runs is taken as it is. */
export async function wishesForDrain(): Promise<Wishes> {
  const { state } = await clusterStatus()
  return state === 'running' ? {} : { nodes: 3 }
}

/** @throws {ClusterError} when this checkout has no cluster, or it is broken */
export async function runningCluster(): Promise<Cluster> {
  const status = await clusterStatus()
  if (status.state === 'running') return status.cluster
  const problem = status.state === 'absent' ? 'There is no cluster' : `The cluster ${status.problem}`
  throw new ClusterError(`${problem}: run "npm run cluster -- up".`)
}

export async function clusterStatus(): Promise<ClusterStatus> {
  const state = await readState()
  if (state === undefined) return { state: 'absent' }
  const problem = await whatIsWrong(state, engineFor(state.mode))
  return problem === undefined ? { state: 'running', cluster: clusterFrom(state) } : { state: 'broken', problem }
}

/** Removes this checkout's cluster, and stops the private container engine when no other checkout uses it. */
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
