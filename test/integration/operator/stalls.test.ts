import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { kind } from '../../../operator/authservice/api/group.ts'
import { generateKey } from '../../../operator/authservice/secrets/generate-key.ts'
import { issueCertificate } from '../../../operator/authservice/secrets/system-sources.ts'
import type { Operator } from '../../../operator/operator.ts'
import { authServiceManifest, type Live, Namespace } from '../support/namespace.ts'
import { startOperator, untilQuiet, untilReconciled } from '../support/operator-under-test.ts'
import { completeMigrations, makeEverythingAvailable } from '../support/simulated-controllers.ts'

const { kubeconfigPath } = inject('apiServer')
let namespace: Namespace
let operator: Operator

beforeAll(async () => {
  namespace = await Namespace.create(kubeconfigPath, `stalls-${Date.now()}`)
  operator = startOperator(kubeconfigPath, namespace)
})
afterAll(() => operator.stop())

test('a missing Secret stalls the AuthService by name, and it continues once the Secret exists', async () => {
  await namespace.apply(
    authServiceManifest('external', { mongodb: { external: { urlSecretRef: { name: 'our-mongodb', key: 'url' } } } }),
  )
  await expect.poll(() => namespace.condition('external', 'Stalled')).toMatch(/^True .*our-mongodb/)
  expect(await namespace.condition('external', 'Ready')).toMatch(/^False/)
  expect(await namespace.get('Deployment', 'external-blue')).toBeUndefined()
  await expect.poll(() => namespace.events('external')).toContainEqual(expect.stringMatching(/^Warning .*our-mongodb/))

  const url = Buffer.from('mongodb://mongodb.example.com/?replicaSet=rs0&tls=true').toString('base64')
  await namespace.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'our-mongodb' }, data: { url } })
  await expect.poll(() => namespace.get('Deployment', 'external-blue')).toBeDefined()
  await expect.poll(() => namespace.condition('external', 'Stalled')).toMatch(/^False/)
})

test('a missing Secret that the server reads at startup is named, and new content of it is rolled out', async () => {
  const mail = {
    smtp: { host: 'smtp.example.com', credentialsSecretRef: { name: 'our-smtp' } },
    from: 'no-reply@example.com',
    passwordResetURL: 'https://app.example.com/{token}',
    emailVerificationURL: 'https://app.example.com/{token}',
  }
  await namespace.apply(authServiceManifest('mailing', { mail }))
  await expect
    .poll(() => namespace.condition('mailing', 'SecretsReady'))
    .toMatch(/^False SecretNotFound: Secret our-smtp, named by spec.mail.smtp.credentialsSecretRef, does not exist/)

  const status = async () => (await namespace.authService('mailing')).status
  await untilQuiet(operator)
  const stalled = await status()
  await untilReconciled(operator, () =>
    namespace.patch(kind, 'mailing', { metadata: { annotations: { looked: 'once' } } }),
  )
  expect(await status(), 'each look wants the same').toEqual(stalled)

  const credentials = (password: string) => {
    const data = { username: 'mailer', password }
    const encoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')])
    return namespace.apply({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'our-smtp' },
      data: Object.fromEntries(encoded),
    })
  }
  await credentials('first')
  await expect.poll(() => namespace.condition('mailing', 'SecretsReady')).toMatch(/^True/)
  const before = (await status())?.rollout?.revision

  await credentials('second')
  // Secrets of users are not watched: the operator reads them every five minutes, and whenever something else changes.
  await namespace.patch(kind, 'mailing', { metadata: { annotations: { looked: 'again' } } })
  await expect.poll(async () => (await status())?.rollout?.revision).not.toBe(before)
  for (const child of ['Deployment', 'ControllerRevision', 'Job'])
    expect(JSON.stringify(await namespace.list(child))).not.toMatch(/second|mailer/)
})

/** The part of the server Deployment that a test reads. */
type Server = Live & {
  spec: { replicas: number; template: { spec: { volumes: { secret?: { secretName: string } }[] } } }
}
type KeySecret = Live & { data: Record<string, string> }
const secretsMountedBy = async (server: string) => {
  const volumes = (await namespace.get<Server>('Deployment', server))?.spec.template.spec.volumes ?? []
  return volumes.flatMap(({ secret }) => secret?.secretName ?? [])
}
/** Lets everything of the namespace become available until the AuthService is ready. */
const untilReady = (name: string) =>
  expect
    .poll(
      async () => {
        await makeEverythingAvailable(namespace)
        return namespace.condition(name, 'Ready')
      },
      { timeout: 40_000 },
    )
    .toMatch(/^True/)

