import { afterEach, expect, test } from 'vitest'
import { DiscoveryUnsupportedError } from './discovery.ts'
import { KubeError } from './errors.ts'
import type { Log } from './log.ts'
import type { Resource } from './objects.ts'
import { type Availability, OptionalKinds } from './optional-kinds.ts'

const routes: Resource = { apiVersion: 'example.com/v1', kind: 'Route', plural: 'routes', namespaced: true }
const ignore = () => {}
const log: Log = { debug: ignore, info: ignore, warn: ignore, error: ignore }
const running: OptionalKinds[] = []
afterEach(() => Promise.all(running.splice(0).map((kinds) => kinds.stop())))

/** A cluster whose responses a test can change. `served` and `list` may be errors, which are thrown. */
function cluster(answers: { served: boolean | Error; list?: Error }, namespaces: string[] = []) {
  const changes: Availability[] = []
  const listed: (string | undefined)[] = []
  let looks = 0
  const kinds = new OptionalKinds({
    discovery: {
      look: async () => {
        looks++
        const { served } = answers
        if (served instanceof Error) throw served
        return { has: () => served }
      },
    },
    client: {
      list: async (_, options) => {
        listed.push(options?.namespace)
        if (answers.list !== undefined) throw answers.list
        return { items: [], metadata: { resourceVersion: '1' } }
      },
    },
    log,
    resources: [routes],
    namespaces,
    intervalMilliseconds: 5,
  })
  kinds.onChange((_, availability) => changes.push(availability))
  running.push(kinds)
  return { kinds, changes, listed, looks: () => looks }
}

test('a kind that appears and disappears is detected, each time once', async () => {
  const answers = { served: false }
  const { kinds, changes, looks } = cluster(answers)
  await kinds.start()
  expect(kinds.availability(routes)).toBe('absent')
  answers.served = true
  await expect.poll(() => kinds.availability(routes)).toBe('available')
  const seen = looks()
  await expect.poll(looks).toBeGreaterThan(seen + 2)
  answers.served = false
  await expect.poll(() => kinds.availability(routes)).toBe('absent')
  expect(changes).toEqual(['available', 'absent'])
})

test('existing kinds stay known while the API server is unavailable', async () => {
  const answers: { served: boolean | Error } = { served: true }
  const { kinds, changes, looks } = cluster(answers)
  await kinds.start()
  answers.served = new Error('connection refused')
  const seen = looks()
  await expect.poll(looks).toBeGreaterThan(seen + 2)
  expect(changes).toEqual(['available'])
})

test('startup waits for an unavailable API server', async () => {
  const answers: { served: boolean | Error } = { served: new KubeError(503, 'ServiceUnavailable', 'starting') }
  const { kinds, looks } = cluster(answers)
  let started = false
  const starting = kinds.start().then(() => {
    started = true
  })
  await expect.poll(looks).toBeGreaterThan(2)
  expect(started).toBe(false)
  answers.served = true
  await starting
  expect(kinds.availability(routes)).toBe('available')
})

test('a kind that the operator may not list is reported as forbidden, and used once it may', async () => {
  const answers: { served: boolean; list?: Error } = { served: true, list: new KubeError(403, 'Forbidden', 'no') }
  const { kinds } = cluster(answers)
  await kinds.start()
  expect(kinds.availability(routes)).toBe('forbidden')
  delete answers.list
  await expect.poll(() => kinds.availability(routes)).toBe('available')
})

test('an API server that is too old for discovery, or forbids it, has none of the kinds', async () => {
  for (const error of [new DiscoveryUnsupportedError('old'), new KubeError(403, 'Forbidden', 'no')]) {
    const { kinds } = cluster({ served: error })
    await kinds.start()
    expect(kinds.availability(routes)).toBe('absent')
  }
})

test('only the watched namespaces are queried', async () => {
  const { kinds, listed } = cluster({ served: true }, ['a', 'b'])
  await kinds.start()
  expect(listed).toEqual(['a', 'b'])
})
