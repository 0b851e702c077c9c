import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { readConfig } from './config.ts'
import { ConfigError } from './read-environment.ts'

const base = {
  ENVIRONMENT: 'development',
  MONGODB_URL: 'mongodb://127.0.0.1',
  JWT_SECRET: randomBytes(32).toString('base64'),
}
const files = { OIDC_CLIENTS_FILE: '/run/clients.json', OIDC_KEYS_FILE: '/run/keys.json' }

test('there is an OpenID provider only with both files', () => {
  expect(readConfig(base).oidc).toBeUndefined()
  expect(readConfig({ ...base, ...files, PAGES_FILE: '/run/pages.json' }).oidc).toEqual({
    clientsFile: '/run/clients.json',
    keysFile: '/run/keys.json',
    pagesFile: '/run/pages.json',
  })
})

test.each([
  [{ OIDC_CLIENTS_FILE: '/run/clients.json' }, 'must be set together'],
  [{ PAGES_FILE: '/run/pages.json' }, 'PAGES_FILE needs OIDC_CLIENTS_FILE'],
  [{ OIDC_KEYS_FILE: '/run/keys.json' }, 'must be set together'],
  [{ IDENTITY_PROVIDERS_FILE: '/run/providers.json' }, 'needs OIDC_CLIENTS_FILE'],
  [{ ...files, JWT_ISSUER: 'my-issuer' }, 'needs a JWT_ISSUER that is a URL'],
  [{ ...files, JWT_ISSUER: 'https://auth.example.com/' }, 'slash at its end'],
  [{ ...files, JWT_ISSUER: 'https://auth.example.com?a=b' }, 'without a query'],
])('%j is refused: %s', (changes, message) => {
  expect(() => readConfig({ ...base, ...changes })).toThrow(ConfigError)
  expect(() => readConfig({ ...base, ...changes })).toThrow(message)
})
