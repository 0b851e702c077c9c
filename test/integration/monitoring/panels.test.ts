import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { buildObservabilityServer } from '../../../api-server/observability-server.ts'
import { apiVersion, kind } from '../../../operator/authservice/api/group.ts'
import { marksOf } from '../../../operator/authservice/resources/monitoring/operation-panels.ts'
import { operatorPanels } from '../../../operator/authservice/resources/monitoring/operator-panels.ts'
import { panelsOf } from '../../../operator/authservice/resources/monitoring/panels.ts'
import { issueCertificate } from '../../../operator/authservice/secrets/system-sources.ts'
import type { Operator } from '../../../operator/operator.ts'
import { type AppForTest, startApp } from '../api-server/app-for-test.ts'
import { type Enrolled, enrol, mfaEnvironment, wrongCodeOf } from '../api-server/second-factor.ts'
import { configInput, EdgeUnderTest } from '../edge/edge-under-test.ts'
import { developmentSpec, Namespace } from '../support/namespace.ts'
import { startOperator, untilQuiet } from '../support/operator-under-test.ts'
import { PrometheusUnderTest } from './prometheus-under-test.ts'

const { kubeconfigPath } = inject('apiServer')
const name = 'accounts'
let namespace: Namespace
let operator: Operator
let server: AppForTest
let enrolled: Enrolled
let edge: EdgeUnderTest
let prometheus: PrometheusUnderTest
const stops: (() => Promise<unknown>)[] = []

/** Operator, server and edge as they run in a cluster, and a Prometheus that scrapes them. */
beforeAll(async () => {
  namespace = await Namespace.create(kubeconfigPath, `panels-${Date.now()}`)
  operator = startOperator(kubeconfigPath, namespace, { leaderElection: { namespace: namespace.name } })
  stops.push(() => operator.stop())
  const ingress = { type: 'Nginx', host: 'auth.localhost' }
  await namespace.apply({ apiVersion, kind, metadata: { name }, spec: { ...developmentSpec, ingress } })
  await vi.waitFor(async () => expect((await namespace.authService(name)).status?.secrets).toBeDefined(), 40_000)
  await untilQuiet(operator)
  // Without kubelets no rollout ends, so the API server says how the last one ended. The operator keeps that.
  await namespace.patch(kind, name, { status: { rollout: { lastOutcome: 'RolledBack' } } }, 'status')

  server = await startApp({ ...mfaEnvironment, RATE_LIMIT_LOGIN: '6/h' })
  enrolled = await enrol(server)
  const observability = buildObservabilityServer(server.app)
  stops.push(async () => {
    await observability.close()
    await server.close()
  })
  edge = await EdgeUnderTest.create((_, response) => response.end('ok'))
  await edge.config.mount({ 'nginx.conf': edge.configText(configInput()) })
  await edge.tls.mount(issueCertificate(['auth.example.com'], new Date()))
  stops.push(() => edge.remove())
  await edge.start()

  const at = { namespace: namespace.name }
  prometheus = await PrometheusUnderTest.start([
    { name: 'operator', labels: { pod: 'operator-1' }, honorLabels: true, metrics: () => operator.registry.metrics() },
    {
      name: 'server',
      labels: { ...at, authservice: name, pod: 'accounts-blue-1', color: 'blue' },
      metrics: async () => (await observability.inject('/metrics')).body,
    },
    {
      name: 'edge',
      labels: { ...at, authservice_edge: name, pod: 'accounts-edge-1' },
      metrics: async () => (await edge.health('/metrics')).body,
    },
  ])
  stops.push(() => prometheus.stop())
}, 180_000)
afterAll(async () => {
  for (const stop of stops.reverse()) await stop()
})

const credentials = { email: 'ada@example.com', password: 'correct horse battery' }
let bearer: Record<string, string> = {}

/** One of everything that the server counts, and a request through the edge. */
async function traffic(): Promise<void> {
  await server.post('/v1/auth/register', { ...credentials, name: 'Ada' })
  const { status, body } = await server.post('/v1/auth/login', credentials)
  if (status === 200) bearer = { authorization: `Bearer ${body['access_token']}` }
  await server.post('/v1/auth/login', { ...credentials, password: 'wrong horse battery' })
  await server.post('/v1/auth/step-up', { method: 'totp', code: wrongCodeOf(enrolled.secret) }, enrolled.bearer)
  await server.get('/v1/auth/verify', bearer)
  vi.spyOn(server.app, 'authenticate').mockRejectedValueOnce(new Error('a fault, which is a 500'))
  await server.get('/v1/me', bearer)
  await server.post('/v1/auth/logout', {}, bearer)
  await edge.call('/v1/auth/verify')
  // The server of this test is no OpenID provider, which the tests of these metrics have.
  const { providerLogins, oauthGrants, oauthRefusals } = server.app.metrics
  providerLogins.inc({ provider: 'corp', result: 'unavailable' })
  oauthGrants.inc({ client: 'shop' })
  oauthRefusals.inc({ client: 'shop', error: 'invalid_grant' })
}

/** Queries of a dashboard that return no series. Grafana replaces the interval by at least four scrape intervals. */
async function emptyOnes(panels: readonly { title: string; queries: readonly { expression: string }[] }[]) {
  const empty: string[] = []
  for (const { title, queries } of panels) {
    for (const { expression } of queries) {
      const series = await prometheus.query(expression.replaceAll('$__rate_interval', '10s'))
      if (series.length === 0) empty.push(`${title}: ${expression}`)
    }
  }
  return empty
}

describe('with the metrics of a running operator, server and edge', () => {
  test.each([
    ['an AuthService', () => panelsOf({ namespace: namespace.name, name })],
    ['the operator', () => operatorPanels],
  ])(
    'every query of the dashboard of %s returns series in Prometheus',
    async (_, panels) => {
      await expect
        .poll(
          async () => {
            await traffic()
            return emptyOnes(panels())
          },
          { timeout: 60_000, interval: 500 },
        )
        .toEqual([])
    },
    90_000,
  )

  test('every line that marks a change begins in Prometheus', async () => {
    const marks = marksOf({ namespace: namespace.name, name })
    await expect
      .poll(() => emptyOnes(marks.map(({ title, expression }) => ({ title, queries: [{ expression }] }))), {
        timeout: 60_000,
        interval: 500,
      })
      .toEqual([])
  })

  test('the age of every secret of the AuthService is known', async () => {
    const { status } = await namespace.authService(name)
    const expected = (status?.secrets ?? []).map((secret) => `${secret.name}/${secret.keyId}`).sort()
    expect(expected.length).toBeGreaterThan(6)
    const query = `time() - authservice_secret_created_timestamp_seconds{namespace="${namespace.name}",name="${name}"}`
    await expect
      .poll(
        async () => (await prometheus.query(query)).map(({ metric }) => `${metric['secret']}/${metric['key']}`).sort(),
        { timeout: 60_000, interval: 500 },
      )
      .toEqual(expected)
    for (const { metric, value } of await prometheus.query(query)) {
      const age = Number(value[1])
      expect(age, JSON.stringify(metric)).toBeGreaterThan(-60)
      // Certificates are valid from an hour before they were issued.
      expect(age, JSON.stringify(metric)).toBeLessThan(2 * 3_600)
    }
  })

  test('a rollout that was rolled back is a series until another one succeeds', async () => {
    const query = `authservice_rollout_last_outcome{namespace="${namespace.name}",outcome="RolledBack"}`
    await expect.poll(() => prometheus.query(query), { timeout: 60_000, interval: 500 }).toHaveLength(1)
  })
})
