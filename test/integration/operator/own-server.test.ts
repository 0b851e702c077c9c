import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { parse } from 'yaml'
import { apiVersion, kind } from '../../../operator/authservice/api/group.ts'
import { KubeClient } from '../../../operator/kube/client.ts'
import { Transport } from '../../../operator/kube/transport.ts'
import type { Operator } from '../../../operator/operator.ts'
import { startKubeApiserver, type TestApiServer } from '../../servers/kube-apiserver.ts'
import { FaultyApi } from '../kube/api-proxy.ts'
import { endState, secretsOf, untilSameAs } from './end-state.ts'
import { developmentSpec, kubeConfigAt, Namespace } from './namespace.ts'
import { startOperatorWith, visitsOf } from './operator-under-test.ts'

/** What cannot be done to a server that other tests use at the same time. */
let server: TestApiServer
let namespace: Namespace
let proxy: FaultyApi
let operator: Operator
let wanted: Record<string, string[]>

beforeAll(async () => {
  server = await startKubeApiserver()
  namespace = await Namespace.create(server.kubeconfigPath, 'own')
  proxy = await FaultyApi.inFrontOf(server.port)
  operator = startOperatorWith(proxy.configFrom(server.kubeconfigPath), namespace)
})
afterAll(async () => {
  vi.useRealTimers()
  await operator.stop()
  await proxy.close()
  await server.stop()
})

const createAuthService = (name: string) =>
  namespace.apply({ apiVersion, kind, metadata: { name }, ...{ spec: developmentSpec } })

/** Makes the operator look at an AuthService now. */
async function look(name: string): Promise<void> {
  const before = await visitsOf(operator)
  await namespace.patch(kind, name, { metadata: { annotations: { touched: `${Math.random()}` } } })
  await expect.poll(() => visitsOf(operator), { timeout: 20_000 }).toBeGreaterThan(before)
}

/** Requests within two seconds, watches and lists of kinds that come and go included. */
async function requestsAtRest(): Promise<number> {
  const before = proxy.requests.length
  await new Promise((passed) => setTimeout(passed, 2_000))
  return proxy.requests.filter(({ path }, index) => index >= before && path.includes('namespaces/own')).length
}

test('etcd is killed and comes back: what was written stays, and what was asked for meanwhile is done', async () => {
  await createAuthService('before')
  await expect.poll(() => namespace.get('Deployment', 'before-blue'), { timeout: 30_000 }).toBeDefined()
  await expect.poll(() => namespace.condition('before', 'MongoDBReady'), { timeout: 20_000 }).toMatch(/Waiting/)
  wanted = await endState(namespace, 'before')
  const secrets = await secretsOf(namespace, 'before')

  await server.restartEtcd()
  await vi.waitFor(() => createAuthService('after'), { timeout: 30_000, interval: 500 })
  await namespace.remove('Service', 'before')
  await untilSameAs(wanted, namespace, 'after')
  await untilSameAs(wanted, namespace, 'before')
  expect(await secretsOf(namespace, 'before')).toEqual(secrets)
})

test('the clock jumps ahead and back: no key, password or child changes, and there is no hot loop', async () => {
  const secrets = await secretsOf(namespace, 'before')
  vi.useFakeTimers({ toFake: ['Date'] })
  for (const hours of [20, -20, 0]) {
    vi.setSystemTime(performance.timeOrigin + performance.now() + hours * 3_600_000)
    await look('before')
    expect(await secretsOf(namespace, 'before')).toEqual(secrets)
    expect(await requestsAtRest()).toBeLessThan(20)
  }
  vi.useRealTimers()
  await untilSameAs(wanted, namespace, 'before')
})

test('a CustomResourceDefinition of an older version: children are right, and a status that it does not know is not written again and again', async () => {
  const file = resolve(import.meta.dirname, '../../../crds/auth-operator.dev_authservices.yaml')
  const older = parse(await readFile(file, 'utf8'))
  const { properties } = older.spec.versions[0].schema.openAPIV3Schema.properties.status
  for (const field of ['actions', 'checklist', 'readyReplicas', 'rollout']) delete properties[field]
  const admin = new KubeClient(new Transport(kubeConfigAt(server.kubeconfigPath), 'admin'), 'a-user')
  const definitions = {
    apiVersion: older.apiVersion,
    kind: older.kind,
    plural: 'customresourcedefinitions',
    namespaced: false,
  }
  await admin.apply(definitions, older)

  await createAuthService('older')
  await untilSameAs(wanted, namespace, 'older')
  await expect.poll(() => namespace.condition('older', 'Reconciling'), { timeout: 20_000 }).toMatch(/^True/)
  expect((await namespace.authService('older')).status).not.toHaveProperty('checklist')
  expect(await requestsAtRest()).toBeLessThan(20)
})
