import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { KubeConfig } from '@kubernetes/client-node'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { kind as clientKind, apiVersion as clientVersion } from '../../../operator/auth-client/api/group.ts'
import { kind } from '../../../operator/authservice/api/group.ts'
import type { AuthService } from '../../../operator/authservice/api/schema.ts'
import { desiredHashAnnotation } from '../../../operator/authservice/apply/desired-hash.ts'
import { Watches } from '../../../operator/authservice/gather/watches.ts'
import { childKinds } from '../../../operator/authservice/model/kinds.ts'
import { encodeSecretData } from '../../../operator/authservice/model/secret-data.ts'
import { issueCertificate } from '../../../operator/authservice/secrets/system-sources.ts'
import { KubeClient } from '../../../operator/kube/client.ts'
import { Discovery } from '../../../operator/kube/discovery.ts'
import type { KubernetesObject, Resource } from '../../../operator/kube/objects.ts'
import { Transport } from '../../../operator/kube/transport.ts'
import type { Operator } from '../../../operator/operator.ts'
import { ApiProxy } from '../support/api-proxy.ts'
import { clientAt, kubeConfigAt } from '../support/kube-api.ts'
import { authServiceManifest, Namespace } from '../support/namespace.ts'
import { startOperatorWith } from '../support/operator-under-test.ts'
import { hasServerPods, ServerPod } from '../support/server-pod.ts'
import { makeEverythingAvailable } from '../support/simulated-controllers.ts'
import { allowed, type Rule, usedBy } from './permissions.ts'

const { kubeconfigPath, port } = inject('apiServer')
const manifests = resolve(import.meta.dirname, '../../../manifests')
const rbac = (plural: string, ofKind: string, namespaced: boolean): Resource => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: ofKind,
  plural,
  namespaced,
})
const roleKinds = new Map([
  ['ClusterRole', rbac('clusterroles', 'ClusterRole', false)],
  ['ClusterRoleBinding', rbac('clusterrolebindings', 'ClusterRoleBinding', false)],
  ['Role', rbac('roles', 'Role', true)],
  ['RoleBinding', rbac('rolebindings', 'RoleBinding', true)],
])
interface RbacObject extends KubernetesObject {
  kind: string
  rules?: Rule[]
  subjects?: { kind: string; name: string; namespace: string }[]
}
const namespaces: Resource = { apiVersion: 'v1', kind: 'Namespace', plural: 'namespaces', namespaced: false }
const ingressClasses: Resource = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'IngressClass',
  plural: 'ingressclasses',
  namespaced: false,
}
const operatorNamespace = 'authservice-system'
const admin = clientAt(kubeconfigPath, 'admin')
const operators: Operator[] = []
const proxies: ApiProxy[] = []
const running: Watches[] = []

beforeAll(async () => {
  await admin.apply(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: operatorNamespace } })
  const { apiVersion: version, kind: ofKind } = ingressClasses
  const spec = { controller: 'k8s.io/ingress-nginx' }
  const ingressClass = { apiVersion: version, kind: ofKind, metadata: { name: 'walked' }, spec }
  await admin.apply(ingressClasses, ingressClass)
})
afterAll(async () => {
  for (const operator of operators) await operator.stop()
  for (const watches of running) await watches.stop()
  for (const proxy of proxies) await proxy.close()
})

async function objectsOf(file: string): Promise<RbacObject[]> {
  const documents = parseAllDocuments(await readFile(resolve(manifests, file), 'utf8'))
  return documents.map((document) => document.toJS()).filter((object) => roleKinds.has(object?.kind))
}

async function install(objects: readonly RbacObject[]): Promise<void> {
  for (const object of objects) {
    const resource = roleKinds.get(object.kind)
    if (resource === undefined) throw new Error(`${object.kind} is no kind of RBAC`)
    await admin.apply(resource, object)
  }
}

/** A kubeconfig with which an administrator impersonates this account. */
function impersonating(config: KubeConfig, serviceAccount: string): KubeConfig {
  const user = `system:serviceaccount:${operatorNamespace}:${serviceAccount}`
  config.users = config.users.map((one) => ({ ...one, impersonateUser: user }))
  return config
}

