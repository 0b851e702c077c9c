import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import type { Operator } from '../../../operator/operator.ts'
import { ApiProxy, isWrite, type SeenRequest } from '../support/api-proxy.ts'
import { authServiceManifest, Namespace } from '../support/namespace.ts'
import { createOperator } from '../support/operator-under-test.ts'

const { kubeconfigPath, port } = inject('apiServer')
/** The timing of client-go, two and a half times as fast: a busy machine must be able to renew a lease. */
const leaseTiming = { leaseSeconds: 6, renewDeadlineSeconds: 4, retrySeconds: 0.8 }
let namespace: Namespace
const running: { operator: Operator; proxy: ApiProxy }[] = []

beforeAll(async () => {
  namespace = await Namespace.create(kubeconfigPath, `two-${Date.now()}`)
})
afterAll(async () => {
  for (const { operator, proxy } of running) {
    proxy.fault = () => ({ kind: 'cut' })
    await operator.stop().catch(() => {}) // another operator has the lease of the disconnected one
    await proxy.close()
  }
})

const isLease = ({ path }: SeenRequest) => path.includes('/leases')
const isEvent = ({ path }: SeenRequest) => path.includes('/events')

async function start() {
  const proxy = await ApiProxy.inFrontOf(port)
  const changes = { leaderElection: { namespace: namespace.name } }
  const operator = createOperator(proxy.configFrom(kubeconfigPath), namespace, changes, { leaseTiming })
  running.push({ operator, proxy })
  const ended = operator.run().catch((error: Error) => error.message) // one that never led is stopped while it waits
  return {
    ended,
    proxy,
    writesOfChildren: () =>
      proxy.requests.filter((one) => isWrite(one) && one.isPassedOn && !isLease(one) && !isEvent(one)),
  }
}

test('two operators, one of which cannot renew its lease, never write at the same time', async () => {
  const first = await start()
  await namespace.apply(authServiceManifest('shared'))
  await expect.poll(() => namespace.get('Deployment', 'shared-blue'), { timeout: 30_000 }).toBeDefined()
  const second = await start()

  // The first one reaches everything except its lease, and there is always an edit to revert.
  const ended = first.ended.then(() => {
    first.proxy.fault = () => ({ kind: 'cut' }) // the process has ended
    first.proxy.cut()
  })
  const editing = setInterval(() => {
    namespace
      .patch('Service', 'shared', { spec: { selector: { 'auth-operator.dev/color': 'nobody' } } })
      .catch(() => {}) // the test may have ended
  }, 50)
  try {
    await expect.poll(() => first.writesOfChildren().length).toBeGreaterThan(20)
    expect(second.writesOfChildren()).toEqual([])
    const writesBefore = first.writesOfChildren().length
    first.proxy.fault = (request) => (isLease(request) ? { kind: 'hang' } : undefined)
    await ended
    await expect.poll(() => second.writesOfChildren().length, { timeout: 60_000 }).toBeGreaterThan(5)
    expect(first.writesOfChildren().length).toBeGreaterThan(writesBefore)
  } finally {
    clearInterval(editing)
  }
  const lastOfFirst = Math.max(...first.writesOfChildren().map(({ at }) => at))
  const firstOfSecond = Math.min(...second.writesOfChildren().map(({ at }) => at))
  expect(
    firstOfSecond - lastOfFirst,
    'milliseconds between the last write of one and the first of the other',
  ).toBeGreaterThan(0)
})
