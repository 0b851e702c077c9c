import type { KeySetEntry } from '@authservice-operator/api-server/plugins/app/tokens/key-set.ts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { holdTiming } from './activation.ts'
import { generateKey } from './generate-key.ts'
import { decideSigningKeys, type SigningKeyPolicy } from './signing-keys.ts'

const day = 86_400
const { volumeRefreshSeconds } = holdTiming
const serverCount = 3

/** What happens at one moment: some time passes, servers load what was published, the operator may make a visit. */
interface Step {
  waitSeconds: number
  /** Life of the tokens that every server issues at this moment. */
  lifetimeSeconds: number
  visit: Visit | undefined
}
interface Visit {
  /** How far the operator's clock is ahead of the servers'. */
  skewSeconds: number
  /** The operator dies after it decided and before it wrote. */
  dies: boolean
  /** Servers that do not answer the operator. They read the file all the same. */
  unreachable: boolean[]
  /** How long after this publication each server shows it. */
  lagSeconds: number[]
  /** Which of the keys that there are is revoked. */
  revoke: number | undefined
  policy: Pick<SigningKeyPolicy, 'algorithm' | 'rotationIntervalSeconds' | 'activationDelaySeconds' | 'rotateNow'>
}

/** Servers, an operator and the Secret between them, in simulated time. */
class World {
  seconds = 1_795_500_000
  readonly #published: { at: number; keys: KeySetEntry[]; lagSeconds: number[] }[] = []
  readonly #tokens: { kid: string; expiresAt: number }[] = []
  readonly #revoked = new Set<string>()
  #revokedAt = Number.NEGATIVE_INFINITY

  get keys(): KeySetEntry[] {
    return this.#published.at(-1)?.keys ?? []
  }

  visit({ skewSeconds, dies, unreachable, lagSeconds, revoke, policy }: Visit): void {
    const file = this.#published.at(-1) && JSON.stringify({ version: 1, keys: this.keys })
    const revokedKid = revoke === undefined ? undefined : this.keys[revoke % Math.max(1, this.keys.length)]?.kid
    const everyServerKnows = (kid: string) =>
      servers.every((server) => !unreachable[server] && this.loaded(server).some((key) => key.kid === kid))
    const now = new Date((this.seconds + skewSeconds) * 1000)
    const decision = decideSigningKeys(
      file,
      { ...holdTiming, ...policy, revoke: revokedKid, everyServerKnows },
      now,
      generateKey,
    )
    if (decision.kind === 'corrupt') throw new Error(decision.problem)
    if (dies || decision.kind === 'keep') return

    this.#published.push({ at: this.seconds, keys: decision.keySet.keys, lagSeconds })
    if (!decision.revoked || revokedKid === undefined) return
    expect(this.keys.map(({ kid }) => kid)).not.toContain(revokedKid)
    this.#revoked.add(revokedKid)
    this.#revokedAt = this.seconds
  }

