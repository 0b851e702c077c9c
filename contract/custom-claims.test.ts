import Value from 'typebox/value'
import { describe, expect, test } from 'vitest'
import {
  ApplicationRoles,
  bytesOf,
  CustomClaims,
  clientClaimProblems,
  customClaimProblems,
  maxClaimBytes,
  maxClaimsOfUser,
  roleProblems,
  userClaimNameProblems,
} from './custom-claims.ts'

describe('custom claims', () => {
  test.each([
    ['iss'],
    ['sub'],
    ['aud'],
    ['exp'],
    ['jti'],
    ['role'],
    ['roles'],
    ['sid'],
    ['ver'],
    ['scope'],
    ['client_id'],
    ['cnf'],
    ['acr'],
    ['email_verified'],
    ['active'],
  ])('cannot be called %s', (name) => {
    expect(customClaimProblems({ [name]: 'admin' })).toEqual([
      `${name} is a registered or reserved claim: choose another name`,
    ])
    expect(clientClaimProblems({ [name]: 'admin' }, [])).toHaveLength(1)
  })

  test.each([['department'], ['https://example.com/tenant'], ['groups'], ['constructor'], ['a.b']])(
    'can be called %s',
    (name) => {
      expect(Value.Check(CustomClaims, { [name]: 'sales' })).toBe(true)
      expect(customClaimProblems({ [name]: 'sales' })).toEqual([])
    },
  )

  test.each([
    [{ [`${'a'.repeat(65)}`]: 1 }],
    [{ __proto: 1 }],
    [{ '1': 'reordered by JSON' }],
    [{ 'a b': 1 }],
    [{ a: null }],
    [{ a: { b: 1 } }],
    [{ a: [1] }],
    [{ a: ['x'.repeat(257)] }],
    [{ a: 'line\nbreak' }],
    [{ a: Array.from({ length: 21 }, String) }],
    [Object.fromEntries(Array.from({ length: maxClaimsOfUser + 1 }, (_, index) => [`c${index}`, 1]))],
  ])('have no other form: %j', (claims) => {
    expect(Value.Check(CustomClaims, claims)).toBe(false)
  })
})

test('a role is not that of an account, in any case of its letters', () => {
  expect(roleProblems(['orders.approver', 'administrator'])).toEqual([])
  expect(roleProblems(['admin'])).toHaveLength(1)
  expect(roleProblems(['Admin', 'USER'])).toHaveLength(2)
  expect(Value.Check(ApplicationRoles, ['two words'])).toBe(false)
  expect(Value.Check(ApplicationRoles, ['one', 'one'])).toBe(false)
})

test('tokens can carry roles and custom claims, and no registered claim of a user', () => {
  expect(userClaimNameProblems(['roles', 'department'])).toEqual([])
  expect(userClaimNameProblems(['role', 'sub'])).toHaveLength(2)
})

test('a client has no rights of users, no claim of its users, and few bytes', () => {
  expect(clientClaimProblems({ tenant: 'acme' }, ['department'])).toEqual([])
  expect(clientClaimProblems({ groups: 'admins', entitlements: 'all', roles: 'admin' }, [])).toHaveLength(3)
  expect(clientClaimProblems({ department: 'sales' }, ['department'])[0]).toMatch(/is in userClaims, too/)
  const large = Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`claim${index}`, 'x'.repeat(256)]))
  expect(bytesOf(large)).toBeGreaterThan(maxClaimBytes)
  expect(clientClaimProblems(large, [])[0]).toMatch(/more than 1536 bytes/)
})
