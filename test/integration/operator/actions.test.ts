import { createServer } from 'node:http'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { kind } from '../../../operator/authservice/api/group.ts'
import { holdTiming } from '../../../operator/authservice/secrets/activation.ts'
import type { Operator } from '../../../operator/operator.ts'
import { authServiceManifest, type Live, Namespace } from '../support/namespace.ts'
import { startOperator, untilQuiet } from '../support/operator-under-test.ts'
import { completeMigrations } from '../support/simulated-controllers.ts'

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

/** An AuthService whose children exist. */
async function createAuthService(name: string): Promise<void> {
  await namespace.apply(authServiceManifest(name))
  await expect.poll(() => namespace.get('Deployment', `${name}-blue`)).toBeDefined()
}

/** Waits until the action is recorded. @returns its result */
async function untilTaken(name: string, action: string, value: string): Promise<string | undefined> {
  const record = async () =>
    (await namespace.authService(name)).status?.actions?.find((taken) => taken.name === action && taken.value === value)
  await expect.poll(record, { message: `${action} ${value} of ${name}` }).toBeDefined()
  return (await record())?.message
}

test('rotate-keys adds one key, even if it is applied again and the operator restarts', async () => {
  await createAuthService('rotated')
  const [first = ''] = await namespace.keyIds('rotated')
  await namespace.requestAction('rotated', 'rotate-keys', 'one')
  expect(await untilTaken('rotated', 'rotate-keys', 'one')).toMatch(
    /^Key \S+ becomes active after every server has loaded it, at \S+ at the latest\.$/,
  )
  const after = await namespace.keyIds('rotated')
  expect(after).toEqual([first, expect.any(String)])

  // An operator that terminated before it recorded the action finds it done.
  await operator.stop()
  await namespace.patch(kind, 'rotated', { status: { actions: null } }, 'status')
  operator = startOperator(kubeconfigPath, namespace)
  await untilTaken('rotated', 'rotate-keys', 'one')
  expect(await namespace.keyIds('rotated')).toEqual(after)
})

test('mfa.mode creates the keys of second factors, rotate-mfa-keys adds one, and neither disabling nor an edit loses one', async () => {
  const secretOf = () => namespace.get<Live & { data: Record<string, string> }>('Secret', 'enrolling-mfa-keys')
  const file = async () => Buffer.from((await secretOf())?.data['keys.json'] ?? '', 'base64').toString()
  const kids = async (): Promise<string[]> => {
    const { keys }: { keys: { kid: string }[] } = JSON.parse((await file()) || '{"keys":[]}')
    return keys.map(({ kid }) => kid)
  }
  await createAuthService('enrolling')
  expect(await secretOf()).toBeUndefined()

  await namespace.patch(kind, 'enrolling', { spec: { mfa: { mode: 'Optional' } } })
  await expect.poll(kids).toEqual([expect.any(String)])
  const variables = async () => {
    type Workload = Live & { spec: { template: { spec: { containers: { env: { name: string }[] }[] } } } }
    const deployment = await namespace.get<Workload>('Deployment', 'enrolling-blue')
    return deployment?.spec.template.spec.containers.flatMap(({ env }) => env.map(({ name }) => name))
  }
  await expect.poll(() => completeMigrations(namespace).then(variables)).toContain('MFA_KEYS_FILE')
  const [first = ''] = await kids()
  await namespace.requestAction('enrolling', 'rotate-mfa-keys', 'monday')
  expect(await untilTaken('enrolling', 'rotate-mfa-keys', 'monday')).toMatch(/^Key \S+ encrypts from \S+ on\./)
  expect(await kids()).toEqual([first, expect.any(String)])
  const states = async () =>
    (await namespace.authService('enrolling')).status?.secrets?.flatMap(({ name, state }) =>
      name === 'enrolling-mfa-keys' ? [state] : [],
    )
  await expect.poll(states).toEqual(['Active', 'Pending'])
  const rotated = await file()

  await namespace.patch('Secret', 'enrolling-mfa-keys', { data: { 'keys.json': Buffer.from('{').toString('base64') } })
  await expect
    .poll(() => namespace.condition('enrolling', 'SecretsReady'))
    .toMatch(/^False KeySetInvalid: Secret enrolling-mfa-keys has an invalid keys\.json: it is not JSON\./)
  expect(await file()).toBe('{')
  await namespace.patch('Secret', 'enrolling-mfa-keys', {
    data: { 'keys.json': Buffer.from(rotated).toString('base64') },
  })
  await expect.poll(() => namespace.condition('enrolling', 'SecretsReady')).toMatch(/^True/)

  await namespace.patch(kind, 'enrolling', { spec: { mfa: { mode: 'Disabled' } } })
  const { generation = 0 } = (await namespace.authService('enrolling')).metadata
  await expect.poll(async () => (await namespace.authService('enrolling')).status?.observedGeneration).toBe(generation)
  await untilQuiet(operator)
  expect(await file()).toBe(rotated)
})

