import { describe, expect, test } from 'vitest'
import { presetOf } from '../../api/presets.ts'
import { environments } from '../../api/spec.ts'
import { nodeOptions, threadPoolSize } from './node-limits.ts'

describe('the heap', () => {
  test.each([
    ['224Mi', 80],
    ['256Mi', 112],
    ['320Mi', 176],
    ['1Gi', 880],
    ['128Mi', 48],
    ['500M', 332],
  ])('of a container of %s is limited to %i MiB', (memory, megabytes) => {
    expect(nodeOptions({ requests: {}, limits: { memory } })).toEqual([`--max-old-space-size=${megabytes}`])
  })

  test('of a container without a limit is sized by Node', () => {
    expect(nodeOptions({ requests: { memory: '1Gi' }, limits: {} })).toEqual([])
  })

  test.each(environments)('has room in %s', (environment) => {
    const [option] = nodeOptions(presetOf(environment).resources)
    expect(Number(option?.split('=')[1])).toBeGreaterThanOrEqual(80)
  })
})

test.each([
  [{ cpu: '250m' }, {}, 4],
  [{}, {}, 4],
  [{ cpu: '250m' }, { cpu: '8' }, 9],
  [{ cpu: '6' }, {}, 7],
  [{}, { cpu: '3500m' }, 5],
  [{}, { cpu: '200' }, 64],
])('requests %j and limits %j make a pool of %#', (requests, limits, threads) => {
  expect(threadPoolSize({ requests, limits })).toBe(threads)
})
