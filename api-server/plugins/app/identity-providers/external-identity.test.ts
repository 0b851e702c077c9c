import { expect, test } from 'vitest'
import { claimsInUse, hasTrustedSecondFactor, identityOf, missingClaim, roleFrom } from './external-identity.ts'
import type { Provider } from './provider-registry.ts'

const provider: Provider = {
  id: 'corp',
  name: 'Corp',
  issuer: 'https://id.example.com',
  clientId: 'auth',
  clientSecret: 'secret',
  authentication: { method: 'secret' },
  scopes: ['openid'],
}
const claims = { sub: '1', email: 'Me@Example.com', email_verified: true, name: 'Me' }

test('an identity has the canonical email and the name of the user', () => {
  expect(identityOf(provider.issuer, claims)).toEqual({
    issuer: provider.issuer,
    subject: '1',
    email: 'me@example.com',
    isEmailVerified: true,
    name: 'Me',
    claims,
  })
})

test.each([undefined, '', 1, null, 'a'.repeat(256)])('claims with the subject %s identify no user', (sub) => {
  expect(identityOf(provider.issuer, { ...claims, sub })).toBeUndefined()
})

test.each([false, undefined, 1, 'yes', 'TRUE', null, {}])('email_verified of %s is no', (verified) => {
  expect(identityOf(provider.issuer, { ...claims, email_verified: verified })?.isEmailVerified).toBe(false)
})

test.each([undefined, 1, 'me', 'me@localhost', 'a@b.example, c@d.example', 'me\u200b@example.com'])(
  'an email of %s is none, and so is not verified',
  (email) => {
    const identity = identityOf(provider.issuer, { ...claims, email })
    expect(identity).toMatchObject({ isEmailVerified: false })
    expect(identity?.email).toBeUndefined()
  },
)

test.each([
  [{ name: ' \u0000 ' }, 'me'],
  [{ name: undefined, preferred_username: 'nick' }, 'nick'],
  [{ name: 'a'.repeat(300) }, 'a'.repeat(200)],
  [{ name: undefined, email: undefined }, 'User'],
])('the name of %j is usable', (more, name) => {
  expect(identityOf(provider.issuer, { ...claims, ...more })?.name).toBe(name)
})

test.each([
  [{ hd: 'example.com' }, undefined],
  [{ hd: ['other.example', 'example.com'] }, undefined],
  [{ hd: 'evil-example.com' }, 'hd'],
  [{ hd: { 'example.com': true } }, 'hd'],
  [{}, 'hd'],
])('of claims %j, the missing one is %s', (given, missing) => {
  expect(missingClaim({ ...provider, requiredClaims: { hd: ['example.com'] } }, given)).toBe(missing)
})

test('a role comes only from a provider with a mapping', () => {
  const mapping = { ...provider, role: { claim: 'groups', admin: ['auth-admins'] } }
  expect(roleFrom(provider, { groups: ['auth-admins'] })).toBeUndefined()
  expect(roleFrom(mapping, { groups: ['all', 'auth-admins'] })).toBe('admin')
  expect(roleFrom(mapping, { groups: 'auth-admins' })).toBe('admin')
  expect(roleFrom(mapping, { groups: ['all'] })).toBe('user')
  expect(roleFrom(mapping, {})).toBe('user')
})

test('the claims in use are the email and those that the settings name', () => {
  expect(claimsInUse(provider)).toEqual(['email'])
  const applicationRoles = { claim: 'groups', mappings: [{ value: 'a', role: 'b' }] }
  const all = { ...provider, role: { claim: 'admins', admin: ['x'] }, requiredClaims: { hd: ['x'] }, applicationRoles }
  expect(claimsInUse(all)).toEqual(['email', 'admins', 'groups', 'hd'])
})

test('a second factor counts only if the settings name it', () => {
  const trusted = { ...provider, secondFactor: { amr: ['mfa'], acr: ['gold'] } }
  expect(hasTrustedSecondFactor(provider, { amr: ['mfa'] })).toBe(false)
  expect(hasTrustedSecondFactor(trusted, { amr: ['pwd', 'mfa'] })).toBe(true)
  expect(hasTrustedSecondFactor(trusted, { acr: 'gold' })).toBe(true)
  expect(hasTrustedSecondFactor(trusted, { amr: ['pwd'], acr: 'silver' })).toBe(false)
  expect(hasTrustedSecondFactor({ ...provider, secondFactor: {} }, {})).toBe(false)
})
