import { expect, test } from 'vitest'
import { resolveSpec } from '../api/defaults.ts'
import { renderMongoDb } from './databases/mongodb.ts'
import { renderRedis } from './databases/redis.ts'
import type { RenderInput } from './render-input.ts'

const metadata = { name: 'accounts', namespace: 'team-a' }
// Nothing else of the input is read.
const input = {
  owner: { ...metadata, uid: 'uid' },
  resolved: resolveSpec({ metadata, spec: { environment: 'staging', mongodb: {}, redis: {}, ingress: { host: 'a' } } }),
  images: { redis: 'redis', mongodb: 'mongodb', setup: 'setup' },
  secrets: [],
} as unknown as RenderInput

interface Probe {
  exec?: object
  periodSeconds: number
}
interface Container {
  name: string
  startupProbe?: Probe
  readinessProbe?: Probe
  livenessProbe?: Probe
}

/** At 78 probes a minute, runc alone, which starts them, took 6 % of both processors of a machine. */
test('probes start at most three processes a minute in the container of a database, once it has started', () => {
  const children: unknown[] = [...renderRedis(input), ...renderMongoDb(input)]
  const containers = children.flatMap(
    (child) =>
      (child as { spec: { template?: { spec: { containers: Container[] } } } }).spec.template?.spec.containers ?? [],
  )
  expect(containers.map(({ name }) => name)).toEqual(['redis', 'mongodb', 'setup'])
  const perMinute = containers
    .flatMap(({ readinessProbe, livenessProbe }) => [readinessProbe, livenessProbe])
    .flatMap((probe) => (probe?.exec === undefined ? [] : [60 / probe.periodSeconds]))
    .reduce((sum, count) => sum + count, 0)
  expect(perMinute).toBeLessThanOrEqual(3)
  expect(containers.filter(({ startupProbe }) => startupProbe !== undefined)).toHaveLength(3)
})
