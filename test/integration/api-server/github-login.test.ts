/**
 * Logins with GitHub. The counterpart is a server of this test that speaks the documented API of GitHub: "Authorizing OAuth
 * apps", and REST API version 2022-11-28, `GET /user` and `GET /user/emails`. Its addresses are those of a GitHub Enterprise
 * Server. GitHub itself is never called.
 */
import { createHash, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { goToProvider, type ProviderDeployment, startProviderDeployment } from './identity-provider-user.ts'
import { issuer, type Page } from './oidc-client.ts'

interface GitHubUser {
  id: number
  login: string
  name: string | null
  emails: { email: string; primary: boolean; verified: boolean; visibility: string | null }[]
}

const clientSecret = randomBytes(20).toString('hex')
const grants = new Map<string, { user: GitHubUser; challenge: string }>()
const tokens = new Map<string, GitHubUser>()
let apiStatus = 200

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost')
  const json = (body: unknown, status = 200) =>
    response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(body))
  if (pathname === '/login/oauth/access_token' && request.method === 'POST') {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    const form = new URLSearchParams(body)
    const grant = grants.get(form.get('code') ?? '')
    grants.delete(form.get('code') ?? '')
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url')
    const isRight = form.get('client_id') === 'app' && form.get('client_secret') === clientSecret
    // GitHub answers form-encoded unless JSON is asked for, and 200 for errors.
    if (request.headers.accept !== 'application/json') return response.writeHead(200).end('access_token=x')
    if (grant === undefined || !isRight || grant.challenge !== challenge) {
      return json({ error: 'bad_verification_code', error_description: 'The code passed is incorrect or expired.' })
    }
    const token = `gho_${randomBytes(18).toString('hex')}`
    tokens.set(token, grant.user)
    return json({ access_token: token, scope: 'read:user,user:email', token_type: 'bearer' })
  }
  const user = tokens.get(/^bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '')
  // The REST API refuses requests without a User-Agent.
  if (user === undefined || request.headers['user-agent'] === undefined)
    return json({ message: 'Bad credentials' }, 401)
  if (apiStatus !== 200) return json({ message: 'Server Error' }, apiStatus)
  if (pathname === '/api/v3/user') return json({ id: user.id, login: user.login, name: user.name, email: null })
  if (pathname === '/api/v3/user/emails') return json(user.emails)
  return json({ message: 'Not Found' }, 404)
})

let deployment: ProviderDeployment

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // The type of a TCP server's address.
  const { port } = server.address() as AddressInfo
  deployment = await startProviderDeployment([
    {
      id: 'github',
      name: 'GitHub',
      preset: 'github',
      issuer: `http://127.0.0.1:${port}`,
      clientId: 'app',
      authentication: { method: 'secret', secret: clientSecret },
    },
  ])
})
afterAll(async () => {
  await deployment?.close()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

const email = (address: string, more: object = {}) => ({
  email: address,
  primary: true,
  verified: true,
  visibility: null,
  ...more,
})

async function logInAs(user: GitHubUser): Promise<Page> {
  const { browser, url } = await goToProvider(deployment, 'github')
  expect(Object.fromEntries(url.searchParams)).toMatchObject({
    client_id: 'app',
    scope: 'read:user user:email',
    redirect_uri: `${issuer}/oauth/callback/github`,
    code_challenge_method: 'S256',
  })
  const code = randomBytes(10).toString('hex')
  grants.set(code, { user, challenge: url.searchParams.get('code_challenge') ?? '' })
  const state = url.searchParams.get('state') ?? ''
  return browser.open(`/oauth/callback/github?${new URLSearchParams({ code, state })}`)
}

const users = () => deployment.server.app.mongo.db.collection('users')

test('a user of GitHub gets an account with the primary email, and the same one under another login', async () => {
  const octocat = {
    id: 583_231,
    login: 'octocat',
    name: 'The Octocat',
    emails: [email('old@example.org', { primary: false }), email('octocat@example.org')],
  }
  expect((await logInAs(octocat)).url.host).toBe('shop.example.com')
  expect(await users().findOne({ email: 'octocat@example.org' })).toMatchObject({ name: 'The Octocat' })
  const renamed = { ...octocat, login: 'monalisa', emails: [email('mona@example.org')] }
  expect((await logInAs(renamed)).url.host).toBe('shop.example.com')
  expect(await users().countDocuments({ email: 'mona@example.org' })).toBe(0)
  // Another person takes the old login.
  const other = { ...octocat, id: 1, emails: [email('other@example.org')] }
  expect((await logInAs(other)).url.host).toBe('shop.example.com')
  expect(await users().findOne({ email: 'other@example.org' })).not.toBeNull()
})

test.each([
  [
    'a primary email that is not verified',
    [email('a@example.net', { verified: false }), email('b@example.net', { primary: false })],
  ],
  ['no primary email', [email('a@example.net', { primary: false })]],
  ['no email', []],
])('a user with %s gets no account', async (_, emails) => {
  const page = await logInAs({ id: 77, login: 'ghost', name: null, emails })
  expect(page.status).toBe(200)
  expect(page.text).toContain('GitHub has not confirmed your email')
  expect(await users().countDocuments({ email: /example.net$/ })).toBe(0)
})

test('an unavailable API is reported as such', async () => {
  apiStatus = 502
  try {
    const page = await logInAs({ id: 78, login: 'late', name: null, emails: [email('late@example.org')] })
    expect(page.status).toBe(503)
    expect(page.text).toContain('GitHub is unavailable.')
  } finally {
    apiStatus = 200
  }
})

test('a code that GitHub refuses logs no user in', async () => {
  const { browser, url } = await goToProvider(deployment, 'github')
  const state = url.searchParams.get('state') ?? ''
  const page = await browser.open(`/oauth/callback/github?${new URLSearchParams({ code: 'guessed', state })}`)
  expect(page.status).toBe(502)
})
