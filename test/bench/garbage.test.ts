import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { collectGarbage } from './garbage.ts'

test('what nobody holds any more is gone at once', async () => {
  const reference = new WeakRef({ some: 'object' })
  // Whoever makes a reference holds its object until the end of the turn.
  await setImmediate()
  collectGarbage()

  expect(reference.deref()).toBeUndefined()
})
