import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { apiVersion, kind } from '../../../operator/authservice/api/group.ts'
import { optionalKinds } from '../../../operator/authservice/model/kinds.ts'
import type { KubeClient } from '../../../operator/kube/client.ts'
import type { Operator } from '../../../operator/operator.ts'
import { definitions } from '../../../tools/local-servers/install-definition.ts'
import { startKubeApiserver, type TestApiServer } from '../../../tools/local-servers/kube-apiserver.ts'
import { definitionOf } from '../support/definition-of-kind.ts'
import { clientAt } from '../support/kube-api.ts'
import { type Live, Namespace } from '../support/namespace.ts'
import { startOperator, untilQuiet } from '../support/operator-under-test.ts'

/** A separate API server: every operator of a shared one would create monitoring children while it has these kinds. */
let apiServer: TestApiServer
const kinds = [optionalKinds.podMonitor, optionalKinds.prometheusRule]
let namespace: Namespace
let operator: Operator
let client: KubeClient

const authService = (name: string, monitoring: object = {}) => {
  const spec = { environment: 'production', mongodb: {}, redis: {}, ingress: { type: 'None' }, monitoring }
  const tokens = { issuer: 'https://auth.example.com' }
  return { apiVersion, kind, metadata: { name }, spec: { ...spec, tokens } }
}

beforeAll(async () => {
  apiServer = await startKubeApiserver()
  client = clientAt(apiServer.kubeconfigPath)
  namespace = await Namespace.create(apiServer.kubeconfigPath, 'monitoring')
  operator = startOperator(apiServer.kubeconfigPath, namespace)
  await namespace.apply(authService('auto'))
  await namespace.apply(
    authService('asked', { podMonitor: 'Enabled', prometheusRule: 'Enabled', dashboard: 'Enabled' }),
  )
  await namespace.apply(
    authService('without', { podMonitor: 'Disabled', prometheusRule: 'Disabled', dashboard: 'Disabled' }),
  )
  for (const name of ['auto', 'asked', 'without']) {
    await vi.waitFor(async () => expect(await namespace.get('Service', `${name}-metrics`)).toBeDefined(), 40_000)
  }
}, 300_000)
afterAll(async () => {
  await operator.stop()
  await apiServer.stop()
})

const dashboard = (name: string) => namespace.get('ConfigMap', `${name}-dashboard`)
const production = (name: string) => namespace.condition(name, 'ProductionReady')

describe('in a cluster without the Prometheus operator', () => {
  test('no monitoring child is created, and the checklist item is open', async () => {
    await expect
      .poll(() => production('auto'))
      .toMatch(
        /Dashboards \(install the Prometheus operator .*: the cluster has no PodMonitor, no PrometheusRule, no dashboard\)/,
      )
    expect(await dashboard('auto')).toBeUndefined()
  })

  test('a child that is Enabled is reported as missing, and the server is created', async () => {
    await expect
      .poll(() => production('asked'))
      .toContain(
        'spec.monitoring.podMonitor is Enabled, but the cluster does not have the kind PodMonitor: install the Prometheus',
      )
    expect(await production('asked')).toContain('spec.monitoring.prometheusRule is Enabled')
    expect(await dashboard('asked')).toBeDefined()
    expect(await namespace.get('Deployment', 'asked-blue')).toBeDefined()
  })
})

describe('after the installation of the Prometheus operator', () => {
  beforeAll(async () => {
    for (const resource of kinds) await client.apply(definitions, definitionOf(resource))
    await vi.waitFor(async () => expect(await dashboard('auto')).toBeDefined(), 60_000)
    await vi.waitFor(async () => expect(await namespace.get('PrometheusRule', 'asked')).toBeDefined(), 40_000)
  })

  test('every child is created, owned by the AuthService', async () => {
    const { uid } = (await namespace.authService('auto')).metadata
    for (const child of [
      () => namespace.get('PodMonitor', 'auto'),
      () => namespace.get('PrometheusRule', 'auto'),
      () => dashboard('auto'),
    ]) {
      const owners = async () => (await child())?.metadata.ownerReferences
      await expect.poll(owners).toEqual([expect.objectContaining({ uid, controller: true })])
    }
    await expect.poll(() => production('auto')).not.toContain('Dashboards')
    await expect.poll(() => production('asked')).not.toContain('is Enabled')
  })

  test('Disabled prevents each of them', async () => {
    await untilQuiet(operator)
    expect(await namespace.get('PodMonitor', 'without')).toBeUndefined()
    expect(await namespace.get('PrometheusRule', 'without')).toBeUndefined()
    expect(await dashboard('without')).toBeUndefined()
    expect(await production('without')).toContain('no PodMonitor')
  })

  test('Prometheus finds the server pods by the labels that rules and dashboard select', async () => {
    const monitor = await namespace.get<Live & { spec: { selector: { matchLabels: Record<string, string> } } }>(
      'PodMonitor',
      'auto',
    )
    const deployment = await namespace.get<
      Live & { spec: { template: { metadata: { labels: object }; spec: { containers: { ports: object[] }[] } } } }
    >('Deployment', 'auto-blue')
    expect(deployment?.spec.template.metadata.labels).toMatchObject(monitor?.spec.selector.matchLabels ?? { none: '' })
    expect(monitor).toMatchObject({
      spec: {
        podMetricsEndpoints: [
          {
            port: 'observability',
            relabelings: [{ targetLabel: 'authservice', replacement: 'auto' }, { targetLabel: 'color' }],
          },
          { port: 'health', relabelings: [{ targetLabel: 'authservice_edge', replacement: 'auto' }] },
        ],
      },
    })
    expect(deployment?.spec.template.spec.containers[0]?.ports).toContainEqual(
      expect.objectContaining({ name: 'observability' }),
    )
  })

  test('a deleted rule is recreated', async () => {
    await namespace.remove('PrometheusRule', 'auto')
    await expect.poll(() => namespace.get('PrometheusRule', 'auto')).toBeDefined()
  })

  test('a child that is disabled later is deleted', async () => {
    await namespace.apply(authService('auto', { dashboard: 'Disabled', prometheusRule: 'Disabled' }))
    await expect.poll(() => dashboard('auto')).toBeUndefined()
    await expect.poll(() => namespace.get('PrometheusRule', 'auto')).toBeUndefined()
    await untilQuiet(operator)
    expect(await namespace.get('PodMonitor', 'auto')).toBeDefined()
  })
})
