import { expect, test } from 'vitest'
import { type RollingAuthService, RolloutSlots } from './slots.ts'

const now = new Date('2026-11-24T12:00:00Z')
/** Slots with these AuthServices. */
function slotsOf(limit: number, all: readonly RollingAuthService[]): RolloutSlots {
  const slots = new RolloutSlots(limit)
  for (const one of all) slots.update(one)
  return slots
}
const authServiceWith = (name: string, rollout: object): RollingAuthService => ({
  metadata: { namespace: 'team', name },
  status: { currentRevision: 'r1', rollout: { phase: 'Stable', revision: 'r1', ...rollout } },
})
const rolling = (name: string) => authServiceWith(name, { phase: 'Testing', revision: 'r2' })
const waiting = (name: string, second: number) =>
  authServiceWith(name, { waitingSince: `2026-11-24T11:00:${String(second).padStart(2, '0')}Z` })

test('as many rollouts start as there are slots, although no status shows the first ones yet', () => {
  const all = ['a', 'b', 'c'].map((name) => authServiceWith(name, {}))
  const slots = slotsOf(2, all)
  expect(all.map((one) => slots.acquire(one, now))).toEqual([
    undefined,
    undefined,
    { inProgress: 2, limit: 2, ahead: 0 },
  ])
  expect(
    all.slice(0, 1).map((one) => slots.acquire(one, now)),
    'a second request keeps the slot',
  ).toEqual([undefined])
})

test('the AuthService that has waited longest goes first, also after another operator has taken over', () => {
  const [first, second, third] = [waiting('z', 1), waiting('y', 2), waiting('x', 3)]
  const all = [third, second, first, rolling('busy')]
  const slots = slotsOf(2, all)
  expect(slots.acquire(third, now)).toMatchObject({ ahead: 2 })
  expect(slots.acquire(second, now)).toMatchObject({ inProgress: 1, ahead: 1 })
  expect(slots.acquire(first, now)).toBeUndefined()
})

test('a first installation needs no slot, and 0 means no limit', () => {
  const fresh: RollingAuthService = {
    metadata: { namespace: 'team', name: 'new' },
    status: { rollout: { phase: 'Preparing', revision: 'r1' } },
  }
  const one = authServiceWith('a', {})
  expect(slotsOf(1, [fresh, one]).acquire(one, now)).toBeUndefined()
  const unbound = slotsOf(0, [rolling('b'), rolling('c')])
  expect(unbound.acquire(one, now)).toBeUndefined()
})

test('a slot that was granted and never used becomes free', () => {
  const [one, other] = [authServiceWith('a', {}), authServiceWith('b', {})]
  const slots = slotsOf(1, [one, other])
  expect(slots.acquire(one, now)).toBeUndefined()
  expect(slots.acquire(other, now)).toMatchObject({ inProgress: 1 })
  expect(slots.acquire(other, new Date(now.getTime() + 200_000))).toBeUndefined()
})

test('rollouts that await promotion occupy no slot; once promoted, they count again', () => {
  const awaiting = ['a', 'b', 'c'].map((name) => authServiceWith(name, { phase: 'AwaitingPromotion', revision: 'r2' }))
  const one = authServiceWith('one', {})
  const slots = slotsOf(2, awaiting)
  expect(slots.acquire(one, now)).toBeUndefined()
  for (const name of ['a', 'b']) slots.update(authServiceWith(name, { phase: 'Promoting', revision: 'r2' }))
  expect(slots.acquire(authServiceWith('other', {}), now)).toMatchObject({ inProgress: 3 })
})

test('a deleted AuthService frees its slot and leaves the queue', () => {
  const [busy, first, second] = [rolling('busy'), waiting('first', 1), waiting('second', 2)]
  const slots = slotsOf(1, [busy, first, second])
  expect(slots.acquire(second, now)).toMatchObject({ inProgress: 1, ahead: 1 })
  slots.forget(busy)
  slots.forget(first)
  expect(slots.acquire(second, now)).toBeUndefined()
})

test('acquiring a slot reads no other AuthService: each status is read when it changes, and never again', () => {
  let reads = 0
  const counted = (authService: RollingAuthService): RollingAuthService => ({
    metadata: authService.metadata,
    get status() {
      reads++
      return authService.status
    },
  })
  const all = Array.from({ length: 200 }, (_, index) => counted(waiting(`n${index}`, index % 60)))
  const slots = slotsOf(1, [counted(rolling('busy')), ...all])
  reads = 0
  const positions = all.map((one) => slots.acquire(one, now)?.ahead)
  expect(reads).toBe(0)
  expect(positions.toSorted((a = 0, b = 0) => a - b)).toEqual(all.map((_, index) => index))
})
