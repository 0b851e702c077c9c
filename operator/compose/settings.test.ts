import { expect, test } from 'vitest'
import { readSettings, SetupError } from './settings.ts'

test('without settings, the edge has the defaults of the server', () => {
  expect(readSettings({ RATE_LIMIT_LOGIN: '', PATH: '/bin' })).toEqual({
    AUTH_HOST: 'auth.localhost',
    ENVIRONMENT: 'production',
    DATABASE_NAME: 'auth',
    RATE_LIMIT_PER_CLIENT: '100/s',
    RATE_LIMIT_BURST: 200,
    RATE_LIMIT_LOGIN: '10/m',
    RATE_LIMIT_REGISTER: '5/m',
    RATE_LIMIT_RESET: '5/h',
  })
})

test('every invalid setting is named, with what it must be', () => {
  const read = () => readSettings({ AUTH_HOST: 'Auth.example.com', RATE_LIMIT_BURST: 'many', ENVIRONMENT: 'staging' })
  expect(read).toThrow(SetupError)
  expect(read).toThrow(
    /\.env:\nAUTH_HOST=Auth\.example\.com is invalid: expected host name .*lower case.*\nRATE_LIMIT_BURST=many is invalid/,
  )
  expect(read).not.toThrow(/ENVIRONMENT/)
})
