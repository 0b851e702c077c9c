import { afterEach, expect, test } from 'vitest'
import type { Clock } from '../../../kube/work-queue.ts'
import type { Reader } from './claims.ts'
import { LateReads } from './late-reads.ts'

/** A clock that stands still until the test moves it. */
class ManualClock implements Clock {
  readonly #timers = new Set<{ at: number; run: () => void }>()
  #now = 0
  now = () => this.#now
  after = (milliseconds: number, run: () => void) => {
    const timer = { at: this.#now + milliseconds, run }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }
  /** @returns the seconds until the next read; undefined if none is planned */
  next(): number | undefined {
    const [first] = [...this.#timers].sort((one, other) => one.at - other.at)
    if (first === undefined) return undefined
    const seconds = (first.at - this.#now) / 1_000
    this.#now = first.at
    this.#timers.delete(first)
    first.run()
    return seconds
  }
}

const clock = new ManualClock()
const running: LateReads[] = []
afterEach(async () => {
  for (const one of running.splice(0)) await one.stop()
})

function setUp() {
  const warnings: string[] = []
  const known = new Set(['team-a/accounts', 'team-a/another'])
  const log = {
    debug: () => {},
    info: () => {},
    error: () => {},
    warn: (_: object, text: string) => warnings.push(text),
  }
  const reads = new LateReads(log, (claim) => known.has(claim), clock)
  running.push(reads)
  return { reads, known, warnings }
}

function readerThat(read: () => Promise<void>): Reader & { namespaces: string[] } {
  const namespaces: string[] = []
  const readAgain = (namespace: string) => {
    namespaces.push(namespace)
    return read()
  }
  return { namespace: undefined, isStopped: false, namespaces, readAgain }
}

test('a namespace is listed once for all AuthServices that are new there', async () => {
  const { reads } = setUp()
  const reader = readerThat(async () => {})
  reads.add('team-a/accounts', [reader])
  reads.add('team-a/another', [reader])
  await expect.poll(() => reader.namespaces).toEqual(['team-a'])
  reads.add('team-a/accounts', [reader])
  await expect.poll(() => reader.namespaces).toEqual(['team-a', 'team-a'])
})

test('a list that the API server rejects is retried with increasing delays, logged once, and delays no other list', async () => {
  const { reads, warnings } = setUp()
  const refused = readerThat(() => Promise.reject(new Error('403')))
  const allowed = readerThat(async () => {})
  reads.add('team-a/accounts', [refused, allowed])
  await expect.poll(() => allowed.namespaces).toHaveLength(1)
  const delays: number[] = []
  for (let count = 1; count <= 12; count++) {
    await expect.poll(() => refused.namespaces).toHaveLength(count)
    await expect.poll(() => delays[count - 1] ?? delays.push(clock.next() ?? Number.NaN)).toBeGreaterThan(0)
  }
  expect(delays[0]).toBeLessThan(2)
  expect(delays.at(-1)).toBe(300)
  expect(warnings).toHaveLength(1)
})

test('a list is abandoned when its AuthService is deleted', async () => {
  const { reads, known } = setUp()
  const refused = readerThat(() => Promise.reject(new Error('403')))
  reads.add('team-a/accounts', [refused])
  await expect.poll(() => refused.namespaces).toHaveLength(1)
  known.clear()
  await expect.poll(() => clock.next()).toBeDefined()
  await reads.stop()
  expect(refused.namespaces).toHaveLength(1)
  expect(clock.next()).toBeUndefined()
})
