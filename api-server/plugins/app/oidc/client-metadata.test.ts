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
  expect(unsupportedBy(client)).toEqual([])
  const { scopes, ...without } = client
  for (const each of [without, { ...client, scopes: [] }]) {
    expect(unsupportedBy(each)).toEqual(['scopes is empty: name at least one, such as openid'])
  }
})
