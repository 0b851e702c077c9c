import { expect, test } from 'vitest'
import { bearerOf } from './login-answer.ts'

test('a login gives the header of its user', () => {
  const answer = { status: 200, body: '{"access_token":"a.b.c"}' }
  expect(bearerOf('user@example.com', answer)).toEqual({ authorization: 'Bearer a.b.c' })
})

test('a user with a second factor is refused with what to do, and without the pending login', () => {
  const pending = { status: 202, body: '{"mfa_token":"secret"}' }
  expect(() => bearerOf('user@example.com', pending)).toThrow(/^user@example.com needs a second factor.*Name a user/)
  expect(() => bearerOf('user@example.com', pending)).not.toThrow(/secret/)
})

test('any other answer is shown', () => {
  const wrong = { status: 401, body: '{"code":"invalid_credentials"}' }
  expect(() => bearerOf('user@example.com', wrong)).toThrow('answered with 401: {"code":"invalid_credentials"}')
})
