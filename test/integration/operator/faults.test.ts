import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest'
import { kind } from '../../../operator/authservice/api/group.ts'
import type { Operator } from '../../../operator/operator.ts'
import { ApiProxy, isWatch, isWrite } from '../support/api-proxy.ts'
import { endState, secretsOf, untilSameAs } from '../support/end-state.ts'
import { authServiceManifest, Namespace } from '../support/namespace.ts'
import { startOperatorWith, untilQuiet } from '../support/operator-under-test.ts'

/** Duration of a fault; `npm run test:soak` sets it to a minute. */
const faultSeconds = Number(process.env['FAULT_SECONDS'] ?? 2.5)

const { kubeconfigPath, port } = inject('apiServer')
let namespace: Namespace
let proxy: ApiProxy
let operator: Operator
/** The state that an AuthService reaches without faults, and the number of requests for it. */
let wanted: Record<string, string[]>
let usualRequests: number
let count = 0

beforeAll(async () => {
  namespace = await Namespace.create(kubeconfigPath, `faults-${Date.now()}`)
  proxy = await ApiProxy.inFrontOf(port)
  operator = startOperatorWith(proxy.configFrom(kubeconfigPath), namespace)
})
afterAll(async () => {
  proxy.heal()
  await operator.stop()
  await proxy.close()
})
beforeEach(() => {
  proxy.heal()
  proxy.requests.length = 0
})

async function createAuthService(): Promise<string> {
  const name = `fault-${count++}`
  await namespace.apply(authServiceManifest(name))
  return name
}

test('without a fault, an AuthService reaches the state that the other tests compare with', async () => {
  const name = await createAuthService()
  await expect.poll(() => namespace.get('Deployment', `${name}-blue`), { timeout: 30_000 }).toBeDefined()
  await untilQuiet(operator, 30_000)
  wanted = await endState(namespace, name)
  usualRequests = proxy.requests.length
  expect(Object.keys(wanted).length).toBeGreaterThan(10)
})

test.each<[what: string, begin: () => () => void, mostRequests: (usual: number) => number]>([
  [
    'the API server is unavailable',
    () => {
      proxy.fault = () => ({ kind: 'cut' })
      proxy.cut()
      return () => {}
    },
    (usual) => 5 * usual,
  ],
  [
    'the API server is slow',
    () => {
      proxy.fault = (request) => (isWatch(request) ? undefined : { kind: 'delay', milliseconds: 400 })
      return () => {}
    },
    (usual) => 3 * usual,
  ],
  [
    'the API server throttles requests',
    () => {
      proxy.fault = (request) => (isWrite(request) ? { kind: 'answer', status: 429, retryAfterSeconds: 1 } : undefined)
      return () => {}
    },
    (usual) => 5 * usual,
  ],
  [
    'every other write fails with 500',
    () => {
      let writes = 0
      proxy.fault = (request) => (isWrite(request) && writes++ % 2 === 0 ? { kind: 'answer', status: 500 } : undefined)
      return () => {}
    },
    (usual) => 5 * usual,
  ],
  [
    'another client always writes first',
    () => {
      const refused = new Set<string>()
      proxy.fault = (request) => {
        if (!isWrite(request) || refused.has(request.path)) return undefined
        refused.add(request.path)
        return { kind: 'answer', status: 409 }
      }
      return () => {}
    },
    (usual) => 5 * usual,
  ],
  [
    'watches are closed all the time',
    () => {
      const timer = setInterval(() => proxy.cut(), 300)
      return () => clearInterval(timer)
    },
    (usual) => 5 * usual,
  ],
  [
    'watches have expired',
    () => {
      let expired = 0
      proxy.fault = (request) => (isWatch(request) && expired++ < 20 ? { kind: 'answer', status: 410 } : undefined)
      proxy.cut()
      return () => {}
    },
    (usual) => 5 * usual,
  ],
])(
  '%s: the same end state, nothing lost, and no hot loop',
  {
    timeout: (90 + faultSeconds) * 1_000,
  },
  async (_, begin, mostRequests) => {
    const end = begin()
    const name = await createAuthService()
    await new Promise((passed) => setTimeout(passed, faultSeconds * 1_000)) // the fault must last
    end()
    proxy.heal()
    const secrets = await secretsOf(namespace, name)
    await untilSameAs(wanted, namespace, name)
    await untilQuiet(operator, 30_000)
    // Plus lists and watches of a dozen kinds.
    expect(proxy.requests.length).toBeLessThan(mostRequests(usualRequests) + 100)
    expect(await secretsOf(namespace, name)).toMatchObject(secrets)
  },
)

test('a change that the watch delivers before the response to a write is not lost', async () => {
  const name = await createAuthService()
  await expect.poll(() => namespace.get('Deployment', `${name}-blue`)).toBeDefined()
  await untilQuiet(operator, 20_000)
  const answered = Promise.withResolvers<void>()
  const path = `/authservices/${name}/status`
  proxy.fault = (request) => (request.path.includes(path) ? { kind: 'answerLate', after: answered.promise } : undefined)
  const reconciling = () => namespace.condition(name, 'Reconciling')
  await namespace.patch(kind, name, { spec: { suspend: true } })
  await expect.poll(reconciling).toMatch(/^False Suspended/)
  await namespace.patch(kind, name, { spec: { suspend: false } })
  // The watch delivers this one after the change.
  const later = await createAuthService()
  await expect.poll(() => namespace.get('Deployment', `${later}-blue`)).toBeDefined()
  answered.resolve()
  proxy.heal()
  await expect.poll(reconciling).toMatch(/^True Progressing/)
})
