import type { OidcClient } from '@authservice-operator/contract/oidc-client-schema.ts'
import { expect, test } from 'vitest'
import { unsupportedBy } from './client-metadata.ts'

const client: OidcClient = {
  id: 'shop',
  name: 'Shop',
  redirectUris: ['https://shop.example.com/callback'],
  grants: ['authorization_code'],
  scopes: ['openid'],
  authentication: { method: 'none' },
}

test('a client without scopes, whose requests the library would refuse, is refused with its file', () => {
  expect(unsupportedBy(client, 'example-apps')).toEqual([])
  const { scopes, ...without } = client
  for (const each of [without, { ...client, scopes: [] }]) {
    expect(unsupportedBy(each, 'example-apps')).toEqual(['scopes is empty: name at least one, such as openid'])
  }
})

test('a client that gets tokens for itself needs no scopes about users, and none for the API of this server', () => {
  const job: OidcClient = {
    id: 'job',
    name: 'Job',
    grants: ['client_credentials'],
    resources: [{ uri: 'https://api.example.com' }],
    authentication: { method: 'secret', secretHashes: ['ab'.repeat(32)] },
  }
  expect(unsupportedBy(job, 'example-apps')).toEqual([])
  expect(unsupportedBy(job, 'https://api.example.com')).toEqual([
    'resources: https://api.example.com is the audience of this server (JWT_AUDIENCE)',
  ])
})
