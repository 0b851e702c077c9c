import { bytesOf, maxClaimBytes } from '@authservice-operator/contract/custom-claims.ts'
import { describe, expect, test } from 'vitest'
import { differenceOf } from './change-claims.ts'
import { rolesInToken, selectClaims } from './plugin.ts'

const user = { roles: ['orders.approver'], claims: { department: 'sales', level: 3 } }

describe('a token carries', () => {
  test('the claims that the configuration names, and roles only if it names them', () => {
    expect(selectClaims(user, ['department'])).toEqual({ department: 'sales' })
    expect(selectClaims(user, ['roles', 'level', 'unknown'])).toEqual({ roles: ['orders.approver'], level: 3 })
  })

  test('no empty list of roles, and nothing that every object inherits', () => {
    expect(selectClaims({ roles: [], claims: {} }, ['roles', 'constructor', 'toString'])).toEqual({})
  })
})

describe('of roles from identity providers, a token carries', () => {
  test('all of them beside the others, each once', () => {
    const given = ['orders.viewer', 'orders.approver', 'orders.viewer']
    expect(rolesInToken(user, given)).toEqual({ roles: ['orders.approver', 'orders.viewer'], left: [] })
  })

  test('as many as fit, because a login must not fail', () => {
    const given = Array.from({ length: 100 }, (_, index) => `${index}${'x'.repeat(40)}`)
    const { roles, left } = rolesInToken(user, [...given, 'y'])
    expect([...roles, ...left].sort()).toEqual([...user.roles, ...given, 'y'].sort())
    expect(roles).toContain('y')
    const bytes = bytesOf({ ...user, roles })
    expect(bytes).toBeLessThanOrEqual(maxClaimBytes)
    expect(bytes).toBeGreaterThan(maxClaimBytes - 44)
  })
})

test('the record of a change names roles, and claims without their values', () => {
  const after = { roles: ['viewer'], claims: { department: 'support', level: 3, floor: 2 } }
  expect(differenceOf(user, after)).toBe('roles +viewer -orders.approver, claims department floor')
  expect(differenceOf(user, { ...user, claims: { level: 3, department: 'sales' } })).toBe('')
})
