import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, expect, test, vi } from 'vitest'
import { DependencyUnavailableError, DependencyWatch } from './dependency-watch.ts'

let watch: DependencyWatch | undefined

afterEach(() => watch?.stop())

/** A server whose behaviour a test sets. */
function watched(behaviour: { now: 'answers' | 'hangs' | 'refuses' }) {
  const reported: string[] = []
  const ping = async () => {
    if (behaviour.now === 'refuses') throw new Error('ECONNREFUSED')
    if (behaviour.now === 'hangs') await new Promise(() => {})
  }
  watch = new DependencyWatch({
    ping,
    onDown: () => reported.push('down'),
    onUp: () => reported.push('up'),
    checkMilliseconds: 5,
    idlePingMilliseconds: 5,
    timeoutMilliseconds: 100,
  })
  watch.start()
  return { watch, reported }
}

test('a server that never answers is unavailable from the start, and startup continues without it', async () => {
  const { watch, reported } = watched({ now: 'hangs' })
  await watch.firstAnswer(50)
  expect({ isUp: watch.isUp, silent: watch.silentMilliseconds, reported }).toEqual({
    isUp: false,
    silent: Infinity,
    reported: [],
  })
  await expect(watch.whileUp(async () => 'work')).rejects.toBeInstanceOf(DependencyUnavailableError)
})

test.each(['hangs', 'refuses'] as const)(
  'a request that waits for a server that %s fails, and succeeds after recovery',
  async (way) => {
    const behaviour: Parameters<typeof watched>[0] = { now: 'answers' }
    const { watch, reported } = watched(behaviour)
    await watch.firstAnswer(5_000)
    expect(await watch.whileUp(async () => 'work')).toBe('work')

    const waiting = watch.whileUp(() => new Promise(() => {}))
    behaviour.now = way
    await expect(waiting).rejects.toBeInstanceOf(DependencyUnavailableError)
    expect(watch.isUp).toBe(false)
    behaviour.now = 'answers'
    await vi.waitFor(() => expect(reported).toEqual(['up', 'down', 'up']), { timeout: 5_000 })
    expect(await watch.whileUp(async () => 'again')).toBe('again')
  },
)

test('a server that answers other requests is available, even if it does not answer the ping', async () => {
  const behaviour: Parameters<typeof watched>[0] = { now: 'answers' }
  const { watch, reported } = watched(behaviour)
  await watch.firstAnswer(5_000)
  const others = setInterval(() => watch.noteAnswer(), 2)
  try {
    behaviour.now = 'hangs'
    let isDone = false
    setTimeout(() => {
      isDone = true
    }, 400)
    await vi.waitFor(() => expect(isDone).toBe(true), { timeout: 5_000 })
    expect({ isUp: watch.isUp, reported }).toEqual({ isUp: true, reported: ['up'] })
  } finally {
    clearInterval(others)
  }
})

test('a server stays available when this process was delayed', async () => {
  let isBlocked = false
  const reported: string[] = []
  watch = new DependencyWatch({
    // An answer that takes several turns of the event loop, as one over TLS does.
    ping: async () => {
      for (let count = 0; count < 4; count++) await wait(5)
      if (!isBlocked) return
      isBlocked = false
      const until = performance.now() + 300
      while (performance.now() < until);
      for (let count = 0; count < 4; count++) await wait(5)
    },
    onDown: (error) => reported.push(`down: ${error}`),
    onUp: () => reported.push('up'),
    checkMilliseconds: 5,
    idlePingMilliseconds: 5,
    timeoutMilliseconds: 100,
  })
  watch.start()
  await watch.firstAnswer(5_000)
  isBlocked = true
  await vi.waitFor(() => expect(isBlocked).toBe(false), { timeout: 5_000 })
  await vi.waitFor(() => expect(watch?.silentMilliseconds).toBeLessThan(50), { timeout: 5_000 })
  expect({ isUp: watch.isUp, reported }).toEqual({ isUp: true, reported: ['up'] })
})

test('a ping of the watch detects a server that answers reads and refuses writes', async () => {
  const behaviour: Parameters<typeof watched>[0] = { now: 'answers' }
  const { watch, reported } = watched(behaviour)
  await watch.firstAnswer(5_000)
  const others = setInterval(() => watch.noteAnswer(), 2)
  try {
    behaviour.now = 'refuses'
    watch.noteRefusal()
    await vi.waitFor(() => expect(reported).toEqual(['up', 'down']), { timeout: 5_000 })
    expect(watch.failure).toEqual(new Error('ECONNREFUSED'))
  } finally {
    clearInterval(others)
  }
})

/** Runs with a simulated clock. @returns the number of pings in each interval */
async function pingsIn(times: ((watch: DependencyWatch) => void)[], milliseconds: number): Promise<number[]> {
  vi.useFakeTimers()
  try {
    const ping = vi.fn(async () => 'pong')
    watch = new DependencyWatch({ ping, onDown: () => {}, onUp: () => {} })
    watch.start()
    await vi.advanceTimersByTimeAsync(0)
    const counts: number[] = []
    for (const begin of times) {
      ping.mockClear()
      begin(watch)
      await vi.advanceTimersByTimeAsync(milliseconds)
      counts.push(ping.mock.calls.length)
    }
    return counts
  } finally {
    watch?.stop()
    vi.useRealTimers()
  }
}

test('a server that answers requests is not pinged, and an idle one is pinged occasionally', async () => {
  let others: NodeJS.Timeout | undefined
  const counts = await pingsIn(
    [
      (watch) => {
        others = setInterval(() => watch.noteAnswer(), 500)
      },
      () => clearInterval(others),
    ],
    10_000,
  )
  expect(counts).toEqual([0, 10])
})

test.each<[who: string, waits: (watch: DependencyWatch) => void]>([
  ['a request', (watch) => void watch.whileUp(() => new Promise(() => {}))],
  ['a command', (watch) => watch.noteRequest()],
])('once %s waits for an answer, a ping is sent within 200 ms', async (_who, waits) => {
  const [pings] = await pingsIn([waits], 200)
  expect(pings).toBeGreaterThanOrEqual(1)
})
