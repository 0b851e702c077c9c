import { expect, test } from 'vitest'
import { judge } from './judge.ts'

test('an answer that was asked for is none of the failures', () => {
  expect(judge('verify', { status: 200 }, false)).toEqual({ result: 'ok' })
})

test.each([
  ['verify', { error: 'ECONNRESET' }, 'ECONNRESET'],
  ['verify', { status: 401, code: 'token_revoked' }, '401 token_revoked'],
  ['refresh', { status: 401, code: 'session_revoked' }, '401 session_revoked'],
  ['login', { status: 503, code: 'not_ready' }, '503 not_ready'],
  ['login', { status: 401, code: 'invalid_credentials' }, '401 invalid_credentials'],
  ['verify', { status: 429 }, '429'],
] as const)('%s that ends with %o fails', (kind, ending, why) => {
  expect(judge(kind, ending, false)).toEqual({ result: 'failed', why })
})

test('a version that refuses every log-in is blamed for those alone', () => {
  const refused = { status: 401, code: 'invalid_credentials' }
  expect(judge('login', refused, true)).toEqual({ result: 'refused' })
  expect(judge('verify', refused, true).result).toBe('failed')
  expect(judge('login', { status: 500 }, true).result).toBe('failed')
})
