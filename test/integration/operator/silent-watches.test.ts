import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { kind } from '../../../operator/authservice/api/group.ts'
import type { Operator } from '../../../operator/operator.ts'
import { ApiProxy, isWatch } from '../support/api-proxy.ts'
import { authServiceManifest, Namespace } from '../support/namespace.ts'
import { startOperatorWith, untilQuiet } from '../support/operator-under-test.ts'

const { kubeconfigPath, port } = inject('apiServer')
let namespace: Namespace
let proxy: ApiProxy
let operator: Operator

beforeAll(async () => {
  namespace = await Namespace.create(kubeconfigPath, `silent-${Date.now()}`)
  proxy = await ApiProxy.inFrontOf(port)
  // A watch that has received nothing for 15 s longer than its planned duration is replaced.
  const watchSeconds = { least: 2, most: 2 }
  operator = startOperatorWith(proxy.configFrom(kubeconfigPath), namespace, {}, { watchSeconds })
})
afterAll(async () => {
  await operator.stop()
  await proxy.close()
})

test('watches that stop responding are replaced, and changes in between are detected', async () => {
  await namespace.apply(authServiceManifest('unheard'))
  await expect.poll(() => namespace.get('Deployment', 'unheard-blue'), { timeout: 30_000 }).toBeDefined()
  await untilQuiet(operator)

  // New watches also stop responding, until none is left that responds.
  proxy.fault = (request) => (isWatch(request) ? { kind: 'hang' } : undefined)
  proxy.silenceWatches()
  const before = proxy.requests.length
  await namespace.remove('Service', 'unheard')
  await namespace.patch(kind, 'unheard', { spec: { replicas: 3 } })
  const writesSince = () => proxy.requests.slice(before).filter(({ method }) => method !== 'GET')
  await new Promise((passed) => setTimeout(passed, 3_000))
  expect(writesSince(), 'what an operator does that hears nothing').toEqual([])

  proxy.heal()
  const replicas = async () =>
    (await namespace.get<{ spec: { replicas: number } }>('Deployment', 'unheard-blue'))?.spec.replicas
  await expect.poll(replicas, { timeout: 60_000 }).toBe(3)
  await expect.poll(() => namespace.get('Service', 'unheard')).toBeDefined()
})
