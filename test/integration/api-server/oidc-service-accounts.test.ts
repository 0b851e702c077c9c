import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { OidcClient } from '../../../contract/oidc-client-schema.ts'
import { clientsFileOf } from '../../../operator/authservice/secrets/oidc-clients.ts'
import { type ServiceAccountIssuer, ServiceAccountIssuerReader } from '../../../operator/kube/service-account-issuer.ts'
import { apiTransport, makeNamespace, RecordingLog } from '../support/kube-api.ts'
import { type Answer, type AppForTest, freshDatabase, logIn, startApp } from './app-for-test.ts'
import { issuer, type OidcFiles, oidcFiles, shop } from './oidc-client.ts'

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const resource = 'https://orders.example.com'
const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'
const transport = apiTransport()
let server: AppForTest
let files: OidcFiles
let cluster: ServiceAccountIssuer
let namespace: string
let other: string

/** A client that every ServiceAccount `name` of the namespace authenticates. */
function clientOf(id: string, name: string, changes: Partial<OidcClient> = {}): OidcClient {
  return {
    ...shop,
    id,
    name: id,
    grants: ['authorization_code', 'refresh_token', 'client_credentials', deviceGrant],
    resources: [{ uri: resource, scopes: ['orders:read'] }],
    authentication: {
      method: 'serviceAccount',
      issuer: cluster.issuer,
      subjects: [`system:serviceaccount:${namespace}:${name}`],
      audience: issuer,
    },
    ...changes,
  }
}

beforeAll(async () => {
  const reader = new ServiceAccountIssuerReader({ transport, log: new RecordingLog() })
  await reader.start()
  await reader.stop()
  if (reader.current === undefined) throw new Error(reader.problem)
  cluster = reader.current
  namespace = await makeNamespace(`accounts-${Date.now()}`)
  other = await makeNamespace(`others-${Date.now()}`)
  for (const [place, name] of [
    [namespace, 'reports'],
    [namespace, 'twice'],
    [namespace, 'idle'],
    [other, 'reports'],
  ] as const) {
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace: place } }
    await transport.json({ method: 'POST', path: `/api/v1/namespaces/${place}/serviceaccounts`, body: account })
  }
  const clients = [
    clientOf('reports', 'reports'),
    clientOf('one', 'twice'),
    clientOf('two', 'twice'),
    { ...clientOf('secret-job', 'reports'), authentication: shop.authentication },
  ]
  files = await oidcFiles(clients, [cluster])
  server = await startApp({ ...files.environment, DATABASE_NAME: freshDatabase() })
})
afterAll(() => server.close())

interface TokenRequest {
  of?: string
  in?: string
  audiences?: string[]
  seconds?: number
  pod?: { name: string; uid: string }
}

/** A token as the kubelet requests it for a projected volume. */
async function tokenOf(changes: TokenRequest = {}): Promise<string> {
  const { of = 'reports', in: place = namespace, audiences = [issuer], seconds = 3_600, pod } = changes
  const boundObjectRef = pod && { apiVersion: 'v1', kind: 'Pod', ...pod }
  const { status } = await transport.json<{ status: { token: string } }>({
    method: 'POST',
    path: `/api/v1/namespaces/${place}/serviceaccounts/${of}/token`,
    body: {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { audiences, expirationSeconds: seconds, ...(boundObjectRef && { boundObjectRef }) },
    },
  })
  return status.token
}

async function post(path: string, form: Record<string, string>, headers: Record<string, string> = {}): Promise<Answer> {
  const {
    statusCode,
    headers: answered,
    body,
  } = await server.app.inject({
    method: 'POST',
    url: path,
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    payload: new URLSearchParams(form).toString(),
  })
  return { status: statusCode, headers: answered, body: body === '' ? {} : JSON.parse(body) }
}

