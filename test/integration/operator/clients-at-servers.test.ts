import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import * as openid from 'openid-client'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { buildObservabilityServer } from '../../../api-server/observability-server.ts'
import { fileRevision } from '../../../contract/file-revision.ts'
import { parseOidcClients } from '../../../contract/oidc-clients.ts'
import type { AuthClient } from '../../../operator/auth-client/api/schema.ts'
import { entryOf } from '../../../operator/auth-client/client-entry.ts'
import { hashOf } from '../../../operator/auth-client/credentials.ts'
import { clientsFileOf } from '../../../operator/authservice/secrets/oidc-clients.ts'
import { type AppForTest, freshDatabase, password, startApp } from '../api-server/app-for-test.ts'
import {
  Application,
  Browser,
  fetchOf,
  issuer,
  logInByPage,
  type OidcFiles,
  oidcFiles,
} from '../api-server/oidc-client.ts'

/** A server that has no clients at first, as the operator starts it. */
let server: AppForTest
let files: OidcFiles
const email = 'user@example.com'

beforeAll(async () => {
  files = await oidcFiles([])
  server = await startApp({ ...files.environment, DATABASE_NAME: freshDatabase() })
  await server.post('/v1/auth/register', { email, password, name: 'A User' })
})
afterAll(() => server.close())

const redirectUris = ['https://shop.example.com/callback']
const clientOf = (spec: Partial<AuthClient['spec']>): AuthClient => ({
  apiVersion: 'auth-operator.dev/v1alpha1',
  kind: 'AuthClient',
  metadata: { name: 'shop', namespace: 'shops', uid: 'a-uid', generation: 1 },
  spec: { authServiceRef: { name: 'accounts' }, redirectUris, firstParty: true, ...spec },
})

/** Writes the file that the operator writes for these clients. */
async function hand(...entries: ReturnType<typeof entryOf>[]): Promise<void> {
  const parsed = parseOidcClients(clientsFileOf(entries).content)
  if (parsed.kind === 'corrupt') throw new Error(parsed.problems.join('; '))
  await files.replaceClients(parsed.file.clients)
}

function discover(auth: openid.ClientAuth): Promise<openid.Configuration> {
  const settings = { [openid.customFetch]: fetchOf(server) as openid.CustomFetch }
  return openid.discovery(new URL(issuer), 'shops.shop', undefined, auth, settings)
}

async function applicationWith(auth: openid.ClientAuth): Promise<Application> {
  return new Application(await discover(auth), redirectUris[0] ?? '')
}

/** Waits until the server has read the file: it shows the page of the login. */
async function untilKnown(application: Application): Promise<void> {
  const status = async () => (await new Browser(server).open((await application.start()).url)).status
  await expect.poll(status, { timeout: 20_000 }).toBe(200)
}

const newSecret = () => randomBytes(32).toString('base64url')

test('an AuthClient that is created while the server runs logs a user in, and its secrets overlap', async () => {
  const [first, second] = [newSecret(), newSecret()]
  const client = clientOf({ displayName: 'Shop', lifetimes: { accessToken: '5m', refreshTokenIdle: '1h' } })
  const application = await applicationWith(openid.ClientSecretBasic(first))
  await hand(entryOf(client, [hashOf(first)]))
  await untilKnown(application)
  const flow = await application.start()
  const tokens = await application.redeem(flow, await logInByPage(new Browser(server), flow, email))
  expect(tokens.claims()).toMatchObject({ aud: 'shops.shop', iss: issuer })
  expect(tokens.expires_in).toBe(300)

  await hand(entryOf(client, [hashOf(first), hashOf(second)]))
  const next = await applicationWith(openid.ClientSecretBasic(second))
  let token = tokens.refresh_token ?? ''
  const refreshWith = async (by: Application) => {
    token = (await by.refresh(token)).refresh_token ?? ''
    return 'refreshed'
  }
  const outcome = (by: Application) => refreshWith(by).catch((error) => error.status)
  // Refreshes of a session are limited.
  const often = { timeout: 20_000, interval: 1_000 }
  await expect.poll(() => outcome(next), often).toBe('refreshed')
  expect(await outcome(application)).toBe('refreshed')

  await hand(entryOf(client, [hashOf(second)]))
  await expect.poll(() => outcome(application), often).toBe(401)
  expect(await outcome(next)).toBe('refreshed')
})

test('a server reports which file it has loaded', async () => {
  const observability = buildObservabilityServer(server.app)
  onTestFinished(() => observability.close())
  const loaded = async () => (await observability.inject('/status')).json().oidcClients
  await hand(entryOf(clientOf({ displayName: 'Another shop', authentication: { method: 'None' } }), []))
  const handed = fileRevision(await readFile(files.environment.OIDC_CLIENTS_FILE ?? '', 'utf8'))
  await expect.poll(loaded, { timeout: 20_000 }).toBe(handed)
})

test('a public AuthClient logs a user in', async () => {
  const application = await applicationWith(openid.None())
  await hand(entryOf(clientOf({ type: 'Native', authentication: { method: 'None' } }), []))
  const flow = async () => {
    const started = await application.start()
    const page = await new Browser(server).open(started.url)
    return page.text
  }
  await expect.poll(flow, { timeout: 20_000 }).toContain('to continue to shop')
})

/** What a client that users do not log in to with a browser has instead of redirect URIs. */
function withoutBrowser(spec: Partial<AuthClient['spec']>): AuthClient {
  const { redirectUris: _, ...rest } = clientOf(spec).spec
  return { ...clientOf({}), spec: rest }
}
const resources = [{ uri: 'https://orders.example.com', scopes: ['orders:read', 'orders:write'] }]

test('an AuthClient of a job gets a token for its API', async () => {
  const secret = newSecret()
  const config = await discover(openid.ClientSecretBasic(secret))
  await hand(entryOf(withoutBrowser({ grants: ['client_credentials'], resources }), [hashOf(secret)]))
  const scope = async () => (await openid.clientCredentialsGrant(config)).scope
  const outcome = () => scope().catch(() => 'not known yet')
  await expect.poll(outcome, { timeout: 20_000, interval: 1_000 }).toBe('orders:read orders:write')
})

test('an AuthClient of a device gets a code for its user', async () => {
  const config = await discover(openid.None())
  const grants: AuthClient['spec']['grants'] = ['device_code', 'refresh_token']
  await hand(entryOf(withoutBrowser({ grants, authentication: { method: 'None' } }), []))
  const code = async () => (await openid.initiateDeviceAuthorization(config, { scope: 'openid email' })).user_code
  const outcome = () => code().catch(() => 'not known yet')
  await expect.poll(outcome, { timeout: 20_000, interval: 1_000 }).toMatch(/^[A-Z]{4}-[A-Z]{4}$/)
})
