import { randomBytes } from 'node:crypto'
import { subscribe } from 'node:diagnostics_channel'
import type { FastifyInstance } from 'fastify'
import { BSON, ObjectId } from 'mongodb'
import type { OpenAPIV3_1 as OpenApi } from 'openapi-types'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { readConfig } from '../../../api-server/config/config.ts'
import { operationsOf } from '../../../api-server/plugins/app/documentation/document.ts'
import { newDevicesPerDay } from '../../../api-server/plugins/app/login-attempts/plugin.ts'
import { loggedFailures } from '../../../api-server/plugins/app/observability/request-log.ts'
import {
  maxRefusals,
  refusalWindowSeconds,
  retentionOf,
  type SecurityEventName,
} from '../../../api-server/plugins/app/observability/security-events.ts'
import { keptSeconds } from '../../../api-server/plugins/app/security-event-store/plugin.ts'
import { type AppForTest, freshDatabase, startApp } from './app-for-test.ts'
import { exampleRequest, type Request } from './contract/example-request.ts'
import { passkeyEnvironment } from './passkey-user.ts'

/** The most that one request without credentials may cost. */
interface Cost {
  /** Password hashes. Each occupies a place in their queue. */
  hashes: number
  /** Stored documents. Refusals are counted together and not here. */
  documents: number
  /** Log lines. Refusals are counted together and not here. */
  lines: number
}

const nothing: Cost = { hashes: 0, documents: 0, lines: 0 }
/** A comparison of a password, for registered and unknown emails. */
const oneHash: Cost = { ...nothing, hashes: 1 }

/** Every route. Add the cost of a new route for clients without credentials here. */
const costs: Readonly<Record<string, Cost>> = {
  'GET /.well-known/jwks.json': nothing,
  'GET /.well-known/oauth-authorization-server': nothing,
  'GET /openapi.json': nothing,
  'GET /v1/auth/csrf': nothing,
  'POST /v1/auth/login': oneHash,
  'POST /v1/auth/passkeys/options': nothing,
  // The user, the token of the link, and the event. In development the log contains the link.
  'POST /v1/auth/register': { hashes: 1, documents: 3, lines: 2 },
}
/** Routes that refuse every request without a token, a client secret or a link before they do anything else. */
const refusesStrangers = nothing

const routesOf = new WeakMap<FastifyInstance, Set<string>>()
// Fastify publishes every instance before its first plugin.
subscribe('fastify.initialization', (message) => {
  // The type of this channel's messages.
  const { fastify } = message as { fastify: FastifyInstance }
  const routes = new Set<string>()
  routesOf.set(fastify, routes)
  fastify.addHook('onRoute', ({ method, url, schema }) => {
    for (const each of [method].flat()) if (each !== 'HEAD' && schema?.hide !== true) routes.add(`${each} ${url}`)
  })
})

let server: AppForTest
let routes: ReadonlySet<string>
let written: string[] = []

beforeAll(async () => {
  server = await startApp({
    ...passkeyEnvironment,
    LOG_LEVEL: 'info',
    LOG_REQUESTS: 'failed',
    TRUST_PROXY_HOPS: '1',
    COOKIE_MODE: 'true',
    DATABASE_NAME: freshDatabase(),
    RATE_LIMIT_RESET: '100000/s',
    RATE_LIMIT_EMAIL_VERIFY: '100000/s',
  })
  routes = routesOf.get(server.app) ?? new Set()
  const stream: { write(line: string): void } = Reflect.get(server.app.log, pino.symbols.streamSym)
  vi.spyOn(stream, 'write').mockImplementation((line) => {
    written.push(line)
  })
})

afterAll(() => server.close())

/** Counts writes immediately: the server's own reads wait for a majority of the members. */
const local = { readConcern: { level: 'local' as const } }

async function documents(): Promise<number> {
  await server.app.securityEventStore.flush()
  await server.app.mail.idle()
  const collections = await server.app.mongo.db.collections()
  const counts = await Promise.all(collections.map((collection) => collection.countDocuments({}, local)))
  return counts.reduce((sum, count) => sum + count, 0)
}

async function hashes(): Promise<number> {
  const { values } = await server.app.metrics.hashSeconds.get()
  return values.find(({ metricName }) => metricName?.endsWith('_count'))?.value ?? 0
}

