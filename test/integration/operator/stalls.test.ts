import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { apiVersion, kind } from '../../../operator/authservice/api/group.ts'
import type { Operator } from '../../../operator/operator.ts'
import { developmentSpec, Namespace } from './namespace.ts'
import { startOperator, untilQuiet } from './operator-under-test.ts'

const { kubeconfigPath } = inject('apiServer')
let namespace: Namespace
let operator: Operator

const authService = (name: string, spec: object = {}) => ({
  apiVersion,
  kind,
  metadata: { name },
  spec: { ...developmentSpec, ...spec },
})

beforeAll(async () => {
  namespace = await Namespace.create(kubeconfigPath, `stalls-${Date.now()}`)
  operator = startOperator(kubeconfigPath, namespace)
})
afterAll(() => operator.stop())

test('a missing Secret stalls the AuthService by name, and it goes on once the Secret is there', async () => {
  await namespace.apply(
    authService('external', { mongodb: { external: { urlSecretRef: { name: 'our-mongodb', key: 'url' } } } }),
  )
  await expect
    .poll(() => namespace.condition('external', 'Stalled'), { timeout: 10_000 })
    .toMatch(/^True .*our-mongodb/)
  expect(await namespace.condition('external', 'Ready')).toMatch(/^False/)
  expect(await namespace.get('Deployment', 'external-blue')).toBeUndefined()
  expect(await namespace.events('external')).toContainEqual(expect.stringMatching(/^Warning .*our-mongodb/))

  const url = Buffer.from('mongodb://mongodb.example.com/?replicaSet=rs0&tls=true').toString('base64')
  await namespace.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'our-mongodb' }, ...{ data: { url } } })
  await expect.poll(() => namespace.get('Deployment', 'external-blue'), { timeout: 15_000 }).toBeDefined()
  await expect.poll(() => namespace.condition('external', 'Stalled')).toMatch(/^False/)
})

test('a Secret that the server reads at its start is named when it is missing, and new content of it is rolled out', async () => {
  const mail = {
    smtp: { host: 'smtp.example.com', credentialsSecretRef: { name: 'our-smtp' } },
    from: 'no-reply@example.com',
    passwordResetURL: 'https://app.example.com/{token}',
    emailVerificationURL: 'https://app.example.com/{token}',
  }
  await namespace.apply(authService('mailing', { mail }))
  await expect
    .poll(() => namespace.condition('mailing', 'SecretsReady'), { timeout: 10_000 })
    .toMatch(/^False SecretNotFound: Secret our-smtp, named by spec.mail.smtp.credentialsSecretRef, does not exist/)

  const status = async () => (await namespace.authService('mailing')).status
  await untilQuiet(operator, 10_000)
  const stalled = await status()
  await namespace.patch(kind, 'mailing', { metadata: { annotations: { looked: 'once' } } })
  await untilQuiet(operator, 10_000)
  expect(await status(), 'each look wants the same').toEqual(stalled)

  const credentials = (password: string) => {
    const data = { username: 'mailer', password }
    const encoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')])
    return namespace.apply({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'our-smtp' },
      ...{ data: Object.fromEntries(encoded) },
    })
  }
  await credentials('first')
  await expect.poll(() => namespace.condition('mailing', 'SecretsReady'), { timeout: 15_000 }).toMatch(/^True/)
  const before = (await status())?.rollout?.revision

  await credentials('second')
  // Secrets of others are not watched: it looks at them every five minutes, and whenever something else changes.
  await namespace.patch(kind, 'mailing', { metadata: { annotations: { looked: 'again' } } })
  await expect.poll(async () => (await status())?.rollout?.revision, { timeout: 15_000 }).not.toBe(before)
  for (const child of ['Deployment', 'ControllerRevision', 'Job'])
    expect(JSON.stringify(await namespace.list(child))).not.toMatch(/second|mailer/)
})

test('an object of somebody else is not taken over', async () => {
  const theirs = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'shop' },
    spec: { ports: [{ port: 80 }], selector: { app: 'shop' } },
  }
  await namespace.apply(theirs)
  await namespace.apply(authService('shop'))
  await expect
    .poll(() => namespace.condition('shop', 'Stalled'), { timeout: 10_000 })
    .toMatch(/^True ChildNotOwned: Service shop/)
  expect(await namespace.get('Service', 'shop')).toMatchObject({ spec: { selector: { app: 'shop' } } })
})

