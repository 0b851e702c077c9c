import { expect, test } from 'vitest'
import { missingPackages } from './system-packages.ts'

test('only what is not there is installed', () => {
  expect(missingPackages(() => true)).toEqual([])
  expect(missingPackages((path) => path !== '/usr/bin/mmdebstrap')).toEqual(['mmdebstrap'])
})
