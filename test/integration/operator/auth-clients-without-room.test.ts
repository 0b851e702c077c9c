import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { apiVersion, kind as clientKind } from '../../../operator/auth-client/api/group.ts'
import { clientsIn } from '../../../operator/auth-client/published-clients.ts'
import type { Operator } from '../../../operator/operator.ts'
import { kubeConfigAt } from '../support/kube-api.ts'
import { authServiceManifest, type Live, Namespace } from '../support/namespace.ts'
import { startOperatorWith } from '../support/operator-under-test.ts'

const { kubeconfigPath } = inject('apiServer')
/** Number of AuthClients of one namespace that the operator handles. */
const mostClients = 300
let namespace: Namespace
let operator: Operator

const start = () => startOperatorWith(kubeConfigAt(kubeconfigPath), namespace, { watchNamespaces: [namespace.name] })

beforeAll(async () => {
  namespace = await Namespace.create(kubeconfigPath, `full-${Date.now()}`)
  operator = start()
  const tokens = { issuer: 'https://auth.example.com' }
  await namespace.apply(authServiceManifest('accounts', { oidc: { enabled: true }, tokens }))
})
afterAll(() => operator.stop())

const addClient = (name: string) =>
  namespace.apply({
    apiVersion,
    kind: clientKind,
    metadata: { name },
    spec: {
      authServiceRef: { name: 'accounts' },
      authentication: { method: 'None' },
      redirectUris: [`https://${name}.example.com/callback`],
    },
  })

/** Names of the clients in the file of the servers. */
async function published(): Promise<string[]> {
  const secret = await namespace.get<Live & { data: Record<string, string> }>('Secret', 'accounts-oidc-clients')
  const file = Buffer.from(secret?.data['clients.json'] ?? '', 'base64').toString()
  return clientsIn(file).map(({ id }) => id.slice(namespace.name.length + 1))
}
const poll = <T>(read: () => Promise<T>) => expect.poll(read, { timeout: 60_000 })

test('servers keep their clients when the operator restarts and has no room for all', {
  timeout: 180_000,
}, async () => {
  // The last one in the order in which the API server lists them.
  await addClient('last')
  await poll(published).toEqual(['last'])
  const names = Array.from({ length: mostClients }, (_, index) => `client-${index}`)
  for (const name of names) await addClient(name)
  await poll(async () => (await published()).length).toBe(mostClients)
  const before = await published()

  await operator.stop()
  operator = start()
  // It now handles the one that had no room.
  await poll(async () => (await published()).toSorted()).toEqual([...names, 'last'].toSorted())
  expect(before).toContain('last')
})