/** Starts an operator that has only the permissions of its account. */
async function startAs(serviceAccount: string, namespace: Namespace, leads = false) {
  const proxy = await ApiProxy.inFrontOf(port)
  proxies.push(proxy)
  const config = impersonating(proxy.configFrom(kubeconfigPath), serviceAccount)
  const changes = leads ? { leaderElection: { namespace: operatorNamespace } } : {}
  operators.push(startOperatorWith(config, namespace, changes))
  return proxy
}

/** Makes the operator write everything that it can write for an AuthService, and waits for each step. */
async function walkThrough(namespace: Namespace): Promise<void> {
  const data = encodeSecretData(issueCertificate(['auth.example.com'], new Date()))
  await namespace.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'our-tls' }, data })
  const spec = {
    environment: 'staging',
    rollout: { strategy: 'RollingUpdate' },
    mongodb: {},
    redis: {},
    ingress: { type: 'Nginx', host: 'auth.example.com', tls: { secretName: 'our-tls' } },
    backup: { schedule: '0 3 * * *', destination: { persistentVolumeClaim: { claimName: 'backups' } } },
  }
  await namespace.apply(authServiceManifest('walked', spec))
  await expect.poll(() => namespace.get('Deployment', 'walked-edge'), { timeout: 40_000 }).toBeDefined()
  await expect.poll(() => namespace.get('HorizontalPodAutoscaler', 'walked')).toBeDefined()
  await expect.poll(() => namespace.condition('walked', 'Stalled')).toMatch(/^False/)

  await walkClientThrough(namespace)
  await drift(namespace, 'nobody')
  await drift(namespace, 'nobody') // an equal event is counted in a series
  for (const { kind: ofKind } of childKinds) await driftOf(namespace, ofKind)
  await namespace.patch(kind, 'walked', { spec: { ingress: { type: 'Ingress', ingress: { className: 'walked' } } } })
  await expect.poll(() => namespace.get('Ingress', 'walked')).toBeDefined()
  await driftOf(namespace, 'Ingress')
  await namespace.patch(kind, 'walked', {
    spec: {
      version: '9.9.9', // another migration Job
      redis: { managed: null, external: { host: 'redis.example.com' } },
      ingress: { type: 'None', tls: null, ingress: null },
      autoscaling: { enabled: false },
      replicas: 2,
      networkPolicy: { enabled: false },
      backup: null,
    },
  })
  const gone = async () => {
    // A database that is no longer desired runs until no server pod uses it.
    await makeEverythingAvailable(namespace)
    const names: [string, string][] = [
      ['Deployment', 'walked-edge'],
      ['CronJob', 'walked-backup'],
      ['StatefulSet', 'walked-redis'],
      ['Secret', 'walked-redis'],
    ]
    const objects = await Promise.all(names.map(([ofKind, name]) => namespace.get(ofKind, name)))
    return [...objects, ...(await namespace.list('NetworkPolicy'))].filter((object) => object !== undefined)
  }
  await expect.poll(gone, { timeout: 30_000 }).toEqual([])
  const replicas = async () =>
    (await namespace.get<{ spec: { replicas: number } }>('Deployment', 'walked-blue'))?.spec.replicas
  await expect.poll(replicas).toBe(2)
}

/** Makes the operator create, change and delete the Secret of a client. */
async function walkClientThrough(namespace: Namespace): Promise<void> {
  const secret = () => namespace.get<KubernetesObject & { data: object }>('Secret', 'walked-client-credentials')
  const spec = { authServiceRef: { name: 'walked' }, redirectUris: ['https://a.example.com/'] }
  await namespace.patch(kind, 'walked', { spec: { oidc: { enabled: true } } })
  await namespace.apply({ apiVersion: clientVersion, kind: clientKind, metadata: { name: 'walked-client' }, spec })
  await expect.poll(secret, { timeout: 30_000 }).toBeDefined()
  if (hasServerPods) await walkPodThrough(namespace)
  const annotations = { 'auth-operator.dev/rotate-secret': 'now' }
  await namespace.patch(clientKind, 'walked-client', { metadata: { annotations } })
  await expect.poll(async () => (await secret())?.data, { timeout: 30_000 }).toHaveProperty('next_client_secret')
  await namespace.patch(clientKind, 'walked-client', { spec: { authentication: { method: 'None' } } })
  await expect.poll(secret, { timeout: 30_000 }).toBeUndefined()
}

