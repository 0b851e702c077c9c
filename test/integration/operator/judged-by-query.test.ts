import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { apiVersion, kind } from '../../../operator/authservice/api/group.ts'
import type { Operator } from '../../../operator/operator.ts'
import { developmentSpec, Namespace } from '../support/namespace.ts'
import { startOperator, untilQuiet, untilReconciled } from '../support/operator-under-test.ts'
import { followServices, makeEverythingAvailable } from '../support/simulated-controllers.ts'

const { kubeconfigPath } = inject('apiServer')
let namespace: Namespace
let operator: Operator

/** Answers like Prometheus: an instant query has one series with this value. */
let value = '0'
const asked: { namespace: string | null; query: string | null }[] = []
const prometheus = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://x')
  asked.push({ namespace: searchParams.get('namespace'), query: searchParams.get('query') })
  response.writeHead(pathname === '/api/v1/query' ? 200 : 404, { 'content-type': 'application/json' })
  const result = [{ metric: {}, value: [Date.now() / 1000, value] }]
  response.end(JSON.stringify({ status: 'success', data: { resultType: 'vector', result } }))
})

beforeAll(async () => {
  prometheus.listen(0, '127.0.0.1')
  await once(prometheus, 'listening')
  const { port } = prometheus.address() as AddressInfo
  namespace = await Namespace.create(kubeconfigPath, `judged-${Date.now()}`)
  const prometheusUrl = `http://127.0.0.1:${port}/?namespace={namespace}`
  operator = startOperator(kubeconfigPath, namespace, { prometheusUrl })
})
afterAll(async () => {
  await operator.stop()
  prometheus.closeAllConnections()
  prometheus.close()
})

const authService = (name: string, query: string) => ({
  apiVersion,
  kind,
  metadata: { name },
  spec: {
    ...developmentSpec,
    rollout: {
      strategy: 'BlueGreen',
      smokeTest: { enabled: false },
      analysis: { enabled: true, windowSeconds: 10, prometheus: { query, max: 0.1 } },
    },
  },
})
const rolloutOf = async (name: string) => (await namespace.authService(name)).status?.rollout

/** Runs the simulated controllers until the rollout has the expected state. */
async function untilRollout(name: string, expected: object): Promise<void> {
  const attempt = async () => {
    await makeEverythingAvailable(namespace)
    await followServices(namespace)
    return rolloutOf(name)
  }
  await expect.poll(attempt, { timeout: 60_000, interval: 100 }).toMatchObject(expected)
}

test('a revision whose query is out of bounds is rolled back, and one whose query is good is promoted', async () => {
  await namespace.apply(authService('accounts', 'errors{namespace="{{namespace}}",service="{{name}}"}'))
  await untilRollout('accounts', { phase: 'Stable' })
  await untilQuiet(operator)
  asked.splice(0)
  await untilReconciled(operator, () =>
    namespace.patch(kind, 'accounts', { metadata: { annotations: { looked: 'again' } } }),
  )
  expect(asked, 'nothing is asked while nothing is judged').toEqual([])

  value = '0.5'
  await namespace.patch(kind, 'accounts', { spec: { version: '0.2.0' } })
  await untilRollout('accounts', { lastOutcome: 'RolledBack' })
  const { failure } = (await rolloutOf('accounts')) ?? {}
  expect(failure).toContain('the Prometheus query returns 0.5, expected at most 0.1')
  const query = `errors{namespace="${namespace.name}",service="accounts"}`
  expect(asked).toContainEqual({ namespace: namespace.name, query })

  value = '0.01'
  await namespace.patch(kind, 'accounts', { spec: { version: '0.3.0' } })
  await untilRollout('accounts', { lastOutcome: 'Promoted' })
})

test('a query without a configured Prometheus stalls the AuthService with a message that says what to do', async () => {
  const other = await Namespace.create(kubeconfigPath, `unjudged-${Date.now()}`)
  const without = startOperator(kubeconfigPath, other)
  try {
    await other.apply(authService('accounts', 'up'))
    await expect
      .poll(() => other.condition('accounts', 'Stalled'))
      .toMatch(/^True PrometheusMissing: .*ask the administrator of the operator to set PROMETHEUS_URL/)
    expect(await other.get('Deployment', 'accounts-blue')).toBeUndefined()
  } finally {
    await without.stop()
  }
})
