import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { parse } from 'yaml'
import { resolveSpec } from '../../operator/authservice/api/defaults.ts'
import { ingressClasses } from '../../operator/authservice/model/kinds.ts'
import type { Operator } from '../../operator/operator.ts'
import { EdgeClient } from '../../tools/cluster-client/edge-client.ts'
import { walkThrough } from '../../tools/cluster-client/walk-through.ts'
import type { ServerProcess } from '../../tools/local-servers/server-process.ts'
import { type StartedServer, startServer } from '../integration/api-server/started-server.ts'
import { EdgeUnderTest, edgeSecret } from '../integration/edge/edge-under-test.ts'
import { clientAt } from '../integration/support/kube-api.ts'
import { authServiceManifest, type Live, Namespace } from '../integration/support/namespace.ts'
import { startOperator } from '../integration/support/operator-under-test.ts'
import { makeEverythingAvailable } from '../integration/support/simulated-controllers.ts'
import { createAuthority, renew, startCertManager } from './cert-manager-under-test.ts'
import { failuresDuring } from './under-load.ts'

/**
 * The sample with cert-manager's own controller, the operator, the auth server and the edge's Nginx. There is no kubelet:
 * the test mounts the Secret and the configuration when they change.
 */
const { kubeconfigPath } = inject('apiServer')
const client = clientAt(kubeconfigPath)
const name = 'accounts'
const host = 'auth.example.com'
let namespace: Namespace
let certManager: ServerProcess
let operator: Operator
let server: StartedServer
let edge: EdgeUnderTest
let edgeClient: EdgeClient

beforeAll(async () => {
  namespace = await Namespace.create(kubeconfigPath, `cert-manager-${Date.now()}`)
  certManager = await startCertManager(client, kubeconfigPath)
  operator = startOperator(kubeconfigPath, namespace)
  const redis = inject('redis')
  server = await startServer({
    ENVIRONMENT: 'development',
    LOG_LEVEL: 'warn',
    BCRYPT_COST: '10',
    MIGRATE_ON_START: 'true',
    MONGODB_URL: inject('mongoUrl'),
    REDIS_HOST: redis.host,
    REDIS_PORT: String(redis.port),
    DATABASE_NAME: `cert-manager-${randomBytes(6).toString('hex')}`,
    JWT_SECRET: randomBytes(32).toString('base64url'),
    TRUST_PROXY_HOPS: '1',
    TRUSTED_PROXY_SECRET: edgeSecret,
    RATE_LIMIT_PER_CLIENT: '100000/s',
    RATE_LIMIT_LOGIN: '100000/s',
  })
  edge = await EdgeUnderTest.create(server.port)
})
afterAll(async () => {
  await edgeClient?.close()
  await edge?.remove()
  await server?.stop()
  await operator?.stop()
  await certManager?.stop()
})

const later = { timeout: 120_000, interval: 200 }

/** The keys of a Secret as text; none when it does not exist. */
async function secretOf(secretName: string): Promise<Record<string, string>> {
  const secret = await namespace.get<Live & { data: Record<string, string> }>('Secret', secretName)
  const entries = Object.entries(secret?.data ?? {})
  return Object.fromEntries(entries.map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]))
}

async function updateVolumes(): Promise<void> {
  const { metadata, spec } = await namespace.authService(name)
  await edge.config.update({ 'nginx.conf': edge.configText(resolveSpec({ metadata: { ...metadata }, spec })) })
  await edge.tls.update(await secretOf('accounts-tls'))
}

/** The certificate that a new client gets. */
async function served() {
  await updateVolumes()
  const { certificate } = await edge.call('/.well-known/jwks.json')
  if (certificate === undefined) throw new Error('the edge has shown no certificate')
  return { serial: certificate.serialNumber, names: certificate.subjectaltname, issuer: certificate.issuer.CN }
}

const ingressReady = async () => {
  await makeEverythingAvailable(namespace)
  return namespace.condition(name, 'IngressReady')
}

test('until cert-manager has the issuer, IngressReady waits for the Certificate, and the edge has a temporary one', async () => {
  const sample = parse(
    await readFile(resolve(import.meta.dirname, '../../manifests/samples/cert-manager.yaml'), 'utf8'),
  )
  // The load is higher than the limits of the preset.
  sample.spec.rateLimits = { perClient: '1000/s', login: '1000/s' }
  await namespace.apply(sample)
  await expect.poll(() => secretOf('accounts-tls'), later).toHaveProperty('tls\\.crt')
  await expect
    .poll(ingressReady, later)
    .toMatch(/^False Waiting: waiting for cert-manager to issue Certificate accounts-edge: \S/)
  await updateVolumes()
  await edge.start()
  expect(await served()).toMatchObject({ names: `DNS:${host}`, issuer: 'cert-manager.local' })
})

test('the edge serves the certificate that the issuer has signed, and clients that trust the issuer log in', async () => {
  await createAuthority(client, 'letsencrypt')
  await expect.poll(ingressReady, later).toMatch(/^True Available/)
  await expect.poll(served, later).toMatchObject({ names: `DNS:${host}`, issuer: 'letsencrypt' })
  const { 'ca.crt': ca = '' } = await secretOf('accounts-tls')
  edgeClient = new EdgeClient({ host, ip: '127.0.0.1', port: edge.layout.ports.https, ca })
  await walkThrough(edgeClient)
})

test('a renewal replaces the certificate and its key, and no request fails', async () => {
  const before = { ...(await served()), key: (await secretOf('accounts-tls'))['tls.key'] }
  const master = await edge.master()
  const failures = await failuresDuring(edgeClient, async () => {
    await renew(client, namespace.name, 'accounts-edge')
    await expect.poll(async () => (await served()).serial, later).not.toBe(before.serial)
  })
  expect(failures).toEqual([])
  expect(await served()).toMatchObject({ names: before.names, issuer: before.issuer })
  expect((await secretOf('accounts-tls'))['tls.key']).not.toBe(before.key)
  expect(await edge.master()).toBe(master)
})

test('a preview host is added to the certificate, and no request fails', async () => {
  const failures = await failuresDuring(edgeClient, async () => {
    const rollout = { strategy: 'BlueGreen', blueGreen: { previewHost: 'preview.example.com' } }
    await namespace.patch('AuthService', name, { spec: { rollout } })
    await expect
      .poll(served, later)
      .toMatchObject({ names: `DNS:${host}, DNS:preview.example.com`, issuer: 'letsencrypt' })
  })
  expect(failures).toEqual([])
})

test('an Ingress with the annotation of an issuer gets its certificate, and IngressReady becomes True', async () => {
  const className = `without-controller-${Date.now()}`
  await client.create(ingressClasses, {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IngressClass',
    metadata: { name: className },
    spec: { controller: 'example.com/none' },
  })
  const ingress = {
    type: 'Ingress',
    host: 'annotated.example.com',
    tls: { secretName: 'annotated-tls' },
    ingress: { className, annotations: { 'cert-manager.io/cluster-issuer': 'letsencrypt' } },
  }
  await namespace.apply(authServiceManifest('annotated', { ingress }))
  await expect.poll(() => secretOf('annotated-tls'), later).toHaveProperty('ca\\.crt')
  await expect
    .poll(async () => {
      await makeEverythingAvailable(namespace)
      return namespace.condition('annotated', 'IngressReady')
    }, later)
    .toMatch(/^True/)
})