/** Makes the operator annotate a server pod that has not loaded the client. */
async function walkPodThrough(namespace: Namespace): Promise<void> {
  const pod = await ServerPod.run(namespace, 'walked', '127.81.0.22')
  pod.follows = false
  await expect.poll(() => pod.refreshedFor(), { timeout: 30_000 }).toBeDefined()
  pod.close()
  await namespace.remove('Pod', pod.name)
}

async function drift(namespace: Namespace, color: string): Promise<void> {
  const selected = async () =>
    (await namespace.get<{ spec: { selector: Record<string, string> } }>('Service', 'walked'))?.spec.selector
  await namespace.patch('Service', 'walked', { spec: { selector: { 'auth-operator.dev/color': color } } })
  await expect.poll(selected).toMatchObject({ 'auth-operator.dev/color': 'blue' })
}

/** An edit of one child of a kind, if there is one: it is read before it is reverted. */
async function driftOf(namespace: Namespace, ofKind: string): Promise<void> {
  const name = (await namespace.list(ofKind)).find(({ metadata }) => metadata.name.startsWith('walked'))?.metadata.name
  if (name === undefined) return
  const annotation = async () => (await namespace.get(ofKind, name))?.metadata.annotations?.[desiredHashAnnotation]
  await namespace.patch(ofKind, name, { metadata: { annotations: { [desiredHashAnnotation]: null } } })
  await expect.poll(annotation).toBeDefined()
}

/** Resources whose kinds this API server does not have, so that no request is made for them. */
const kindsOfOthers = /cert-manager\.io|gateway\.|traefik|monitoring\.coreos/

test('with the permissions of manifests/base, the operator works, no request is rejected, and almost no permission is unused', async () => {
  const objects = await objectsOf('base/rbac.yaml')
  await install(objects)
  const namespace = await Namespace.create(kubeconfigPath, `least-${Date.now()}`)
  const proxy = await startAs('authservice-operator', namespace, true)
  await walkThrough(namespace)

  const rules = objects.flatMap(({ rules = [] }) => rules)
  const spare = () => {
    const used = usedBy(proxy.requests)
    return [...allowed(rules)]
      .filter((right) => !used.has(right) && !kindsOfOthers.test(right) && !/controllerrevisions/.test(right))
      .sort()
  }
  // A lease is renewed every two seconds; events are written after everything else.
  await expect.poll(spare).toEqual(knownSpare)
  expect([...usedBy(proxy.requests)].filter((right) => !allowed(rules).has(right))).toEqual([])
  expect(proxy.refusals).toEqual([])
  await expect(leaseAs('authservice-operator', 'another-lease')).rejects.toMatchObject({ status: 403 })
})

const podOf = (name: string, instance: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name,
    labels: {
      'app.kubernetes.io/managed-by': 'authservice-operator',
      'app.kubernetes.io/instance': instance,
      'app.kubernetes.io/component': 'server',
    },
  },
  spec: { containers: [{ name: 'server', image: 'registry.example.com/server' }] },
})
const sliceOf = (name: string, instance: string, pod: string) => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  addressType: 'IPv4',
  metadata: { ...podOf(name, instance).metadata },
  endpoints: [{ addresses: ['10.1.2.3'], conditions: { ready: true }, targetRef: { kind: 'Pod', name: pod } }],
})

