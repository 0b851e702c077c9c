import { expect, test } from 'vitest'
import { issuedTokens } from './issued-tokens.ts'

test('the tokens of a response are read, and a problem document has none', () => {
  const tokens = { access_token: 'access', refresh_token: 'refresh', token_type: 'Bearer' }
  expect(issuedTokens(tokens)).toEqual({ accessToken: 'access', refreshToken: 'refresh' })
  for (const body of [{ code: 'invalid_credentials' }, { access_token: 'access' }, 'an error of the edge', null])
    expect(issuedTokens(body)).toBeUndefined()
})
