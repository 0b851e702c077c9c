import { expect, test } from 'vitest'
import { cacheDirectoryFor, checkoutAt } from './checkout.ts'

test('two checkouts have clusters with different names, and the name of one never changes', () => {
  expect(checkoutAt('/src/one').clusterName).toBe(checkoutAt('/src/one').clusterName)
  expect(checkoutAt('/src/one').clusterName).not.toBe(checkoutAt('/src/two').clusterName)
  expect(checkoutAt('/src/one').clusterName).toMatch(/^authservice-[0-9a-f]{8}$/)
})

test('the cache follows XDG_CACHE_HOME if that is an absolute path', () => {
  expect(cacheDirectoryFor({ XDG_CACHE_HOME: '/var/cache/me' }, '/home/me')).toBe('/var/cache/me/authservice-operator')
  expect(cacheDirectoryFor({ XDG_CACHE_HOME: 'relative' }, '/home/me')).toBe('/home/me/.cache/authservice-operator')
  expect(cacheDirectoryFor({}, '/home/me')).toBe('/home/me/.cache/authservice-operator')
})