test('after an AuthService is deleted and applied again, its orphaned objects are reused, and no permission is missing', async () => {
  await install(await objectsOf('base/rbac.yaml'))
  const namespace = await Namespace.create(kubeconfigPath, `again-${Date.now()}`)
  const proxy = await ApiProxy.inFrontOf(port)
  proxies.push(proxy)
  const config = impersonating(proxy.configFrom(kubeconfigPath), 'authservice-operator')
  const transport = new Transport(config, 'test')
  const client = new KubeClient(transport, 'test')
  const log = pino({ level: 'fatal' })
  const discovery = new Discovery(transport)
  const watches = new Watches({ client, discovery, log, namespaces: [namespace.name] })
  running.push(watches)
  await watches.start()

  const { labels } = podOf('early', 'again').metadata
  const apply = async () => {
    await namespace.apply(authServiceManifest('again'))
    return namespace.authService('again')
  }
  const inUse = (owner: AuthService) =>
    [watches.pods.of(owner), watches.endpointSlices.of(owner), watches.children.orphansOf(owner)].map((objects) =>
      objects.map(({ metadata }) => metadata.name).sort(),
    )
  const configMap = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels } })
  // These exist before their AuthService, like old pods that are still terminating.
  await namespace.apply(podOf('early', 'again'))
  await namespace.apply(sliceOf('early', 'again', 'early'))
  await namespace.apply(configMap('early'))
  await namespace.apply(podOf('gone', 'again'))
  await expect.poll(() => watched(proxy, 'pods')).toBe(true)
  await namespace.remove('Pod', 'gone')
  const first = await apply()
  await expect.poll(() => inUse(first)).toEqual([['early'], ['early'], ['early']])

  // As with `--cascade=orphan`, everything continues to exist unchanged.
  await namespace.remove(kind, 'again')
  await expect.poll(() => inUse(first)).toEqual([[], [], []])
  await namespace.apply(podOf('meanwhile', 'again'))
  const second = await apply()
  expect(second.metadata.uid).not.toBe(first.metadata.uid)
  await expect.poll(() => inUse(second)).toEqual([['early', 'meanwhile'], ['early'], ['early']])
  expect(proxy.refusals).toEqual([])
})

const watched = ({ requests }: ApiProxy, plural: string) =>
  requests.some(({ path }) => path.includes(`/${plural}?`) && path.includes('watch=true'))

/** Reads a Lease of the operator's namespace with only the permissions of its account. */
function leaseAs(account: string, name: string) {
  const leases: Resource = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', plural: 'leases', namespaced: true }
  const config = impersonating(kubeConfigAt(kubeconfigPath), account)
  return new KubeClient(new Transport(config, 'test'), 'test').get(leases, operatorNamespace, name)
}

/**
 * Permissions that the test does not use: the first is needed if OwnerReferencesPermissionEnforcement is enabled, the
 * second for pods that this machine cannot simulate.
 */
const knownSpare = ['auth-operator.dev/authservices/finalizers update', ...(hasServerPods ? [] : ['/pods patch'])]

const isOfNoNamespace = (text = '') => text.includes('ingressclasses')

test('with Roles in its namespaces, the operator works only there', async () => {
  const [template, binding] = await objectsOf('overlays/namespaced/role.yaml')
  const cluster = (await objectsOf('base/rbac.yaml')).find((object) => object.kind === 'ClusterRole')
  if (template === undefined || binding === undefined) throw new Error('the overlay has no Role')
  expect(template.rules).toEqual(cluster?.rules?.filter(({ resources }) => !isOfNoNamespace(resources?.[0])))

  const namespace = await Namespace.create(kubeconfigPath, `namespaced-${Date.now()}`)
  const elsewhere = await Namespace.create(kubeconfigPath, `elsewhere-${Date.now()}`)
  const account = 'namespaced-operator'
  const subjects = [{ kind: 'ServiceAccount', name: account, namespace: operatorNamespace }]
  const inNamespace = (object: RbacObject) => ({
    ...object,
    metadata: { ...object.metadata, namespace: namespace.name },
  })
  await install([inNamespace(template), { ...inNamespace(binding), subjects }])

  const proxy = await startAs(account, namespace)
  await walkThrough(namespace)
  expect(proxy.refusals.filter((request) => !isOfNoNamespace(request))).toEqual([])
  const asAccount = new KubeClient(new Transport(impersonating(kubeConfigAt(kubeconfigPath), account), 'test'), 'test')
  const secrets: Resource = { apiVersion: 'v1', kind: 'Secret', plural: 'secrets', namespaced: true }
  for (const place of [{ namespace: elsewhere.name }, {}]) {
    await expect(asAccount.list(secrets, place)).rejects.toMatchObject({ status: 403 })
  }
})
