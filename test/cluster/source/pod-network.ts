import { setTimeout as delay } from 'node:timers/promises'
import type { Docker } from '../docker.ts'
import { ClusterError } from '../failure.ts'
import type { Kubectl } from '../kubectl.ts'
import type { StepLog } from '../step-log.ts'

/*
 * The pod network of a cluster without kind's own add-on: a bridge in each node with that node's range of addresses,
 * and on each node a route to every other range. It does not enforce NetworkPolicy.
 */

/** What a node's API object says about its place in the network. */
export interface NodeAddress {
  name: string
  podCidr: string
  internalIp: string
}

/** Of all nodes; what kind tells kubeadm when nobody says otherwise. */
const podRange = '10.244.0.0/16'

/**
 * A pod that connects to a Service before kube-proxy knows it waits for half a minute: its packets are lost, and so are
 * the repeated ones, since they belong to a connection that was seen before.
 */
const waitForServices =
  'timeout 60 sh -c "until curl --silent --insecure --output /dev/null --max-time 1 https://10.96.0.1; do sleep 0.2; done"'

/**
 * Pods leave the cluster by the address of their node, and keep their own among themselves. One rule for all that a node
 * will ever run, as kind's own add-on has it: the plugins `bridge` (`ipMasq`) and `portmap` start iptables eight times
 * for each pod that comes or goes.
 */
const masquerade = [
  ...['iptables', '--wait', '--table', 'nat', '--append', 'POSTROUTING'],
  ...['--source', podRange, '!', '--destination', podRange, '--jump', 'MASQUERADE'],
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
        hairpinMode: true, // a pod reaches itself through its own Service
        ipam: { type: 'host-local', ranges: [[{ subnet: podCidr }]], routes: [{ dst: '0.0.0.0/0' }] },
      },
    ],
  })
}

/** Connects the pods of all nodes; a node is not ready, and gets no pod, before. */
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
  // The shape of a core/v1 NodeList.
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
