import { createHash } from 'node:crypto'
import { subscribe } from 'node:diagnostics_channel'
import type { FastifyInstance } from 'fastify'
import { SignJWT } from 'jose'
import type { OpenAPIV3_1 as OpenApi } from 'openapi-types'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Operation, operationsOf } from '../../../api-server/plugins/app/documentation/document.ts'
import type { TokenPurpose } from '../../../api-server/plugins/app/one-time-tokens/store.ts'
import type { ProblemCode } from '../../../api-server/plugins/app/problems/problem.ts'
import { parseEmail } from '../../../api-server/plugins/app/users/email.ts'
import { TransactionConflictError } from '../../../api-server/plugins/external/transaction.ts'
import { formType } from '../../../api-server/schemas/oauth.ts'
import type { ServerEnvironment } from '../../../contract/environment.ts'
import { startMongo } from '../../../tools/local-servers/mongo.ts'
import { type AppForTest, freshDatabase, logIn, logInAsAdmin, password, startApp } from './app-for-test.ts'
import { codesOf } from './contract/described-answers.ts'
import { exampleRequest, type Request } from './contract/example-request.ts'

/** Provokes the errors that many routes share, on every route that describes them. */
const clientSecret = 'the secret of a client in a test, long enough'
const environment: ServerEnvironment = {
  MFA_MODE: 'optional',
  MFA_SECRET: 'a secret of second factors in a test, long enough',
  WEBAUTHN_RP_ID: 'example.com',
  WEBAUTHN_ORIGINS: 'https://app.example.com',
  OAUTH_CLIENTS: `gateway:${createHash('sha256').update(clientSecret).digest('hex')}`,
}
const asClient = { authorization: `Basic ${Buffer.from(`gateway:${clientSecret}`).toString('base64')}` }

// The only failure that every route can have without lasting damage to the server.
subscribe('fastify.initialization', (message) => {
  // The type of this channel's messages.
  const { fastify } = message as { fastify: FastifyInstance }
  fastify.addHook('preValidation', async ({ headers }) => {
    if (headers['x-break'] !== undefined) throw new Error('a fault of this test')
  })
})

let server: AppForTest

beforeAll(async () => {
  server = await startApp(environment)
})

afterAll(() => server.close())

/** Sends `change(example request)` to every operation that describes the error, and expects the error. */
async function expectOfEach(
  code: ProblemCode,
  change: (request: Request, operation: Operation) => Request | Promise<Request>,
  to: AppForTest = server,
  isConcerned: (operation: Operation) => boolean = () => true,
) {
  // The document is OpenAPI 3.1.
  const operations = operationsOf(to.app.swagger() as OpenApi.Document)
  const concerned = operations.filter((operation) => describes(operation, code) && isConcerned(operation))
  expect(concerned.length).toBeGreaterThan(0)
  // One after the other: the logins of all at once would exceed the queue for password hashes.
  const requests: Request[] = []
  for (const operation of concerned)
    requests.push(await change(withoutClientInBody(exampleRequest(operation)), operation))
  const answers = await Promise.all(
    concerned.map(async ({ operation: { operationId } }, index) => {
      const answer = await to.app.inject(requests[index] ?? {})
      return `${operationId} ${answer.body === '' ? answer.statusCode : answer.json().code}`
    }),
  )
  expect(answers).toEqual(concerned.map(({ operation }) => `${operation.operationId} ${code}`))
}

function describes({ operation }: Operation, code: ProblemCode): boolean {
  return Object.values(operation.responses ?? {})
    .flatMap(codesOf)
    .includes(code)
}

const isForAdmins = ({ operation }: Operation) => operation.tags?.includes('admin') ?? false

/** Operations that first check a code or a passkey: second-factor-faults.test.ts and passkeys.test.ts have their faults. */
const needsCode = (operation: Operation) =>
  describes(operation, 'mfa_code_wrong') || describes(operation, 'passkey_refused')

const scheme = ({ operation }: Operation, name: string) => operation.security?.some((each) => name in each) ?? false

/** Credentials for operations that need them. */
async function open(request: Request, operation: Operation, to = server): Promise<Request> {
  const credentials = isForAdmins(operation)
    ? (await logInAsAdmin(to)).bearer
    : scheme(operation, 'bearer')
      ? (await logIn(to)).bearer
      : scheme(operation, 'client')
        ? asClient
        : {}
  return withHeaders(request, credentials)
}

function withHeaders(request: Request, headers: Record<string, string>): Request {
  return { ...request, headers: { ...request.headers, ...headers } }
}

