import { expect, test } from 'vitest'
import { codeOf, userTokens } from './oidc-requests.ts'

test('a login ends at the application with a code', () => {
  expect(codeOf(new URL('https://shop.example.com/callback?code=one&state=mine'), 'mine')).toBe('one')
})

test.each([
  ['at a page of the provider', 'https://auth.example.com/oauth/authorize/1?code=one&state=mine'],
  ['with an error', 'https://shop.example.com/callback?error=login_required&state=mine'],
  ['with the state of another login', 'https://shop.example.com/callback?code=one&state=yours'],
])('a login that ends %s fails', (_where, url) => {
  expect(() => codeOf(new URL(url), 'mine')).toThrow(url)
})

test('an answer without one of the three tokens fails', () => {
  const tokens = { access_token: 'a', refresh_token: 'r', id_token: 'i' }
  expect(userTokens(JSON.stringify(tokens))).toEqual({ accessToken: 'a', refreshToken: 'r', idToken: 'i' })
  for (const name of Object.keys(tokens)) {
    expect(() => userTokens(JSON.stringify({ ...tokens, [name]: undefined }))).toThrow('lacks a token')
  }
})
