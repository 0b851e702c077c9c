import { setTimeout as turn } from 'node:timers/promises'
import { afterEach, expect, test, vi } from 'vitest'
import { DependencyAwayError, DependencyWatch } from './dependency-watch.ts'

let watch: DependencyWatch | undefined

afterEach(() => watch?.stop())

/** A server that does what it is told. */
function watched(behaviour: { now: 'answers' | 'hangs' | 'refuses' }) {
  const told: string[] = []
  const ping = async () => {
    if (behaviour.now === 'refuses') throw new Error('ECONNREFUSED')
    if (behaviour.now === 'hangs') await new Promise(() => {})
  }
  watch = new DependencyWatch({
    ping,
    onAway: () => told.push('away'),
    onBack: () => told.push('back'),
    turnMilliseconds: 5,
    restMilliseconds: 5,
    timeoutMilliseconds: 100,
  })
  watch.start()
  return { watch, told }
}

test('a server that never answers is away from the beginning, and the start goes on without it', async () => {
  const { watch, told } = watched({ now: 'hangs' })
  await watch.firstAnswer(50)
  expect({ isUp: watch.isUp, silent: watch.silentMilliseconds, told }).toEqual({
    isUp: false,
    silent: Infinity,
    told: [],
  })
  await expect(watch.whileUp(async () => 'work')).rejects.toBeInstanceOf(DependencyAwayError)
})

test.each(['hangs', 'refuses'] as const)(
  'whoever waits for a server that %s is told, and again when it is back',
  async (way) => {
    const behaviour: Parameters<typeof watched>[0] = { now: 'answers' }
    const { watch, told } = watched(behaviour)
    await watch.firstAnswer(5_000)
    expect(await watch.whileUp(async () => 'work')).toBe('work')

    const waiting = watch.whileUp(() => new Promise(() => {}))
    behaviour.now = way
    await expect(waiting).rejects.toBeInstanceOf(DependencyAwayError)
    expect(watch.isUp).toBe(false)
    behaviour.now = 'answers'
    await vi.waitFor(() => expect(told).toEqual(['back', 'away', 'back']), { timeout: 5_000 })
    expect(await watch.whileUp(async () => 'again')).toBe('again')
  },
)

test('a server that answers others is not away, however long the question takes', async () => {
  const behaviour: Parameters<typeof watched>[0] = { now: 'answers' }
  const { watch, told } = watched(behaviour)
  await watch.firstAnswer(5_000)
  const others = setInterval(() => watch.noteAnswer(), 2)
  try {
    behaviour.now = 'hangs'
    let isDone = false
    setTimeout(() => {
      isDone = true
    }, 400)
    await vi.waitFor(() => expect(isDone).toBe(true), { timeout: 5_000 })
    expect({ isUp: watch.isUp, told }).toEqual({ isUp: true, told: ['back'] })
  } finally {
    clearInterval(others)
  }
})

test('a server is not away because this process had no turn for a while', async () => {
  let isBlocked = false
  const told: string[] = []
  watch = new DependencyWatch({
    // An answer that takes several turns, as one over TLS does.
    ping: async () => {
      for (let count = 0; count < 4; count++) await turn(5)
      if (!isBlocked) return
      isBlocked = false
      const until = performance.now() + 300
      while (performance.now() < until);
      for (let count = 0; count < 4; count++) await turn(5)
    },
    onAway: (error) => told.push(`away: ${error}`),
    onBack: () => told.push('back'),
    turnMilliseconds: 5,
    restMilliseconds: 5,
    timeoutMilliseconds: 100,
  })
  watch.start()
  await watch.firstAnswer(5_000)
  isBlocked = true
  await vi.waitFor(() => expect(isBlocked).toBe(false), { timeout: 5_000 })
  await vi.waitFor(() => expect(watch?.silentMilliseconds).toBeLessThan(50), { timeout: 5_000 })
  expect({ isUp: watch.isUp, told }).toEqual({ isUp: true, told: ['back'] })
})

/** Runs with a clock that moves when it is told to. @returns how often the server was asked in each of the times */
async function questionsIn(times: ((watch: DependencyWatch) => void)[], milliseconds: number): Promise<number[]> {
  vi.useFakeTimers()
  try {
    const ping = vi.fn(async () => 'pong')
    watch = new DependencyWatch({ ping, onAway: () => {}, onBack: () => {} })
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

test('a server that answers others is not asked, and one that nobody asks now and then', async () => {
  let others: NodeJS.Timeout | undefined
  const counts = await questionsIn(
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
  ['a command', (watch) => watch.noteQuestion()],
])('once %s waits for an answer, the server is asked within a fifth of a second', async (_who, waits) => {
  const [questions] = await questionsIn([waits], 200)
  expect(questions).toBeGreaterThanOrEqual(1)
})
