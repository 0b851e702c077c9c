import { createServer } from 'node:http'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { apiVersion, kind } from '../../../operator/authservice/api/group.ts'
import { holdTiming } from '../../../operator/authservice/secrets/activation.ts'
import type { Operator } from '../../../operator/operator.ts'
import { developmentSpec, type Live, Namespace } from './namespace.ts'
import { startOperator } from './operator-under-test.ts'
import { completeMigrations } from './simulated-controllers.ts'

const { kubeconfigPath } = inject('apiServer')
let namespace: Namespace
let operator: Operator

beforeAll(async () => {
  namespace = await Namespace.create(kubeconfigPath, `actions-${Date.now()}`)
  operator = startOperator(kubeconfigPath, namespace)
})
const ends: (() => void)[] = []
afterAll(async () => {
  await operator.stop()
  for (const end of ends) end()
})

/** An AuthService whose children are there. */
async function createAuthService(name: string): Promise<void> {
  await namespace.apply({ apiVersion, kind, metadata: { name }, ...{ spec: developmentSpec } })
  await expect.poll(() => namespace.get('Deployment', `${name}-blue`), { timeout: 20_000 }).toBeDefined()
}

async function ask(name: string, action: string, value: string): Promise<void> {
  await namespace.patch(kind, name, { metadata: { annotations: { [`auth-operator.dev/${action}`]: value } } })
}

/** Waits until the action is on record. @returns what came of it */
async function untilTaken(name: string, action: string, value: string): Promise<string | undefined> {
  const record = async () =>
    (await namespace.authService(name)).status?.actions?.find((taken) => taken.name === action && taken.value === value)
  await expect.poll(record, { timeout: 10_000, message: `${action} ${value} of ${name}` }).toBeDefined()
  return (await record())?.message
}

async function keyIds(name: string): Promise<string[]> {
  const secret = await namespace.get<Live & { data: Record<string, string> }>('Secret', `${name}-keys`)
  const file = JSON.parse(Buffer.from(secret?.data['keys.json'] ?? '', 'base64').toString())
  return file.keys.map(({ kid }: { kid: string }) => kid)
}

test('rotate-keys adds one key, though it is applied again and the operator starts anew', async () => {
  await createAuthService('rotated')
  const [first = ''] = await keyIds('rotated')
  await ask('rotated', 'rotate-keys', 'one')
  expect(await untilTaken('rotated', 'rotate-keys', 'one')).toMatch(
    /^Key \S+ signs once every server has loaded it, from \S+ on at the latest\.$/,
  )
  const after = await keyIds('rotated')
  expect(after).toEqual([first, expect.any(String)])

  // An operator that died before it recorded the action finds it done.
  await operator.stop()
  await namespace.patch(kind, 'rotated', { status: { actions: null } }, 'status')
  operator = startOperator(kubeconfigPath, namespace)
  await untilTaken('rotated', 'rotate-keys', 'one')
  expect(await keyIds('rotated')).toEqual(after)
})

// Two addresses with one port, as pods have: only Linux listens on all of 127.0.0.0/8.
const isLinux = process.platform === 'linux'

test.skipIf(!isLinux)('a key waits until every server pod has loaded it, and then signs after the delay', async () => {
  await createAuthService('held')
  const loaded = await servePodMetrics('127.81.0.1')
  const late = await servePodMetrics('127.81.0.2')
  await runServerPod('held', 'held-blue-a', loaded.address)
  await runServerPod('held', 'held-blue-b', late.address)
  await ask('held', 'rotate-keys', 'now')
  await untilTaken('held', 'rotate-keys', 'now')
  const [, next = ''] = await keyIds('held')
  loaded.kids.push(next)
  await touchPod('held-blue-a')
  await expect
    .poll(() => namespace.condition('held', 'SecretsReady'), { timeout: 10_000 })
    .toMatch(new RegExp(`Signing key ${next} waits until held-blue-b has loaded it`))
  const secondsFromCreation = async () => {
    const { status } = await namespace.authService('held')
    const key = status?.secrets?.find(({ keyId }) => keyId === next)
    return (Date.parse(key?.activateAt ?? '') - Date.parse(key?.createdAt ?? '')) / 1000
  }
  expect(await secondsFromCreation()).toBe(300 + holdTiming.longestHoldSeconds)

  late.kids.push(next)
  await touchPod('held-blue-b')
  await expect.poll(secondsFromCreation, { timeout: 10_000 }).toBe(300)
  expect(await namespace.condition('held', 'SecretsReady')).not.toContain('waits')
})

