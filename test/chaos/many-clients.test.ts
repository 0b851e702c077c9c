import { afterAll, beforeAll, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { freshNamespace, kubectl, removeNamespace } from '../e2e/cluster-under-test.ts'
import { ShopUnderTest } from '../e2e/openid-connect.ts'
import { RolloutUnderTest } from '../e2e/rollout-under-test.ts'

const shops = 'chaos-shops'
const authService = { name: 'many', namespace: 'chaos-many-clients' }
let rollout: RolloutUnderTest

beforeAll(async () => {
  await freshNamespace(shops)
  const oidc = { enabled: true, clientNamespaces: { from: 'Names', names: [shops] } }
  rollout = await RolloutUnderTest.create(authService.namespace, authService.name, {}, { oidc })
})

afterAll(async () => {
  await rollout?.remove()
  await removeNamespace(shops)
})

/** A client with a secret, which the operator generates. */
function client(index: number): object {
  return {
    apiVersion: 'auth-operator.dev/v1alpha1',
    kind: 'AuthClient',
    metadata: { name: `client-${index}`, namespace: shops },
    spec: { authServiceRef: authService, redirectUris: [`https://client-${index}.example.com/callback`] },
  }
}

test('500 clients replace no pod, and one more is usable within seconds', async () => {
  const before = await rollout.names('pods')
  const started = performance.now()
  const clients = Array.from({ length: 500 }, (_, index) => stringify(client(index)))
  const options = ['--server-side', '--filename', '-']
  await kubectl().run(['apply', ...options], { input: clients.join('---\n'), timeoutSeconds: 300 })
  const areReady = ['wait', '--for=condition=Ready', 'authclients', '--all', '--namespace', shops, '--timeout=300s']
  await kubectl().run(areReady, { timeoutSeconds: 310 })
  console.log(`500 clients: ready ${((performance.now() - started) / 1000).toFixed(0)} s after kubectl apply began`)

  const applied = performance.now()
  const shop = await ShopUnderTest.create(shops, authService, rollout.edge)
  await expect.poll(() => shop.isUsable(), { timeout: 30_000, interval: 100 }).toBe(true)
  console.log(`one more: usable after ${((performance.now() - applied) / 1000).toFixed(1)} s`)
  expect(await rollout.names('pods')).toEqual(before)
})
