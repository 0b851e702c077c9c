import { MongoServerError } from 'mongodb'
import { expect, test } from 'vitest'
import { loggedError, withoutSecrets } from './log-lines.ts'

test.each([
  ['mongodb://app:hunter2@db.example.com/auth', 'mongodb://[redacted]@db.example.com/auth'],
  ['dup key: { email: "Jo.O\'Neil+x@bücher.example" }', 'dup key: { email: "[email]" }'],
  ['jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln is bad', 'jwt [token] is bad'],
  [
    `0b0f6c0e-6a2f-4d7e-9d39-0c6a3f1d8a55.${'A'.repeat(43)} again`,
    '0b0f6c0e-6a2f-4d7e-9d39-0c6a3f1d8a55.[token] again',
  ],
  [`hash $2b$12$${'a'.repeat(53)}`, 'hash [hash]'],
  ['authorization: Basic Z2F0ZXdheTpzZWNyZXQ=', 'authorization: Basic [redacted]'],
  ['connect ECONNREFUSED 127.0.0.1:27017', 'connect ECONNREFUSED 127.0.0.1:27017'],
])('%s', (text, cleaned) => {
  expect(withoutSecrets(text)).toBe(cleaned)
})

test('an error of a database says what it is, without the document that it is about', () => {
  const error = new MongoServerError({
    message: 'E11000 duplicate key error dup key: { email: "user@example.com" }',
    code: 11000,
    keyValue: { email: 'user@example.com' },
  })
  const logged = loggedError(new Error('the user user@example.com cannot be stored', { cause: error }))
  expect(logged).toMatchObject({
    type: 'Error',
    message: 'the user [email] cannot be stored',
    cause: { type: 'MongoServerError', code: 11000, message: expect.stringContaining('E11000') },
  })
  expect(JSON.stringify(logged)).not.toContain('user@example.com')
})

test('an error that is its own cause ends', () => {
  const error = new Error('again')
  error.cause = error
  expect(JSON.stringify(loggedError(error)).match(/"message"/g)).toHaveLength(6)
})
