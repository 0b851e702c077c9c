import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { problemsOf, entryOf as publishedEntryOf } from '../../operator/auth-client/client-entry.ts'
import { encodeSecretData } from '../../operator/authservice/model/secret-data.ts'
import { entryOf } from './client-entry.ts'
import { authClientManifest, authServiceManifest, credentialsIn } from './manifests.ts'
import { type PlanAlias, type PlanClient, planAliases, planOf } from './plans.ts'

const addresses = {
  suite: 'https://localhost:8443',
  issuer: 'https://localhost:9443',
  receiver: 'https://192.0.2.1:40123',
}
const clientsOf = async (alias: PlanAlias) => (await planOf(alias, addresses)).clients
const clients = (await Promise.all(planAliases.map(clientsOf))).flat()

const secret = 'what the operator has generated'
const secrets = clients.map(({ name }) => ({
  metadata: { name: `${name}-credentials` },
  data: encodeSecretData({ client_id: name, client_secret: secret }),
}))

/** The AuthClient as the operator reads it. */
function stored(client: PlanClient) {
  const { metadata, ...manifest } = authClientManifest(client)
  return { ...manifest, metadata: { ...metadata, uid: client.name, generation: 1 } }
}

test.each(clients.map((client) => [client.name, client] as const))(
  'by its AuthClient, servers get the client %s as a server alone gets it',
  (name, client) => {
    const { spec } = authServiceManifest(new URL(addresses.issuer), new URL(addresses.receiver))
    const receivers = spec.oidc?.backchannelLogout?.receivers?.map(({ host, port = 443 }) => ({ host, port })) ?? []
    const manifest = stored(client)
    expect(problemsOf(manifest)).toEqual([])
    const hashes = [createHash('sha256').update(secret).digest('hex')]
    expect(publishedEntryOf(manifest, hashes, { receivers })).toEqual({
      type: 'web',
      ...entryOf(client, credentialsIn(secrets, clients).get(name)),
    })
  },
)

test('names of AuthClients differ, and are valid in Kubernetes', () => {
  const names = clients.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  for (const name of names) expect(name).toMatch(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/)
})

test('the suite gets the client IDs and secrets that the operator has created', async () => {
  const basic = await planOf('basic', addresses)
  const { config } = basic.plan(credentialsIn(secrets, basic.clients))
  expect(config).toMatchObject({
    client: { client_id: 'conformance.basic-client', client_secret: secret },
    client_secret_post: { client_id: 'conformance.basic-client-secret-post', client_secret: secret },
  })
})

test('the suite gets the private keys of the clients that have no secret', async () => {
  const fapi = await planOf('fapi2', addresses)
  const { config } = fapi.plan(credentialsIn([], fapi.clients))
  expect(config).toMatchObject({
    client: {
      client_id: 'conformance.fapi2-client',
      jwks: { keys: [{ kid: 'fapi2-client', d: expect.any(String) }] },
    },
  })
  expect(JSON.stringify(fapi.clients.map(authClientManifest))).not.toContain('"d"')
})

test('a Secret that the operator has not created is reported by its name', () => {
  expect(() => credentialsIn([], clients)).toThrow('Secret conformance/config-client-credentials has no client_secret')
})

test('servers send logout tokens to the address of the receiver, and browsers go to that of the suite', async () => {
  const [client] = await clientsOf('backchannel-logout')
  expect(client).toMatchObject({
    redirectUris: ['https://localhost:8443/test/a/backchannel-logout/callback'],
    backchannelLogoutUri: 'https://192.0.2.1:40123/test/a/backchannel-logout/backchannel_logout',
  })
  expect(authServiceManifest(new URL(addresses.issuer), new URL(addresses.receiver)).spec).toMatchObject({
    tokens: { issuer: 'https://localhost:9443' },
    ingress: { host: 'localhost' },
    oidc: { backchannelLogout: { receivers: [{ host: '192.0.2.1', port: 40123 }] } },
  })
})
