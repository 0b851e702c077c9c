import { expect, test } from 'vitest'
import { connectionFailure } from './connection-failure.ts'

const withCode = (message: string, code: string | number) => Object.assign(new Error(message), { code })

test.each<[string, unknown, string]>([
  ['refused', withCode('connect ECONNREFUSED 10.0.0.7:6379', 'ECONNREFUSED'), 'connect ECONNREFUSED 10.0.0.7:6379'],
  ['no such name', withCode('getaddrinfo ENOTFOUND redis', 'ENOTFOUND'), 'getaddrinfo ENOTFOUND redis (10.0.0.7:6379)'],
  ['a numeric code', withCode('Authentication failed.', 18), 'Authentication failed. (18) (10.0.0.7:6379)'],
  [
    'both families',
    new AggregateError([
      withCode('connect ECONNREFUSED ::1:6379', 'ECONNREFUSED'),
      withCode('no route', 'ENETUNREACH'),
    ]),
    'connect ECONNREFUSED ::1:6379; no route (ENETUNREACH) (10.0.0.7:6379)',
  ],
  ['a password in the message', new Error('mongodb://user:secret@host'), 'mongodb://[redacted]@host (10.0.0.7:6379)'],
  ['no error at all', 'timeout', 'timeout (10.0.0.7:6379)'],
])('a person reads host, port and code: %s', (_what, error, expected) => {
  expect(connectionFailure(error, '10.0.0.7:6379')).toBe(expected)
})
