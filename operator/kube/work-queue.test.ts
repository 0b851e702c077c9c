import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Clock, WorkQueue } from './work-queue.ts'

/** A clock that moves only when the test moves it. */
class ManualClock implements Clock {
  #now = 0
  readonly #timers: { at: number; run: () => void; cancelled: boolean }[] = []

  now(): number {
    return this.#now
  }

  after(milliseconds: number, run: () => void): () => void {
    const timer = { at: this.#now + milliseconds, run, cancelled: false }
    this.#timers.push(timer)
    return () => {
      timer.cancelled = true
    }
  }

  advance(milliseconds: number): void {
    const end = this.#now + milliseconds
    for (;;) {
      const due = this.#timers.filter(({ at, cancelled }) => !cancelled && at <= end).sort((a, b) => a.at - b.at)[0]
      if (due === undefined) break
      due.cancelled = true
      this.#now = due.at
      due.run()
    }
    this.#now = end
  }
}

function queueAt(random = () => 0): { queue: WorkQueue; clock: ManualClock } {
  const clock = new ManualClock()
  return { clock, queue: new WorkQueue({ clock, random, backoff: { baseMilliseconds: 10, mostMilliseconds: 1_000 } }) }
}

/** The next key that is available without waiting. */
async function takeNow(queue: WorkQueue): Promise<string | undefined> {
  return queue.depth === 0 ? undefined : queue.take()
}

test('keys are returned in the order in which they were added, each once', async () => {
  const { queue } = queueAt()
  for (const key of ['a', 'b', 'a', 'c', 'b']) queue.add(key)
  expect([await takeNow(queue), await takeNow(queue), await takeNow(queue), await takeNow(queue)]).toEqual([
    'a',
    'b',
    'c',
    undefined,
  ])
})

test('a key that is added while it is processed is processed again afterwards, not at the same time', async () => {
  const { queue } = queueAt()
  queue.add('a')
  expect(await takeNow(queue)).toBe('a')
  queue.add('a')
  queue.add('a')
  expect(await takeNow(queue)).toBeUndefined()
  queue.done('a')
  expect(await takeNow(queue)).toBe('a')
  queue.done('a')
  expect(await takeNow(queue)).toBeUndefined()
})

test('a waiting worker gets a key as soon as it is added', async () => {
  const { queue } = queueAt()
  const taken = queue.take()
  queue.add('a')
  expect(await taken).toBe('a')
})

describe('later', () => {
  test('of several times for one key, the earliest counts, and the key is returned once', async () => {
    const { queue, clock } = queueAt()
    queue.addAfter('a', 100)
    queue.addAfter('a', 50)
    queue.addAfter('a', 200)
    clock.advance(49)
    expect(await takeNow(queue)).toBeUndefined()
    clock.advance(1)
    expect(await takeNow(queue)).toBe('a')
    queue.done('a')
    clock.advance(1_000)
    expect(await takeNow(queue)).toBeUndefined()
  })

  test('a key that is added immediately is not added again by its scheduled time', async () => {
    const { queue, clock } = queueAt()
    queue.addAfter('a', 50)
    queue.add('a')
    expect(await takeNow(queue)).toBe('a')
    queue.done('a')
    clock.advance(100)
    expect(await takeNow(queue)).toBeUndefined()
  })

  test('taking a key cancels its scheduled time: otherwise, everything would be processed twice after a start', async () => {
    const { queue, clock } = queueAt()
    queue.add('a')
    queue.addAfter('a', 50)
    expect(await takeNow(queue)).toBe('a')
    queue.done('a')
    clock.advance(100)
    expect(await takeNow(queue)).toBeUndefined()
  })

  test('a time that is scheduled while a key is processed still applies', async () => {
    const { queue, clock } = queueAt()
    queue.add('a')
    expect(await takeNow(queue)).toBe('a')
    queue.addAfter('a', 50)
    queue.done('a')
    clock.advance(50)
    expect(await takeNow(queue)).toBe('a')
  })
})

test('delays double with each failure up to the maximum, and start again after a success', async () => {
  const { queue, clock } = queueAt()
  const delays: number[] = []
  const fail = async () => {
    queue.addRateLimited('a')
    const before = clock.now()
    while ((await takeNow(queue)) === undefined) clock.advance(1)
    delays.push(clock.now() - before)
    queue.done('a')
  }
  for (let i = 0; i < 9; i++) await fail()
  queue.forget('a')
  await fail()
  expect(delays).toEqual([10, 20, 40, 80, 160, 320, 640, 1000, 1000, 10])
})

test('the delay that the API server requests is the minimum, and also grows with the failures', async () => {
  const { queue, clock } = queueAt()
  const delays: number[] = []
  for (let i = 0; i < 5; i++) {
    queue.addRateLimited('a', 50)
    const before = clock.now()
    while ((await takeNow(queue)) === undefined) clock.advance(1)
    delays.push(clock.now() - before)
    queue.done('a')
  }
  expect(delays).toEqual([50, 50, 50, 80, 160])
})

test('every delay is within its bounds, whatever the random number', () => {
  fc.assert(
    fc.property(fc.nat(60), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (failures, random) => {
      const { queue, clock } = queueAt(() => random)
      for (let i = 0; i < failures; i++) queue.addRateLimited('a')
      const { queue: fresh, clock: time } = queueAt(() => random)
      fresh.addRateLimited('a')
      time.advance(9)
      expect(fresh.depth).toBe(0)
      time.advance(6)
      expect(fresh.depth).toBe(1)
      clock.advance(1_000)
      expect(queue.depth).toBe(failures === 0 ? 0 : 1)
    }),
  )
})

test('after the shutdown, no key is returned, and each waiting worker is notified', async () => {
  const { queue, clock } = queueAt()
  const waiting = queue.take()
  queue.addAfter('a', 10)
  queue.shutDown()
  queue.add('b')
  clock.advance(100)
  expect(await waiting).toBeUndefined()
  expect(await queue.take()).toBeUndefined()
})

type Step = { do: 'add' | 'addAfter' | 'done'; key: string } | { do: 'take' } | { do: 'advance'; by: number }

const key = fc.constantFrom('a', 'b', 'c')
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constantFrom('add' as const, 'addAfter' as const, 'done' as const), key }),
  fc.constant({ do: 'take' as const }),
  fc.record({ do: fc.constant('advance' as const), by: fc.nat(50) }),
)

