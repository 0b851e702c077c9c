import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { apiVersion, kind } from '../../../operator/authservice/api/group.ts'
import { ingressClasses } from '../../../operator/authservice/kinds.ts'
import { KubeClient } from '../../../operator/kube/client.ts'
import { Transport } from '../../../operator/kube/transport.ts'
import type { Operator } from '../../../operator/operator.ts'
import { type Definition, definitionFiles } from '../../servers/definitions.ts'
import { startKubeApiserver, type TestApiServer } from '../../servers/kube-apiserver.ts'
import { definitions } from '../kube/definitions.ts'
import { kubeConfigAt, type Live, Namespace } from './namespace.ts'
import { startOperator } from './operator-under-test.ts'
import { makeEverythingAvailable } from './simulated-controllers.ts'

/** An API server of its own: what it serves changes in these tests. */
let apiServer: TestApiServer
let client: KubeClient
let namespace: Namespace
let operator: Operator

beforeAll(async () => {
  apiServer = await startKubeApiserver()
  client = new KubeClient(new Transport(kubeConfigAt(apiServer.kubeconfigPath), 'a-user'), 'a-user')
  namespace = await Namespace.create(apiServer.kubeconfigPath, 'front')
  operator = startOperator(apiServer.kubeconfigPath, namespace)
}, 300_000)
afterAll(async () => {
  await operator.stop()
  await apiServer.stop()
})

const authService = (name: string, ingress: object) => ({
  apiVersion,
  kind,
  metadata: { name },
  spec: {
    environment: 'production',
    mongodb: {},
    redis: {},
    tokens: { issuer: `https://${name}.example.com` },
    ingress,
  },
})

async function install(name: Definition): Promise<void> {
  const manifest = parse(await readFile(join(await definitionFiles(), `${name}.yaml`), 'utf8'))
  await client.create(definitions, manifest)
}

async function makeClass(name: string, controller: string): Promise<void> {
  const metadata = { name }
  await client.create(ingressClasses, {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IngressClass',
    metadata,
    ...{ spec: { controller } },
  })
}

const condition = (name: string, type: string) => () => namespace.condition(name, type)
const annotationsOf = async (name: string) => (await namespace.get('Ingress', name))?.metadata.annotations ?? {}
const later = { timeout: 30_000 }

describe('the edge', () => {
  const configuration = async () => {
    const configMap = await namespace.get<Live & { data: Record<string, string> }>('ConfigMap', 'byedge-edge')
    return configMap?.data['nginx.conf'] ?? 'there is none'
  }

  test('answers to the name of the preview as soon as the spec has one', async () => {
    const manifest = authService('byedge', { type: 'Nginx', host: 'by.example.com' })
    // Which has a certificate of its own.
    manifest.spec.environment = 'development'
    await namespace.apply(manifest)
    await expect.poll(configuration, later).toContain('server_name by.example.com;')
    await namespace.patch('AuthService', 'byedge', {
      spec: { rollout: { strategy: 'BlueGreen', blueGreen: { previewHost: 'preview.by.example.com' } } },
    })
    await expect.poll(configuration, later).toContain('server_name preview.by.example.com;')
  })
})

