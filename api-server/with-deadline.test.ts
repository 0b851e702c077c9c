import { expect, test } from 'vitest'
import { withDeadline } from './with-deadline.ts'

const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length
const anHour = 3_600_000

test('a caller does not wait for work that hangs', async () => {
  await withDeadline(10, new Promise(() => {}))
})

test('work that is done is not waited for longer, and leaves no timer behind', async () => {
  const before = timers()
  await withDeadline(anHour, Promise.resolve())
  expect(timers()).toBe(before)
})

test('an error of the work is passed on, and no timer remains', async () => {
  const before = timers()
  await expect(withDeadline(anHour, Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect(timers()).toBe(before)
})
