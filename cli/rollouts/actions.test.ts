import { describe, expect, test } from 'vitest'
import type { Kubectl } from '../kubectl.ts'
import { ActionError, chooseRevision, findRevision, requestAction } from './actions.ts'
import type { AuthServiceObject } from './observed.ts'

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
  test('promote and abort mean the revision of the current rollout', () => {
    expect(chooseRevision('promote', during('AwaitingPromotion'))).toBe('bbcc3333')
    expect(chooseRevision('abort', during('Verifying'))).toBe('bbcc3333')
  })

  test('they are refused with an alternative when no rollout is in progress', () => {
    expect(() => chooseRevision('abort', during('Stable'))).toThrow(/no rollout is in progress \(Stable\)/)
    expect(() => chooseRevision('abort', during('Retiring'))).toThrow(/kubectl authservice rollback/)
    expect(() => chooseRevision('promote', authService(undefined))).toThrow(ActionError)
  })

  test('rollback means the revision that last had traffic, whatever its number, and never one without traffic', () => {
    const tried = [
      { name: 'aaaa1111', number: 1, servedAt: '2026-11-24T10:00:00Z', outcome: 'Promoted' as const },
      { name: 'bbbb2222', number: 2, servedAt: '2026-11-24T11:00:00Z', outcome: 'Promoted' as const },
      { name: 'bbcc3333', number: 3, outcome: 'RolledBack' as const },
      { name: 'dddd4444', number: 4, servedAt: '2026-11-24T12:00:00Z', outcome: 'Promoted' as const },
    ]
    const at = (currentRevision: string, revisions = tried) =>
      authService({ currentRevision, revisions, rollout: { phase: 'Stable', revision: currentRevision } })
    expect(chooseRevision('rollback-to', at('dddd4444'))).toBe('bbbb2222')
    expect(chooseRevision('rollback-to', at('aaaa1111'))).toBe('dddd4444')
    const onlyFailed = tried.filter(({ number }) => number > 2)
    expect(() => chooseRevision('rollback-to', at('dddd4444', onlyFailed), ' -n team-a')).toThrow(
      /kubectl authservice history accounts -n team-a/,
    )
  })

  test('rollback means the revision before the current one, not a newer one that failed', () => {
    expect(chooseRevision('rollback-to', during('Stable'))).toBe('aaaa1111')
    const first = authService({
      currentRevision: 'aaaa1111',
      revisions,
      rollout: { phase: 'Stable', revision: 'aaaa1111' },
    })
    expect(() => chooseRevision('rollback-to', first)).toThrow(/No other revision/)
  })
})

test('each request writes a different value, so that a user can repeat it', async () => {
  const written: string[] = []
  // The part of kubectl that a request uses.
  const kubectl = {
    flags: '',
    get: async () => during('Stable'),
    annotate: async (_: string, __: string, annotations: Record<string, string>) =>
      void written.push(...Object.values(annotations)),
  } as unknown as Kubectl
  const ask = (second: number) =>
    requestAction('rollback-to', 'accounts', '1', { kubectl, now: new Date(Date.UTC(2026, 10, 24, 12, 0, second)) })
  expect([await ask(0), await ask(1)]).toEqual(['aaaa1111', 'aaaa1111'])
  expect(written).toEqual(['aaaa1111@2026-11-24T12:00:00.000Z', 'aaaa1111@2026-11-24T12:00:01.000Z'])
})

describe('a revision', () => {
  test('is named by its number, its hash, or the beginning of its hash', () => {
    expect(findRevision('2', during('Stable'))).toBe('bbbb2222')
    expect(findRevision('bbcc3333', during('Stable'))).toBe('bbcc3333')
    expect(findRevision('aa', during('Stable'))).toBe('aaaa1111')
  })

  test('that is unknown or ambiguous is refused with a list of the known ones', () => {
    expect(() => findRevision('bb', during('Stable'))).toThrow(/More than one revision matches bb.*1 \(aaaa1111\)/)
    expect(() => findRevision('9', during('Stable'))).toThrow(/No revision matches 9/)
  })
})