test('while a Secret of the spec is missing, keys are still revoked, servers scaled and databases repaired', async () => {
  await namespace.apply(authServiceManifest('held'))
  await untilReady('held')
  const [kid] = await namespace.keyIds('held')
  const revision = (await namespace.authService('held')).status?.rollout?.revision

  const tokens = { signingKeys: { secretRef: { name: 'no-such-keys', key: 'keys.json' } } }
  await namespace.apply(authServiceManifest('held', { tokens, replicas: 3 }))
  await expect.poll(() => namespace.condition('held', 'Stalled')).toMatch(/^True SecretNotFound: Secret no-such-keys/)

  const servers = async () => {
    await makeEverythingAvailable(namespace)
    return (await namespace.get<Server>('Deployment', 'held-blue'))?.spec.replicas
  }
  await expect.poll(servers).toBe(3)
  await namespace.remove('Service', 'held-redis')
  await expect.poll(() => namespace.get('Service', 'held-redis')).toBeDefined()
  await namespace.patch(kind, 'held', { metadata: { annotations: { 'auth-operator.dev/revoke-key': kid } } })
  await expect.poll(() => namespace.keyIds('held')).not.toContain(kid)
  await untilQuiet(operator)
  expect(await secretsMountedBy('held-blue')).toContain('held-keys')
  expect((await namespace.authService('held')).status?.rollout?.revision, 'nothing else goes out').toBe(revision)
  expect(await namespace.condition('held', 'Stalled')).toMatch(/^True SecretNotFound/)
})

test('while the certificate of the edge is invalid, the server is updated, and the edge is unchanged', async () => {
  const edge = (host: string) => ({
    environment: 'staging',
    ingress: { host, tls: { secretName: 'our-tls' } },
    mongodb: { managed: {} },
  })
  const now = new Date()
  const tls = issueCertificate(['auth.example.com'], now)
  const encoded = Object.entries(tls).map(([key, value]) => [key, Buffer.from(value).toString('base64')])
  await namespace.apply({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'our-tls' },
    type: 'kubernetes.io/tls',
    data: Object.fromEntries(encoded),
  })
  await namespace.apply(authServiceManifest('fronted', edge('auth.example.com')))
  const configuration = async () => (await namespace.get<Live & { data: object }>('ConfigMap', 'fronted-edge'))?.data
  await expect.poll(configuration).toBeDefined()
  const before = await configuration()

  await namespace.apply(authServiceManifest('fronted', edge('other.example.com')))
  await expect
    .poll(() => namespace.condition('fronted', 'Stalled'))
    .toMatch(/^True CertificateInvalid: .* not for other.example.com/)
  await expect
    .poll(async () => JSON.stringify((await namespace.get('Deployment', 'fronted-blue'))?.['spec']), {
      timeout: 40_000,
    })
    .toContain('other.example.com')
  expect(await configuration()).toEqual(before)
  await namespace.patch('Deployment', 'fronted-edge', { spec: { replicas: 0 } })
  await namespace.remove('Service', 'fronted-edge')
  await expect
    .poll(async () => (await namespace.get<Server>('Deployment', 'fronted-edge'))?.spec.replicas)
    .toBeGreaterThan(0)
  await expect.poll(() => namespace.get('Service', 'fronted-edge')).toBeDefined()
})

