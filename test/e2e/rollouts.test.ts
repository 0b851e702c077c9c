import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { EdgeClient } from '../../scripts/demo/edge-client.ts'
import { forwardPort, type PortForward } from '../../scripts/demo/port-forward.ts'
import { walkThrough } from '../../scripts/demo/walk-through.ts'
import { apply, freshNamespace, kubectl, removeNamespace, sample } from './cluster-under-test.ts'
import { Load } from './load.ts'

const namespace = 'e2e-rollouts'
const name = 'rolling'
const host = inject('quickstart').host
let forward: PortForward
let edge: EdgeClient

/** What a person changes to make a new revision of the same image. */
const newRevision = (value: string) => patch({ pod: { annotations: { 'example.com/revision': value } } })

beforeAll(async () => {
  await freshNamespace(namespace)
  const manifest = await sample('quickstart.yaml')
  manifest.metadata.name = name
  manifest.spec['replicas'] = 2
  manifest.spec['ingress'] = { type: 'Nginx', host, nginx: { serviceType: 'ClusterIP' } }
  manifest.spec['rateLimits'] = { perClient: '10000/s', burst: 1000, login: '6000/m', register: '600/m' }
  manifest.spec['rollout'] = {
    strategy: 'BlueGreen',
    minReadySeconds: 1,
    progressDeadlineSeconds: 180,
    smokeTest: { enabled: true, timeoutSeconds: 60 },
    analysis: { enabled: true, windowSeconds: 10, minRequests: 10, maxP99LatencyMilliseconds: 10_000 },
    blueGreen: { promotion: 'Auto', scaleDownDelaySeconds: 120 },
  }
  await apply(namespace, manifest)
  await kubectl().run(
    ['wait', '--for=condition=Ready', `authservice/${name}`, '--namespace', namespace, '--timeout=150s'],
    { timeoutSeconds: 160 },
  )
  forward = await forwardPort(kubectl(), { namespace, target: `service/${name}-edge`, port: 443 })
  const secret = await kubectl().json<{ data: Record<string, string> }>([
    ...['get', 'secret', `${name}-edge-tls`, '--namespace', namespace],
  ])
  const ca = Buffer.from(secret.data['ca.crt'] ?? '', 'base64').toString('utf8')
  edge = new EdgeClient({ host, ip: '127.0.0.1', port: forward.port, ca })
})

afterAll(async () => {
  await edge?.close()
  await forward?.close()
  await removeNamespace(namespace)
})

test('a blue-green rollout is tested, moves the traffic and fails no request meanwhile', async () => {
  const user = await walkThrough(edge)
  const load = Load.start(edge, user)
  await newRevision('two')
  await untilRollout({ phase: 'Retiring', lastOutcome: 'Promoted' })
  await expect.poll(() => load.requests, { timeout: 60_000 }).toBeGreaterThan(100)
  const { requests, failures } = await load.stop()

  expect(failures, `${failures.length} of ${requests} requests failed`).toEqual([])
  const status = await rolloutStatus()
  expect(status.activeColor).toBe('green')
  expect(status.rollout.smokeTest).toMatchObject({ passed: true, message: expect.stringMatching(/steps passed/) })
  expect(status.rollout.analysis).toMatchObject({ verdict: 'pass' })
  // Nobody but the user of this test is left in the database of users.
  expect((await kubectl().run(['get', 'jobs', '--namespace', namespace, '--output=name'])).split('\n')).not.toEqual(
    expect.arrayContaining([expect.stringContaining('smoke')]),
  )
})

test('the old colour takes the traffic back at once', async () => {
  const user = await walkThrough(edge)
  const load = Load.start(edge, user)
  await annotate('rollback-to', '1')
  await expect.poll(async () => (await rolloutStatus()).activeColor, { timeout: 10_000, interval: 250 }).toBe('blue')
  await untilRollout({ phase: 'Retiring' })
  const { requests, failures } = await load.stop()
  expect(failures, `${failures.length} of ${requests} requests failed`).toEqual([])
})

test('a revision whose image cannot be pulled never gets traffic, and says why', async () => {
  await patch({ image: 'registry.invalid/nobody/nothing:1', rollout: { progressDeadlineSeconds: 30 } })
  await expect
    .poll(async () => (await rolloutStatus()).rollout, { timeout: 120_000, message: 'status.rollout' })
    .toMatchObject({ lastOutcome: 'DeadlineExceeded', failure: expect.stringMatching(/not ready within 30 s/) })
  const status = await rolloutStatus()
  expect(status.activeColor).toBe('blue')
  expect((await edge.call('GET', '/.well-known/jwks.json')).status).toBe(200)
})

interface RolloutStatus {
  activeColor: string
  rollout: Record<string, unknown>
}

async function rolloutStatus(): Promise<RolloutStatus> {
  const { status } = await kubectl().json<{ status: RolloutStatus }>([
    ...['get', 'authservice', name, '--namespace', namespace],
  ])
  return status
}

async function untilRollout(expected: object): Promise<void> {
  await expect
    .poll(async () => (await rolloutStatus()).rollout, { timeout: 200_000, interval: 1000, message: 'status.rollout' })
    .toMatchObject(expected)
}

async function patch(spec: object): Promise<void> {
  await kubectl().run([
    ...['patch', `authservice/${name}`, '--namespace', namespace, '--type=merge'],
    ...['--patch', JSON.stringify({ spec })],
  ])
}

async function annotate(action: string, value: string): Promise<void> {
  await kubectl().run([
    ...['annotate', `authservice/${name}`, '--namespace', namespace, `auth-operator.dev/${action}=${value}`],
  ])
}
