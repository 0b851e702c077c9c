import { expect, test } from 'vitest'
import { atMost } from './at-most.ts'

const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length
const anHour = 3_600_000

test('nobody waits for work that hangs', async () => {
  await atMost(10, new Promise(() => {}))
})

test('work that is done is not waited for longer, and leaves no timer behind', async () => {
  const before = timers()
  await atMost(anHour, Promise.resolve())
  expect(timers()).toBe(before)
})

test('an error of the work is told, and leaves no timer behind', async () => {
  const before = timers()
  await expect(atMost(anHour, Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect(timers()).toBe(before)
})
