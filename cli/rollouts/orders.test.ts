import { describe, expect, test } from 'vitest'
import type { AuthServiceObject } from './observed.ts'
import { chooseRevision, findRevision, OrderError } from './orders.ts'

const authService = (status: AuthServiceObject['status']): AuthServiceObject => ({
  apiVersion: 'auth-operator.dev/v1alpha1',
  kind: 'AuthService',
  metadata: { name: 'accounts', namespace: 'team-a' },
  ...(status && { status }),
})
const revisions = [
  { name: 'aaaa1111', number: 1 },
  { name: 'bbbb2222', number: 2 },
  { name: 'bbcc3333', number: 3 },
]
const during = (phase: string) =>
  authService({ currentRevision: 'bbbb2222', revisions, rollout: { phase, revision: 'bbcc3333' } })

describe('without a revision', () => {
  test('promote and abort mean the one that is under way', () => {
    expect(chooseRevision('promote', during('AwaitingPromotion'))).toBe('bbcc3333')
    expect(chooseRevision('abort', during('Verifying'))).toBe('bbcc3333')
  })

  test('they are refused when nothing is under way, with what helps instead', () => {
    expect(() => chooseRevision('abort', during('Stable'))).toThrow(/no rollout is under way \(Stable\)/)
    expect(() => chooseRevision('abort', during('Retiring'))).toThrow(/kubectl authservice rollback/)
    expect(() => chooseRevision('promote', authService(undefined))).toThrow(OrderError)
  })

  test('rollback means the revision before the current one, not a newer one that failed', () => {
    expect(chooseRevision('rollback-to', during('Stable'))).toBe('aaaa1111')
    const first = authService({
      currentRevision: 'aaaa1111',
      revisions,
      rollout: { phase: 'Stable', revision: 'aaaa1111' },
    })
    expect(() => chooseRevision('rollback-to', first)).toThrow(/no earlier revision/)
  })
})

describe('a revision', () => {
  test('is named by its number, its hash, or the start of it', () => {
    expect(findRevision('2', during('Stable'))).toBe('bbbb2222')
    expect(findRevision('bbcc3333', during('Stable'))).toBe('bbcc3333')
    expect(findRevision('aa', during('Stable'))).toBe('aaaa1111')
  })

  test('that is unknown or ambiguous is refused with those that there are', () => {
    expect(() => findRevision('bb', during('Stable'))).toThrow(/More than one revision is named bb.*1 \(aaaa1111\)/)
    expect(() => findRevision('9', during('Stable'))).toThrow(/No revision is named 9/)
  })
})
