import { expect, test } from 'vitest'
import { judge } from './judge.ts'

test('200 is no failure', () => {
  expect(judge('verify', { status: 200 }, false)).toEqual({ result: 'ok' })
})

test.each([
  ['verify', { error: 'ECONNRESET' }, 'ECONNRESET'],
  ['verify', { status: 401, code: 'token_revoked' }, '401 token_revoked'],
  ['refresh', { status: 401, code: 'session_revoked' }, '401 session_revoked'],
  ['login', { status: 503, code: 'not_ready' }, '503 not_ready'],
  ['login', { status: 401, code: 'invalid_credentials' }, '401 invalid_credentials'],
  ['verify', { status: 429 }, '429'],
] as const)('%s that ends with %o is a failure', (kind, ending, why) => {
  expect(judge(kind, ending, false)).toEqual({ result: 'failed', why })
})

const refused = { status: 401, code: 'invalid_credentials' }
const badVersion = 'logins-fail'

test('of a bad version, only refused logins are no failures', () => {
  expect(judge('login', { ...refused, badVersion }, true)).toEqual({ result: 'refused' })
  expect(judge('verify', { ...refused, badVersion }, true).result).toBe('failed')
  expect(judge('login', { status: 500, badVersion }, true)).toEqual({
    result: 'failed',
    why: '500 of the bad version logins-fail',
  })
})

test('a login that a good version refuses is a failure, also while a bad version has traffic', () => {
  expect(judge('login', refused, true)).toEqual({ result: 'failed', why: '401 invalid_credentials' })
})

test('a login that a bad version refuses after the rollback is a failure', () => {
  expect(judge('login', { ...refused, badVersion }, false).result).toBe('failed')
})
