import fc from 'fast-check'
import { type Collection, MongoClient, ObjectId } from 'mongodb'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import type { Session } from '../../../api-server/plugins/app/sessions/session.ts'
import { type RefreshResult, SessionStore } from '../../../api-server/plugins/app/sessions/store.ts'
import { freshDatabase } from './app-for-test.ts'

const lifetimes = { idleSeconds: 3_600, absoluteSeconds: 4 * 3_600, accessSeconds: 900, graceSeconds: 10 }
const graceMilliseconds = lifetimes.graceSeconds * 1000
const start = Date.parse('2026-03-01T00:00:00Z')

let client: MongoClient
let sessions: Collection<Session>

beforeAll(async () => {
  client = await new MongoClient(inject('mongoUrl')).connect()
  sessions = client.db(freshDatabase()).collection<Session>('sessions')
})

afterAll(() => client.close())

/** A model of a family. Tokens are numbered from 0; the last one is the current one. */
interface Family {
  now: number
  /** When each token was used. */
  spentAt: number[]
  idleEnd: number
  isRevoked: boolean
}

type Outcome = RefreshResult['outcome']

function expectedOutcome({ now, spentAt, idleEnd, isRevoked }: Family, token: number): Outcome {
  if (isRevoked) return 'revoked'
  if (now >= Math.min(idleEnd, start + lifetimes.absoluteSeconds * 1000)) return 'expired'
  const spent = spentAt[token]
  return spent === undefined || now - spent <= graceMilliseconds ? 'refreshed' : 'reused'
}

function noteRotation(family: Family): void {
  family.spentAt.push(family.now)
  family.idleEnd = family.now + lifetimes.idleSeconds * 1000
}

/** The store under test, on a real database with a clock that the test moves. */
interface Real {
  store: SessionStore
  sessionId: string
  /** Every token that was created, also those that no client has received. */
  tokens: string[]
  clock: { now: number; jumpAfterRead: number }
}

/** A token that was issued, preferably a recent one. */
const anyToken = fc.nat({ max: 6 })

function choose(family: Family, back: number): number {
  return Math.max(0, family.spentAt.length - back)
}

/**
 * Sends a token several times concurrently, and drops the answers of clients that do not survive. If it is inspected, all
 * requests have read the session before one of them writes.
 */
class Refresh implements fc.AsyncCommand<Family, Real> {
  readonly back: number
  readonly requests: number
  readonly isInspected: boolean
  constructor(back: number, requests: number, isInspected: boolean) {
    this.back = back
    this.requests = requests
    this.isInspected = isInspected
  }
  check = () => true
  toString = () =>
    `send the token ${this.back} before the current one, ${this.requests} times concurrently${this.isInspected ? ', inspected' : ''}`

  async run(family: Family, real: Real): Promise<void> {
    const token = choose(family, this.back)
    const expected = expectedOutcome(family, token)
    const presented = real.tokens[token] ?? ''
    const inspected = this.isInspected ? await real.store.inspect(presented) : undefined
    const options = inspected && { inspected }
    const requests = Array.from({ length: this.requests }, () => real.store.refresh(presented, options))
    const results = await Promise.all(requests)
    expect(results.map(({ outcome }) => outcome)).toEqual(results.map(() => expected))
    if (expected === 'reused') await end(family, real)
    if (expected !== 'refreshed') return

    const successors = new Set(results.map((result) => (result.outcome === 'refreshed' ? result.refreshToken : '')))
    expect(successors.size).toBe(1)
    const [successor = ''] = successors
    if (token === family.spentAt.length) {
      expect(real.tokens).not.toContain(successor)
      real.tokens.push(successor)
      noteRotation(family)
    }
    expect(successor).toBe(real.tokens.at(-1))
  }
}

/** The database hangs between the read and the write of a rotation, and recovers when no request waits for it. */
class HangInRefresh implements fc.AsyncCommand<Family, Real> {
  readonly milliseconds: number
  constructor(milliseconds: number) {
    this.milliseconds = milliseconds
  }
  check = (family: Readonly<Family>) => expectedOutcome(family, family.spentAt.length) === 'refreshed'
  toString = () => `the database hangs for ${this.milliseconds} ms in a refresh`

