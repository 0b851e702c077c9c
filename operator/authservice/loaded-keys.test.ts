import { expect, test } from 'vitest'
import type { LabelledPod } from './cluster.ts'
import { keyIdsIn, loadedKeys, podsWithout } from './loaded-keys.ts'
import { readServerMetrics } from './server-metrics.ts'

const pod = (name: string, status: LabelledPod['status'], deletionTimestamp?: string): LabelledPod => ({
  metadata: { name, ...(deletionTimestamp !== undefined && { deletionTimestamp }) },
  ...(status !== undefined && { status }),
})
const metricsOf = (...kids: string[]) =>
  [
    '# HELP auth_signing_key_active_timestamp_seconds When a loaded key becomes the signer',
    ...kids.map((kid) => `auth_signing_key_active_timestamp_seconds{kid="${kid}"} 1795608000`),
    'http_requests_total{route="/v1/auth/verify"} 7',
  ].join('\n')

test('a key is known everywhere only once every running server says so', async () => {
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

test('a key id with quotes and backslashes is read as it is', () => {
  expect(keyIdsIn(metricsOf('a\\"b\\\\c'))).toEqual(new Set(['a"b\\c']))
})
