import { describe, expect, test } from 'vitest'
import { pendingActions, recordActions } from './actions.ts'
import type { AuthService, AuthServiceStatus } from './api/schema.ts'

const now = new Date('2026-11-24T12:00:00.500Z')
const asked = (annotations: Record<string, string>, actions?: AuthServiceStatus['actions']) =>
  pendingActions({
    metadata: { name: 'accounts', namespace: 'team-a', uid: 'u', generation: 1, annotations },
    ...(actions === undefined ? {} : { status: { actions } }),
  } satisfies Pick<AuthService, 'metadata' | 'status'>)

describe('an action by annotation', () => {
  test('is asked for by a value that was not taken yet', () => {
    expect(asked({ 'auth-operator.dev/restart': '1', 'example.com/restart': '2' })).toEqual(new Map([['restart', '1']]))
  })

  test('is taken once, however often the annotation is applied again, and anew with another value', () => {
    const taken = [{ name: 'restart', value: '1', message: 'done' }] as const
    const record = recordActions([], taken, now)
    expect(record).toEqual([{ name: 'restart', value: '1', takenAt: '2026-11-24T12:00:00Z', message: 'done' }])
    expect(asked({ 'auth-operator.dev/restart': '1' }, record).size).toBe(0)
    expect(asked({ 'auth-operator.dev/restart': '2' }, record).get('restart')).toBe('2')
  })

  test('that is empty asks for nothing', () => {
    expect(asked({ 'auth-operator.dev/rotate-keys': '' }).size).toBe(0)
  })

  test('is recorded with as much of its value as status holds, and still taken only once', () => {
    const annotations = { 'auth-operator.dev/rotate-keys': 'x'.repeat(10_000) }
    const value = asked(annotations).get('rotate-keys') ?? ''
    expect(value).toHaveLength(253)
    expect(asked(annotations, recordActions([], [{ name: 'rotate-keys', value, message: '' }], now)).size).toBe(0)
  })

  test('leaves the records of the others as they are', () => {
    const first = recordActions([], [{ name: 'restart', value: '1', message: '' }], now)
    const second = recordActions(first, [{ name: 'rotate-keys', value: '7', message: '' }], new Date(0))
    expect(second.map(({ name, takenAt }) => `${name} ${takenAt}`)).toEqual([
      'rotate-keys 1970-01-01T00:00:00Z',
      'restart 2026-11-24T12:00:00Z',
    ])
    expect(recordActions(second, [], now)).toEqual(second)
  })
})
