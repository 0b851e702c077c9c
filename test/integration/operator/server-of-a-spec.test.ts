import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import type { AuthServiceSpec } from '../../../operator/authservice/api/schema.ts'
import { startSmtp, type TestSmtp } from '../../../tools/local-servers/smtp.ts'
import { outcomeOf } from '../../unit/spec-fields/effects.ts'
import {
  type ContainerPlace,
  migrationPlace,
  renderedEnvironment,
  serverPlace,
} from '../../unit/spec-fields/rendered-environment.ts'
import { freshDatabase, password } from '../api-server/app-for-test.ts'
import { runProgram } from '../api-server/run-program.ts'
import { codeOf } from '../api-server/second-factor.ts'
import { type StartedServer, startServer } from '../api-server/started-server.ts'

const adminPassword = randomBytes(24).toString('base64')
const clientSecret = randomBytes(32).toString('base64')

/** A server with the environment that the operator renders for a spec, and the Secrets as files. */
let smtp: TestSmtp
let folder: string
let server: StartedServer

beforeAll(async () => {
  smtp = await startSmtp()
  folder = await mkdtemp(join(tmpdir(), 'authservice-spec-'))
  const { host, port } = inject('redis')
  const spec: AuthServiceSpec = {
    environment: 'staging',
    mongodb: {
      external: { urlSecretRef: { name: 'our-mongodb', key: 'url' } },
      database: freshDatabase(),
      pool: { minSize: 1, maxSize: 10 },
    },
    redis: { external: { host, port } },
    passwords: { bcryptCost: 10 },
    mfa: { mode: 'Optional', serviceName: 'Example Shop', passkeys: { enabled: true, rpID: 'example.com' } },
    oidc: { enabled: true },
    pages: { name: 'Acme', languages: ['fr', 'en'], texts: { fr: { 'device.title': 'Connecter un téléviseur' } } },
    tokens: { issuer: 'https://auth.example.com' },
    ingress: { host: 'auth.example.com' },
    initialAdmin: { email: 'admin@example.com', passwordSecretRef: { name: 'our-admin', key: 'password' } },
    oauth: { clientsSecretRef: { name: 'our-clients', key: 'clients' } },
    cors: { origins: ['https://app.example.com'] },
    cookies: { enabled: true },
    mail: {
      // The server of the tests has no certificate.
      smtp: { host: '127.0.0.1', port: smtp.port, encryption: 'None', credentialsSecretRef: { name: 'our-smtp' } },
      from: 'Accounts <no-reply@example.com>',
      passwordResetURL: 'https://app.example.com/reset#token={token}',
      emailVerificationURL: 'https://app.example.com/verify#token={token}',
    },
  }
  const theirs: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    'our-mongodb': { url: inject('mongoUrl') },
    'our-smtp': { username: smtp.user, password: smtp.password },
    'our-admin': { password: adminPassword },
    'our-clients': { clients: `shop:${createHash('sha256').update(clientSecret).digest('hex')}\n` },
  }
  const { outcome, secrets } = outcomeOf(spec, new Map())
  const environmentOf = (place: ContainerPlace) => {
    const contentOf = (secret: string, key: string) => (theirs[secret] ?? secrets.get(secret))?.[key]
    // A pod does not share its ports.
    const { PORT, METRICS_PORT, ...environment } = renderedEnvironment(outcome, place, contentOf, folder)
    return environment
  }
  const migration = await runProgram('commands/migrate.ts', [], environmentOf(migrationPlace))
  expect(migration.code, migration.output).toBe(0)
  server = await startServer(environmentOf(serverPlace))
}, 90_000)
afterAll(async () => {
  await server?.stop()
  await smtp.stop()
  await rm(folder, { recursive: true })
})

