import { expect, inject, test } from 'vitest'
import { kubectl } from './cluster-under-test.ts'

const { namespace, name } = inject('quickstart')

test.each(['service/quickstart', 'deployment/quickstart-blue', 'service/quickstart-edge', 'configmap/quickstart-edge'])(
  '%s is created again after it was deleted',
  async (child) => {
    const before = await uidOf(child)
    await kubectl().run(['delete', child, '--namespace', namespace, '--wait=false'])
    await expect.poll(() => uidOf(child), { timeout: 30_000, interval: 200 }).toSatisfy(isNewAfter(before))
  },
)

test('the operator reverts an edit of a managed field and records an event', async () => {
  await kubectl().run([
    'patch',
    `service/${name}`,
    '--namespace',
    namespace,
    '--type=merge',
    '--patch',
    JSON.stringify({ spec: { selector: { 'auth-operator.dev/color': 'nobody' } } }),
  ])
  await expect
    .poll(() => colorOfService(), { timeout: 30_000, interval: 100, message: 'colour of the Service' })
    .toBe('blue')
  await expect
    .poll(() => eventsOf(name), { timeout: 30_000, message: 'events of the AuthService' })
    .toContainEqual(expect.stringMatching(new RegExp(`^DriftCorrected: Service ${name}: `)))
})

test('passwords and signing keys survive a restart of the operator', async () => {
  const before = await secretVersions()
  await kubectl().run(['delete', 'pod', '--namespace', 'authservice-system', '--all', '--timeout=60s'])
  await kubectl().run(['rollout', 'status', 'deployment/authservice-operator', '--namespace', 'authservice-system'])
  const observed = await touchAuthService()
  await expect
    .poll(() => observedGeneration(), { timeout: 60_000, message: 'observedGeneration of the new operator' })
    .toBeGreaterThanOrEqual(observed)
  expect(await secretVersions()).toEqual(before)
})

test('the AuthService is ready again', async () => {
  await kubectl().run(
    ['wait', '--for=condition=Ready', `authservice/${name}`, '--namespace', namespace, '--timeout=60s'],
    { timeoutSeconds: 70 },
  )
})

async function uidOf(child: string): Promise<string> {
  return kubectl().run([
    'get',
    child,
    '--namespace',
    namespace,
    '--ignore-not-found',
    '--output=jsonpath={.metadata.uid}',
  ])
}

function isNewAfter(before: string): (uid: string) => boolean {
  return (uid) => uid !== '' && uid !== before
}

async function colorOfService(): Promise<string> {
  return kubectl().run([
    'get',
    `service/${name}`,
    '--namespace',
    namespace,
    '--output=jsonpath={.spec.selector.auth-operator\\.dev/color}',
  ])
}

/** The events of the AuthService as `reason: note`. */
async function eventsOf(authService: string): Promise<string[]> {
  const { items } = await kubectl().json<{
    items: { reason: string; note?: string; regarding: { kind: string; name: string } }[]
  }>(['get', 'events.events.k8s.io', '--namespace', namespace])
  return items
    .filter(({ regarding }) => regarding.kind === 'AuthService' && regarding.name === authService)
    .map(({ reason, note }) => `${reason}: ${note}`)
}

async function secretVersions(): Promise<Record<string, string>> {
  const { items } = await kubectl().json<{ items: { metadata: { name: string; resourceVersion: string } }[] }>([
    'get',
    'secrets',
    '--namespace',
    namespace,
  ])
  return Object.fromEntries(items.map(({ metadata }) => [metadata.name, metadata.resourceVersion]))
}

/** Changes the spec without a restart of any pod. @returns the new generation */
async function touchAuthService(): Promise<number> {
  const limit = `${90 + Math.floor(Math.random() * 10)}/s`
  const patched = await kubectl().json<{ metadata: { generation: number } }>([
    'patch',
    `authservice/${name}`,
    '--namespace',
    namespace,
    '--type=merge',
    '--patch',
    JSON.stringify({ spec: { rateLimits: { perClient: limit } } }),
  ])
  return patched.metadata.generation
}

async function observedGeneration(): Promise<number> {
  return Number(
    await kubectl().run([
      'get',
      `authservice/${name}`,
      '--namespace',
      namespace,
      '--output=jsonpath={.status.observedGeneration}',
    ]),
  )
}
