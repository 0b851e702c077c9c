import type { OidcClient } from '@authservice-operator/contract/oidc-client-schema.ts'
import { expect, test } from 'vitest'
import { askedClaims, checkClaimsParameter, claimsOfGrant, essentialLevels, storedClaims } from './asked-claims.ts'

const client: OidcClient = {
  id: 'shop',
  name: 'Shop',
  grants: ['authorization_code'],
  scopes: ['openid', 'email'],
  userClaims: ['roles'],
  authentication: { method: 'none' },
}
const claims = (value: object) => JSON.stringify(value)

test('a client asks for the claims of its configuration, and for single ones of scopes that it may have', () => {
  const parameter = claims({ id_token: { email: null, name: null }, userinfo: { email_verified: { essential: true } } })
  expect(askedClaims(client, { scope: 'openid' })).toEqual(['roles'])
  expect(askedClaims(client, { scope: 'openid', claims: parameter })).toEqual(['roles', 'email', 'email_verified'])
  expect(askedClaims(client, { scope: 'email', claims: parameter })).toEqual([])
  expect(askedClaims(undefined, { scope: 'openid', claims: parameter })).toEqual([])
})

test('names that every object has are no claims of a scope', () => {
  const parameter = '{"id_token":{"constructor":null,"__proto__":null,"toString":null}}'
  expect(askedClaims(client, { scope: 'openid', claims: parameter })).toEqual(['roles'])
})

test.each([
  [{ essential: true, value: 'aal2' }, ['aal2']],
  [{ essential: true, values: ['aal2', 'aal1'] }, ['aal2', 'aal1']],
  [{ essential: true, values: ['gold', 1] }, ['gold']],
  [{ essential: true }, undefined],
  [{ values: ['aal2'] }, undefined],
  [null, undefined],
])('acr %j makes %j essential', (acr, levels) => {
  expect(essentialLevels(claims({ id_token: { acr } }))).toEqual(levels)
})

test('a part with too many claims, and values that are no list, are refused', () => {
  const many = Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`c${index}`, null]))
  expect(() => checkClaimsParameter({ userinfo: many })).toThrow(expect.objectContaining({ error: 'invalid_request' }))
  const acr = { essential: true, values: 'aal2' }
  expect(() => checkClaimsParameter({ id_token: { acr } })).toThrow(
    expect.objectContaining({ error: 'invalid_request' }),
  )
  expect(() => checkClaimsParameter({ id_token: { acr: { values: ['aal2'] } } })).not.toThrow()
})

test('a session keeps what was granted, and of earlier versions has none', () => {
  const stored = JSON.stringify(storedClaims('openid', ['roles', 'email'], ['email', 'name']))
  expect(claimsOfGrant(stored)).toEqual({ granted: ['roles', 'email'], forUserinfo: ['email'] })
  expect(storedClaims('openid', [], ['name'])).toEqual({ openid: { scope: 'openid' } })
  expect(claimsOfGrant('{"openid":{"scope":"openid"}}')).toEqual({ granted: [], forUserinfo: [] })
  expect(claimsOfGrant(undefined)).toEqual({ granted: [], forUserinfo: [] })
})