const asserted = (token: string) => ({ client_assertion_type: assertionType, client_assertion: token })
const credentialsGrant = { grant_type: 'client_credentials', resource }
const tokenFor = (token: string, more: Record<string, string> = {}) =>
  post('/oauth/token', { ...credentialsGrant, ...asserted(token), ...more })

describe('the token of a ServiceAccount', () => {
  test('gets its client a token for an API, as often as it is used until it expires', async () => {
    const token = await tokenOf()
    for (let use = 0; use < 3; use++) {
      const { status, body } = await tokenFor(token)
      expect(status, JSON.stringify(body)).toBe(200)
      expect(decodeJwt(String(body['access_token']))).toMatchObject({ client_id: 'reports', aud: resource })
    }
    expect((await tokenFor(token, { client_id: 'reports' })).status).toBe(200)
  })

  test('of a pod is accepted', async () => {
    const pod = await transport.json<{ metadata: { name: string; uid: string } }>({
      method: 'POST',
      path: `/api/v1/namespaces/${namespace}/pods`,
      body: {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'job' },
        spec: { serviceAccountName: 'reports', containers: [{ name: 'job', image: 'registry.example.com/job' }] },
      },
    })
    const token = await tokenOf({ pod: { name: pod.metadata.name, uid: pod.metadata.uid } })
    expect(decodeJwt(token)['kubernetes.io']).toMatchObject({ pod: { name: 'job' } })
    expect((await tokenFor(token)).status).toBe(200)
  })

  test('authenticates at each endpoint that clients call', async () => {
    const assertion = asserted(await tokenOf())
    const pushed = await post('/oauth/par', {
      ...assertion,
      response_type: 'code',
      client_id: 'reports',
      redirect_uri: 'https://shop.example.com/callback',
      scope: 'openid',
      code_challenge: 'a'.repeat(43),
      code_challenge_method: 'S256',
    })
    expect(pushed).toMatchObject({ status: 201, body: { request_uri: expect.any(String) } })
    const device = await post('/oauth/device_authorization', { ...assertion, client_id: 'reports', scope: 'openid' })
    expect(device).toMatchObject({ status: 200, body: { user_code: expect.any(String) } })
    const waiting = { ...assertion, grant_type: deviceGrant, device_code: String(device.body['device_code']) }
    expect((await post('/oauth/token', waiting)).body).toMatchObject({ error: 'authorization_pending' })

    const own = String((await tokenFor(await tokenOf())).body['access_token'])
    const introspected = await post('/oauth/introspect', { ...assertion, token: own })
    expect(introspected).toMatchObject({ status: 200, body: { active: true, client_id: 'reports' } })
    const { accessToken } = await logIn(server)
    const ofOthers = await post('/oauth/introspect', { ...assertion, token: accessToken })
    expect(ofOthers.body, 'a token of another client').toEqual({ active: false })
    expect((await post('/oauth/revoke', { ...assertion, token: 'sid.unknown' })).status).toBe(200)
  })

  test('that several clients have needs the client_id', async () => {
    const token = await tokenOf({ of: 'twice' })
    expect(await tokenFor(token)).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
    for (const id of ['one', 'two']) {
      const { body } = await tokenFor(token, { client_id: id })
      expect(decodeJwt(String(body['access_token'])).sub).toBe(id)
    }
  })
})

/** Signs claims like those of a real token with another key. */
async function forged(claims: object = {}, header: object = {}): Promise<string> {
  const real = await tokenOf()
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { alg = 'ES256', kid = '' } = decodeProtectedHeader(real)
  return new SignJWT({ ...decodeJwt(real), ...claims }).setProtectedHeader({ alg, kid, ...header }).sign(privateKey)
}

function unsigned(token: string): string {
  const [, payload] = token.split('.')
  return `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`
}

/** The token with another claim, and its signature. */
function edited(token: string, claims: object): string {
  const [header, , signature] = token.split('.')
  const payload = Buffer.from(JSON.stringify({ ...decodeJwt(token), ...claims })).toString('base64url')
  return [header, payload, signature].join('.')
}

