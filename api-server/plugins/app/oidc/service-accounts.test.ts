import type { OidcClient } from '@authservice-operator/contract/oidc-client-schema.ts'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { expect, test } from 'vitest'
import { ServiceAccounts } from './service-accounts.ts'

const issuer = 'https://kubernetes.default.svc.cluster.local'
const subject = 'system:serviceaccount:shops:nightly'
const audience = 'https://auth.example.com'

const client: OidcClient = {
  id: 'shops.nightly',
  name: 'Nightly job',
  grants: ['client_credentials'],
  resources: [{ uri: 'https://orders.example.com', scopes: ['orders:read'] }],
  authentication: { method: 'serviceAccount', issuer, subjects: [subject], audience },
}

test.each(['https://kubernetes.default.svc', undefined])(
  'the refusal of a token for %s names the audience that it should have',
  async (wrong) => {
    const { publicKey, privateKey } = await generateKeyPair('ES256')
    const { x = '', y = '' } = await exportJWK(publicKey)
    const jwks = { keys: [{ kty: 'EC', crv: 'P-256', x, y, kid: 'k', alg: 'ES256' }] }
    const accounts = new ServiceAccounts({ version: 1, clients: [client], serviceAccountIssuers: [{ issuer, jwks }] })
    const token = new SignJWT(wrong === undefined ? {} : { aud: wrong })
      .setProtectedHeader({ alg: 'ES256', kid: 'k' })
      .setIssuer(issuer)
      .setSubject(subject)
      .setIssuedAt()
      .setExpirationTime('1h')
    expect(await accounts.authenticate(await token.sign(privateKey), undefined, new Date())).toEqual({
      kind: 'refused',
      clientId: 'shops.nightly',
      reason: 'its audience is not https://auth.example.com',
    })
  },
)