/** What a server pod says about its keys, at an address of its own. */
async function servePodMetrics(address: string): Promise<{ address: string; kids: string[] }> {
  const kids: string[] = []
  const server = createServer((_, response) =>
    response.end(kids.map((kid) => `auth_signing_key_active_timestamp_seconds{kid="${kid}"} 1\n`).join('')),
  )
  await new Promise<void>((listening) => server.listen(9090, address, listening))
  ends.push(() => server.close())
  return { address, kids }
}

async function runServerPod(owner: string, name: string, podIP: string): Promise<void> {
  const labels = {
    'app.kubernetes.io/managed-by': 'authservice-operator',
    'app.kubernetes.io/instance': owner,
    'app.kubernetes.io/component': 'server',
  }
  const spec = { containers: [{ name: 'server', image: 'example.com/server' }] }
  await namespace.apply({ apiVersion: 'v1', kind: 'Pod', metadata: { name, labels }, ...{ spec } })
  await namespace.patch('Pod', name, { status: { phase: 'Running', podIP, podIPs: [{ ip: podIP }] } }, 'status')
}

/** Makes the operator look again before it would by itself. */
async function touchPod(name: string): Promise<void> {
  await namespace.patch('Pod', name, { metadata: { annotations: { touched: String(Date.now()) } } })
}

test('revoke-key takes the signer away at once, and another one signs', async () => {
  await createAuthService('revoked')
  const [stolen = ''] = await keyIds('revoked')
  await ask('revoked', 'revoke-key', stolen)
  expect(await untilTaken('revoked', 'revoke-key', stolen)).toBe(`Key ${stolen} is refused from now on.`)
  expect(await keyIds('revoked')).toEqual([expect.not.stringMatching(stolen)])
  const { status } = await namespace.authService('revoked')
  expect(status?.secrets?.filter(({ name }) => name === 'revoked-keys')).toMatchObject([{ state: 'Active' }])

  await ask('revoked', 'revoke-key', 'no-such-key')
  expect(await untilTaken('revoked', 'revoke-key', 'no-such-key')).toMatch(/^There is no key no-such-key/)
})

test('restart makes a new template of the server pods, and no other', async () => {
  await createAuthService('restarted')
  const templateOf = async (child: string) =>
    (await namespace.get<Live & { spec: { template: object } }>('Deployment', child))?.spec.template
  const before = await templateOf('restarted-blue')
  await ask('restarted', 'restart', 'after-the-incident')
  await untilTaken('restarted', 'restart', 'after-the-incident')
  await expect
    .poll(() => completeMigrations(namespace).then(() => templateOf('restarted-blue')), { timeout: 10_000 })
    .not.toEqual(before)
  const after = await templateOf('restarted-blue')
  expect(await namespace.events('restarted')).toContainEqual(
    expect.stringMatching(/^Normal ActionTaken: restart: after-the-incident/),
  )

  // The annotation is gone, as when a GitOps tool does not know it: the pods stay as they are.
  await namespace.patch(kind, 'restarted', { metadata: { annotations: null } })
  await namespace.patch('Service', 'restarted', { spec: { selector: null } })
  await expect
    .poll(async () => (await namespace.get<Live & { spec: { selector?: object } }>('Service', 'restarted'))?.spec)
    .toMatchObject({ selector: {} })
  expect(await templateOf('restarted-blue')).toEqual(after)
})

test('an action waits while the AuthService is suspended', async () => {
  await createAuthService('waiting')
  const before = await keyIds('waiting')
  await namespace.patch(kind, 'waiting', { spec: { suspend: true } })
  await ask('waiting', 'rotate-keys', 'later')
  await expect
    .poll(() => namespace.condition('waiting', 'Reconciling'), { timeout: 10_000 })
    .toMatch(/^False Suspended/)
  expect((await namespace.authService('waiting')).status?.actions).toBeUndefined()
  expect(await keyIds('waiting')).toEqual(before)

  await namespace.patch(kind, 'waiting', { spec: { suspend: false } })
  await untilTaken('waiting', 'rotate-keys', 'later')
  expect(await keyIds('waiting')).toHaveLength(2)
})
