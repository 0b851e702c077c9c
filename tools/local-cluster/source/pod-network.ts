import { setTimeout as delay } from 'node:timers/promises'
import { ClusterError } from '../../programs/failure.ts'
import type { StepLog } from '../../programs/step-log.ts'
import type { Docker } from '../docker.ts'
import type { Kubectl } from '../kubectl.ts'

/*
 * The pod network of a cluster without kind's add-on: a bridge in each node with the node's range of pod addresses, and
 * on each node a route to every other range. It does not enforce NetworkPolicy.
 */

/** The network fields of a Node object. */
export interface NodeAddress {
  name: string
  podCidr: string
  internalIp: string
}

/** The range of all pods, kind's default. */
const podRange = '10.244.0.0/16'

/**
 * A pod that connects to a Service before kube-proxy knows the Service waits for half a minute: the kernel drops its
 * packets, and the repeated ones too, because they belong to the same tracked connection.
 */
const waitForServices =
  'timeout 60 sh -c "until curl --silent --insecure --output /dev/null --max-time 1 https://10.96.0.1; do sleep 0.2; done"'

/**
 * Masquerades traffic that leaves the cluster, and keeps pod addresses inside. One rule per node, as in kind's add-on:
 * the CNI plugins `bridge` (`ipMasq`) and `portmap` would run iptables eight times for each pod.
 */
const masquerade = [
  'iptables',
  '--wait',
  '--table',
  'nat',
  '--append',
  'POSTROUTING',
  '--source',
  podRange,
  '!',
  '--destination',
  podRange,
  '--jump',
  'MASQUERADE',
]

/** A CNI configuration list; see https://www.cni.dev/docs/spec/ */
export function bridgeConfiguration(podCidr: string): string {
  return JSON.stringify({
    cniVersion: '0.4.0',
    name: 'pods',
    plugins: [
      {
        type: 'bridge',
        bridge: 'cni0',
        isGateway: true,
        hairpinMode: true, // lets a pod reach itself through its own Service
        ipam: { type: 'host-local', ranges: [[{ subnet: podCidr }]], routes: [{ dst: '0.0.0.0/0' }] },
      },
    ],
  })
}

/** Connects the pods of all nodes. Before that, nodes are not ready. */
export async function connectPods(docker: Docker, kubectl: Kubectl, log: StepLog): Promise<void> {
  const nodes = await nodeAddresses(kubectl, log)
  const exec = (node: string, command: readonly string[], input?: string) =>
    log.run(docker.binary, ['exec', ...(input === undefined ? [] : ['--interactive']), node, ...command], {
      env: docker.env,
      ...(input !== undefined && { input }),
    })
  for (const { name, podCidr } of nodes) {
    for (const other of nodes.filter((candidate) => candidate.name !== name)) {
      await exec(name, ['ip', 'route', 'replace', other.podCidr, 'via', other.internalIp])
    }
    await exec(name, masquerade)
    log.report(`Waiting until Services answer on ${name}`)
    await exec(name, ['sh', '-c', waitForServices])
    await exec(name, ['cp', '/dev/stdin', '/etc/cni/net.d/10-bridge.conflist'], bridgeConfiguration(podCidr))
  }
}

async function nodeAddresses([binary, ...options]: Kubectl, log: StepLog): Promise<NodeAddress[]> {
  const deadline = performance.now() + 60_000
  while (true) {
    const list = await log.run(binary, [...options, 'get', 'nodes', '--output', 'json'], { progress: () => undefined })
    const nodes = parseNodes(list)
    const waiting = nodes.filter(({ podCidr }) => podCidr === '')
    if (nodes.length > 0 && waiting.length === 0) return nodes
    if (performance.now() > deadline) {
      throw new ClusterError(`No range of pod addresses after 60 s: ${waiting.map(({ name }) => name).join(', ')}.`)
    }
    await delay(200)
  }
}

/** @param list what `kubectl get nodes --output json` prints */
export function parseNodes(list: string): NodeAddress[] {
  // The type of a core/v1 NodeList.
  const { items } = JSON.parse(list) as {
    items: {
      metadata: { name: string }
      spec: { podCIDR?: string }
      status: { addresses?: { type: string; address: string }[] }
    }[]
  }
  return items.map(({ metadata, spec, status }) => ({
    name: metadata.name,
    podCidr: spec.podCIDR ?? '',
    internalIp: status.addresses?.find(({ type }) => type === 'InternalIP')?.address ?? '',
  }))
}
