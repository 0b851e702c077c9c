import { expect, test } from 'vitest'
import { differenceFrom, freeBytes, packagesToInstall } from './plan.ts'

const state = { mode: 'source', nodes: 1, edgePort: 8443, kind: '/bin/kind', kubectl: '/bin/kubectl' } as const

test('a running cluster is kept unless the request differs', () => {
  expect(differenceFrom(state, {})).toBeUndefined()
  expect(differenceFrom(state, { nodes: 1, edgePort: 8443 })).toBeUndefined()
})

test('the message names the requested and the existing settings', () => {
  expect(differenceFrom(state, { nodes: 3 })).toContain('1 nodes instead of 3')
  expect(differenceFrom(state, { edgePort: 9443 })).toContain('8443 instead of 9443')
})

test('Debian packages are named before they are installed', () => {
  expect(packagesToInstall('source', ['docker.io', 'mmdebstrap'])).toBe(
    'the next step installs Debian packages with apt-get: docker.io, mmdebstrap',
  )
  expect(packagesToInstall('source', [])).toBeUndefined()
  expect(packagesToInstall('published', ['docker.io'])).toBeUndefined()
})

test("the free space of a missing cache folder is that of its parent's disk", async () => {
  expect(await freeBytes(`${import.meta.dirname}/not/there/yet`)).toBeGreaterThan(0)
})
