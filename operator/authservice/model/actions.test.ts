import { describe, expect, test } from 'vitest'
import type { AuthService, AuthServiceStatus } from '../api/schema.ts'
import { recordActions, requestedActions } from './actions.ts'

const now = new Date('2026-11-24T12:00:00.500Z')
const requested = (annotations: Record<string, string>, actions?: AuthServiceStatus['actions']) =>
  requestedActions({
    metadata: { name: 'accounts', namespace: 'team-a', uid: 'u', generation: 1, annotations },
    ...(actions === undefined ? {} : { status: { actions } }),
  } satisfies Pick<AuthService, 'metadata' | 'status'>)

describe('an action that is requested by annotation', () => {
  test('is requested by a new value', () => {
    expect(requested({ 'auth-operator.dev/restart': '1', 'example.com/restart': '2' })).toEqual(
      new Map([['restart', '1']]),
    )
  })

  test('is taken once, however often the same annotation is applied, and again for another value', () => {
    const actionsTaken = [{ name: 'restart', value: '1', message: 'done' }] as const
    const record = recordActions([], actionsTaken, { now })
    expect(record).toEqual([{ name: 'restart', value: '1', takenAt: '2026-11-24T12:00:00Z', message: 'done' }])
    expect(requested({ 'auth-operator.dev/restart': '1' }, record).size).toBe(0)
    expect(requested({ 'auth-operator.dev/restart': '2' }, record).get('restart')).toBe('2')
  })

  test('is not requested by an empty value', () => {
    expect(requested({ 'auth-operator.dev/rotate-keys': '' }).size).toBe(0)
  })

  test('is recorded with the part of its value that fits into status, and still taken only once', () => {
    const annotations = { 'auth-operator.dev/rotate-keys': 'x'.repeat(10_000) }
    const value = requested(annotations).get('rotate-keys') ?? ''
    expect(value).toHaveLength(253)
    expect(requested(annotations, recordActions([], [{ name: 'rotate-keys', value, message: '' }], { now })).size).toBe(
      0,
    )
  })

  test('does not change the records of other actions', () => {
    const first = recordActions([], [{ name: 'restart', value: '1', message: '' }], { now })
    const second = recordActions(first, [{ name: 'rotate-keys', value: '7', message: '' }], { now: new Date(0) })
    expect(second.map(({ name, takenAt }) => `${name} ${takenAt}`)).toEqual([
      'rotate-keys 1970-01-01T00:00:00Z',
      'restart 2026-11-24T12:00:00Z',
    ])
    expect(recordActions(second, [], { now })).toEqual(second)
  })

  test('about a rollout is new if its annotation was removed and added again; a rotation of keys is not', () => {
    const annotations = { 'auth-operator.dev/rollback-to': '2', 'auth-operator.dev/rotate-keys': '1' }
    const actionsTaken = (['rollback-to', 'rotate-keys'] as const).map((name) => ({
      name,
      value: annotations[`auth-operator.dev/${name}`],
      message: '',
    }))
    const record = recordActions([], actionsTaken, { annotations, now })
    expect([...requested(annotations, record).keys()]).toEqual([])
    const without = recordActions(record, [], { annotations: {}, now })
    expect([...requested(annotations, without).keys()]).toEqual(['rollback-to'])
  })
})
