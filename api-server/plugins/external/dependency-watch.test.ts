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
    intervalMilliseconds: 5,
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
    intervalMilliseconds: 5,
    timeoutMilliseconds: 100,
  })
  watch.start()
  await watch.firstAnswer(5_000)
  isBlocked = true
  await vi.waitFor(() => expect(isBlocked).toBe(false), { timeout: 5_000 })
  await vi.waitFor(() => expect(watch?.silentMilliseconds).toBeLessThan(50), { timeout: 5_000 })
  expect({ isUp: watch.isUp, told }).toEqual({ isUp: true, told: ['back'] })
})
