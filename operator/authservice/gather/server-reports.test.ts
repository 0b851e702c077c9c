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
async function asked(
  answers: Record<string, string | undefined>,
  { clients, seconds = 3_600 }: { clients?: string; seconds?: number } = {},
): Promise<Record<string, number>> {
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
  if (clients !== undefined) {
    await vi.advanceTimersByTimeAsync(60_000)
    poller.reportsOf('team-a/accounts', pods, clients)
    for (const { name } of pods) times[name] = 0
  }
  await vi.advanceTimersByTimeAsync(seconds * 1_000)
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

test('pods that have other OpenID clients than the Secret are polled every second, until they have these', async () => {
  const [earlier, wanted] = ['a'.repeat(64), 'b'.repeat(64)]
  const reportOf = (oidcClients: string | null) => JSON.stringify({ ...JSON.parse(good), oidcClients })
  const asksOf = async (oidcClients: string | null, seconds: number) =>
    (await asked({ old: good, new: reportOf(oidcClients) }, { clients: wanted, seconds })).new ?? 0
  expect(await asksOf(earlier, 10)).toBeGreaterThan(8)
  expect(await asksOf(earlier, 3_600), 'a server that cannot load them is left alone after two minutes').toBeLessThan(
    400,
  )
  for (const loaded of [wanted, null]) expect(await asksOf(loaded, 60)).toBeLessThan(4)
})

test('clients that change again and again do not postpone the requests', async () => {
  let requests = 0
  const read = async () => {
    requests++
    return good
  }
  const poller = createServerPoller({ read, onNews: () => {}, random: () => 1 })
  for (let second = 0; second < 60; second++) {
    poller.reportsOf('team-a/accounts', pods.slice(0, 1), second.toString(16).padStart(64, '0'))
    await vi.advanceTimersByTimeAsync(1_000)
  }
  poller.stop()
  expect(requests).toBeGreaterThan(1)
})

test('when the clients change, reports about databases stay known, and the server says again which clients it has', async () => {
  const [one, other] = ['a'.repeat(64), 'b'.repeat(64)]
  const read = async () => JSON.stringify({ ...JSON.parse(good), oidcClients: one })
  const poller = createServerPoller({ read, onNews: () => {}, random: () => 1 })
  const report = (wanted: string) => poller.reportsOf('team-a/accounts', pods, wanted).get('old')
  report(one)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(report(one)).toMatchObject({ mongodb: { up: true }, oidcClients: one })
  expect(report(other)).toEqual(JSON.parse(good))
  // A file that returns is not known to be loaded again.
  expect(report(one)).toEqual(JSON.parse(good))
  await vi.advanceTimersByTimeAsync(2_000)
  expect(report(one)).toMatchObject({ oidcClients: one })
  poller.stop()
})