  /** The newest publication that the server has seen. The first one is there when servers start. */
  loaded(server: number): KeySetEntry[] {
    const seen = this.#published.findLast(({ at, lagSeconds }) => at + (lagSeconds[server] ?? 0) <= this.seconds)
    return (seen ?? this.#published[0])?.keys ?? []
  }

  /** The one key that the server signs with, by the contract of the file. */
  signer(server: number): KeySetEntry {
    const active = this.#usable(server).filter(({ activateAt }) => Date.parse(activateAt) <= this.seconds * 1000)
    const last = Math.max(...active.map(({ activateAt }) => Date.parse(activateAt)))
    const [signer, ...others] = active.filter(({ activateAt }) => Date.parse(activateAt) === last)
    if (signer === undefined) throw new Error(`server ${server} has no signer: ${this.#describe()}`)
    expect(others, 'keys that are activated at the same time').toEqual([])
    return signer
  }

  issueTokens(lifetimeSeconds: number): void {
    for (const server of servers) {
      this.#tokens.push({ kid: this.signer(server).kid, expiresAt: this.seconds + lifetimeSeconds })
    }
  }

  /** Every token that has not expired, verified by every server. */
  rejected(): string[] {
    // After a revocation a new key signs at once: nothing was published before, as it is in a rotation.
    if (this.seconds < this.#revokedAt + volumeRefreshSeconds) return []
    const alive = this.#tokens.filter(({ kid, expiresAt }) => expiresAt > this.seconds && !this.#revoked.has(kid))
    return servers.flatMap((server) => {
      const known = new Set(this.#usable(server).map(({ kid }) => kid))
      return alive
        .filter(({ kid }) => !known.has(kid))
        .map(({ kid }) => `server ${server}: ${kid}: ${this.#describe()}`)
    })
  }

  #usable(server: number): KeySetEntry[] {
    return this.loaded(server).filter(
      ({ retireAt }) => retireAt === undefined || Date.parse(retireAt) > this.seconds * 1000,
    )
  }

  #describe(): string {
    const date = (text: string | undefined) => (text === undefined ? '' : Date.parse(text) / 1000 - this.seconds)
    return JSON.stringify(this.keys.map((key) => [key.kid.slice(0, 4), date(key.activateAt), date(key.retireAt)]))
  }
}
const servers = Array.from({ length: serverCount }, (_, index) => index)

const seconds = (most: number) => fc.integer({ min: 0, max: most })
const perServer = <T>(of: fc.Arbitrary<T>) => fc.array(of, { minLength: serverCount, maxLength: serverCount })
const visit = (skewSeconds: fc.Arbitrary<number>): fc.Arbitrary<Visit> =>
  fc.record({
    skewSeconds,
    dies: fc.boolean(),
    unreachable: perServer(fc.integer({ min: 0, max: 9 }).map((chance) => chance === 0)),
    lagSeconds: perServer(seconds(volumeRefreshSeconds - 1)),
    revoke: fc.option(fc.nat(5), { nil: undefined, freq: 10 }),
    policy: fc.record({
      algorithm: fc.constant('HS256' as const),
      rotationIntervalSeconds: fc.integer({ min: 3600, max: 20_000 }),
      activationDelaySeconds: fc.integer({ min: 90, max: 3599 }),
      rotateNow: fc.boolean(),
    }),
  })
const step = (skewSeconds: fc.Arbitrary<number>): fc.Arbitrary<Step> =>
  fc.record({
    waitSeconds: fc.oneof(seconds(30), seconds(120), seconds(2_000), seconds(10_000), seconds(day)),
    lifetimeSeconds: fc.integer({ min: 60, max: day }),
    visit: fc.option(visit(skewSeconds), { nil: undefined, freq: 4 }),
  })

const plain: Visit = {
  skewSeconds: 0,
  dies: false,
  unreachable: [],
  lagSeconds: servers.map(() => volumeRefreshSeconds - 1),
  revoke: undefined,
  policy: { algorithm: 'HS256', rotationIntervalSeconds: 90 * day, activationDelaySeconds: 300, rotateNow: false },
}

describe('over any history of visits, crashes, restarts of servers that are slow to read, and clocks that differ', () => {
  // Behind: by what a key is held back. Ahead: by what a retired key is kept.
  const skews = fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.integer({ min: -1_800, max: day }))

  test('every server has exactly one signer, every token verifies everywhere until it expires, and a revoked key is gone at once', () => {
    const property = fc.property(fc.array(step(skews), { minLength: 1, maxLength: 40 }), (steps) => {
      const world = new World()
      world.visit(plain)
      for (const { waitSeconds, lifetimeSeconds, visit: made } of steps) {
        world.seconds += waitSeconds
        if (made !== undefined) world.visit(made)
        expect(world.rejected()).toEqual([])
        world.issueTokens(lifetimeSeconds)
        expect(world.rejected()).toEqual([])
      }
    })
    fc.assert(property, { numRuns: 300 })
  })

  test('a visit with any clock at all leaves a signer, and the rotations after it are as ever', () => {
    const anyClock = fc.integer({ min: -3_650 * day, max: 3_650 * day })
    const property = fc.property(visit(anyClock), seconds(3_600), (strange, waitSeconds) => {
      const world = new World()
      world.visit(plain)
      world.seconds += 3_600
      world.visit({ ...strange, dies: false })
      world.seconds += waitSeconds
      // Keys that a revocation made with that clock are dated by it; the next visit sees that nobody signs.
      if (strange.revoke !== undefined) world.visit({ ...plain, lagSeconds: [] })
      for (const server of servers) world.signer(server)

      // Long enough for what was under way, and for a rotation that is asked for then.
      const run = (policy: Partial<SigningKeyPolicy>) => {
        for (let minute = 0; minute < 60; minute++) {
          world.visit({ ...plain, policy: { ...plain.policy, ...policy, rotateNow: minute === 0 } })
          world.seconds += 60
          for (const server of servers) world.signer(server)
        }
      }
      run({})
      const before = world.signer(0).kid
      run({})
      expect(world.signer(0).kid).not.toBe(before)
    })
    fc.assert(property, { numRuns: 100 })
  })
})