test('generated keys are kept while pods or kept revisions use them, and are used again if the spec returns to them', async () => {
  const file = JSON.stringify({
    version: 1,
    keys: [{ ...generateKey('ES256'), createdAt: '2026-11-01T00:00:00Z', activateAt: '2026-11-01T00:00:00Z' }],
  })
  await namespace.apply({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'our-keys' },
    data: { 'keys.json': Buffer.from(file).toString('base64') },
  })
  await namespace.apply(authServiceManifest('changing'))
  await untilReady('changing')
  const generated = await namespace.keyIds('changing')

  const tokens = { signingKeys: { secretRef: { name: 'our-keys', key: 'keys.json' } } }
  await namespace.apply(authServiceManifest('changing', { tokens }))
  const untilMounted = (secret: string) =>
    expect
      .poll(
        async () => {
          await completeMigrations(namespace)
          return secretsMountedBy('changing-blue')
        },
        { timeout: 40_000 },
      )
      .toContain(secret)
  await untilMounted('our-keys')
  await untilQuiet(operator)
  expect(await namespace.keyIds('changing'), 'pods of the old revision still mount them').toEqual(generated)
  await untilReady('changing')
  await untilQuiet(operator)
  expect(await namespace.keyIds('changing'), 'a revision that can come back needs them').toEqual(generated)

  const [stolen] = generated
  await namespace.patch(kind, 'changing', { metadata: { annotations: { 'auth-operator.dev/revoke-key': stolen } } })
  await expect.poll(() => namespace.keyIds('changing')).not.toContain(stolen)
  const after = await namespace.keyIds('changing')

  await namespace.apply(authServiceManifest('changing'))
  await untilMounted('changing-keys')
  await untilQuiet(operator)
  expect(await namespace.keyIds('changing')).toEqual(after)
})

test('the generated certificate of the edge is kept while a pod of the edge mounts it', async () => {
  const host = 'bringing.example.com'
  const own = { ingress: { type: 'Nginx', host, tls: { secretName: 'bringing-tls' } } }
  const generated = async () => (await namespace.get<KeySecret>('Secret', 'bringing-edge-tls'))?.data
  await namespace.apply(authServiceManifest('bringing', { ingress: { type: 'Nginx', host } }))
  await untilReady('bringing')
  const before = await generated()
  expect(before).toBeDefined()

  const encoded = Object.entries(issueCertificate([host], new Date()))
  await namespace.apply({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'bringing-tls' },
    type: 'kubernetes.io/tls',
    data: Object.fromEntries(encoded.map(([key, value]) => [key, Buffer.from(value).toString('base64')])),
  })
  await namespace.apply(authServiceManifest('bringing', own))
  await expect.poll(() => secretsMountedBy('bringing-edge')).toContain('bringing-tls')
  // Its pods are not replaced yet: the simulated controller runs only when the test calls it.
  await untilQuiet(operator)
  expect(await generated()).toEqual(before)

  const afterwards = async () => {
    await makeEverythingAvailable(namespace)
    return generated()
  }
  await expect.poll(afterwards).toBeUndefined()
})

test('a foreign object is not taken over', async () => {
  const theirs = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'shop' },
    spec: { ports: [{ port: 80 }], selector: { app: 'shop' } },
  }
  await namespace.apply(theirs)
  await namespace.apply(authServiceManifest('shop'))
  await expect.poll(() => namespace.condition('shop', 'Stalled')).toMatch(/^True ChildNotOwned: Service shop/)
  expect(await namespace.get('Service', 'shop')).toMatchObject({ spec: { selector: { app: 'shop' } } })
})

test('while suspended, it observes and reports, and changes nothing', async () => {
  await namespace.apply(authServiceManifest('paused', { suspend: true }))
  await expect.poll(() => namespace.condition('paused', 'Ready')).toMatch(/^False Suspended/)
  expect((await namespace.authService('paused')).status?.phase).toBe('Suspended')
  expect(await namespace.get('Deployment', 'paused-blue')).toBeUndefined()
  expect(await namespace.get('Secret', 'paused-keys')).toBeUndefined()
  expect(await namespace.condition('paused', 'SecretsReady')).toMatch(/^False Waiting: waiting for Secret paused-keys/)

  await namespace.apply(authServiceManifest('paused', { suspend: false }))
  await expect.poll(() => namespace.get('Deployment', 'paused-blue')).toBeDefined()
})

test('a Service that the API server rejects is reported in the conditions, with what to write instead', async () => {
  const holder = { ports: [{ port: 80, nodePort: 30_123 }], selector: { app: 'shop' }, type: 'NodePort' }
  await namespace.apply({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'holder' }, spec: holder })
  const nginx = { serviceType: 'NodePort', nodePort: 30_123 }
  await namespace.apply(authServiceManifest('refused', { ingress: { type: 'Nginx', host: 'auth.localhost', nginx } }))
  for (const type of ['Stalled', 'Ready', 'IngressReady']) {
    await expect
      .poll(() => namespace.condition('refused', type), { message: type })
      .toMatch(/ ApplyRefused: .*30123.* already allocated\. Write another ingress\.nginx\.nodePort, or 0/)
  }
  expect(await namespace.condition('refused', 'IngressReady')).toMatch(/^False/)
  await namespace.patch(kind, 'refused', { spec: { ingress: { nginx: { nodePort: 0 } } } })
  await expect.poll(() => namespace.condition('refused', 'Stalled')).toMatch(/^False/)
})

