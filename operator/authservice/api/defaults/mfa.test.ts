import { describe, expect, test } from 'vitest'
import { resolveSpec } from '../defaults.ts'
import type { AuthServiceSpec } from '../spec.ts'

type Fields = Partial<AuthServiceSpec> & {
  passkeys?: NonNullable<NonNullable<AuthServiceSpec['mfa']>['passkeys']>
}

function passkeysOf({ passkeys, ...fields }: Fields) {
  const metadata = { name: 'accounts', namespace: 'shop' }
  const mfa = { mode: 'Optional', passkeys: { enabled: true, ...passkeys } } as const
  return resolveSpec({ metadata, spec: { environment: 'staging', mongodb: {}, redis: {}, mfa, ...fields } }).mfa
    .passkeys
}

describe('passkeys', () => {
  test('belong to the host, and work on its pages, at the port of the issuer too', () => {
    expect(passkeysOf({ ingress: { host: 'auth.example.com' } })).toEqual({
      rpID: 'auth.example.com',
      origins: ['https://auth.example.com'],
      allowedAAGUIDs: undefined,
    })
    const ingress = { host: 'auth.localhost' }
    expect(passkeysOf({ ingress, tokens: { issuer: 'https://Auth.localhost:8443/path' } })).toMatchObject({
      rpID: 'auth.localhost',
      origins: ['https://auth.localhost', 'https://auth.localhost:8443'],
    })
  })

  test('also work on those pages of cors.origins to which browsers offer them', () => {
    const origins = [
      'https://app.example.com:443',
      'https://App.example.com',
      'https://example.com:8443',
      'http://plain.example.com',
      'https://badexample.com',
      'https://other.example.org',
    ]
    const ingress = { host: 'auth.example.com' }
    const passkeys = { rpID: 'example.com' }
    expect(passkeysOf({ ingress, passkeys, cors: { origins } })?.origins).toEqual([
      'https://auth.example.com',
      'https://app.example.com',
      'https://example.com:8443',
    ])
    expect(passkeysOf({ ingress, passkeys, cors: { origins: ['*'] } })?.origins).toEqual(['https://auth.example.com'])
    const local = { ingress: { host: 'auth.localhost' }, passkeys: { rpID: 'localhost' } }
    expect(passkeysOf({ ...local, cors: { origins: ['http://localhost:3000'] } })?.origins).toEqual([
      'https://auth.localhost',
      'http://localhost:3000',
    ])
  })

  test('work on the named pages only, and are off by default', () => {
    const origins = ['https://app.example.com']
    const ingress = { host: 'auth.example.com' }
    expect(passkeysOf({ ingress, passkeys: { rpID: 'example.com', origins } })?.origins).toEqual(origins)
    expect(passkeysOf({ ingress, passkeys: { enabled: false, origins } })).toBeUndefined()
    expect(passkeysOf({ ingress, mfa: { mode: 'Required' } })).toBeUndefined()
  })
})
