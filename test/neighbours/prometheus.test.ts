import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ServerEnvironment } from '../../contract/environment.ts'
import { resolveSpec } from '../../operator/authservice/api/defaults.ts'
import { ruleGroups } from '../../operator/authservice/resources/monitoring/prometheus-rule.ts'
import { startMongo, type TestMongo } from '../../tools/local-servers/mongo.ts'
import { startRedis, type TestRedis } from '../../tools/local-servers/redis.ts'
import { freePort } from '../../tools/local-servers/server-process.ts'
import { type StartedServer, startServer } from '../integration/api-server/started-server.ts'
import { PrometheusUnderTest } from '../integration/monitoring/prometheus-under-test.ts'

/**
 * Prometheus with the rules of an AuthService, and a server whose databases and process fail. The alerts are those that
 * such a fault triggers within two minutes.
 */
const owner = { namespace: 'team-a', name: 'accounts', uid: 'uid' }
const spec = { environment: 'staging', mongodb: {}, redis: {}, ingress: { type: 'None' } } as const
let mongo: TestMongo
let redis: TestRedis
let server: StartedServer
let environment: ServerEnvironment
let prometheus: PrometheusUnderTest

beforeAll(async () => {
  ;[mongo, redis] = await Promise.all([startMongo(), startRedis()])
  const metricsPort = await freePort()
  environment = {
    ENVIRONMENT: 'development',
    LOG_LEVEL: 'fatal',
    MIGRATE_ON_START: 'true',
    MONGODB_URL: mongo.url,
    REDIS_HOST: redis.host,
    REDIS_PORT: String(redis.port),
    JWT_SECRET: randomBytes(32).toString('base64url'),
    METRICS_PORT: String(metricsPort),
  }
  server = await startServer(environment)
  const labels = { namespace: owner.namespace, authservice: owner.name, pod: 'accounts-blue-1', color: 'blue' }
  prometheus = await PrometheusUnderTest.start(
    [{ name: 'server', labels, metrics: `127.0.0.1:${metricsPort}` }],
    ruleGroups({ owner, resolved: resolveSpec({ metadata: owner, spec }) }),
  )
})
afterAll(async () => {
  await prometheus?.stop()
  await server?.stop()
  await Promise.all([mongo?.remove(), redis?.stop()])
})

/** An alert takes its time, plus the evaluations before and after. */
const eventually = { timeout: 240_000, interval: 1_000 }

/** The names of the alerts that are firing. */
async function firing(): Promise<string[]> {
  const alerts = await prometheus.alerts()
  const names = alerts.filter(({ state }) => state === 'firing').map(({ labels }) => labels['alertname'] ?? '')
  return [...new Set(names)].sort()
}

test('while everything works, the server is scraped, and no alert is pending or firing', async () => {
  const up = `up{namespace="${owner.namespace}",authservice="${owner.name}"}`
  await expect.poll(async () => (await prometheus.query(up)).map(({ value }) => value[1]), eventually).toEqual(['1'])
  await expect.poll(() => prometheus.alerts(), eventually).toEqual([])
})

test('alerts about both databases fire when they stop, and resolve when they run again', async () => {
  await Promise.all([mongo.stop(), redis.stop()])
  const expected = ['AuthServiceMongoDown', 'AuthServiceRedisDown', 'AuthServiceRevocationsStale']
  await expect.poll(firing, eventually).toEqual(expected)
  const alert = (await prometheus.alerts()).find(({ labels }) => labels['alertname'] === 'AuthServiceMongoDown')
  expect(alert?.annotations).toEqual({
    summary: 'Pod accounts-blue-1 of AuthService team-a/accounts cannot reach the primary of MongoDB.',
    runbook_url: expect.stringMatching(/\/AuthServiceMongoDown\.md$/),
  })
  await Promise.all([mongo.start(), redis.start()])
  await expect.poll(() => prometheus.alerts(), eventually).toEqual([])
}, 600_000)

test('AuthServiceDown fires when the server stops, and resolves when it runs again', async () => {
  await server.stop()
  await expect.poll(firing, eventually).toEqual(['AuthServiceDown'])
  server = await startServer(environment)
  await expect.poll(() => prometheus.alerts(), eventually).toEqual([])
}, 600_000)
