import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { apiVersion, kind } from '../../../operator/authservice/api/group.ts'
import { ingressClasses } from '../../../operator/authservice/model/kinds.ts'
import type { KubeClient } from '../../../operator/kube/client.ts'
import type { Operator } from '../../../operator/operator.ts'
import { type Definition, definitionFiles } from '../../../tools/checkers/definitions.ts'
import { definitions } from '../../../tools/local-servers/install-definition.ts'
import { startKubeApiserver, type TestApiServer } from '../../../tools/local-servers/kube-apiserver.ts'
import { clientAt } from '../support/kube-api.ts'
import { type Live, Namespace } from '../support/namespace.ts'
import { startOperator } from '../support/operator-under-test.ts'
import { makeEverythingAvailable } from '../support/simulated-controllers.ts'

/** A separate API server, because these tests change the kinds that it serves. */
let apiServer: TestApiServer
let client: KubeClient
let namespace: Namespace
let operator: Operator

beforeAll(async () => {
  apiServer = await startKubeApiserver()
  client = clientAt(apiServer.kubeconfigPath)
  namespace = await Namespace.create(apiServer.kubeconfigPath, 'exposure')
  operator = startOperator(apiServer.kubeconfigPath, namespace, { allowedIngressAnnotations: ['example.com/*'] })
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
    spec: { controller },
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

  test('answers to the preview host name as soon as the spec has one', async () => {
    const manifest = authService('byedge', { type: 'Nginx', host: 'by.example.com' })
    // It has its own certificate.
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
  test('reports the missing class by name, and continues once it exists', async () => {
    await namespace.apply(authService('byclass', { type: 'Ingress', ingress: { className: 'public' } }))
    await expect
      .poll(condition('byclass', 'Stalled'), later)
      .toMatch(/^True IngressClassNotFound: This cluster has no IngressClass public/)
    await makeClass('public', 'nginx.org/ingress-controller')
    await expect.poll(() => namespace.get('Ingress', 'byclass'), later).toBeDefined()
  })

  test('of F5 is a master with the host, and a minion for each limit', async () => {
    await expect
      .poll(() => annotationsOf('byclass'), later)
      .toMatchObject({
        'nginx.org/mergeable-ingress-type': 'master',
        'nginx.org/redirect-to-https': 'true',
        'nginx.org/hsts': 'true',
      })
    await expect
      .poll(() => annotationsOf('byclass-login'), later)
      .toMatchObject({
        'nginx.org/mergeable-ingress-type': 'minion',
        'nginx.org/limit-req-rate': '10r/m',
        'nginx.org/limit-req-burst': '10',
        'nginx.org/limit-req-reject-code': '429',
      })
    await expect.poll(() => annotationsOf('byclass-all'), later).toMatchObject({ 'nginx.org/limit-req-rate': '100r/s' })
    await expect
      .poll(condition('byclass', 'IngressReady'), later)
      .toMatch(
        /^True Available: Ingress byclass of class public exists and has no address: .*Only the server enforces reset \(5\/h\)/,
      )
  })

  test('is rendered again when another controller takes over its class', async () => {
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
    // There are no minions any more: one that stayed would be a second Ingress for the same paths.
    await expect.poll(() => namespace.get('Ingress', 'byclass-all'), later).toBeUndefined()
    await expect
      .poll(() => annotationsOf('byclass-login'), later)
      .toMatchObject({ 'nginx.ingress.kubernetes.io/limit-rpm': '10' })
  })

  test('of Traefik references Middlewares, once the cluster has that kind', async () => {
    await makeClass('traefik', 'traefik.io/ingress-controller')
    await namespace.apply(authService('bytraefik', { type: 'Ingress', ingress: { className: 'traefik' } }))
    await expect
      .poll(condition('bytraefik', 'IngressReady'), later)
      .toMatch(/^True .*does not have the kind Middleware of traefik.io, so only the server enforces rateLimits/)
    await install('middleware')
    await expect
      .poll(() => annotationsOf('bytraefik-login'), later)
      .toEqual(
        expect.objectContaining({
          'traefik.ingress.kubernetes.io/router.middlewares': 'exposure-bytraefik-login@kubernetescrd',
          'traefik.ingress.kubernetes.io/router.tls': 'true',
        }),
      )
    await expect
      .poll(() => namespace.get('Middleware', 'bytraefik-login'), later)
      .toMatchObject({ spec: { rateLimit: { average: 10, period: '60s', burst: 10 } } })
    await expect
      .poll(() => namespace.get('Middleware', 'bytraefik-reset'), later)
      .toMatchObject({ spec: { rateLimit: { average: 5, period: '3600s' } } })
  })

  test('of an unknown controller reports that only the server enforces the limits', async () => {
    await makeClass('own', 'example.com/own')
    const ingress = { className: 'own', annotations: { 'example.com/size': 'big', 'cert-manager.io/issuer': 'ours' } }
    await namespace.apply(authService('byother', { type: 'Ingress', ingress }))
    await expect
      .poll(condition('byother', 'IngressReady'), later)
      .toMatch(
        /^True .*does not know how to configure limits of example.com\/own, so only the server enforces rateLimits/,
      )
    expect(await annotationsOf('byother')).toMatchObject(ingress.annotations)
  })
})

describe('an annotation', () => {
  const ingress = { className: 'own' }
  const refused = { 'haproxy.org/config-backend': 'http-request deny', 'cert-manager.io/issuer': 'ours' }

  test('that may affect routes of other tenants is rejected by name, and never written to the Ingress', async () => {
    await makeClass('own', 'example.com/own').catch(() => {}) // another test may have created it
    await namespace.apply(authService('byhaproxy', { type: 'Ingress', ingress }))
    await expect.poll(() => namespace.get('Ingress', 'byhaproxy'), later).toBeDefined()
    await namespace.apply(authService('byhaproxy', { type: 'Ingress', ingress: { ...ingress, annotations: refused } }))
    await expect
      .poll(condition('byhaproxy', 'IngressReady'), later)
      .toMatch(/^False AnnotationNotAllowed: Annotation haproxy\.org\/config-backend is not allowed/)
    expect(await annotationsOf('byhaproxy')).not.toHaveProperty('haproxy.org/config-backend')
  })

  test('that the operator is configured to allow is set, and so is one that is always allowed', async () => {
    const wanted = { 'example.com/size': 'big', 'cert-manager.io/issuer': 'ours' }
    await namespace.apply(authService('byhaproxy', { type: 'Ingress', ingress: { ...ingress, annotations: wanted } }))
    await expect.poll(() => annotationsOf('byhaproxy'), later).toMatchObject(wanted)
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
              type: 'Accepted',
              status,
              reason: 'Answer',
              message,
              lastTransitionTime: '2026-11-24T00:00:00Z',
            },
          ],
        },
      ],
    },
  })

  test('needs the Gateway API, and reports this until it is installed', async () => {
    await namespace.apply(authService('byroute', gateway))
    await expect
      .poll(condition('byroute', 'Stalled'), later)
      .toMatch(
        /^True KindNotAvailable: .* does not have the kind HTTPRoute of gateway.networking.k8s.io\/v1: install a controller/,
      )
    await install('httpRoute')
    await expect.poll(() => namespace.get('HTTPRoute', 'byroute').catch(() => undefined), later).toBeDefined()
    await expect.poll(condition('byroute', 'Stalled'), later).toMatch(/^False/)
    await expect
      .poll(condition('byroute', 'IngressReady'), later)
      .toMatch(/^False Waiting: .* accepted by 0 of 1 Gateways/)
  })

  test('that its Gateway rejects is failed, with the message of the Gateway', async () => {
    await namespace.patch('HTTPRoute', 'byroute', answer('False', 'no listener allows this host'), 'status')
    await expect
      .poll(condition('byroute', 'IngressReady'), later)
      .toMatch(/^False Failed: Gateway shared refuses HTTPRoute byroute: no listener allows this host/)
  })

  test('that Envoy Gateway accepts gets its limits in the form of Envoy Gateway', async () => {
    await namespace.patch('HTTPRoute', 'byroute', answer('True', 'accepted'), 'status')
    await expect
      .poll(condition('byroute', 'IngressReady'), later)
      .toMatch(/^True Available: HTTPRoute byroute is accepted by 1 of 1 Gateways.*only the server enforces rateLimits/)
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

  test('needs cert-manager, and reports this until it is installed', async () => {
    await namespace.apply(authService('issued', { type: 'Nginx', tls }))
    await expect
      .poll(condition('issued', 'Stalled'), later)
      .toMatch(
        /^True KindNotAvailable: .* does not have the kind Certificate of cert-manager.io\/v1: install cert-manager, or remove/,
      )
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

  test('is awaited, with the message of cert-manager', async () => {
    const condition = (status: string, message: string) => ({
      status: {
        conditions: [{ type: 'Ready', status, reason: 'Answer', message, lastTransitionTime: '2026-11-24T00:00:00Z' }],
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

  test('disappears with its kind, without a crash or a flood of requests', async () => {
    await client.delete(definitions, { name: 'certificates.cert-manager.io' })
    await expect.poll(() => namespace.condition('issued', 'Stalled'), later).toMatch(/^True KindNotAvailable/)
    const requests = async () => {
      const metric = await operator.registry.getSingleMetric('rest_client_requests_total')?.get()
      return metric?.values.reduce((total, { value }) => total + value, 0) ?? 0
    }
    const before = await requests()
    const started = performance.now()
    await expect.poll(() => performance.now() - started, { interval: 500 }).toBeGreaterThan(5_000)
    // The reconciles of eight AuthServices every five seconds, and one discovery of the kinds.
    expect((await requests()) - before).toBeLessThan(100)
  })
})