/** Examples have the client's credentials in the body; these tests send them in a header. */
function withoutClientInBody(request: Request): Request {
  if (request.headers['content-type'] !== formType) return request
  const form = new URLSearchParams(request.payload)
  form.delete('client_id')
  form.delete('client_secret')
  return { ...request, payload: form.toString() }
}

describe('bodies', () => {
  test('that are invalid, and invalid paths', () =>
    expectOfEach('bad_request', async (request, operation) =>
      operation.method === 'get'
        ? { ...request, url: `${request.url}/%zz` }
        : scheme(operation, 'client')
          ? withHeaders({ ...request, payload: `${request.payload}&client_id=gateway&client_secret=x` }, asClient)
          : {
              ...withHeaders(await open(request, operation), { 'content-type': 'application/json' }),
              payload: '{"',
            },
    ))

  test('that are too large', () =>
    expectOfEach('body_too_large', async (request, operation) => ({
      ...withHeaders(await open(request, operation), {
        'content-type': request.headers['content-type'] ?? 'application/json',
      }),
      payload: JSON.stringify('x'.repeat(17_000)),
    })))

  test('of another content type', () =>
    expectOfEach('unsupported_media_type', async (request, operation) => ({
      ...withHeaders(await open(request, operation), { 'content-type': 'text/xml' }),
      payload: '<token/>',
    })))

  test('of another shape', () =>
    expectOfEach('validation_failed', async (request, operation) => ({
      ...(await open(request, operation)),
      ...(operation.operation.requestBody === undefined
        ? { url: `${String(request.url).replace(/[0-9a-f-]{24,}/, 'x'.repeat(65))}?nonsense=1` }
        : { payload: request.headers['content-type'] === formType ? 'tokens=x' : '[]' }),
    })))
})

test('passwords that cannot be hashed', () =>
  expectOfEach('password_unusable', async (request, operation) => ({
    ...(await open(request, operation)),
    payload: (request.payload ?? '').replace(
      /("(?:new_|current_)?password"):"[^"]*"/g,
      '$1:"with a zero \\u0000 byte"',
    ),
  })))

test.each([
  ['password_too_long', 'x'.repeat(73), '("(?:new_|current_)?password")'],
  ['password_too_short', 'short', '("(?:new_)?password")'],
  ['password_common', 'password1234', '("(?:new_)?password")'],
] as const)('passwords that are refused: %s', (code, refused, members) =>
  expectOfEach(code, async (request, operation) => {
    const opened = await open(request, operation)
    const payload = (opened.payload ?? '').replace(new RegExp(`${members}:"[^"]*"`, 'g'), `$1:"${refused}"`)
    return withMailToken({ ...opened, payload }, 'reset_password')
  }),
)

test('what only administrators may do', async () => {
  const { bearer } = await logIn(server)
  await expectOfEach('forbidden', (request) => withHeaders(request, bearer))
})

test('unknown resources', () => expectOfEach('not_found', open))