test('suspended, it looks and reports, and changes nothing', async () => {
  await namespace.apply(authService('paused', { suspend: true }))
  await expect.poll(() => namespace.condition('paused', 'Ready'), { timeout: 10_000 }).toMatch(/^False Suspended/)
  expect((await namespace.authService('paused')).status?.phase).toBe('Suspended')
  expect(await namespace.get('Deployment', 'paused-blue')).toBeUndefined()
  expect(await namespace.get('Secret', 'paused-keys')).toBeUndefined()
  expect(await namespace.condition('paused', 'SecretsReady')).toMatch(/^False Waiting: waiting for Secret paused-keys/)

  await namespace.apply(authService('paused', { suspend: false }))
  await expect.poll(() => namespace.get('Deployment', 'paused-blue'), { timeout: 10_000 }).toBeDefined()
})

test('a Service that the API server refuses is told of where one looks, with what to write instead', async () => {
  const holder = { ports: [{ port: 80, nodePort: 30_123 }], selector: { app: 'shop' }, type: 'NodePort' }
  await namespace.apply({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'holder' }, ...{ spec: holder } })
  const nginx = { serviceType: 'NodePort', nodePort: 30_123 }
  await namespace.apply(authService('refused', { ingress: { type: 'Nginx', host: 'auth.localhost', nginx } }))
  for (const type of ['Stalled', 'Ready', 'IngressReady']) {
    await expect
      .poll(() => namespace.condition('refused', type), { timeout: 10_000, message: type })
      .toMatch(/ ApplyRefused: .*30123.* already allocated\. Write another number as ingress\.nginx\.nodePort, or 0/)
  }
  expect(await namespace.condition('refused', 'IngressReady')).toMatch(/^False/)
  await namespace.patch(kind, 'refused', { spec: { ingress: { nginx: { nodePort: 0 } } } })
  await expect.poll(() => namespace.condition('refused', 'Stalled'), { timeout: 10_000 }).toMatch(/^False/)
})

test('passwords that are lost while their volume is kept are not replaced', async () => {
  const claim = {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'data-kept-mongodb-0' },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  }
  await namespace.apply(claim)
  await namespace.apply(authService('kept'))
  await expect
    .poll(() => namespace.condition('kept', 'Stalled'), { timeout: 10_000 })
    .toMatch(/^True PasswordsLost: Secret kept-mongodb is gone, but volume data-kept-mongodb-0/)
  expect(await namespace.get('Secret', 'kept-mongodb')).toBeUndefined()
  expect((await namespace.authService('kept')).status?.secrets, 'keys that nobody wrote').toEqual([])

  // The controller that would take the finalizer away does not run here.
  await namespace.patch('PersistentVolumeClaim', 'data-kept-mongodb-0', { metadata: { finalizers: null } })
  await namespace.remove('PersistentVolumeClaim', 'data-kept-mongodb-0')
  await expect.poll(() => namespace.get('Secret', 'kept-mongodb'), { timeout: 15_000 }).toBeDefined()
  await expect.poll(() => namespace.condition('kept', 'Stalled'), { timeout: 10_000 }).toMatch(/^False/)
  expect(await namespace.events('kept'), 'nothing was lost, for there was nothing').not.toContainEqual(
    expect.stringMatching(/SecretLost/),
  )
})

test('signing keys that are lost are made anew, with a warning', async () => {
  await namespace.apply(authService('careless'))
  await expect
    .poll(async () => (await namespace.authService('careless')).status?.secrets, { timeout: 10_000 })
    .toBeDefined()
  const before = await namespace.get('Secret', 'careless-keys')
  await namespace.remove('Secret', 'careless-keys')
  await expect
    .poll(async () => (await namespace.get('Secret', 'careless-keys'))?.metadata.uid, { timeout: 10_000 })
    .not.toSatisfy((uid) => uid === undefined || uid === before?.metadata.uid)
  await expect
    .poll(() => namespace.events('careless'))
    .toContainEqual(expect.stringMatching(/^Warning SecretLost: Secret careless-keys was gone/))
})

test('two AuthServices side by side have children of their own', async () => {
  await namespace.apply(authService('first'))
  await namespace.apply(authService('second', { replicas: 3 }))
  const ownerOf = async (name: string) =>
    (await namespace.get('Deployment', name))?.metadata.ownerReferences?.map((owner) => owner.name)
  await expect.poll(() => ownerOf('first-blue'), { timeout: 10_000 }).toEqual(['first'])
  await expect.poll(() => ownerOf('second-blue'), { timeout: 10_000 }).toEqual(['second'])
})
