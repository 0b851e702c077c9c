import { describe, expect, test } from 'vitest'
import { authenticationClaims, byPassword, byTwoFactors, satisfies } from './authentication.ts'

const at = new Date('2026-11-30T12:00:00.900Z')
const seconds = Math.floor(at.getTime() / 1000)
const after = (age: number) => new Date((seconds + age) * 1000)

test('the claims say how and when a user authenticated', () => {
  expect(authenticationClaims({ at, methods: byPassword })).toEqual({ amr: ['pwd'], acr: 'aal1', auth_time: seconds })
  expect(authenticationClaims({ at, methods: byTwoFactors })).toEqual({
    amr: ['pwd', 'otp', 'mfa'],
    acr: 'aal2',
    auth_time: seconds,
  })
  // A session that began before second factors were turned on.
  expect(authenticationClaims(undefined)).toEqual({})
})

describe('a requirement', () => {
  const [one, two] = [byPassword, byTwoFactors].map((methods) => authenticationClaims({ at, methods }))
  test.each([
    ['nothing', {}, {}, 0, true],
    ['a level without claims', {}, { level: 'aal1' }, 0, false],
    ['an age without claims', {}, { maxAgeSeconds: 900 }, 0, false],
    ['one factor, by one', one, { level: 'aal1' }, 0, true],
    ['one factor, by two', two, { level: 'aal1' }, 0, true],
    ['two factors, by one', one, { level: 'aal2' }, 0, false],
    ['two factors, by two', two, { level: 'aal2' }, 0, true],
    ['an unknown level of the token', { acr: 'aal3', auth_time: seconds }, { level: 'aal2' }, 0, false],
    ['an age that is just reached', two, { maxAgeSeconds: 900 }, 900, true],
    ['an age that is exceeded', two, { maxAgeSeconds: 900 }, 901, false],
    ['an authentication of this very second', two, { maxAgeSeconds: 0 }, 0, true],
    ['both, of which one does not hold', one, { level: 'aal2', maxAgeSeconds: 900 }, 0, false],
    ['both, of which the other does not hold', two, { level: 'aal2', maxAgeSeconds: 900 }, 901, false],
  ] as const)('of %s', (_what, claims, requirement, age, expected) => {
    expect(satisfies(claims ?? {}, requirement, after(age))).toBe(expected)
  })
})
