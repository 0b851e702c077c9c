import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { apiVersion, kind } from '../../../operator/authservice/api/group.ts'
import { authServices, childKinds, secrets } from '../../../operator/authservice/model/kinds.ts'
import { KubeClient } from '../../../operator/kube/client.ts'
import type { Resource } from '../../../operator/kube/objects.ts'
import { Transport } from '../../../operator/kube/transport.ts'
import type { Operator } from '../../../operator/operator.ts'
import { clientAt, kubeConfigAt } from '../support/kube-api.ts'
import { developmentSpec, type Live, Namespace } from '../support/namespace.ts'
import { startOperator } from '../support/operator-under-test.ts'

const { kubeconfigPath } = inject('apiServer')
const rbac = (plural: string, ofKind: string): Resource => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: ofKind,
  plural,
  namespaced: true,
})
let namespace: Namespace
let operator: Operator
/** A user who may write AuthServices in one namespace, and nothing else. */
let tenant: KubeClient

beforeAll(async () => {
  namespace = await Namespace.create(kubeconfigPath, `tenant-${Date.now()}`)
  const admin = clientAt(kubeconfigPath, 'admin')
  const metadata = { name: 'tenant', namespace: namespace.name }
  const apiGroup = 'rbac.authorization.k8s.io'
  const rules = [{ apiGroups: ['auth-operator.dev'], resources: ['authservices'], verbs: ['*'] }]
  const role = { apiVersion: `${apiGroup}/v1`, kind: 'Role', metadata, rules }
  await admin.apply(rbac('roles', 'Role'), role)
  const binding = {
    roleRef: { apiGroup, kind: 'Role', name: 'tenant' },
    subjects: [{ apiGroup, kind: 'User', name: 'mallory' }],
  }
  await admin.apply(rbac('rolebindings', 'RoleBinding'), {
    apiVersion: `${apiGroup}/v1`,
    kind: 'RoleBinding',
    metadata,
    ...binding,
  })
  const config = kubeConfigAt(kubeconfigPath)
  config.users = config.users.map((user) => ({ ...user, impersonateUser: 'mallory' }))
  tenant = new KubeClient(new Transport(config, 'mallory'), 'mallory')
  operator = startOperator(kubeconfigPath, namespace, { allowedImagePrefixes: ['ghcr.io/authservice-operator'] })
})
afterAll(() => operator.stop())

/** Waits until the operator has reported about an AuthService: it writes the status after all children. */
const untilReported = (name: string) =>
  expect.poll(() => namespace.condition(name, 'Reconciling')).toMatch(/^True Progressing/)

const create = (name: string, spec: object = {}, metadata: object = {}) =>
  tenant.create(authServices, {
    apiVersion,
    kind,
    metadata: { name, namespace: namespace.name, ...metadata },
    spec: { ...developmentSpec, ...spec },
  })
const nginx = (ingress: object) => ({ ingress: { type: 'Nginx', host: 'auth.localhost', ...ingress } })

describe('is rejected by the API server', () => {
  test.each<[field: string, what: string, spec: object]>([
    ['ingress.host', 'a host that ends the line in Nginx', nginx({ host: 'a.example;\n}\nserver { listen 1; }' })],
    ['ingress.host', 'a host with a variable of Nginx', nginx({ host: '$host.example.com' })],
    ['ingress.host', 'a host of 254 characters', nginx({ host: `${'a.'.repeat(126)}aa` })],
    ['cors.origins', 'an origin with a line break', { cors: { origins: ['https://a.example\nadd_header X y;'] } }],
    ['cors.origins', 'an origin with a quote', { cors: { origins: ['https://a.example";return 200;#'] } }],
    ['rateLimits.login', 'a rate with a directive in it', { rateLimits: { login: '10/m nodelay; deny all' } }],
    ['tokens.issuer', 'an issuer with a space', { tokens: { issuer: 'https://a.example/ b' } }],
    [
      'mongodb.external.urlSecretRef.name',
      'a Secret of another namespace by a path',
      { mongodb: { external: { urlSecretRef: { name: '../kube-system/x', key: 'url' } } } },
    ],
    [
      'mongodb.external.urlSecretRef.key',
      'a Secret key that leaves its folder',
      { mongodb: { external: { urlSecretRef: { name: 'a', key: '../../token' } } } },
    ],
    ['ingress.tls.secretName', 'a certificate of another namespace', nginx({ tls: { secretName: 'kube-system/tls' } })],
    ['pod.labels', "the operator's own labels on pods", { pod: { labels: { 'app.kubernetes.io/instance': 'other' } } }],
    [
      'pod.annotations',
      "the operator's own annotations on pods",
      { pod: { annotations: { 'auth-operator.dev/color': 'blue' } } },
    ],
    ['pod.serviceAccountName', 'a ServiceAccount by a path', { pod: { serviceAccountName: '../default' } }],
    [
      'mongodb.database',
      'a database with an operator in its name',
      { mongodb: { managed: {}, database: 'auth?authSource=admin' } },
    ],
  ])('in %s %s', async (field, _, spec) => {
    const message = expect.stringContaining(`spec.${field}`)
    await expect(create('attack', spec)).rejects.toMatchObject({ status: 422, message })
  })

  test.each([
    ['a name of 253 characters', `${'a'.repeat(249)}.com`],
    ['a name of 41 characters', 'a'.repeat(41)],
    ['a name with a dot', 'a.b'],
  ])('%s', async (_, name) => {
    const message = expect.stringMatching(/the name of an AuthService/)
    await expect(create(name)).rejects.toMatchObject({ status: 422, message })
  })
})

