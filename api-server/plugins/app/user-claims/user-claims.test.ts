import { describe, expect, test } from 'vitest'
import { differenceOf } from './change-claims.ts'
import { selectClaims } from './plugin.ts'

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

test('the record of a change names roles, and claims without their values', () => {
  const after = { roles: ['viewer'], claims: { department: 'support', level: 3, floor: 2 } }
  expect(differenceOf(user, after)).toBe('roles +viewer -orders.approver, claims department floor')
  expect(differenceOf(user, { ...user, claims: { level: 3, department: 'sales' } })).toBe('')
})
