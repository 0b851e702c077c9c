import type { KeySetEntry } from '@authservice-operator/contract/key-set.ts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { holdTiming } from './activation.ts'
import { generateKey } from './generate-key.ts'
import { decideSigningKeys, type SigningKeyPolicy } from './signing-keys.ts'

const day = 86_400
const { volumeRefreshSeconds } = holdTiming
const serverCount = 3

/** One step of the simulation: time passes, servers load published keys, the operator may reconcile. */
interface Step {
  waitSeconds: number
  /** Lifetime of the tokens that every server issues in this step. */
  lifetimeSeconds: number
  reconcile: Reconcile | undefined
}
interface Reconcile {
  /** Time by which the operator's clock is ahead of the servers' clocks. */
  skewSeconds: number
  /** The operator terminates after its decision and before the write. */
  dies: boolean
  /** Servers that do not answer the operator. They still read the file. */
  unreachable: boolean[]
  /** Delay with which each server sees this publication. */
  lagSeconds: number[]
  /** Which of the existing keys is revoked. */
  revoke: number | undefined
  policy: Pick<SigningKeyPolicy, 'algorithm' | 'rotationIntervalSeconds' | 'activationDelaySeconds' | 'rotateNow'>
}

/** Simulates servers, an operator and the Secret between them. */
class SimulatedRotation {
  seconds = 1_795_500_000
  readonly #published: { at: number; keys: KeySetEntry[]; lagSeconds: number[] }[] = []
  readonly #tokens: { kid: string; expiresAt: number }[] = []
  readonly #revoked = new Set<string>()
  #revokedAt = Number.NEGATIVE_INFINITY

  get keys(): KeySetEntry[] {
    return this.#published.at(-1)?.keys ?? []
  }

  reconcile({ skewSeconds, dies, unreachable, lagSeconds, revoke, policy }: Reconcile): void {
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

  /** The latest publication that the server has seen. The first one exists when servers start. */
  loaded(server: number): KeySetEntry[] {
    const seen = this.#published.findLast(({ at, lagSeconds }) => at + (lagSeconds[server] ?? 0) <= this.seconds)
    return (seen ?? this.#published[0])?.keys ?? []
  }

  /** The one key with which the server signs, according to the contract of the file. */
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

  /** Every unexpired token, verified by every server. */
  rejected(): string[] {
    // After a revocation, a new key signs immediately, without the earlier publication of a rotation.
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
const reconcile = (skewSeconds: fc.Arbitrary<number>): fc.Arbitrary<Reconcile> =>
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
    reconcile: fc.option(reconcile(skewSeconds), { nil: undefined, freq: 4 }),
  })

const plain: Reconcile = {
  skewSeconds: 0,
  dies: false,
  unreachable: [],
  lagSeconds: servers.map(() => volumeRefreshSeconds - 1),
  revoke: undefined,
  policy: { algorithm: 'HS256', rotationIntervalSeconds: 90 * day, activationDelaySeconds: 300, rotateNow: false },
}

describe('over any history of reconciles, crashes, restarts of servers that read late, and different clocks', () => {
  // Behind: at most the time by which a key is delayed. Ahead: at most the time for which a retired key is kept.
  const skews = fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.integer({ min: -1_800, max: day }))

  test('every server has exactly one signer, every token verifies everywhere until it expires, and a revoked key is removed immediately', () => {
    const property = fc.property(fc.array(step(skews), { minLength: 1, maxLength: 40 }), (steps) => {
      const simulation = new SimulatedRotation()
      simulation.reconcile(plain)
      for (const { waitSeconds, lifetimeSeconds, reconcile: made } of steps) {
        simulation.seconds += waitSeconds
        if (made !== undefined) simulation.reconcile(made)
        expect(simulation.rejected()).toEqual([])
        simulation.issueTokens(lifetimeSeconds)
        expect(simulation.rejected()).toEqual([])
      }
    })
    fc.assert(property, { numRuns: 300 })
  })

  test('a reconcile with any clock leaves a signer, and later rotations work as usual', () => {
    const anyClock = fc.integer({ min: -3_650 * day, max: 3_650 * day })
    const property = fc.property(reconcile(anyClock), seconds(3_600), (strange, waitSeconds) => {
      const simulation = new SimulatedRotation()
      simulation.reconcile(plain)
      simulation.seconds += 3_600
      simulation.reconcile({ ...strange, dies: false })
      simulation.seconds += waitSeconds
      // Keys that a revocation created with that clock have its dates; the next reconcile detects that no key signs.
      if (strange.revoke !== undefined) simulation.reconcile({ ...plain, lagSeconds: [] })
      for (const server of servers) simulation.signer(server)

      // Long enough for the steps in progress, and for a rotation that is requested then.
      const run = (policy: Partial<SigningKeyPolicy>) => {
        for (let minute = 0; minute < 60; minute++) {
          simulation.reconcile({ ...plain, policy: { ...plain.policy, ...policy, rotateNow: minute === 0 } })
          simulation.seconds += 60
          for (const server of servers) simulation.signer(server)
        }
      }
      run({})
      const before = simulation.signer(0).kid
      run({})
      expect(simulation.signer(0).kid).not.toBe(before)
    })
    fc.assert(property, { numRuns: 100 })
  })
})
