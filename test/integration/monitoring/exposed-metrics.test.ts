import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { buildObservabilityServer } from '../../../api-server/observability-server.ts'
import { resolveSpec } from '../../../operator/authservice/api/defaults.ts'
import { edgeStartScript } from '../../../operator/authservice/resources/edge/edge-start.ts'
import { operatorAlerts } from '../../../operator/authservice/resources/monitoring/operation-alerts.ts'
import { marksOf } from '../../../operator/authservice/resources/monitoring/operation-panels.ts'
import { operatorPanels } from '../../../operator/authservice/resources/monitoring/operator-panels.ts'
import { panelsOf } from '../../../operator/authservice/resources/monitoring/panels.ts'
import { ruleGroups } from '../../../operator/authservice/resources/monitoring/prometheus-rule.ts'
import { AuthServiceMetrics } from '../../../operator/authservice/status/metrics.ts'
import { createKubeMetrics } from '../../../operator/kube/metrics.ts'
import { startApp } from '../api-server/app-for-test.ts'

const owner = { name: 'accounts', namespace: 'team-a', uid: 'uid' }
const resolved = resolveSpec({ metadata: owner, spec: { environment: 'production', mongodb: {}, redis: {} } })
const expressions = [
  ...ruleGroups({ owner, resolved }).flatMap(({ rules }) => rules.map(({ expr }) => expr)),
  ...operatorAlerts.map(({ expression }) => expression),
  ...marksOf(owner).map(({ expression }) => expression),
  ...[...panelsOf(owner), ...operatorPanels].flatMap(({ queries }) => queries.map(({ expression }) => expression)),
]

/** Prometheus creates it for each target. */
const madeByPrometheus = new Set(['up'])

/** The names of the metrics in a query, which precede braces. */
function metricsIn(expression: string): string[] {
  return [...expression.matchAll(/([a-z0-9_:]+)\{/g)]
    .map(([, name = '']) => name)
    .filter((name) => !madeByPrometheus.has(name))
}

/** The names of series in the text format. A histogram has three. */
function namesIn(text: string): Set<string> {
  const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)]
  return new Set(
    types.flatMap(([, name = '', type]) =>
      type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
    ),
  )
}

/** The metrics that an edge pod writes. */
const atEdge = edgeStartScript(':').replaceAll(/\\n/g, '\n')

test('the server, the edge or the operator exposes every metric of the alerts and the dashboards', async () => {
  const operator = createKubeMetrics(new Registry())
  new AuthServiceMetrics(operator.registry)
  const server = await startApp()
  const observability = buildObservabilityServer(server.app)
  const texts = [await operator.registry.metrics(), (await observability.inject('/metrics')).body]
  await observability.close()
  await server.close()

  const exposed = new Set([...texts, atEdge].flatMap((text) => [...namesIn(text)]))
  const used = new Set(expressions.flatMap(metricsIn))
  expect(used.size).toBeGreaterThan(20)
  expect([...used].filter((name) => !exposed.has(name))).toEqual([])
})

test('alerts and dashboard spell labels as the server does', async () => {
  const server = await startApp({ RATE_LIMIT_LOGIN: '2/h' })
  const observability = buildObservabilityServer(server.app)
  const credentials = { email: 'ada@example.com', password: 'correct horse battery' }
  await server.post('/v1/auth/register', { ...credentials, name: 'Ada' })
  await server.post('/v1/auth/login', credentials)
  await server.post('/v1/auth/login', { ...credentials, password: 'wrong horse battery' })
  const answer = await server.post('/v1/auth/login', credentials)
  expect(answer.status).toBe(429)
  const text = async () => (await observability.inject('/metrics')).body

  // A request is counted after its response.
  for (const series of [
    /^http_requests_total\{method="POST",route="\/v1\/auth\/login",status="200"\} 1$/m,
    /^http_requests_total\{method="POST",route="\/v1\/auth\/login",status="429"\} 1$/m,
    /^http_request_duration_seconds_bucket\{.*le="0\.5".*\}/m,
    /^auth_logins_total\{outcome="success"\} 1$/m,
    /^auth_logins_total\{outcome="invalid_credentials"\} 1$/m,
    /^mongodb_pool_connections\{state="in_use"\} \d+$/m,
    /^redis_up 1$/m,
  ]) {
    await expect.poll(text).toMatch(series)
  }
  await observability.close()
  await server.close()
})
