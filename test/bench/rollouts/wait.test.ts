import { expect, test } from 'vitest'
import { waitAtMost } from './wait.ts'

const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length

/** The bench ended three minutes after its result. */
test('an event that comes early leaves no timer that keeps the process', async () => {
  const before = timers()
  await waitAtMost(240_000, Promise.resolve())
  expect(timers()).toBe(before)
})

test('an event that does not come is not waited for any longer', async () => {
  await waitAtMost(5, new Promise(() => {}))
})