test('every path refuses methods that it does not have, and lists those that it has', async () => {
  const methodsOf = Map.groupBy(operationsOf(server.app.swagger() as OpenApi.Document), ({ path }) => path)
  // forward-auth accepts any method.
  methodsOf.delete('/v1/auth/verify')
  for (const [path, operations] of methodsOf) {
    const described = operations.map(({ method }) => method.toUpperCase())
    const allowed = [...described, ...(described.includes('GET') ? ['HEAD'] : [])].sort().join(', ')
    const url = path.replace(/\{\w+\}/g, '0'.repeat(24))
    for (const method of (['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'TRACE'] as const).filter(
      (m) => !described.includes(m),
    )) {
      // The body no longer matters.
      const answer = await server.app.inject({ method, url, headers: { 'content-type': 'text/xml' } })
      expect([answer.statusCode, answer.headers.allow, answer.json().code], `${method} ${url}`).toEqual([
        405,
        allowed,
        'method_not_allowed',
      ])
    }
  }
  expect((await server.app.inject({ method: 'PUT', url: '/nowhere' })).statusCode).toBe(404)
})

describe('conflicting changes', () => {
  const ofNewUser = async (request: Request): Promise<Request> => {
    const user = await server.app.users.findByEmail(parseEmail((await logIn(server)).email))
    return { ...request, url: String(request.url).replace(/[0-9a-f]{24}/, String(user?._id)) }
  }

  test('of the same user', async () => {
    using change = vi.spyOn(server.app.users, 'change').mockResolvedValue(null)
    using removal = vi.spyOn(server.app.users, 'delete').mockResolvedValue(false)
    await expectOfEach('user_changed', async (request, operation) => ofNewUser(await open(request, operation)))
    expect(change).toHaveBeenCalled()
    expect(removal).toHaveBeenCalled()
  })

  test('repeated conflicts', async () => {
    const ready = new Map<string, Request>()
    for (const operation of operationsOf(server.app.swagger() as OpenApi.Document)) {
      if (!describes(operation, 'busy') || describes(operation, 'password_unusable') || needsCode(operation)) continue
      const opened = await ofNewUser(await open(exampleRequest(operation), operation))
      ready.set(operation.operation.operationId ?? '', await withMailToken(opened, 'verify_email'))
    }
    using transaction = vi
      .spyOn(server.app.mongo, 'transaction')
      .mockRejectedValue(new TransactionConflictError('a conflict of this test'))
    await expectOfEach(
      'busy',
      (request, { operation }) => ready.get(operation.operationId ?? '') ?? request,
      server,
      (operation) => !describes(operation, 'password_unusable') && !needsCode(operation),
    )
    expect(transaction).toHaveBeenCalled()
  })
})

describe('access tokens', () => {
  test('that are missing', () => expectOfEach('token_missing', (request) => request))

  test('that are invalid', () =>
    expectOfEach('token_invalid', (request) => withHeaders(request, { authorization: 'Bearer e30.e30.AA' })))

  test('that have expired', async () => {
    const key = server.app.tokens.keys.signer(new Date())
    if (key === undefined) throw new Error('there is no key')
    const hourAgo = Math.floor(Date.now() / 1000) - 3_600
    const claims = {
      iss: server.config.issuer,
      aud: server.config.audience,
      sub: '0'.repeat(24),
      sid: 's',
      role: 'user',
      jti: 'j',
      ver: 0,
    }
    const token = await new SignJWT({ ...claims, iat: hourAgo, nbf: hourAgo, exp: hourAgo + 60 })
      .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'at+jwt' })
      .sign(Buffer.from(key.signing))
    await expectOfEach('token_expired', (request) => withHeaders(request, { authorization: `Bearer ${token}` }))
  })

  test('of a session that has ended', async () => {
    const { bearer, refreshToken } = await logIn(server)
    await server.post('/v1/auth/logout', {}, bearer)
    await expectOfEach('session_revoked', (request, operation) =>
      scheme(operation, 'bearer') ? withHeaders(request, bearer) : withRefreshToken(request, refreshToken),
    )
  })

  test('while revocations are unknown', async () => {
    using check = vi.spyOn(server.app.revocation, 'check').mockReturnValue('unknown')
    const { bearer, accessToken } = await logIn(server)
    await expectOfEach('revocation_unknown', (request, operation) =>
      scheme(operation, 'client')
        ? { ...withHeaders(request, asClient), payload: new URLSearchParams({ token: accessToken }).toString() }
        : withHeaders(request, bearer),
    )
    expect(check).toHaveBeenCalled()
  })
})

const modes: [string, ServerEnvironment][] = [
  ['tokens in bodies', {}],
  ['tokens in cookies', { COOKIE_MODE: 'true' }],
]