  async run(family: Family, real: Real): Promise<void> {
    real.clock.jumpAfterRead = this.milliseconds
    const result = await real.store.refresh(real.tokens.at(-1) ?? '')
    const readAt = family.now
    family.now = real.clock.now
    if (result.outcome !== 'refreshed') {
      // The write was not late, and the family had expired at the second read.
      expect(result.outcome).toBe(expectedOutcome(family, family.spentAt.length))
      return
    }
    real.tokens.push(result.refreshToken)
    noteRotation(family)
    // A client that lost this answer has at least half of the grace left, however long the database hung.
    const { recent } = await stored(real)
    const spentAt = recent.at(-1)?.spentAt.getTime() ?? 0
    expect(family.now - spentAt).toBeLessThan(graceMilliseconds / 2)
    expect(spentAt).toBeGreaterThanOrEqual(readAt)
    family.spentAt[family.spentAt.length - 1] = spentAt
    family.idleEnd = spentAt + lifetimes.idleSeconds * 1000
  }
}

class Wait implements fc.AsyncCommand<Family, Real> {
  readonly milliseconds: number
  constructor(milliseconds: number) {
    this.milliseconds = milliseconds
  }
  check = () => true
  toString = () => `${this.milliseconds} ms pass`
  async run(family: Family, real: Real): Promise<void> {
    family.now += this.milliseconds
    real.clock.now = family.now
  }
}

class End implements fc.AsyncCommand<Family, Real> {
  check = () => true
  toString = () => 'the session is ended'
  run = end
}

/** As a logout and the detection of a theft do. */
async function end(family: Family, { sessionId, clock }: Real): Promise<void> {
  family.isRevoked = true
  await sessions.updateOne({ _id: sessionId }, { $set: { revokedAt: new Date(clock.now) } })
}

async function stored({ sessionId }: Real): Promise<Session> {
  const session = await sessions.findOne({ _id: sessionId })
  if (session === null) throw new Error('the session is gone')
  return session
}

async function newFamily(): Promise<{ model: Family; real: Real }> {
  const clock = { now: start, jumpAfterRead: 0 }
  // The database reads the clock for each read and for the write after it.
  const store = new SessionStore(sessions, lifetimes, () => {
    const now = new Date(clock.now)
    clock.now += clock.jumpAfterRead
    clock.jumpAfterRead = 0
    return now
  })
  const from = { userId: new ObjectId(), version: 0 }
  const { session, refreshToken } = await store.create(from, new Date(start))
  const model = { now: start, spentAt: [], idleEnd: start + lifetimes.idleSeconds * 1000, isRevoked: false }
  return { model, real: { store, sessionId: session._id, tokens: [refreshToken], clock } }
}

test('a family follows its rules, whichever tokens are sent, lost, repeated or delayed in any order', async () => {
  const commands = [
    fc
      .tuple(anyToken, fc.integer({ min: 1, max: 4 }), fc.boolean())
      .map(([back, requests, isInspected]) => new Refresh(back, requests, isInspected)),
    fc.nat({ max: 9_000 }).map((milliseconds) => new Wait(milliseconds)),
    fc.constantFrom(9_999, 10_000, 10_001, 3_599_999, 3_600_000).map((milliseconds) => new Wait(milliseconds)),
    fc.integer({ min: 1, max: 60_000 }).map((milliseconds) => new HangInRefresh(milliseconds)),
    fc.constant(new End()),
  ]
  await fc.assert(
    fc.asyncProperty(fc.commands(commands, { maxCommands: 40, size: 'max' }), async (sequence) => {
      let family: Awaited<ReturnType<typeof newFamily>> | undefined
      await fc.asyncModelRun(async () => {
        family = await newFamily()
        return family
      }, sequence)
      if (family === undefined) return
      const text = JSON.stringify(await stored(family.real))
      for (const token of family.real.tokens) expect(text).not.toContain(token)
    }),
    { numRuns: 100 },
  )
})