test('oidc.enabled creates keys of ID tokens and a file of clients, rotate-oidc-keys adds a key, and neither an edit nor turning it off loses one', async () => {
  type Data = Live & { data: Record<string, string> }
  const fileOf = async (secret: string, key: string) =>
    Buffer.from((await namespace.get<Data>('Secret', secret))?.data[key] ?? '', 'base64').toString()
  const keys = () => fileOf('provider-oidc-keys', 'keys.json')
  const clients = () => fileOf('provider-oidc-clients', 'clients.json')
  const write = (content: string) =>
    namespace.patch('Secret', 'provider-oidc-keys', { data: { 'keys.json': Buffer.from(content).toString('base64') } })
  await createAuthService('provider')
  expect(await namespace.get('Secret', 'provider-oidc-keys')).toBeUndefined()
  expect(await namespace.get('Secret', 'provider-oidc-clients')).toBeUndefined()

  await namespace.patch(kind, 'provider', { spec: { oidc: { enabled: true }, ingress: { host: 'auth.localhost' } } })
  await expect.poll(keys).not.toBe('')
  await expect.poll(clients).toBe('{"version":1,"clients":[]}\n')
  await namespace.requestAction('provider', 'rotate-oidc-keys', 'monday')
  expect(await untilTaken('provider', 'rotate-oidc-keys', 'monday')).toMatch(/^Key \S+ signs ID tokens from \S+ on\./)
  const rotated = await keys()
  const { keys: entries }: { keys: { retireAt?: string }[] } = JSON.parse(rotated)
  expect(entries.map(({ retireAt }) => typeof retireAt)).toEqual(['string', 'undefined'])

  await write('{')
  await expect
    .poll(() => namespace.condition('provider', 'SecretsReady'))
    .toMatch(/^False KeySetInvalid: Secret provider-oidc-keys has an invalid keys\.json: it is not JSON\./)
  expect(await keys()).toBe('{')
  await write(rotated)
  await expect.poll(() => namespace.condition('provider', 'SecretsReady')).toMatch(/^True/)

  await namespace.patch(kind, 'provider', { spec: { oidc: null } })
  const { generation = 0 } = (await namespace.authService('provider')).metadata
  await expect.poll(async () => (await namespace.authService('provider')).status?.observedGeneration).toBe(generation)
  await untilQuiet(operator)
  expect(await keys()).toBe(rotated)
})

test('a scheduled rotation is reported as such, and not as drift', async () => {
  await createAuthService('scheduled')
  type Keys = Live & { data: Record<string, string> }
  const [first = ''] = await namespace.keyIds('scheduled')
  const secret = await namespace.get<Keys>('Secret', 'scheduled-keys')
  const file = Buffer.from(secret?.data['keys.json'] ?? '', 'base64').toString()
  // Time passes: the key is older than any rotation interval.
  const aged = file.replaceAll(/"(createdAt|activateAt)": *"\d{4}/g, '"$1": "2020')
  expect(aged).not.toBe(file)
  await namespace.patch('Secret', 'scheduled-keys', { data: { 'keys.json': Buffer.from(aged).toString('base64') } })
  await expect.poll(() => namespace.keyIds('scheduled')).toEqual([first, expect.any(String)])
  const events = async () => (await namespace.events('scheduled')).filter((event) => event.includes('scheduled-keys'))
  await expect.poll(events).toContainEqual(expect.stringContaining('SecretChanged'))
  await untilQuiet(operator)
  expect((await events()).filter((event) => event.includes('DriftCorrected'))).toEqual([])
})

// Two addresses with one port, as pods have: only Linux listens on all of 127.0.0.0/8.
const isLinux = process.platform === 'linux'

test.skipIf(!isLinux)(
  'a key waits until every server pod has loaded it, and becomes active after the delay',
  async () => {
    await createAuthService('held')
    const loaded = await servePodMetrics('127.81.0.1')
    const late = await servePodMetrics('127.81.0.2')
    await runServerPod('held', 'held-blue-a', loaded.address)
    await runServerPod('held', 'held-blue-b', late.address)
    await namespace.requestAction('held', 'rotate-keys', 'now')
    await untilTaken('held', 'rotate-keys', 'now')
    const [, next = ''] = await namespace.keyIds('held')
    loaded.kids.push(next)
    await touchPod('held-blue-a')
    await expect
      .poll(() => namespace.condition('held', 'SecretsReady'))
      .toMatch(new RegExp(`Signing key ${next} is waiting for .*held-blue-b to load it`))
    const secondsFromCreation = async () => {
      const { status } = await namespace.authService('held')
      const key = status?.secrets?.find(({ keyId }) => keyId === next)
      return (Date.parse(key?.activateAt ?? '') - Date.parse(key?.createdAt ?? '')) / 1000
    }
    expect(await secondsFromCreation()).toBe(300 + holdTiming.longestHoldSeconds)

    late.kids.push(next)
    await touchPod('held-blue-b')
    await expect.poll(secondsFromCreation).toBe(300)
    expect(await namespace.condition('held', 'SecretsReady')).not.toContain('is waiting')
  },
)

/** The keys that a server pod reports, at its own address. */
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
  await namespace.apply({ apiVersion: 'v1', kind: 'Pod', metadata: { name, labels }, spec })
  await namespace.patch('Pod', name, { status: { phase: 'Running', podIP, podIPs: [{ ip: podIP }] } }, 'status')
}