test('fields that would grant host access, privileges or other namespaces do not exist, and are dropped', async () => {
  const container = { securityContext: { privileged: true } }
  const volumes = [{ name: 'host', hostPath: { path: '/' } }]
  const urlSecretRef = { name: 'theirs', namespace: 'kube-system', key: 'url' }
  const made = await create('dropped', {
    mongodb: { external: { urlSecretRef } },
    pod: {
      ...container,
      volumes,
      hostNetwork: true,
      hostPID: true,
      runtimeClassName: 'kata',
      initContainers: [{ name: 'x' }],
    },
    containers: [container],
    suspend: true,
  })
  const text = JSON.stringify(made)
  for (const word of [
    'kube-system',
    'hostPath',
    'hostNetwork',
    'hostPID',
    'privileged',
    'initContainers',
    'runtimeClass',
  ]) {
    expect(text).not.toContain(word)
  }
})

test('a pod with another service account gets no token, and every pod passes the restricted policy', async () => {
  await create('borrowed', {
    ...nginx({ nginx: { serviceType: 'ClusterIP' } }),
    pod: { serviceAccountName: 'deployer' },
  })
  await untilReported('borrowed')
  expect(await namespace.get('Deployment', 'borrowed-blue')).toBeDefined()
  expect(await namespace.get('Deployment', 'borrowed-edge')).toBeDefined()
  const templates = (await Promise.all(['Deployment', 'StatefulSet', 'Job'].map((one) => namespace.list(one))))
    .flat()
    .map(podSpecOf)
  expect(templates.map(({ serviceAccountName }) => serviceAccountName)).toContain('deployer')
  for (const pod of templates) {
    expect(pod).toMatchObject({
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    })
    for (const word of ['hostNetwork', 'hostPID', 'hostIPC']) expect(pod).not.toHaveProperty(word)
    for (const volume of pod.volumes ?? []) {
      expect(Object.keys(volume)).not.toContain('hostPath')
      expect(JSON.stringify(volume)).not.toContain('serviceAccountToken')
    }
    for (const container of [...pod.containers, ...(pod.initContainers ?? [])]) {
      expect(container.securityContext).toMatchObject({
        allowPrivilegeEscalation: false,
        capabilities: { drop: ['ALL'] },
      })
    }
  }
})

interface PodSpec {
  serviceAccountName?: string
  volumes?: object[]
  containers: { securityContext?: object }[]
  initContainers?: { securityContext?: object }[]
}
const podSpecOf = (workload: Live) => (workload as Live & { spec: { template: { spec: PodSpec } } }).spec.template.spec

test('an image outside of the allowed prefixes does not run, nor does one with a similar beginning', async () => {
  for (const [name, image] of [
    ['foreign', 'docker.io/mallory/miner:1'],
    ['alike', 'ghcr.io/authservice-operator-evil/x:1'],
  ] as const) {
    await create(name, { image })
    await expect.poll(() => namespace.condition(name, 'Stalled')).toMatch(/^True ImageNotAllowed/)
    expect(await namespace.get('Deployment', `${name}-blue`)).toBeUndefined()
  }
})

test('an AuthService whose children would have the names of those of another one takes over nothing', async () => {
  await create('victim')
  await expect.poll(() => namespace.get('Secret', 'victim-redis')).toBeDefined()
  const before = await namespace.get('Secret', 'victim-redis')
  // Its Service and its keys would have the names of the other AuthService's Redis.
  await create('victim-redis')
  await expect.poll(() => namespace.condition('victim-redis', 'Stalled')).toMatch(/^True ChildNotOwned/)
  const after = await namespace.get('Secret', 'victim-redis')
  expect([after?.metadata.uid, after?.['data'], after?.metadata.ownerReferences]).toEqual([
    before?.metadata.uid,
    before?.['data'],
    before?.metadata.ownerReferences,
  ])
})

test('annotations and labels of the AuthService are not copied to children, and a status that the tenant writes grants nothing', async () => {
  await create(
    'labelled',
    {},
    { labels: { 'app.kubernetes.io/instance': 'victim' }, annotations: { 'nginx.org/server-snippets': 'deny all;' } },
  )
  await untilReported('labelled')
  const lists = await Promise.all(childKinds.map((resource) => namespace.list(resource.kind)))
  const children = lists.flat().filter(({ metadata }) => metadata.name.startsWith('labelled'))
  expect(children.length).toBeGreaterThan(10)
  for (const { metadata } of children) {
    expect(JSON.stringify(metadata)).not.toContain('server-snippets')
    expect(metadata.labels?.['app.kubernetes.io/instance']).toBe('labelled')
  }
  await expect(
    tenant.mergePatch(
      authServices,
      { namespace: namespace.name, name: 'labelled', subresource: 'status' },
      { status: {} },
    ),
  ).rejects.toMatchObject({ status: 403 })
})

test('the tenant reads no Secret, the operator shows none in status or events, and the tenant cannot write to other namespaces', async () => {
  await expect(tenant.list(secrets, { namespace: namespace.name })).rejects.toMatchObject({ status: 403 })
  const events = () => namespace.events('victim')
  await expect.poll(events).not.toEqual([])
  const shown = JSON.stringify([await tenant.list(authServices, { namespace: namespace.name }), await events()])
  const values = (await namespace.list('Secret')).flatMap((secret) =>
    Object.values((secret['data'] ?? {}) as Record<string, string>),
  )
  const decoded = values.map((value) => Buffer.from(value, 'base64').toString()).filter((value) => value.length > 20)
  expect(decoded.length).toBeGreaterThan(5)
  for (const value of decoded) expect(shown.includes(value.trim())).toBe(false)
  const elsewhere = { apiVersion, kind, metadata: { name: 'x', namespace: 'default' }, spec: developmentSpec }
  await expect(tenant.create(authServices, elsewhere)).rejects.toMatchObject({ status: 403 })
})