const post = (path: string, body: object, headers: Record<string, string> = {}) =>
  fetch(`${server.api}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })

/** The token in the one mail with this subject. */
async function mailedToken(subject: string): Promise<string> {
  await expect.poll(() => smtp.mails.map((mail) => mail.subject)).toContain(subject)
  const mail = smtp.mails.find((one) => one.subject === subject)
  expect(mail).toMatchObject({ to: ['user@example.com'], from: '"Accounts" <no-reply@example.com>' })
  return /^https:\/\/app\.example\.com\/(?:reset|verify)#token=([\w-]{43})$/m.exec(mail?.text ?? '')?.[1] ?? ''
}

test('spec.mail: an email is confirmed and a forgotten password reset, with links that the SMTP server received, in the language and with the name of spec.pages', async () => {
  const email = 'user@example.com'
  expect((await post('/v1/auth/register', { email, password, name: 'A User' })).status).toBe(201)
  const confirmed = await post('/v1/auth/email/verify', {
    token: await mailedToken('Confirmez votre adresse e-mail – Acme'),
  })
  expect(confirmed.status, await confirmed.text()).toBe(204)

  expect((await post('/v1/auth/password/forgot', { email })).status).toBe(202)
  const token = await mailedToken('Choisissez un nouveau mot de passe – Acme')
  const chosen = await post('/v1/auth/password/reset', { token, new_password: 'a new horse battery' })
  expect(chosen.status, await chosen.text()).toBe(204)
  expect((await post('/v1/auth/login', { email, password: 'a new horse battery' })).status).toBe(200)
})

test('spec.initialAdmin, spec.cookies and spec.oauth: the administrator exists, and a client may introspect the token', async () => {
  const loggedIn = await post('/v1/auth/login', { email: 'admin@example.com', password: adminPassword })
  const body: Record<string, unknown> = JSON.parse(await loggedIn.text())
  expect(body).toMatchObject({ user: { role: 'admin' } })
  expect(body).not.toHaveProperty('refresh_token')
  const cookies = loggedIn.headers.getSetCookie().join('\n')
  expect(cookies).toMatch(/^__Host-refresh=[^\n]*SameSite=Strict/m)

  const introspect = (secret: string) =>
    fetch(`${server.api}/oauth/introspect`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`shop:${encodeURIComponent(secret)}`)}` },
      body: new URLSearchParams({ token: String(body['access_token']) }),
    })
  expect(await (await introspect(clientSecret)).json()).toMatchObject({ active: true })
  expect((await introspect('another')).status).toBe(401)
})

test('spec.mfa: a user enrols an authenticator app, whose secret the key of the operator encrypts', async () => {
  const credentials = { email: 'app@example.com', password }
  expect((await post('/v1/auth/register', { ...credentials, name: 'A User' })).status).toBe(201)
  const { access_token: access } = JSON.parse(await (await post('/v1/auth/login', credentials)).text())
  const authorized = (path: string, body: object) => post(path, body, { authorization: `Bearer ${access}` })
  const started = await authorized('/v1/me/mfa/totp', { current_password: password, name: 'Phone' })
  const { token, secret, otpauth_url: url } = JSON.parse(await started.text())
  expect(url).toContain('issuer=Example%20Shop')
  const confirmed = await authorized('/v1/me/mfa/totp/confirm', { token, code: codeOf(secret) })
  expect(confirmed.status, await confirmed.text()).toBe(200)
  expect((await post('/v1/auth/login', credentials)).status).toBe(202)
})

test('spec.mfa.passkeys: the server offers passkeys of the domain', async () => {
  const options = await post('/v1/auth/passkeys/options', {})
  expect(await options.json()).toMatchObject({ rpId: 'example.com', userVerification: 'required' })
})

test('spec.oidc: the server is an OpenID provider, and publishes the key of the operator', async () => {
  const discovery = await fetch(`${server.api}/.well-known/openid-configuration`)
  expect(await discovery.json()).toMatchObject({
    issuer: 'https://auth.example.com',
    authorization_endpoint: 'https://auth.example.com/oauth/authorize',
  })
  const { keys } = JSON.parse(await (await fetch(`${server.api}/.well-known/jwks.json`)).text())
  expect(keys.map(({ alg }: { alg: string }) => alg).sort()).toEqual(['ES256', 'PS256', 'RS256'])
  const unknown = await fetch(`${server.api}/oauth/authorize?client_id=team-a.shop`)
  expect(unknown.status, 'no client exists').toBe(400)
})

test('spec.pages: the pages have the name, the default language and the texts of the spec', async () => {
  const page = await (await fetch(`${server.api}/oauth/device`, { headers: { 'accept-language': 'de' } })).text()
  expect(page).toContain('<html lang="fr" dir="ltr">')
  expect(page).toContain('<title>Connecter un téléviseur – Acme</title>')
})
