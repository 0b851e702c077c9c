import { expect, test } from 'vitest'
import { claimsVerifier } from './verified-claims.ts'

const claims = {
  iss: 'https://auth.example.com',
  aud: 'apps',
  sub: '66f0c0ffee0ddba11ca7f00d',
  sid: '7d0a4d57-8a1c-4a53-9f3a-1f6f6f3c2b10',
  role: 'user',
  ver: 0,
  jti: 'd1f6a8f0-65f7-4c15-8a4f-1b3c5d7e9f11',
  iat: 1_795_000_000,
  nbf: 1_795_000_000,
  exp: 1_795_000_900,
}

test('without a configuration, verify looks at no claim', () => {
  expect(claimsVerifier([])).toBeUndefined()
})

test('headers are set for users without claims, too', () => {
  const verified = claimsVerifier(['roles', 'department'])?.(claims)
  expect(verified).toEqual({
    headers: { 'x-auth-roles': '', 'x-auth-claims': '{}' },
    body: { roles: [], claims: {} },
  })
})

test('a header with claims is ASCII, and parses as JSON', () => {
  const custom = { department: 'Größe\u2028 😀', roles: ['a', 'b'], floor: 'not configured' }
  const verified = claimsVerifier(['roles', 'department'])?.({ ...claims, ...custom })
  expect(verified?.headers['x-auth-roles']).toBe('a b')
  expect(verified?.headers['x-auth-claims']).toMatch(/^[\x20-\x7e]+$/)
  expect(JSON.parse(verified?.headers['x-auth-claims'] ?? '')).toEqual({ department: custom.department })
})