/** The example request of a route, each time about another email. */
function requestsOf(route: string, count: number): Request[] {
  const operation = operationsOf(server.app.swagger() as OpenApi.Document).find(
    ({ method, path }) => `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}` === route,
  )
  if (operation === undefined) throw new Error(`The API description has no ${route}.`)
  return Array.from({ length: count }, () => {
    const request = exampleRequest(operation)
    const email = `${randomBytes(6).toString('hex')}@example.com`
    const payload = request.payload?.replace('user@example.com', email)
    return { ...request, ...(payload !== undefined && { payload }) }
  })
}

/** The cost of all requests, and the number of refusal windows that they may have touched. */
async function costOf(requests: readonly Request[]): Promise<Cost & { statuses: number[]; windows: number }> {
  const before = { hashes: await hashes(), documents: await documents() }
  written = []
  const statuses: number[] = []
  const start = Date.now()
  for (let first = 0; first < requests.length; first += 50) {
    const answers = await Promise.all(requests.slice(first, first + 50).map((request) => server.app.inject(request)))
    statuses.push(...answers.map(({ statusCode }) => statusCode))
  }
  const after = { hashes: await hashes(), documents: await documents() }
  return {
    hashes: after.hashes - before.hashes,
    documents: after.documents - before.documents,
    statuses,
    lines: written.length,
    windows: 2 + Math.floor((Date.now() - start) / (refusalWindowSeconds * 1000)),
  }
}

test('the cost of each route for clients without credentials is known and bounded', async () => {
  const times = 12
  // One document for each kind of refusal, written immediately and once more with its count.
  const kinds = Object.values(retentionOf).filter((keeping) => keeping === 'refusal').length
  const refusals: Cost = { hashes: 0, documents: kinds, lines: 2 * kinds }
  expect(
    [...Object.keys(costs)].filter((route) => !routes.has(route)),
    'no such route',
  ).toEqual([])
  for (const route of routes) {
    const most = costs[route] ?? refusesStrangers
    const { statuses, windows, ...cost } = await costOf(requestsOf(route, times))
    for (const part of ['hashes', 'documents', 'lines'] as const) {
      const allowed = times * most[part] + windows * refusals[part]
      expect(cost[part], `${part} of ${times} × ${route}`).toBeLessThanOrEqual(allowed)
    }
    // A route that answers clients without credentials must be listed above.
    const lets = statuses.some((status) => status < 400 && status !== 202)
    expect(
      lets && costs[route] === undefined,
      `${route} answers clients without credentials with ${statuses.join()}`,
    ).toBe(false)
  }
}, 120_000)

test('a body over the size limit costs no hash, no document and no log line on any route', async () => {
  const payload = JSON.stringify({ email: 'x@example.com', password: 'x'.repeat(17 * 1024), token: 'x' })
  const requests = [...routes]
    .filter((route) => !route.startsWith('GET '))
    .map((route): Request => {
      const [method = '', path = ''] = route.split(' ')
      const type = path.startsWith('/oauth') ? 'application/x-www-form-urlencoded' : 'application/json'
      return { method: method as 'POST', url: path, headers: { 'content-type': type }, payload }
    })
  const { statuses, windows, ...cost } = await costOf(requests)
  expect(windows).toBeGreaterThan(0)
  expect(statuses.filter((status) => status < 400)).toEqual([])
  expect(cost).toEqual(nothing)
})