test('lost passwords are generated again, and the databases and the servers are restarted with the same ones', async () => {
  await namespace.apply(authServiceManifest('forgetful'))
  await untilReady('forgetful')
  interface Workload extends Live {
    spec: { template: { metadata: { annotations: Record<string, string> } } }
  }
  const annotations = async (workload: string, name: string) =>
    (await namespace.get<Workload>(workload, name))?.spec.template.metadata.annotations
  const origin = async (name: string) => {
    const { origin: encoded = '' } = (await namespace.get<KeySecret>('Secret', name))?.data ?? {}
    return Buffer.from(encoded, 'base64').toString()
  }
  const before = await origin('forgetful-redis')
  const mongodb = await namespace.get('StatefulSet', 'forgetful-mongodb')

  await namespace.remove('Secret', 'forgetful-redis')
  await namespace.remove('Secret', 'forgetful-mongodb')
  await expect.poll(() => origin('forgetful-mongodb')).not.toBe('')
  await expect.poll(() => origin('forgetful-redis')).not.toBe(before)
  const after = await origin('forgetful-redis')
  await expect
    .poll(() => annotations('StatefulSet', 'forgetful-redis'))
    .toEqual({ 'auth-operator.dev/password-origin': after })
  const both = `${after},${await origin('forgetful-mongodb')}`
  await expect
    .poll(
      async () => {
        await completeMigrations(namespace)
        return annotations('Deployment', 'forgetful-blue')
      },
      { timeout: 40_000 },
    )
    .toMatchObject({ 'auth-operator.dev/passwords-by': both })
  await untilReady('forgetful')
  await untilQuiet(operator)
  // A MongoDB without a volume would lose its users: it gets the passwords while it runs.
  expect((await namespace.get('StatefulSet', 'forgetful-mongodb'))?.['spec']).toEqual(mongodb?.['spec'])
  expect(await namespace.condition('forgetful', 'Stalled')).toMatch(/^False/)
  await expect
    .poll(() => namespace.events('forgetful'))
    .toContainEqual(
      expect.stringMatching(/^Warning SecretLost: Secret forgetful-mongodb was missing .*No action is required$/),
    )
})

test('a volume of an earlier AuthService is opened with new passwords', async () => {
  await namespace.apply({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'data-kept-mongodb-0' },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  })
  await namespace.apply(authServiceManifest('kept'))
  await expect.poll(() => namespace.get('Secret', 'kept-mongodb')).toBeDefined()
  await expect.poll(() => namespace.condition('kept', 'Stalled')).toMatch(/^False/)
})

test('lost signing keys are generated again, with a warning', async () => {
  await namespace.apply(authServiceManifest('careless'))
  await expect.poll(async () => (await namespace.authService('careless')).status?.secrets).toBeDefined()
  const before = await namespace.get('Secret', 'careless-keys')
  await namespace.remove('Secret', 'careless-keys')
  await expect
    .poll(async () => (await namespace.get('Secret', 'careless-keys'))?.metadata.uid)
    .not.toSatisfy((uid) => uid === undefined || uid === before?.metadata.uid)
  await expect
    .poll(() => namespace.events('careless'))
    .toContainEqual(expect.stringMatching(/^Warning SecretLost: Secret careless-keys was missing/))
})

test('two AuthServices in one namespace have separate children', async () => {
  await namespace.apply(authServiceManifest('first'))
  await namespace.apply(authServiceManifest('second', { replicas: 3 }))
  const ownerOf = async (name: string) =>
    (await namespace.get('Deployment', name))?.metadata.ownerReferences?.map((owner) => owner.name)
  await expect.poll(() => ownerOf('first-blue')).toEqual(['first'])
  await expect.poll(() => ownerOf('second-blue')).toEqual(['second'])
})
