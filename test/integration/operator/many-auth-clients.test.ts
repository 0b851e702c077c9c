import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { apiVersion, kind as clientKind } from '../../../operator/auth-client/api/group.ts'
import type { AuthClient } from '../../../operator/auth-client/api/schema.ts'
import { clientsIn } from '../../../operator/auth-client/published-clients.ts'
import type { Operator } from '../../../operator/operator.ts'
import { kubeConfigAt } from '../support/kube-api.ts'
import { authServiceManifest, type Live, Namespace } from '../support/namespace.ts'
import { startOperatorWith, untilQuiet } from '../support/operator-under-test.ts'
import { hasServerPods, ServerPod } from '../support/server-pod.ts'
import { untilReady } from '../support/simulated-controllers.ts'

const { kubeconfigPath } = inject('apiServer')
/** An operator handles 300 of one namespace. */
const ofNamespace = 250
const names = Array.from({ length: ofNamespace }, (_, index) => `client-${index}`)
/** Number of users who create clients at the same time. */
const users = 10
let own: Namespace
let other: Namespace
let operator: Operator
let server: ServerPod

beforeAll(async () => {
  own = await Namespace.create(kubeconfigPath, `many-${Date.now()}`)
  other = await Namespace.create(kubeconfigPath, `many-others-${Date.now()}`)
  const scope = { watchNamespaces: [own.name, other.name] }
  operator = startOperatorWith(kubeConfigAt(kubeconfigPath), own, scope, {
    clientLoadSeconds: hasServerPods ? 600 : 1,
    clientBurstMilliseconds: 500,
  })
  const oidc = { enabled: true, clientNamespaces: { from: 'All' } }
  await own.apply(authServiceManifest('accounts', { oidc, tokens: { issuer: 'https://auth.example.com' } }))
  server = await ServerPod.run(own, 'accounts', '127.81.0.22')
})
afterAll(async () => {
  await operator.stop()
  server.close()
})

const create = (namespace: Namespace, name: string) =>
  namespace.create({
    apiVersion,
    kind: clientKind,
    metadata: { name },
    spec: {
      authServiceRef: { name: 'accounts', namespace: own.name },
      redirectUris: [`https://${name}.example.com/callback`],
    },
  })

async function file(): Promise<string> {
  const secret = await own.get<Live & { data: Record<string, string> }>('Secret', 'accounts-oidc-clients')
  return Buffer.from(secret?.data['clients.json'] ?? '', 'base64').toString()
}
const published = async () => clientsIn(await file()).length

async function ready(): Promise<number> {
  const clients = [...(await own.list<AuthClient>(clientKind)), ...(await other.list<AuthClient>(clientKind))]
  const isReady = ({ status }: AuthClient) =>
    status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True'
  return clients.filter(isReady).length
}

/** What the operator has done so far. */
async function counts() {
  const sum = async (metric: string, label?: readonly [name: string, value: string]) => {
    const { values = [] } = (await operator.registry.getSingleMetric(metric)?.get()) ?? {}
    const counted = values.filter(({ labels }) => label === undefined || labels[label[0]] === label[1])
    return counted.reduce((total, { value }) => total + value, 0)
  }
  return {
    requests: await sum('rest_client_requests_total'),
    clients: await sum('controller_runtime_reconcile_total', ['controller', 'authclient']),
    authServices: await sum('controller_runtime_reconcile_total', ['controller', 'authservice']),
  }
}
type Counts = Awaited<ReturnType<typeof counts>>
const since = (before: Counts, after: Counts): Counts => ({
  requests: after.requests - before.requests,
  clients: after.clients - before.clients,
  authServices: after.authServices - before.authServices,
})
const poll = <T>(read: () => Promise<T>) => expect.poll(read, { timeout: 240_000, interval: 500 })
const generationOf = async () => (await own.get('Deployment', 'accounts-blue'))?.metadata.generation

test('the work for 500 clients grows with their number, and one more client leads to no work for the others', {
  timeout: 300_000,
}, async () => {
  await untilReady(own, 'accounts', { timeout: 60_000 })
  await untilQuiet(operator)
  const generation = await generationOf()

  const start = await counts()
  const waiting = [own, other].flatMap((namespace) => names.map((name) => () => create(namespace, name)))
  const next = async () => {
    for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) await one()
  }
  await Promise.all(Array.from({ length: users }, next))
  await poll(published).toBe(2 * ofNamespace)
  await poll(ready).toBe(2 * ofNamespace)
  await untilQuiet(operator)
  const all = since(start, await counts())
  const each = (count: number) => count / (2 * ofNamespace)
  expect(each(all.clients), 'reconciles of each AuthClient').toBeLessThanOrEqual(5)
  expect(each(all.requests), 'requests for each AuthClient').toBeLessThanOrEqual(15)
  expect(each(all.authServices), 'reconciles of the AuthService for each AuthClient').toBeLessThan(1)

  const before = await counts()
  await create(own, 'one-more')
  await poll(ready).toBe(2 * ofNamespace + 1)
  await untilQuiet(operator)
  const last = since(before, await counts())
  expect(last.clients, 'reconciles of AuthClients for one more').toBeLessThanOrEqual(15)
  expect(last.requests, 'requests for one more').toBeLessThanOrEqual(80)
  expect(await generationOf(), 'no pod is replaced').toBe(generation)
})
