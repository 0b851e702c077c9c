import { expect, test } from 'vitest'
import { differenceFrom, freeBytes } from './plan.ts'

const state = { mode: 'source', nodes: 1, edgePort: 8443, kind: '/bin/kind', kubectl: '/bin/kubectl' } as const

test('a running cluster is kept unless something else is asked for', () => {
  expect(differenceFrom(state, {})).toBeUndefined()
  expect(differenceFrom(state, { nodes: 1, edgePort: 8443 })).toBeUndefined()
})

test('what is asked for and what is there are both said', () => {
  expect(differenceFrom(state, { nodes: 3 })).toContain('1 nodes instead of 3')
  expect(differenceFrom(state, { edgePort: 9443 })).toContain('8443 instead of 9443')
})

test('the free space of a cache that was never made is that of the disk it would be on', async () => {
  expect(await freeBytes(`${import.meta.dirname}/not/there/yet`)).toBeGreaterThan(0)
})