describe('an Ingress', () => {
  test('waits for its class by name, and goes on once that is there', async () => {
    await namespace.apply(authService('byclass', { type: 'Ingress', ingress: { className: 'public' } }))
    await expect
      .poll(condition('byclass', 'Stalled'), later)
      .toMatch(/^True IngressClassNotFound: This cluster has no IngressClass public/)
    await makeClass('public', 'nginx.org/ingress-controller')
    await expect.poll(() => namespace.get('Ingress', 'byclass'), later).toBeDefined()
  })

  test('of F5 is a master with the host, and a minion for each limit', async () => {
    expect(await annotationsOf('byclass')).toMatchObject({
      'nginx.org/mergeable-ingress-type': 'master',
      'nginx.org/redirect-to-https': 'true',
      'nginx.org/hsts': 'true',
    })
    expect(await annotationsOf('byclass-login')).toMatchObject({
      'nginx.org/mergeable-ingress-type': 'minion',
      'nginx.org/limit-req-rate': '10r/m',
      'nginx.org/limit-req-burst': '10',
      'nginx.org/limit-req-reject-code': '429',
    })
    expect(await annotationsOf('byclass-all')).toMatchObject({ 'nginx.org/limit-req-rate': '100r/s' })
    await expect
      .poll(condition('byclass', 'IngressReady'), later)
      .toMatch(/^True Available: Ingress byclass of class public is there, .*The server alone keeps reset \(5\/h\)/)
  })

  test('is compiled anew when its class changes hands', async () => {
    await client.delete(ingressClasses, { name: 'public' })
    await expect.poll(condition('byclass', 'Stalled'), later).toMatch(/^True IngressClassNotFound/)
    await makeClass('public', 'k8s.io/ingress-nginx')
    await expect
      .poll(() => annotationsOf('byclass'), later)
      .toMatchObject({
        'nginx.ingress.kubernetes.io/limit-rps': '100',
        'nginx.ingress.kubernetes.io/limit-burst-multiplier': '2',
        'nginx.ingress.kubernetes.io/force-ssl-redirect': 'true',
      })
    expect(await annotationsOf('byclass')).not.toHaveProperty('nginx.org/mergeable-ingress-type')
    // Minions are no more: one that stayed would be a second Ingress for the same paths.
    await expect.poll(() => namespace.get('Ingress', 'byclass-all'), later).toBeUndefined()
    expect(await annotationsOf('byclass-login')).toMatchObject({ 'nginx.ingress.kubernetes.io/limit-rpm': '10' })
  })

  test('of Traefik names Middlewares, once the cluster has that kind', async () => {
    await makeClass('traefik', 'traefik.io/ingress-controller')
    await namespace.apply(authService('bytraefik', { type: 'Ingress', ingress: { className: 'traefik' } }))
    await expect
      .poll(condition('bytraefik', 'IngressReady'), later)
      .toMatch(/^True .*does not serve the kind Middleware of traefik.io, so the server alone keeps rateLimits/)
    await install('middleware')
    await expect
      .poll(() => annotationsOf('bytraefik-login'), later)
      .toEqual(
        expect.objectContaining({
          'traefik.ingress.kubernetes.io/router.middlewares': 'front-bytraefik-login@kubernetescrd',
        }),
      )
    expect(await namespace.get('Middleware', 'bytraefik-login')).toMatchObject({
      spec: { rateLimit: { average: 10, period: '60s', burst: 10 } },
    })
    expect(await namespace.get('Middleware', 'bytraefik-reset')).toMatchObject({
      spec: { rateLimit: { average: 5, period: '3600s' } },
    })
  })

  test('of an unknown controller says that the server alone keeps the limits', async () => {
    await makeClass('own', 'example.com/own')
    const ingress = { className: 'own', annotations: { 'example.com/size': 'big', 'cert-manager.io/issuer': 'ours' } }
    await namespace.apply(authService('byother', { type: 'Ingress', ingress }))
    await expect
      .poll(condition('byother', 'IngressReady'), later)
      .toMatch(/^True .*does not know how example.com\/own takes limits, so the server alone keeps rateLimits/)
    expect(await annotationsOf('byother')).toMatchObject(ingress.annotations)
  })
})