test('in any order of events: no key is lost, and no two workers have the same key', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const { queue, clock } = queueAt()
      const withWorker = new Set<string>()
      /** Keys that must still be returned: added after they were last taken. */
      const owed = new Set<string>()
      /** Keys that are scheduled for later, even if they are also waiting already. */
      const planned = new Map<string, number>()
      const advance = (by: number) => {
        clock.advance(by)
        for (const [key, at] of planned) {
          if (at > clock.now()) continue
          planned.delete(key)
          owed.add(key)
        }
      }
      for (const one of steps) {
        switch (one.do) {
          case 'add':
            queue.add(one.key)
            owed.add(one.key)
            planned.delete(one.key)
            break
          case 'addAfter':
            queue.addAfter(one.key, 20)
            if (!planned.has(one.key)) planned.set(one.key, clock.now() + 20)
            break
          case 'advance':
            advance(one.by)
            break
          case 'done':
            queue.done(one.key)
            withWorker.delete(one.key)
            break
          case 'take': {
            const taken = await takeNow(queue)
            if (taken === undefined) break
            expect(withWorker.has(taken), `${taken} is with two workers`).toBe(false)
            expect(owed.has(taken), `${taken} came without having been added`).toBe(true)
            withWorker.add(taken)
            owed.delete(taken)
            planned.delete(taken)
          }
        }
      }
      advance(1_000)
      for (const busy of withWorker) queue.done(busy)
      const rest = new Set<string>()
      for (let next = await takeNow(queue); next !== undefined; next = await takeNow(queue)) rest.add(next)
      for (const missing of owed) expect(rest, `${missing} is lost`).toContain(missing)
    }),
  )
})
