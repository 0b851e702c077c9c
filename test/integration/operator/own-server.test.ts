import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { kind } from '../../../operator/authservice/api/group.ts'
import type { Operator } from '../../../operator/operator.ts'
import { definitions, readDefinition } from '../../../tools/local-servers/install-definition.ts'
import { startKubeApiserver, type TestApiServer } from '../../../tools/local-servers/kube-apiserver.ts'
import { ApiProxy } from '../support/api-proxy.ts'
import { endState, secretsOf, untilSameAs } from '../support/end-state.ts'
import { clientAt } from '../support/kube-api.ts'
import { authServiceManifest, Namespace } from '../support/namespace.ts'
import { startOperatorWith, untilReconciled } from '../support/operator-under-test.ts'

/** Tests that would disturb other users of a shared server. */
let server: TestApiServer
let namespace: Namespace
let proxy: ApiProxy
let operator: Operator
let wanted: Record<string, string[]>

beforeAll(async () => {
  server = await startKubeApiserver()
  namespace = await Namespace.create(server.kubeconfigPath, 'own')
  proxy = await ApiProxy.inFrontOf(server.port)
  operator = startOperatorWith(proxy.configFrom(server.kubeconfigPath), namespace)
})
afterAll(async () => {
  vi.useRealTimers()
  await operator.stop()
  await proxy.close()
  await server.stop()
})

const createAuthService = (name: string) => namespace.apply(authServiceManifest(name))

/** Starts a reconcile of an AuthService now. */
async function look(name: string): Promise<void> {
  await untilReconciled(operator, () =>
    namespace.patch(kind, name, { metadata: { annotations: { touched: `${Math.random()}` } } }),
  )
}

/** Number of requests within two seconds, including watches and discovery. */
async function requestsAtRest(): Promise<number> {
  const before = proxy.requests.length
  await new Promise((passed) => setTimeout(passed, 2_000))
  return proxy.requests.filter(({ path }, index) => index >= before && path.includes('namespaces/own')).length
}

test('when etcd is killed and recovers, written data is kept, and changes requested meanwhile are applied', async () => {
  await createAuthService('before')
  await expect.poll(() => namespace.get('Deployment', 'before-blue'), { timeout: 30_000 }).toBeDefined()
  await expect.poll(() => namespace.condition('before', 'MongoDBReady')).toMatch(/Waiting/)
  wanted = await endState(namespace, 'before')
  const secrets = await secretsOf(namespace, 'before')

  await server.restartEtcd()
  await vi.waitFor(() => createAuthService('after'), { timeout: 30_000, interval: 500 })
  await namespace.remove('Service', 'before')
  await untilSameAs(wanted, namespace, 'after')
  await untilSameAs(wanted, namespace, 'before')
  expect(await secretsOf(namespace, 'before')).toEqual(secrets)
})

test('when the clock jumps forward and back, no key, password or child changes, and there is no hot loop', async () => {
  const secrets = await secretsOf(namespace, 'before')
  vi.useFakeTimers({ toFake: ['Date'] })
  for (const hours of [20, -20, 0]) {
    vi.setSystemTime(performance.timeOrigin + performance.now() + hours * 3_600_000)
    await look('before')
    expect(await secretsOf(namespace, 'before')).toEqual(secrets)
    expect(await requestsAtRest()).toBeLessThan(20)
  }
  vi.useRealTimers()
  await untilSameAs(wanted, namespace, 'before')
})

test('with a CustomResourceDefinition of an older version, children are correct, and a status that it does not support is not written repeatedly', async () => {
  const older = await readDefinition()
  const { properties } = older.spec.versions[0].schema.openAPIV3Schema.properties.status
  for (const field of ['actions', 'checklist', 'readyReplicas', 'rollout']) delete properties[field]
  await clientAt(server.kubeconfigPath).apply(definitions, older)
  // The API server drops the fields of a stored status once it serves the older definition.
  await expect.poll(async () => (await namespace.authService('before')).status).not.toHaveProperty('checklist')

  await createAuthService('older')
  await untilSameAs(wanted, namespace, 'older')
  await expect.poll(() => namespace.condition('older', 'Reconciling')).toMatch(/^True/)
  expect((await namespace.authService('older')).status).not.toHaveProperty('checklist')
  expect(await requestsAtRest()).toBeLessThan(20)
})
