import { randomBytes } from 'node:crypto'
import { networkInterfaces } from 'node:os'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { issueAuthority, issueFor } from '../../operator/authservice/secrets/issue-certificate.ts'
import type { Operator } from '../../operator/operator.ts'
import { EdgeClient, type EdgeResponse } from '../../tools/cluster-client/edge-client.ts'
import { walkThrough } from '../../tools/cluster-client/walk-through.ts'
import { type StartedServer, startServer } from '../integration/api-server/started-server.ts'
import { clientAt } from '../integration/support/kube-api.ts'
import { authServiceManifest, Namespace } from '../integration/support/namespace.ts'
import { startOperator } from '../integration/support/operator-under-test.ts'
import { makeEverythingAvailable } from '../integration/support/simulated-controllers.ts'
import { className, createGateway, startTraefik, type Traefik } from './traefik-under-test.ts'

/**
 * Traefik with the Ingress or the HTTPRoute that the operator creates, and the auth server. There is no kubelet: the test
 * writes the EndpointSlice that leads to the server.
 */
const { kubeconfigPath } = inject('apiServer')
const client = clientAt(kubeconfigPath)
const later = { timeout: 60_000, interval: 200 }
/** Traefik counts these. The server itself allows far more. */
const rateLimits = { perClient: '500/s', burst: 500, login: '5/m' }
let namespace: Namespace
let traefik: Traefik
let operator: Operator
let server: StartedServer
let address: string

/** An address of this machine other than 127.0.0.1, which an EndpointSlice must not have. */
function ownAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((one) => one ?? [])
  const found = addresses.find(({ family, internal }) => family === 'IPv4' && !internal)
  if (found === undefined) throw new Error('this machine has no IPv4 address but loopback: connect it to a network')
  return found.address
}

beforeAll(async () => {
  address = ownAddress()
  namespace = await Namespace.create(kubeconfigPath, `traefik-${Date.now()}`)
  traefik = await startTraefik(client, kubeconfigPath)
  operator = startOperator(kubeconfigPath, namespace)
  const redis = inject('redis')
  server = await startServer({
    HOST: '0.0.0.0', // not loopback alone: see ownAddress
    ENVIRONMENT: 'development',
    LOG_LEVEL: 'warn',
    BCRYPT_COST: '10',
    MIGRATE_ON_START: 'true',
    MONGODB_URL: inject('mongoUrl'),
    REDIS_HOST: redis.host,
    REDIS_PORT: String(redis.port),
    DATABASE_NAME: `traefik-${randomBytes(6).toString('hex')}`,
    JWT_SECRET: randomBytes(32).toString('base64url'),
    TRUST_PROXY_HOPS: '1',
    RATE_LIMIT_PER_CLIENT: '100000/s',
    RATE_LIMIT_LOGIN: '100000/s',
  })
})
afterAll(async () => {
  await server?.stop()
  await operator?.stop()
  await traefik?.stop()
})

/** Creates the certificate of a host. @returns a client that trusts it */
async function certify(host: string, secretName: string): Promise<EdgeClient> {
  const validity = { notBefore: new Date(Date.now() - 3_600_000), notAfter: new Date(Date.now() + 86_400_000) }
  const { 'ca.crt': ca = '', ...pair } = issueFor([host], validity, issueAuthority(validity))
  const metadata = { name: secretName }
  await namespace.apply({ apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/tls', metadata, stringData: pair })
  return new EdgeClient({ host, ip: '127.0.0.1', port: traefik.ports.https, ca })
}

/** What the EndpointSlice controller writes when a server pod is ready. */
async function leadToServer(service: string): Promise<void> {
  await namespace.apply({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${service}-1`, labels: { 'kubernetes.io/service-name': service } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: server.port, protocol: 'TCP' }],
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
  })
}

const ingressReady = (name: string) => async () => {
  await makeEverythingAvailable(namespace)
  return namespace.condition(name, 'IngressReady')
}

const statusOf = (edge: EdgeClient) => async () => {
  const answer = await edge.call('GET', '/.well-known/jwks.json').catch((error: Error) => error)
  return answer instanceof Error ? answer.message : answer.status
}

describe.each(['Ingress', 'Gateway'])('with ingress.type %s', (type) => {
  const name = type.toLowerCase()
  const host = `${name}.example.com`
  const secretName = `${name}-tls`
  let edge: EdgeClient

  beforeAll(async () => {
    edge = await certify(host, secretName)
    const at = { namespace: namespace.name, name: 'public', host, secretName, port: traefik.ports.https }
    if (type === 'Gateway') await createGateway(client, at)
    const route =
      type === 'Gateway'
        ? { gateway: { parentRefs: [{ name: 'public', sectionName: 'https' }] } }
        : { tls: { secretName }, ingress: { className } }
    const ingress = { type, host, ...route }
    await namespace.apply(authServiceManifest(name, { ingress, rateLimits }))
    await leadToServer(name)
  })
  afterAll(() => edge?.close())

  test('Traefik serves over HTTPS, IngressReady is True, and a user logs in', async () => {
    await expect.poll(ingressReady(name), later).toMatch(/^True .*Each replica of Traefik counts separately/)
    await expect.poll(statusOf(edge), later).toBe(200)
    await walkThrough(edge)
  })

  test('Traefik does not serve the host over HTTP', async () => {
    const plain = await fetch(`http://127.0.0.1:${traefik.ports.http}/.well-known/jwks.json`, { headers: { host } })
    expect(plain.status).toBe(404)
  })

  test('a client over the limit of logins is refused by Traefik with Retry-After, and only for logins', async () => {
    // Another account each time, because the server counts the failed logins of an account.
    const email = () => `${randomBytes(6).toString('hex')}@example.com`
    const login = () => edge.call('POST', '/v1/auth/login', { json: { email: email(), password: 'wrong' } })
    const answers: EdgeResponse[] = []
    await expect
      .poll(async () => {
        answers.push(await login())
        return answers.at(-1)?.status
      }, later)
      .toBe(429)
    // The server would answer with a problem.
    expect(answers.at(-1)?.body).toBe('Too Many Requests')
    const seconds = Number(answers.at(-1)?.headers['retry-after'])
    expect(seconds).toBeGreaterThan(0)
    expect(seconds).toBeLessThanOrEqual(60)
    expect(await statusOf(edge)()).toBe(200)
  })

  test('a body over the size limit is refused', async () => {
    const json = { email: 'a@example.com', password: 'x'.repeat(64 * 1024), name: 'A' }
    expect((await edge.call('POST', '/v1/auth/register', { json })).status).toBe(413)
  })
})