describe('servers', () => {
  test('that have no signing key yet', async () => {
    const { email, refreshToken } = await logIn(server)
    using signer = vi.spyOn(server.app.tokens.keys, 'signer').mockReturnValue(undefined)
    await expectOfEach(
      'not_ready',
      (request) => withRefreshToken(withCredentials(request, email), refreshToken),
      server,
      (operation) => !needsCode(operation),
    )
    expect(signer).toHaveBeenCalled()
  })

  test('while the queue of password hashes is full', async () => {
    const { email, bearer } = await logIn(server)
    const admin = await logInAsAdmin(server)
    const user = await server.app.users.findByEmail(parseEmail(email))
    if (user === null) throw new Error('the user is gone')
    const token = await server.app.oneTimeTokens.issue(
      { purpose: 'reset_password', userId: user._id, email, version: 0 },
      new Date(),
    )
    let isOver = false
    const full = new Promise((resolve) => {
      // A job that ends is replaced before another one gets its place.
      const fill = (): void => {
        // With the highest priority.
        server.app.passwords.hash(password, 'owner').then(() => {
          if (!isOver) fill()
        }, resolve)
      }
      for (let hash = 0; hash < 500; hash++) fill()
    })
    await full
    await expectOfEach(
      'busy',
      (request, operation) => {
        const credentials = isForAdmins(operation) ? admin.bearer : scheme(operation, 'bearer') ? bearer : {}
        const payload = request.payload?.replace(/"token":"[^"]+"/, `"token":"${token}"`)
        return withCredentials(
          withHeaders(
            {
              ...request,
              url: String(request.url).replace(/[0-9a-f]{24}/, user._id.toString()),
              ...(payload !== undefined && { payload }),
            },
            credentials,
          ),
          email,
        )
      },
      server,
      // MongoDB reports it for transactions that conflict repeatedly.
      (operation) => describes(operation, 'password_unusable'),
    )
    isOver = true
  })

  test.each(modes)('that fail, with %s', async (_mode, change) => {
    const broken = await startApp({ ...environment, ...change })
    try {
      await expectOfEach(
        'internal_error',
        async (request, operation) => withHeaders(await open(request, operation, broken), { 'x-break': 'now' }),
        broken,
      )
    } finally {
      await broken.close()
    }
  })

  test('without a database', async () => {
    const mongo = await startMongo()
    const lost = await startApp({ ...environment, MONGODB_URL: mongo.url, DATABASE_NAME: freshDatabase() })
    try {
      const { bearer, refreshToken } = await logIn(lost)
      const admin = await logInAsAdmin(lost)
      await mongo.stop()
      await expectOfEach(
        'database_unavailable',
        async (request, operation) => {
          const ofUser = isForAdmins(operation) ? admin.bearer : bearer
          const credentials = scheme(operation, 'client') ? asClient : scheme(operation, 'bearer') ? ofUser : {}
          return withHeaders(await withChallenge(withRefreshToken(request, refreshToken), lost), credentials)
        },
        lost,
        // Verification needs it only for tokens that are bound to a key.
        ({ operation }) => operation.operationId !== 'verifyToken',
      )
    } finally {
      await lost.close()
      await mongo.remove()
    }
  })

  test.each(modes)('over their limits, with %s', async (_mode, change) => {
    const strict = await startApp({
      ...environment,
      ...change,
      RATE_LIMIT_PER_CLIENT: '1/h',
      RATE_LIMIT_BURST: '0',
      RATE_LIMIT_LOGIN: '1/h',
    })
    try {
      await useUp(strict)
      // The server counts on its own when Redis does not answer in time.
      using counts = vi.spyOn(strict.app.redis, 'eval').mockRejectedValue(new Error('Command timed out'))
      await useUp(strict)
      counts.mockRestore()
      await expectOfEach('rate_limited', (request) => request, strict)
    } finally {
      await strict.close()
    }
  })
})

/** Uses up the limits of this client, and of requests without a client ID. */
async function useUp(strict: AppForTest): Promise<void> {
  await strict.get('/v1/me')
  await strict.app.inject({ method: 'POST', url: '/oauth/introspect' })
}

/** With a challenge of the server, if the request needs one: others are refused before any database is read. */
async function withChallenge(request: Request, to: AppForTest): Promise<Request> {
  if (request.url !== '/v1/auth/passkeys/login') return request
  const { challenge } = (await to.app.inject({ method: 'POST', url: '/v1/auth/passkeys/options' })).json()
  const clientData = { type: 'webauthn.get', challenge, origin: 'https://app.example.com' }
  const text = Buffer.from(JSON.stringify(clientData)).toString('base64url')
  const payload = request.payload?.replace(/"clientDataJSON":"[^"]+"/, `"clientDataJSON":"${text}"`)
  return { ...request, ...(payload !== undefined && { payload }) }
}

/** With a mailed token, if the request has one. */
async function withMailToken(request: Request, purpose: TokenPurpose): Promise<Request> {
  const user = await server.app.users.findByEmail(parseEmail((await logIn(server)).email))
  if (user === null) throw new Error('the user is gone')
  const about = { purpose, userId: user._id, email: user.email, version: 0 }
  const token = await server.app.oneTimeTokens.issue(about, new Date())
  const payload = request.payload?.replace(/"token":"[^"]+"/, `"token":"${token}"`)
  return { ...request, ...(payload !== undefined && { payload }) }
}

/** With an existing user, if the request has an email and a password. */
function withCredentials(request: Request, email: string): Request {
  if (request.url !== '/v1/auth/login') return request
  return { ...request, payload: JSON.stringify({ email, password }) }
}

/** Tokens in examples are refused before any database is read. */
function withRefreshToken(request: Request, refreshToken: string): Request {
  if (request.headers['content-type'] === formType)
    return { ...request, payload: new URLSearchParams({ token: refreshToken }).toString() }
  if (request.payload === undefined) return request
  const payload = request.payload.replace(/"refresh_token":"[^"]+"/, `"refresh_token":"${refreshToken}"`)
  return { ...request, payload }
}
