import { mkdir, writeFile } from 'node:fs/promises'
import { delimiter, dirname, isAbsolute, join } from 'node:path'
import { execa } from 'execa'
import { checkout } from './checkout.ts'
import { type Docker, nodeContainers, nodeContainersNow, runDockerNow } from './docker.ts'
import { kindConfig } from './kind-config.ts'
import { type Kubectl, kubectlCommand } from './kubectl.ts'
import { separateProcessors } from './node-processors.ts'
import { weighPods } from './pod-weight.ts'
import { ensureNodeNetwork } from './source/node-network.ts'
import { connectPods } from './source/pod-network.ts'
import type { ClusterState } from './state.ts'
import { StepLog } from './step-log.ts'

/** Creates the cluster and waits until its nodes are ready and names resolve. What was left of another one goes first. */
export async function createKindCluster(state: ClusterState, docker: Docker, log: StepLog): Promise<void> {
  await removeNodes(docker, log)
  await mkdir(checkout.stateDirectory, { recursive: true })
  const configuration = join(checkout.stateDirectory, 'kind.yaml')
  await writeFile(configuration, kindConfig(state))
  if (state.mode === 'source') await ensureNodeNetwork(log)
  await log.run(
    state.kind,
    [
      ...['create', 'cluster', '--name', checkout.clusterName, '--config', configuration],
      ...['--kubeconfig', checkout.kubeconfigPath],
      ...(state.nodeImage === undefined ? [] : ['--image', state.nodeImage]),
    ],
    { env: kindEnvironment(docker) },
  )
  const kubectl = kubectlCommand(state.kubectl)
  if (state.mode === 'source') await connectPods(docker, kubectl, log)
  await weighPods(docker, log)
  await separateProcessors(docker, log)
  await waitUntilReady(kubectl, log)
}

/** Removes the nodes of this checkout's cluster, also those of a creation that was interrupted. What `kind delete` does. */
export async function removeNodes(docker: Docker, log?: StepLog): Promise<void> {
  const { running, stopped } = await nodeContainers(docker, checkout.clusterName)
  const nodes = [...running, ...stopped]
  if (nodes.length === 0) return
  const removing = log ?? new StepLog(join(checkout.logDirectory, 'remove-nodes.log'))
  await removing.run(docker.binary, ['rm', '--force', '--volumes', ...nodes], { env: docker.env })
}

/** For the last moments of a process, so it is synchronous. */
export function removeNodesNow(docker: Docker): void {
  const nodes = nodeContainersNow(docker, checkout.clusterName)
  if (nodes.length > 0) runDockerNow(docker, ['rm', '--force', '--volumes', ...nodes])
}

/** kind calls `docker` by its name, so the client that fits the engine must be the first on PATH. */
export function kindEnvironment(docker: Docker): Record<string, string> {
  if (!isAbsolute(docker.binary)) return { ...docker.env }
  return { ...docker.env, PATH: [dirname(docker.binary), process.env.PATH].join(delimiter) }
}

/**
 * Why the cluster that was made is not usable any more, in words that go after "the cluster"; undefined when it is.
 */
export async function whatIsWrong(state: ClusterState, docker: Docker): Promise<string | undefined> {
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
  log.report('Waiting until names resolve')
  const dns = ['--namespace', 'kube-system', 'rollout', 'status', 'deployment/coredns', '--timeout=120s']
  await log.run(binary, [...options, ...dns])
}
