import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest'
import type { Operator } from '../../../operator/operator.ts'
import { freePort } from '../../../tools/local-servers/server-process.ts'
import { authServiceManifest, Namespace } from '../support/namespace.ts'
import { startOperator } from '../support/operator-under-test.ts'

const { kubeconfigPath } = inject('apiServer')
let namespace: Namespace
let operator: Operator
let port: number

beforeAll(async () => {
  namespace = await Namespace.create(kubeconfigPath, `observability-${Date.now()}`)
  port = await freePort()
  operator = startOperator(kubeconfigPath, namespace, {
    metricsPort: port,
    leaderElection: { namespace: namespace.name },
  })
  await namespace.apply(authServiceManifest('accounts'))
  await vi.waitFor(async () => expect((await namespace.authService('accounts')).status?.phase).toBeDefined(), 40_000)
})
afterAll(() => operator.stop())

const get = async (path: string) => {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`)
  return `${answer.status} ${await answer.text()}`
}

/** Name and label names of each series, as in the query of a dashboard. */
async function seriesOf(): Promise<Map<string, Set<string>>> {
  const series = new Map<string, Set<string>>()
  for (const line of (await get('/metrics')).split('\n')) {
    const [, name, labels = ''] = /^([a-z_]+)(?:\{(.*)\})? /.exec(line) ?? []
    if (name === undefined) continue
    const known = series.get(name) ?? new Set()
    for (const [, label] of labels.matchAll(/([a-z_]+)="/g)) if (label !== undefined) known.add(label)
    series.set(name, known)
  }
  return series
}

test.each([
  ['controller_runtime_reconcile_total', ['controller', 'result']],
  ['controller_runtime_reconcile_errors_total', ['controller']],
  ['controller_runtime_reconcile_time_seconds_bucket', ['controller', 'le']],
  ['controller_runtime_active_workers', ['controller']],
  ['controller_runtime_max_concurrent_reconciles', ['controller']],
  ['workqueue_depth', ['name']],
  ['workqueue_adds_total', ['name']],
  ['workqueue_queue_duration_seconds_bucket', ['name', 'le']],
  ['workqueue_work_duration_seconds_bucket', ['name', 'le']],
  ['workqueue_longest_running_processor_seconds', ['name']],
  ['workqueue_retries_total', ['name']],
  ['rest_client_requests_total', ['code', 'method']],
  ['rest_client_request_duration_seconds_bucket', ['method', 'le']],
  ['leader_election_master_status', ['name']],
  ['authservice_info', ['namespace', 'name', 'environment', 'version', 'strategy']],
  ['authservice_ready', ['namespace', 'name']],
  ['authservice_checklist_open_items', ['namespace', 'name']],
  ['authservice_secret_rotation_timestamp_seconds', ['namespace', 'name', 'state']],
])('/metrics shows %s by %j', async (name, labels) => {
  // A histogram has no series before the first reconcile is complete.
  const found = async () => [...((await seriesOf()).get(name) ?? [])].sort()
  await expect.poll(found).toEqual([...labels].sort())
})

test('the metrics match the state', async () => {
  const about = `namespace="${namespace.name}",name="accounts"`
  /** The lines that the status implies and `/metrics` lacks. */
  const missing = async () => {
    const { status } = await namespace.authService('accounts')
    const next = status?.secrets?.find(({ nextRotationAt }) => nextRotationAt !== undefined)?.nextRotationAt
    const lines = (await get('/metrics')).split('\n')
    return [
      `authservice_checklist_open_items{${about}} ${status?.checklist?.filter(({ ok }) => !ok).length}`,
      `authservice_ready{${about}} 0`,
      `authservice_info{${about},environment="development",version="0.1.0",strategy="RollingUpdate"} 1`,
      'leader_election_master_status{name="authservice-operator"} 1',
      `authservice_secret_rotation_timestamp_seconds{${about},state="next"} ${Date.parse(next ?? '') / 1000}`,
    ].filter((line) => !lines.includes(line))
  }
  await expect.poll(missing).toEqual([])
})

test('both probes succeed while watches and workers run', async () => {
  expect(await get('/healthz')).toBe('200 ok\n')
  expect(await get('/readyz')).toBe('200 ok\n')
})

test('/healthz fails if no watch has received anything for longer than a watch lasts', async () => {
  const silentFor = 13 * 60_000
  const real = performance.now()
  vi.spyOn(performance, 'now').mockImplementation(() => real + silentFor)
  try {
    expect(await get('/healthz')).toMatch(/^503 a watch has received nothing for (7[89]|8\d)\d s/)
  } finally {
    vi.restoreAllMocks()
  }
  expect(await get('/healthz')).toBe('200 ok\n')
})