test('hundreds of refusals become a few documents and log lines, and refusals of other kinds are still recorded', async () => {
  const from = (host: number) => `198.51.${100 + Math.floor(host / 250)}.${(host % 250) + 1}`
  const json = { 'content-type': 'application/json' }
  const count = 400
  const bad = Array.from(
    { length: count },
    (_, index): Request => ({
      method: 'POST',
      url: '/v1/auth/login',
      payload: '{"email": 1}',
      headers: { ...json, 'x-forwarded-for': from(index) },
    }),
  )
  const foreign = Array.from(
    { length: count },
    (_, index): Request => ({
      method: 'GET',
      url: '/.well-known/jwks.json',
      headers: { origin: `https://${randomBytes(8).toString('hex')}.example`, 'x-forwarded-for': from(index % 3) },
    }),
  )
  const [guess] = requestsOf('POST /v1/auth/login', 1)
  const events = server.app.mongo.db.collection('security_events', local)
  await events.deleteMany({})
  const cost = await costOf([...bad, ...foreign, ...(guess === undefined ? [] : [guess])])
  // 32 addresses and the rest; three addresses; the guess: in each window.
  expect(await events.countDocuments()).toBeLessThanOrEqual(cost.windows * (maxRefusals + 1 + 3 + 1))
  expect(cost.lines).toBeLessThanOrEqual(cost.windows * 2 * (maxRefusals + 1 + 3 + 1))
  const sum = async (event: string) => {
    const all = await events.find({ event, reason: { $ne: null } }).toArray()
    return all.reduce((total, entry) => total + entry['count'], 0)
  }
  expect(await sum('input_validation_fail')).toBe(count)
  expect(await sum('malicious_cors')).toBe(count)
  expect(await events.countDocuments({ event: 'authn_login_fail', expiresAt: { $lt: inDays(8) } })).toBeGreaterThan(0)
  expect(written.join('')).toContain('authn_login_fail')
})

test('failing responses do not flood the log: the first are logged one by one, then their count', async () => {
  const spy = vi.spyOn(server.app.passwords, 'check').mockRejectedValue(new Error('a fault of this test'))
  try {
    const requests = requestsOf('POST /v1/auth/login', 200)
    const { windows } = await costOf(requests)
    const lines = written.filter((line) => line.includes('"msg":"request"'))
    expect(lines.length).toBeGreaterThanOrEqual(loggedFailures)
    expect(lines.length).toBeLessThanOrEqual(windows * loggedFailures)
  } finally {
    spy.mockRestore()
  }
})

const day = 86_400
const inDays = (days: number) => new Date(Date.now() + days * day * 1000)

test('an attacker with 1,000 addresses does not fill a volume of 10 GiB in a year', () => {
  const addresses = 1_000
  const servers = 10
  /** An index entry, in addition to its value. */
  const entry = 30
  const {
    limits,
    securityEventsRetentionSeconds: retention,
    knownDeviceLifetimeSeconds,
  } = readConfig({
    ENVIRONMENT: 'development',
    MONGODB_URL: 'mongodb://127.0.0.1',
    JWT_SECRET: randomBytes(32).toString('hex'),
  })
  const at = new Date()
  const longest = {
    address: 'f'.repeat(45),
    reason: 'x'.repeat(200),
    userId: 'f'.repeat(24),
    emailHash: 'x'.repeat(16),
  }
  const event = { _id: new ObjectId(), at, expiresAt: at, event: 'excess_rate_limit_exceeded', count: 1, ...longest }
  const eventBytes = BSON.calculateObjectSize(event) + 4 * (entry + 24)
  const refusals = (Object.keys(retentionOf) as SecurityEventName[])
    .filter((name) => retentionOf[name] === 'refusal')
    .map((name) => ((maxRefusals + servers) * keptSeconds(name, retention)) / refusalWindowSeconds)
    .reduce((sum, count) => sum + count, 0)

  const registrations = addresses * limits.registerPerDay.count
  const user = { _id: new ObjectId(), email: 'x'.repeat(254), name: 'x'.repeat(200), password_hash: 'x'.repeat(60) }
  const userBytes = BSON.calculateObjectSize({ ...user, role: 'user', is_active: true, created_at: at, last_login: at })
  const userIndexes = 254 + 4 * entry
  const device = { _id: 'x'.repeat(43), userId: new ObjectId(), lastUsedAt: at, expiresAt: at }
  const deviceBytes = BSON.calculateObjectSize(device) + 43 + 3 * entry
  // And the first one of each user.
  const newDevices = addresses * newDevicesPerDay.count + registrations
  const devices = (newDevices * knownDeviceLifetimeSeconds) / day

  const parts = {
    refusals: refusals * eventBytes,
    users: 365 * registrations * (userBytes + userIndexes),
    'events of users': ((retention * registrations) / day) * eventBytes,
    'known devices': devices * deviceBytes,
  }
  const gibibytes = Object.values(parts).reduce((sum, bytes) => sum + bytes, 0) / 2 ** 30
  expect(gibibytes, JSON.stringify(parts)).toBeLessThan(10)
})
