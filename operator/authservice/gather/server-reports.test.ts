import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createServerPoller } from './server-reports.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const good = JSON.stringify({ problems: [], mongodb: { up: true }, redis: { up: true } })
const bad = JSON.stringify({ problems: [], mongodb: { up: false }, redis: { up: true } })
const pods = [
  { name: 'old', address: '10.0.0.1' },
  { name: 'new', address: '10.0.0.2' },
]

/** Number of requests to each pod in an hour. */
async function asked(answers: Record<string, string | undefined>): Promise<Record<string, number>> {
  const times: Record<string, number> = { old: 0, new: 0 }
  const poller = createServerPoller({
    read: async (url) => {
      const pod = pods.find(({ address }) => url.includes(address))?.name ?? ''
      times[pod] = (times[pod] ?? 0) + 1
      return answers[pod]
    },
    onNews: () => {},
    random: () => 1,
  })
  poller.reportsOf('team-a/accounts', pods)
  await vi.advanceTimersByTimeAsync(3_600_000)
  poller.stop()
  return times
}

test('a pod that never answers is polled less and less often, and the others as usual', async () => {
  const { old = 0, new: other = 0 } = await asked({ new: good })
  expect(old).toBeGreaterThan(12)
  expect(old, '12 in the first minute, then down to every five').toBeLessThan(35)
  expect(other).toBeGreaterThan(110)
})

test('a pod that reports a problem is polled every five seconds while the problem lasts', async () => {
  expect((await asked({ old: good, new: bad })).new).toBeGreaterThan(700)
})
