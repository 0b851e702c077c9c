import { expect, test } from 'vitest'
import { mustEncrypt } from './smtp.ts'

test.each([
  ['smtp://user:secret@mail.example.com:587', true],
  ['smtp://127.0.0.1.example.com', true],
  ['smtps://mail.example.com', false],
  ['smtp://127.0.0.1:1025', false],
  ['smtp://[::1]:1025', false],
])('mail to %s must be encrypted first: %s', (url, must) => {
  expect(mustEncrypt(url)).toBe(must)
})
