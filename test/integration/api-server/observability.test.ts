import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildObservabilityServer } from '../../../api-server/observability-server.ts'
import type { RecordedEvent } from '../../../api-server/plugins/app/observability/security-events.ts'
import { createServerPoller } from '../../../operator/authservice/gather/server-reports.ts'
import { type AppForTest, logIn, password, startApp } from './app-for-test.ts'
import { passkeyEnvironment } from './passkey-user.ts'
import { enrol } from './second-factor.ts'

let server: AppForTest
const events: RecordedEvent[] = []

beforeAll(async () => {
  server = await startApp({ CORS_ORIGINS: 'https://app.example.com', RATE_LIMIT_PER_CLIENT: '100/s' })
  server.app.securityEvents.subscribe((event) => events.push(event))
})

afterAll(() => server.close())

/** The metrics that alerts, dashboards and the analysis of rollouts use. */
const promised = [
  'http_requests_total{method="POST",route="/v1/auth/login",status="200"}',
  'http_request_duration_seconds_bucket{le="0.5",method="POST",route="/v1/auth/login"}',
  'auth_logins_total{outcome="success"}',
  'auth_logins_total{outcome="invalid_credentials"}',
  'auth_tokens_issued_total{kind="access"}',
  'auth_tokens_issued_total{kind="refresh"}',
  'auth_token_verifications_total{result="active"}',
  'auth_revocations_total{scope="session"}',
  'auth_password_hash_queue',
  'auth_password_hash_seconds_count',
  'auth_revocation_staleness_seconds',
  'auth_signing_key_active_timestamp_seconds{kid="jwt-secret"}',
  'mongodb_pool_connections{state="in_use"}',
  'mongodb_pool_connections{state="idle"}',
  'mongodb_pool_max',
  'mongodb_insecure_allowed',
  'redis_up',
  'process_cpu_seconds_total',
  'process_resident_memory_bytes',
  'nodejs_eventloop_lag_p99_seconds',
]

test('the metrics that others depend on exist, with labels that no client chooses', async () => {
  const { bearer, email } = await logIn(server)
  await server.post('/v1/auth/login', { email, password: 'wrong horse battery' })
  await server.get('/v1/auth/verify', bearer)
  await server.post('/v1/auth/logout', {}, bearer)
  await server.get(`/no/${email}/there`)
  const observability = buildObservabilityServer(server.app)
  const metrics = async () => (await observability.inject('/metrics')).body
  // A request is counted after its response.
  const missing = async () => {
    const lines = (await metrics()).split('\n')
    return promised.filter((name) => !lines.some((line) => line.startsWith(`${name} `)))
  }
  await expect.poll(missing).toEqual([])
  await expect.poll(metrics).toContain('route="unknown"')
  const body = await metrics()
  await observability.close()
  expect(body).not.toContain(email)
})

test('the server reports the reachability of its dependencies in the form that the operator reads', async () => {
  const observability = buildObservabilityServer(server.app)
  const poller = createServerPoller({
    read: async (url) => (await observability.inject(new URL(url).pathname)).body,
    onNews: () => told.resolve(),
    pauseMilliseconds: { eager: 1, watchful: 1, calm: 60_000 },
  })
  const told = Promise.withResolvers<void>()
  const pods = [{ name: 'server-1', address: '10.0.0.1' }]
  expect(poller.reportsOf('team-a/accounts', pods).size).toBe(0)
  await told.promise
  expect(Object.fromEntries(poller.reportsOf('team-a/accounts', pods))).toMatchObject({
    'server-1': { problems: [], mongodb: { up: true }, redis: { up: true }, oidcClients: null },
  })
  poller.stop()
  await observability.close()
})

test('a login, malformed input and a foreign origin are security events that do not contain the input', async () => {
  server.app.securityEvents.endWindow()
  events.length = 0
  const { email } = await logIn(server)
  await server.post('/v1/auth/login', { email, password, more: 'secret' })
  await server.get('/.well-known/jwks.json', { origin: 'https://evil.example.com' })
  await server.get('/.well-known/jwks.json', { origin: 'https://app.example.com' })
  server.app.securityEvents.endWindow()
  const told = events.map(({ event, reason }) => (reason === undefined ? event : `${event}: ${reason}`))
  expect(told).toEqual([
    'user_created',
    'session_created',
    'authn_token_created',
    'authn_login_success',
    'input_validation_fail: /v1/auth/login body',
    'malicious_cors: https://evil.example.com',
  ])
  expect(events[3]).toMatchObject({ emailHash: expect.stringMatching(/^[\w-]{16}$/), sessionId: expect.any(String) })
  expect(JSON.stringify(events)).not.toContain(email)
})

test('/status tells the operator whether users have second factors, without those of a smoke test', async () => {
  const factors = await startApp(passkeyEnvironment)
  const observability = buildObservabilityServer(factors.app)
  const usersHaveSome = async () => (await observability.inject('/status')).json().usersHaveSecondFactors
  try {
    await expect.poll(usersHaveSome).toBe(false)
    await enrol(factors)
    expect(await usersHaveSome(), 'of a user who enrolled a second ago').toBe(false)
    const createdAt = new Date(Date.now() - 301_000)
    await factors.app.mongo.db
      .collection('second_factors')
      .updateMany({}, { $set: { 'factors.0.createdAt': createdAt } })
    await expect.poll(usersHaveSome).toBe(true)
    const usersHavePasskeys = async () => (await observability.inject('/status')).json().usersHavePasskeys
    await expect.poll(usersHavePasskeys, { message: 'of a user with an app' }).toBe(false)
    await factors.app.mongo.db.collection('second_factors').updateMany({}, { $set: { 'factors.0.type': 'passkey' } })
    await expect.poll(usersHavePasskeys).toBe(true)
  } finally {
    await observability.close()
    await factors.close()
  }
})
