import { expect, test } from 'vitest'
import { readServerMetrics } from '../gather/server-metrics.ts'
import { sumTraffic } from '../rollout/analysis/pod-metrics.ts'
import { keyIdsIn, loadedKeys, podsWithout } from './loaded-keys.ts'
import type { LabelledPod } from './observed-objects.ts'

const pod = (name: string, status: LabelledPod['status'], deletionTimestamp?: string): LabelledPod => ({
  metadata: { name, ...(deletionTimestamp !== undefined && { deletionTimestamp }) },
  ...(status !== undefined && { status }),
})
const metricsOf = (...kids: string[]) =>
  [
    '# HELP auth_signing_key_active_timestamp_seconds Time at which a loaded key starts to sign',
    ...kids.map((kid) => `auth_signing_key_active_timestamp_seconds{kid="${kid}"} 1795608000`),
    'http_requests_total{route="/v1/auth/verify"} 7',
  ].join('\n')

test('a key counts as loaded everywhere only once every running server reports it', async () => {
  const pods = [
    pod('a', { phase: 'Running', podIP: '10.0.0.1' }),
    pod('b', { phase: 'Running', podIP: 'fd00::2' }),
    pod('silent', { phase: 'Running', podIP: '10.0.0.3' }),
    pod('starting', { phase: 'Pending' }),
    pod('leaving', { phase: 'Running', podIP: '10.0.0.4' }, '2026-11-24T12:00:00Z'),
    pod('over', { phase: 'Succeeded', podIP: '10.0.0.5' }),
  ]
  const answers = new Map([
    ['http://10.0.0.1:9090/metrics', metricsOf('old', 'new')],
    ['http://[fd00::2]:9090/metrics', metricsOf('old')],
  ])
  const loaded = loadedKeys(await readServerMetrics(pods, async (url) => answers.get(url)))
  expect([...loaded.keys()]).toEqual(['a', 'b', 'silent'])
  expect(podsWithout('new', loaded)).toEqual(['b', 'silent'])
  expect(podsWithout('old', loaded)).toEqual(['silent'])
})

test('a key id with quotes and backslashes is parsed correctly', () => {
  expect(keyIdsIn(metricsOf('a\\"b\\\\c'))).toEqual(new Set(['a"b\\c']))
})

test('of many pods with very long metrics, only a few are queried at a time, and the result for the others is unknown', async () => {
  const pods = Array.from({ length: 300 }, (_, index) =>
    pod(`p${index}`, { phase: 'Running', podIP: `10.0.1.${index}` }),
  )
  let [atOnce, mostAtOnce, asked] = [0, 0, 0]
  const filler = 'x'.repeat(256 * 1024 - 1_000)
  const loaded = loadedKeys(
    await readServerMetrics(pods, async (_, mostBytes) => {
      expect(mostBytes).toBeLessThanOrEqual(300 * 1024)
      mostAtOnce = Math.max(mostAtOnce, ++atOnce)
      asked++
      await new Promise((resolve) => setImmediate(resolve))
      atOnce--
      return `${metricsOf('old', 'new')}\n${filler}`
    }),
  )
  expect(mostAtOnce).toBeLessThanOrEqual(8)
  expect(asked * filler.length).toBeLessThan(40 * 1024 * 1024)
  expect(podsWithout('new', loaded)).toHaveLength(300 - asked)
})

test('in an AuthService with many pods, each is queried before a key counts as loaded everywhere', async () => {
  const pods = Array.from({ length: 600 }, (_, index) =>
    pod(`p${index}`, { phase: 'Running', podIP: `10.0.1.${index}` }),
  )
  const read = async (url: string) => metricsOf(url.includes('//10.0.1.599:') ? 'old' : 'new')
  expect(podsWithout('new', loadedKeys(await readServerMetrics(pods, read)))).toEqual(['p599'])
})

test('only the metrics that the analysis needs are kept of a pod', async () => {
  const bucket = (route: string, le: string, count: number) =>
    `http_request_duration_seconds_bucket{method="GET",route="${route}",le="${le}"} ${count}`
  const said = [
    bucket('/a', '0.1', 3),
    bucket('/b', '0.1', 4),
    bucket('/a', '+Inf', 5),
    bucket('/b', '+Inf', 6),
    'http_requests_total{route="/a",status="500"} 2',
    'nodejs_heap_size_total_bytes 1',
  ]
  const metrics = await readServerMetrics([pod('a', { phase: 'Running', podIP: '10.0.0.1' })], async () =>
    said.join('\n'),
  )
  const kept = metrics.get('a') ?? ''
  expect(kept).not.toContain('nodejs')
  expect(sumTraffic([kept])).toEqual(sumTraffic([said.join('\n')]))
})