describe('an HTTPRoute', () => {
  const gateway = { type: 'Gateway', gateway: { parentRefs: [{ name: 'shared', namespace: 'gateways' }] } }
  const answer = (status: 'True' | 'False', message: string) => ({
    status: {
      parents: [
        {
          parentRef: { name: 'shared', namespace: 'gateways' },
          controllerName: 'gateway.envoyproxy.io/gatewayclass-controller',
          conditions: [
            {
              ...{ type: 'Accepted', status, reason: 'Answer', message },
              lastTransitionTime: '2026-11-24T00:00:00Z',
            },
          ],
        },
      ],
    },
  })

  test('needs the Gateway API, and says so until somebody installs it', async () => {
    await namespace.apply(authService('byroute', gateway))
    await expect
      .poll(condition('byroute', 'Stalled'), later)
      .toMatch(/^True KindNotAvailable: .* no kind HTTPRoute of gateway.networking.k8s.io\/v1: install a controller/)
    await install('httpRoute')
    await expect.poll(() => namespace.get('HTTPRoute', 'byroute').catch(() => undefined), later).toBeDefined()
    await expect.poll(condition('byroute', 'Stalled'), later).toMatch(/^False/)
    await expect
      .poll(condition('byroute', 'IngressReady'), later)
      .toMatch(/^False Waiting: .* accepted by 0 of 1 Gateways/)
  })

  test('that its Gateway refuses is failed, in the words of the Gateway', async () => {
    await namespace.patch('HTTPRoute', 'byroute', answer('False', 'no listener allows this host'), 'status')
    await expect
      .poll(condition('byroute', 'IngressReady'), later)
      .toMatch(/^False Failed: Gateway shared refuses HTTPRoute byroute: no listener allows this host/)
  })

  test('that Envoy Gateway accepts gets its limits in the form of Envoy Gateway', async () => {
    await namespace.patch('HTTPRoute', 'byroute', answer('True', 'accepted'), 'status')
    await expect
      .poll(condition('byroute', 'IngressReady'), later)
      .toMatch(/^True Available: HTTPRoute byroute is accepted by 1 of 1 Gateways.*the server alone keeps rateLimits/)
    await install('trafficPolicy')
    interface Policy extends Live {
      spec: { targetRefs: unknown; rateLimit: { local: { rules: unknown[] } } }
    }
    const policy = () => namespace.get<Policy>('BackendTrafficPolicy', 'byroute').catch(() => undefined)
    await expect.poll(policy, later).toBeDefined()
    const { targetRefs, rateLimit } = (await policy())?.spec ?? {}
    expect(targetRefs).toEqual([{ group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', name: 'byroute' }])
    expect(rateLimit?.local.rules).toContainEqual(
      expect.objectContaining({
        clientSelectors: [
          expect.objectContaining({
            path: expect.objectContaining({ type: 'Exact', value: '/v1/auth/login' }),
            sourceCIDR: expect.objectContaining({ type: 'Distinct', value: '0.0.0.0/0' }),
          }),
        ],
        limit: { requests: 20, unit: 'Minute' },
      }),
    )
  })
})

describe('a certificate of cert-manager', () => {
  const tls = { secretName: 'issued-tls', issuerRef: { kind: 'ClusterIssuer', name: 'letsencrypt' } }

  test('needs cert-manager, and says so until somebody installs it', async () => {
    await namespace.apply(authService('issued', { type: 'Nginx', tls }))
    await expect
      .poll(condition('issued', 'Stalled'), later)
      .toMatch(/^True KindNotAvailable: .* no kind Certificate of cert-manager.io\/v1: install cert-manager, or remove/)
    await install('certificate')
    await expect
      .poll(() => namespace.get('Certificate', 'issued-edge').catch(() => undefined), later)
      .toMatchObject({
        spec: {
          secretName: 'issued-tls',
          dnsNames: ['issued.example.com'],
          issuerRef: { kind: 'ClusterIssuer', name: 'letsencrypt' },
        },
      })
    await expect.poll(() => namespace.get('Deployment', 'issued-edge'), later).toBeDefined()
  })

  test('is waited for, in the words of cert-manager', async () => {
    const condition = (status: string, message: string) => ({
      status: {
        conditions: [
          { ...{ type: 'Ready', status, reason: 'Answer', message }, lastTransitionTime: '2026-11-24T00:00:00Z' },
        ],
      },
    })
    await namespace.patch('Certificate', 'issued-edge', condition('False', 'the order is pending'), 'status')
    await expect
      .poll(async () => {
        await makeEverythingAvailable(namespace)
        return namespace.condition('issued', 'IngressReady')
      }, later)
      .toMatch(/^False Waiting: waiting for cert-manager to issue Certificate issued-edge: the order is pending/)
    await namespace.patch('Certificate', 'issued-edge', condition('True', 'up to date'), 'status')
    await expect.poll(() => namespace.condition('issued', 'IngressReady'), later).toMatch(/^True Available/)
  })

  test('is no more when its kind goes, without a crash or a flood of requests', async () => {
    await client.delete(definitions, { name: 'certificates.cert-manager.io' })
    await expect.poll(() => namespace.condition('issued', 'Stalled'), later).toMatch(/^True KindNotAvailable/)
    const requests = async () => {
      const metric = await operator.registry.getSingleMetric('rest_client_requests_total')?.get()
      return metric?.values.reduce((total, { value }) => total + value, 0) ?? 0
    }
    const before = await requests()
    const started = performance.now()
    await expect.poll(() => performance.now() - started, { timeout: 10_000, interval: 500 }).toBeGreaterThan(5_000)
    // Eight AuthServices' worth of visits every five seconds, and a look at the kinds.
    expect((await requests()) - before).toBeLessThan(100)
  })
})