describe('no token is given for', () => {
  test.each<[string, () => Promise<string>]>([
    ['a token of another ServiceAccount', () => tokenOf({ of: 'idle' })],
    ['one of a ServiceAccount with the same name in another namespace', () => tokenOf({ in: other })],
    ['a token for the API server', () => tokenOf({ audiences: ['https://kubernetes.default.svc'] })],
    ['a token for another AuthService', () => tokenOf({ audiences: ['https://other.example.com'] })],
    ['one that another receiver could have got', () => tokenOf({ audiences: [issuer, 'https://other.example.com'] })],
    ['one that is valid for more than a day', () => tokenOf({ seconds: 90_000 })],
    ['a token that another party has signed', () => forged()],
    ['a token without a signature', async () => unsigned(await tokenOf())],
    ['an edited one', async () => edited(await tokenOf({ of: 'idle' }), decodeJwt(await tokenOf()))],
    ['one that has expired', async () => edited(await tokenOf(), { exp: 1 })],
    ['text that is no token', async () => 'not.a.token'],
  ])('%s', async (_, token) => {
    const assertion = await token()
    for (const more of [{ client_id: 'reports' }, {}] as Record<string, string>[]) {
      const { status, body } = await tokenFor(assertion, more)
      expect(status, JSON.stringify(body)).toBeGreaterThanOrEqual(400)
      expect(body).not.toHaveProperty('access_token')
    }
    const introspected = await post('/oauth/introspect', { ...asserted(assertion), token: 'any', client_id: 'reports' })
    expect(introspected.status).toBe(401)
  })

  test.each<[string, Record<string, string>, Record<string, string>]>([
    ['a secret in the body', { client_id: 'reports', client_secret: randomBytes(32).toString('base64url') }, {}],
    ['an empty secret', { client_id: 'reports', client_secret: '' }, {}],
    ['no credentials', { client_id: 'reports' }, {}],
    ['a secret in the header', {}, { authorization: `Basic ${Buffer.from('reports:secret').toString('base64')}` }],
  ])('a client with a ServiceAccount and %s', async (_, form, headers) => {
    const { status, body } = await post('/oauth/token', { ...credentialsGrant, ...form }, headers)
    expect([400, 401]).toContain(status)
    expect(body).not.toHaveProperty('access_token')
    const introspected = await post('/oauth/introspect', { token: 'any', ...form }, headers)
    expect(introspected.status).toBe(401)
  })

  test('a secret beside the token, so that the sender does not learn whether it is right', async () => {
    const token = await tokenOf()
    const twice = await tokenFor(token, { client_secret: 'guessed' })
    expect(twice).toMatchObject({ status: 400, body: { error: 'invalid_request' } })
    const basic = { authorization: `Basic ${Buffer.from('reports:guessed').toString('base64')}` }
    const both = await post('/oauth/token', { ...credentialsGrant, ...asserted(token) }, basic)
    expect(both.status).toBe(400)
  })

  test('a client with a secret, whose ID stands beside the token', async () => {
    const { status, body } = await tokenFor(await tokenOf(), { client_id: 'secret-job' })
    expect({ status, error: body['error'] }).toEqual({ status: 401, error: 'invalid_client' })
  })
})

test('a client whose issuer has left the file is refused, and tokens work again when it returns', async () => {
  const token = await tokenOf()
  const clients = [clientOf('reports', 'reports')]
  const status = async () => (await tokenFor(token)).status
  await files.replaceClients(clients)
  await expect.poll(status, { timeout: 20_000, interval: 500 }).toBeGreaterThanOrEqual(400)
  await files.replaceFile(clientsFileOf(clients, undefined, { serviceAccountIssuers: [cluster] }).content)
  await expect.poll(status, { timeout: 20_000, interval: 500 }).toBe(200)
})
