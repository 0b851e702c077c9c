import { expect, test } from 'vitest'
import { isLater } from './objects.ts'

const at = (resourceVersion: string | undefined) => ({
  metadata: { name: 'a', ...(resourceVersion !== undefined && { resourceVersion }) },
})

test.each([
  ['10', '9', true],
  ['9', '10', false],
  ['10', '10', false],
  // One more than a double can represent.
  ['9007199254740993', '9007199254740992', true],
  ['b', 'a', false],
  ['1', undefined, false],
  [undefined, '1', false],
])('an object at version %s is later than one at %s: %s', (one, other, expected) => {
  expect(isLater(at(one), at(other))).toBe(expected)
})
