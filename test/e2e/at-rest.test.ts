import { execa } from 'execa'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { operatorNamespace } from '../../tools/cluster-client/install-operator.ts'
import { kubectl } from './cluster-under-test.ts'
import { openOperatorMetrics, type Sample } from './metrics-of-operator.ts'

const megabyte = 1024 ** 2
const { namespace, name } = inject('quickstart')
let operator: Awaited<ReturnType<typeof openOperatorMetrics>>

beforeAll(async () => {
  await kubectl().run(
    ['wait', '--for=condition=Ready', `authservice/${name}`, '--namespace', namespace, '--timeout=60s'],
    { timeoutSeconds: 70 },
  )
  operator = await openOperatorMetrics()
})

afterAll(() => operator.close())

test('for a minute without changes the operator writes nothing but its lease', async () => {
  await untilNoReconcileFor(10)
  const before = writes(await operator.scrape())
  const leaseWrites = await countLeaseWrites(60)
  const after = writes(await operator.scrape())

  // The count covers a little less time than the scrapes, so one more renewal may fall into each gap.
  expect(after - before).toBeLessThanOrEqual(leaseWrites + 2)
  expect(leaseWrites, 'renewals of the lease, one every 2 s').toBeGreaterThan(20)
}, 180_000)

test('the operator uses less than 120 MB', async () => {
  const samples = await operator.scrape()
  const resident = samples.find((sample) => sample.name === 'process_resident_memory_bytes')?.value
  expect(resident).toBeLessThan(120 * megabyte)
  expect(resident).toBeGreaterThan(20 * megabyte)
})

/** Requests that are not reads, whatever their result. */
function writes(samples: readonly Sample[]): number {
  const methods = new Set(['POST', 'PUT', 'PATCH', 'DELETE'])
  return samples
    .filter(({ name, labels }) => name === 'rest_client_requests_total' && methods.has(labels['method'] ?? ''))
    .reduce((total, { value }) => total + value, 0)
}

async function untilNoReconcileFor(seconds: number): Promise<void> {
  let last = -1
  let since = performance.now()
  await expect
    .poll(
      async () => {
        const total = (await operator.scrape())
          .filter((sample) => sample.name === 'controller_runtime_reconcile_total')
          .reduce((sum, { value }) => sum + value, 0)
        if (total !== last) since = performance.now()
        last = total
        return (performance.now() - since) / 1000
      },
      { timeout: 90_000, interval: 500, message: 'seconds since the last reconcile' },
    )
    .toBeGreaterThan(seconds)
}

/** Watches the operator's lease and counts its changes. */
async function countLeaseWrites(seconds: number): Promise<number> {
  const { binary, cluster } = kubectl()
  const watch = await execa(
    binary,
    [...cluster, 'get', 'leases', '--namespace', operatorNamespace, '--watch-only', '--output=name'],
    { timeout: seconds * 1000, reject: false },
  )
  expect(watch.timedOut, `the watch ended early: ${watch.stderr}`).toBe(true)
  return watch.stdout.split('\n').filter((line) => line !== '').length
}
