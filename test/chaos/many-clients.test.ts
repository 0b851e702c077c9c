import { afterAll, beforeAll, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { freshNamespace, kubectl, removeNamespace } from '../e2e/cluster-under-test.ts'
import { ShopUnderTest } from '../e2e/openid-connect.ts'
import { RolloutUnderTest } from '../e2e/rollout-under-test.ts'

/** The operator handles 300 clients of one namespace. */
const teams = ['chaos-shops', 'chaos-jobs'] as const
const [shops] = teams
const authService = { name: 'many', namespace: 'chaos-many-clients' }
let rollout: RolloutUnderTest

beforeAll(async () => {
  for (const team of teams) await freshNamespace(team)
  const oidc = { enabled: true, clientNamespaces: { from: 'Names', names: teams } }
  rollout = await RolloutUnderTest.create(authService.namespace, authService.name, {}, { oidc })
})

afterAll(async () => {
  await rollout?.remove()
  for (const team of teams) await removeNamespace(team)
})

/** A client with a secret, which the operator generates. */
function client(index: number): object {
  return {
    apiVersion: 'auth-operator.dev/v1alpha1',
    kind: 'AuthClient',
    metadata: { name: `client-${index}`, namespace: teams[index % teams.length] },
    spec: { authServiceRef: authService, redirectUris: [`https://client-${index}.example.com/callback`] },
  }
}

test('500 clients replace no pod, and one more is usable within seconds', async () => {
  const before = await rollout.names('pods')
  const started = performance.now()
  const clients = Array.from({ length: 500 }, (_, index) => stringify(client(index)))
  const options = ['--server-side', '--filename', '-']
  await kubectl().run(['apply', ...options], { input: clients.join('---\n'), timeoutSeconds: 300 })
  for (const team of teams) {
    const areReady = ['wait', '--for=condition=Ready', 'authclients', '--all', '--namespace', team, '--timeout=300s']
    await kubectl().run(areReady, { timeoutSeconds: 310 })
  }
  console.log(`500 clients: ready ${((performance.now() - started) / 1000).toFixed(0)} s after kubectl apply began`)

  const applied = performance.now()
  const shop = await ShopUnderTest.create(shops, authService, rollout.edge)
  await expect.poll(() => shop.isUsable(), { timeout: 30_000, interval: 100 }).toBe(true)
  console.log(`one more: usable after ${((performance.now() - applied) / 1000).toFixed(1)} s`)
  expect(await rollout.names('pods')).toEqual(before)
})
