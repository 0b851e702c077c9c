import { readFileSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { stringify } from 'yaml'
import type { EdgeClient } from '../../../tools/cluster-client/edge-client.ts'
import { installOperator } from '../../../tools/cluster-client/install-operator.ts'
import { connectToEdge, readQuickstart } from '../../../tools/cluster-client/quickstart.ts'
import { waitUntilReady } from '../../../tools/cluster-client/readiness.ts'
import { walkThrough } from '../../../tools/cluster-client/walk-through.ts'
import { runningCluster } from '../../../tools/local-cluster/cluster.ts'
import { startPolicyEngine, stopPolicyEngine } from '../../../tools/neighbours/network-policy-engine.ts'
import { apply, freshNamespace, kubectl, removeNamespace, sample } from '../../e2e/cluster-under-test.ts'
import { type Endpoint, mayConnect } from '../../unit/network-policy/evaluate.ts'
import { endpoints, policiesOf, ports, specs } from '../../unit/network-policy/examples.ts'
import { openFrom, type Probe, probePod, type Target } from './probes.ts'

/**
 * NetworkPolicies that an engine enforces: for the pods of an AuthService, and for pods that only have the labels of such
 * pods and accept connections on every port.
 */
const root = resolve(import.meta.dirname, '../../..')
const { version }: { version: string } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'))
const image = `ghcr.io/authservice-operator/api-server:${version}`
const eventually = { timeout: 120_000, interval: 1_000 }

beforeAll(async () => {
  await installOperator(kubectl())
  console.log(`The engine is ${await startPolicyEngine(await runningCluster())}`)
})
afterAll(async () => {
  await stopPolicyEngine(await runningCluster())
})

interface Pod {
  metadata: { name: string }
  status: { podIP: string; hostIP: string }
}

const podNamed = (namespace: string, name: string) =>
  kubectl().json<Pod>(['get', 'pod', name, '--namespace', namespace])

async function start(probes: readonly Probe[], listening: readonly number[]): Promise<void> {
  const input = probes.map((probe) => stringify(probePod(probe, image, listening))).join('---\n')
  await kubectl().run(['apply', '--filename', '-'], { input })
  for (const { namespace, name } of probes) {
    const ready = ['wait', '--for=condition=Ready', `pod/${name}`, '--namespace', namespace, '--timeout=120s']
    await kubectl().run(ready, { timeoutSeconds: 130 })
  }
}

describe('an AuthService', () => {
  const namespace = 'neighbours'
  const elsewhere = 'monitoring'
  const foreign = { name: 'foreign', labels: { app: 'foreign' } }
  let name: string
  let edge: EdgeClient

  beforeAll(async () => {
    await freshNamespace(namespace)
    await freshNamespace(elsewhere)
    await start(
      [namespace, elsewhere].map((one) => ({ ...foreign, namespace: one })),
      [8080],
    )
  })
  afterAll(async () => {
    await edge?.close()
    await removeNamespace(namespace)
    await removeNamespace(elsewhere)
  })

  const ready = () => waitUntilReady(kubectl(), { namespace, name, timeoutSeconds: 240 }, console.log)

  async function patch(spec: object): Promise<void> {
    const change = JSON.stringify({ spec })
    await kubectl().run(['patch', 'authservice', name, '-n', namespace, '--type=merge', '--patch', change])
  }

  async function server(): Promise<Pod> {
    const labels = `app.kubernetes.io/instance=${name},app.kubernetes.io/component=server`
    const running = ['get', 'pods', '-n', namespace, '-l', labels, '--field-selector=status.phase=Running']
    const [pod] = (await kubectl().json<{ items: Pod[] }>(running)).items
    if (pod === undefined) throw new Error(`there is no running pod with ${labels}`)
    return pod
  }

  /** Of the connections that the policies forbid, those that are accepted. */
  async function openForbidden(): Promise<string[]> {
    const { metadata, status } = await server()
    const outside = await podNamed(elsewhere, foreign.name)
    const service = (suffix: string, port: number): Target => ({ host: `${name}${suffix}.${namespace}.svc`, port })
    const ofOthers = { server: service('', 80), MongoDB: service('-mongodb', 27_017), Redis: service('-redis', 6379) }
    const ofServer = {
      'the Kubernetes API server': { host: 'kubernetes.default.svc', port: 443 },
      'an address that is no pod': { host: status.hostIP, port: 6443 },
      'a pod of another namespace': { host: outside.status.podIP, port: 8080 },
    }
    const from = async (about: string, pod: Pick<Probe, 'namespace' | 'name'>, targets: Record<string, Target>) => {
      const answers = await openFrom(pod, Object.values(targets))
      return Object.keys(targets)
        .filter((_, index) => answers[index])
        .map((target) => `${about} > ${target}`)
    }
    const open = await Promise.all([
      from('a pod of the namespace', { ...foreign, namespace }, ofOthers),
      from('a pod of another namespace', { ...foreign, namespace: elsewhere }, ofOthers),
      from('server', { name: metadata.name, namespace }, ofServer),
    ])
    return open.flat()
  }

  test('becomes ready, and a user logs in through the edge', async () => {
    const quickstart = await readQuickstart(namespace)
    name = quickstart.name
    await apply(namespace, {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'backups' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    })
    const manifest = await sample(basename(quickstart.file))
    manifest.spec['networkPolicy'] = { enabled: true }
    manifest.spec['rollout'] = {
      strategy: 'BlueGreen',
      smokeTest: { enabled: true },
      blueGreen: { scaleDownDelaySeconds: 10 },
    }
    const destination = { persistentVolumeClaim: { claimName: 'backups' } }
    manifest.spec['backup'] = { schedule: '0 3 1 1 *', destination }
    await apply(namespace, manifest)
    await ready()
    edge = await connectToEdge(kubectl(), quickstart, inject('cluster').edgePort)
    await walkThrough(edge)
  })

  test('accepts no connection from other pods, and opens none to other addresses', async () => {
    await expect.poll(openForbidden, eventually).toEqual([])
  })

  test('accepts scrapes of its metrics from every namespace', async () => {
    const metrics = { host: (await server()).status.podIP, port: 9090 }
    expect(await openFrom({ ...foreign, namespace: elsewhere }, [metrics])).toEqual([true])
  })

  test('completes a backup', async () => {
    await kubectl().run(['create', 'job', '--namespace', namespace, '--from', `cronjob/${name}-backup`, 'first-backup'])
    const complete = ['wait', '--for=condition=Complete', 'job/first-backup', '--namespace', namespace]
    await kubectl().run([...complete, '--timeout=180s'], { timeoutSeconds: 190 })
  })

  test('completes a rollout, whose smoke test reaches the new revision', async () => {
    type Observed = { status: { currentRevision: string; rollout: { phase: string; lastOutcome?: string } } }
    const rolloutOf = async () => {
      const { status } = await kubectl().json<Observed>(['get', 'authservice', name, '-n', namespace])
      return { revision: status.currentRevision, ...status.rollout }
    }
    const { revision } = await rolloutOf()
    await patch({ pod: { annotations: { 'example.com/change': 'true' } } })
    await expect
      .poll(rolloutOf, { timeout: 240_000, interval: 1_000 })
      .toMatchObject({ revision: expect.not.stringMatching(revision), phase: 'Stable', lastOutcome: 'Promoted' })
    await walkThrough(edge)
    await expect.poll(openForbidden, eventually).toEqual([])
  })

  test('without its policies, accepts and opens the connections that they forbid', async () => {
    await patch({ networkPolicy: { enabled: false } })
    await expect
      .poll(openForbidden, eventually)
      .toEqual([
        'a pod of the namespace > server',
        'a pod of the namespace > MongoDB',
        'a pod of the namespace > Redis',
        'a pod of another namespace > server',
        'a pod of another namespace > MongoDB',
        'a pod of another namespace > Redis',
        'server > the Kubernetes API server',
        'server > an address that is no pod',
        'server > a pod of another namespace',
      ])
  })
})

describe('the table of expected connections', () => {
  type PodEndpoint = Extract<Endpoint, { labels: unknown }>
  /** Without those outside of the cluster and in kube-system, where a pod with these labels would get DNS requests. */
  const pods = endpoints.filter((one): one is PodEndpoint => 'labels' in one && one.namespace !== 'kube-system')
  const namespaces = [...new Set(pods.map(({ namespace }) => namespace))]
  const probes = pods.map(({ name, namespace, labels }) => ({ name: name.replaceAll(' ', '-'), namespace, labels }))
  const connections = pods.flatMap((from) =>
    pods.filter((to) => to !== from).flatMap((to) => ports.map((port) => ({ from, to, port }))),
  )
  const nameOf = ({ from, to, port }: (typeof connections)[number]) => `${from.name} > ${to.name} ${port.port}`
  const addresses = new Map<PodEndpoint, string>()

  beforeAll(async () => {
    for (const namespace of namespaces) await freshNamespace(namespace)
    await start(
      probes,
      ports.map(({ port }) => port),
    )
    for (const [index, { namespace, name }] of probes.entries()) {
      const pod = pods[index]
      if (pod !== undefined) addresses.set(pod, (await podNamed(namespace, name)).status.podIP)
    }
  })
  afterAll(async () => {
    for (const namespace of namespaces) await removeNamespace(namespace)
  })

  async function openConnections(): Promise<string[]> {
    const open = pods.map(async (from, index) => {
      const own = connections.filter((connection) => connection.from === from)
      const targets = own.map(({ to, port }) => ({ host: addresses.get(to) ?? '', port: port.port }))
      const answers = await openFrom(probes[index] ?? { namespace: '', name: '' }, targets)
      return own.filter((_, position) => answers[position]).map(nameOf)
    })
    return (await Promise.all(open)).flat()
  }

  test('without policies, every connection is accepted', async () => {
    await expect.poll(openConnections, eventually).toEqual(connections.map(nameOf))
  })

  test.each(Object.entries(specs))('with %s, exactly the expected connections are accepted', async (_, spec) => {
    const policies = policiesOf(spec)
    const manifests = policies.map(({ metadata: { namespace }, spec: rendered }, index) => ({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: `policy-${index}`, namespace },
      spec: rendered,
    }))
    const input = manifests.map((manifest) => stringify(manifest)).join('---\n')
    await kubectl().run(['apply', '--filename', '-'], { input })
    try {
      const expected = connections.filter(({ from, to, port }) => mayConnect(policies, from, to, port)).map(nameOf)
      await expect.poll(openConnections, eventually).toEqual(expected)
    } finally {
      await kubectl().run(['delete', '--filename', '-'], { input })
    }
  })
})
