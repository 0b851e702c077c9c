import { expect, test } from 'vitest'
import { imageOf, slim } from './root-filesystem.ts'

test('another package gives another image name', () => {
  expect(imageOf(slim)).toMatch(/^debian-slim:[0-9a-f]{12}$/)
  expect(imageOf({ ...slim, packages: [...slim.packages, 'curl'] })).not.toBe(imageOf(slim))
})