/** Starts a reconcile before the operator would do so. */
async function touchPod(name: string): Promise<void> {
  await namespace.patch('Pod', name, { metadata: { annotations: { touched: String(Date.now()) } } })
}

test('revoke-key removes the signer immediately, and another key signs', async () => {
  await createAuthService('revoked')
  const [stolen = ''] = await namespace.keyIds('revoked')
  await namespace.requestAction('revoked', 'revoke-key', stolen)
  expect(await untilTaken('revoked', 'revoke-key', stolen)).toBe(`Key ${stolen} is revoked.`)
  expect(await namespace.keyIds('revoked')).toEqual([expect.not.stringMatching(stolen)])
  const { status } = await namespace.authService('revoked')
  expect(status?.secrets?.filter(({ name }) => name === 'revoked-keys')).toMatchObject([{ state: 'Active' }])

  await namespace.requestAction('revoked', 'revoke-key', 'no-such-key')
  expect(await untilTaken('revoked', 'revoke-key', 'no-such-key')).toMatch(/^Key no-such-key does not exist/)
})

test('restart changes the template of the server pods, and no other template', async () => {
  await createAuthService('restarted')
  const templateOf = async (child: string) =>
    (await namespace.get<Live & { spec: { template: object } }>('Deployment', child))?.spec.template
  const before = await templateOf('restarted-blue')
  await namespace.requestAction('restarted', 'restart', 'after-the-incident')
  await untilTaken('restarted', 'restart', 'after-the-incident')
  await expect.poll(() => completeMigrations(namespace).then(() => templateOf('restarted-blue'))).not.toEqual(before)
  const after = await templateOf('restarted-blue')
  await expect
    .poll(() => namespace.events('restarted'))
    .toContainEqual(expect.stringMatching(/^Normal ActionTaken: restart: after-the-incident/))

  // The annotation is removed, as by a GitOps tool that does not know it: the pods do not change.
  await namespace.patch(kind, 'restarted', { metadata: { annotations: null } })
  await namespace.patch('Service', 'restarted', { spec: { selector: null } })
  await expect
    .poll(async () => (await namespace.get<Live & { spec: { selector?: object } }>('Service', 'restarted'))?.spec)
    .toMatchObject({ selector: {} })
  await untilQuiet(operator)
  expect(await templateOf('restarted-blue')).toEqual(after)
})

test('an action waits while the AuthService is suspended', async () => {
  await createAuthService('waiting')
  const before = await namespace.keyIds('waiting')
  await namespace.patch(kind, 'waiting', { spec: { suspend: true } })
  await namespace.requestAction('waiting', 'rotate-keys', 'later')
  await namespace.requestAction('waiting', 'rollback-to', '1')
  await expect.poll(() => namespace.condition('waiting', 'Reconciling')).toMatch(/^False Suspended/)
  await untilQuiet(operator)
  expect((await namespace.authService('waiting')).status?.actions).toBeUndefined()
  expect(await namespace.keyIds('waiting')).toEqual(before)

  await namespace.patch(kind, 'waiting', { spec: { suspend: false } })
  await untilTaken('waiting', 'rotate-keys', 'later')
  await untilTaken('waiting', 'rollback-to', '1')
  expect(await namespace.keyIds('waiting')).toHaveLength(2)
})
