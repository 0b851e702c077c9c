import { mkdir, writeFile } from 'node:fs/promises'
import { delimiter, dirname, isAbsolute, join } from 'node:path'
import { execa } from 'execa'
import { checkout } from '../programs/checkout.ts'
import { StepLog } from '../programs/step-log.ts'
import { type Docker, nodeContainers, nodeContainersNow, runDockerNow } from './docker.ts'
import { kindConfig } from './kind-config.ts'
import { type Kubectl, kubectlCommand } from './kubectl.ts'
import { ensureNodeNetwork } from './source/node-network.ts'
import { connectPods } from './source/pod-network.ts'
import type { ClusterState } from './state.ts'

/** Creates the cluster and waits until its nodes are ready and DNS works. Removes an earlier one first. */
export async function createKindCluster(state: ClusterState, docker: Docker, log: StepLog): Promise<void> {
  await removeNodes(docker, log)
  await mkdir(checkout.stateDirectory, { recursive: true })
  const configuration = join(checkout.stateDirectory, 'kind.yaml')
  await writeFile(configuration, kindConfig(state))
  if (state.mode === 'source') await ensureNodeNetwork(log)
  await log.run(
    state.kind,
    [
      'create',
      'cluster',
      '--name',
      checkout.clusterName,
      '--config',
      configuration,
      '--kubeconfig',
      checkout.kubeconfigPath,
      ...(state.nodeImage === undefined ? [] : ['--image', state.nodeImage]),
    ],
    { env: kindEnvironment(docker) },
  )
  const kubectl = kubectlCommand(state.kubectl)
  if (state.mode === 'source') await connectPods(docker, kubectl, log)
  await waitUntilReady(kubectl, log)
}

/** Removes the nodes of this checkout's cluster, as `kind delete` does, also after an interrupted creation. */
export async function removeNodes(docker: Docker, log?: StepLog): Promise<void> {
  const { running, stopped } = await nodeContainers(docker, checkout.clusterName)
  const nodes = [...running, ...stopped]
  if (nodes.length === 0) return
  const removing = log ?? new StepLog(join(checkout.logDirectory, 'remove-nodes.log'))
  await removing.run(docker.binary, ['rm', '--force', '--volumes', ...nodes], { env: docker.env })
}

/** Synchronous, for use while the process exits. */
export function removeNodesNow(docker: Docker): void {
  const nodes = nodeContainersNow(docker, checkout.clusterName)
  if (nodes.length > 0) runDockerNow(docker, ['rm', '--force', '--volumes', ...nodes])
}

/** kind runs `docker` from PATH, so the matching client must come first. */
export function kindEnvironment(docker: Docker): Record<string, string> {
  if (!isAbsolute(docker.binary)) return { ...docker.env }
  return { ...docker.env, PATH: [dirname(docker.binary), process.env.PATH].join(delimiter) }
}

/**
 * Why the cluster is not usable, to follow "the cluster"; undefined when it is usable.
 */
export async function clusterProblem(state: ClusterState, docker: Docker): Promise<string | undefined> {
  const { running, stopped } = await nodeContainers(docker, checkout.clusterName)
  if (running.length + stopped.length === 0) return 'is gone'
  if (stopped.length > 0) return `has a node that stopped (${stopped.join(', ')})`
  if (running.length !== state.nodes) return `has ${running.length} nodes instead of ${state.nodes}`
  const [kubectl, ...options] = kubectlCommand(state.kubectl)
  const ready = [...options, 'get', '--raw', '/readyz', '--request-timeout=10s']
  const { failed } = await execa(kubectl, ready, { reject: false, timeout: 15_000 })
  return failed ? 'does not answer' : undefined
}

async function waitUntilReady([binary, ...options]: Kubectl, log: StepLog): Promise<void> {
  log.report('Waiting until the nodes are ready')
  await log.run(binary, [...options, 'wait', '--for=condition=Ready', 'nodes', '--all', '--timeout=120s'])
  log.report('Waiting until DNS works')
  const dns = ['--namespace', 'kube-system', 'rollout', 'status', 'deployment/coredns', '--timeout=120s']
  await log.run(binary, [...options, ...dns])
}
