import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { apiVersion, kind } from '../../../operator/authservice/api/group.ts'
import type { Operator } from '../../../operator/operator.ts'
import { type Live, Namespace } from '../support/namespace.ts'
import { startOperator, untilQuiet } from '../support/operator-under-test.ts'
import { completeMigrations, makeEverythingAvailable } from '../support/simulated-controllers.ts'

const { kubeconfigPath } = inject('apiServer')
let namespace: Namespace
let operator: Operator

const external = {
  mongodb: { external: { urlSecretRef: { name: 'our-mongodb', key: 'url' } } },
  redis: { external: { host: 'redis.example.com' } },
}
const managed = { mongodb: { managed: {} }, redis: { managed: {} } }
const volume = 'data-shop-mongodb-0'

const apply = (databases: object) =>
  namespace.apply({
    apiVersion,
    kind,
    metadata: { name: 'shop' },
    spec: { environment: 'development', ingress: { type: 'None' }, ...databases },
  })

beforeAll(async () => {
  namespace = await Namespace.create(kubeconfigPath, `switch-${Date.now()}`)
  const url = Buffer.from('mongodb://mongodb.example.com/?replicaSet=rs0&tls=true').toString('base64')
  await namespace.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'our-mongodb' }, data: { url } })
  operator = startOperator(kubeconfigPath, namespace)
})
afterAll(() => operator.stop())

const passwords = async () => (await namespace.get<Live & { data: object }>('Secret', 'shop-mongodb'))?.data
const mountedUrl = async () => {
  interface Deployment extends Live {
    spec: { template: { spec: { volumes: { name: string; secret?: { secretName: string } }[] } } }
  }
  const server = await namespace.get<Deployment>('Deployment', 'shop-blue')
  return server?.spec.template.spec.volumes.find(({ name }) => name === 'mongodb')?.secret?.secretName
}

test('external databases take over when no server pod uses the managed ones, and the reverse; the volume is kept', async () => {
  await apply(managed)
  await expect.poll(() => namespace.get('StatefulSet', 'shop-mongodb')).toBeDefined()
  await expect.poll(mountedUrl).toBe('shop-mongodb')
  const before = await passwords()
  // The controller that creates volumes does not run here.
  await namespace.apply({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: volume },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '10Gi' } } },
  })
  await makeEverythingAvailable(namespace)

  await apply(external)
  await expect.poll(() => completeMigrations(namespace).then(mountedUrl)).toBe('our-mongodb')
  await expect
    .poll(() => namespace.condition('shop', 'MongoDBReady'))
    .toContain('The managed shop-mongodb continues to run until no server pod uses it.')
  expect(await namespace.get('StatefulSet', 'shop-mongodb')).toBeDefined()
  expect(await namespace.get('StatefulSet', 'shop-redis')).toBeDefined()

  await expect
    .poll(
      async () => {
        await makeEverythingAvailable(namespace)
        return [
          await namespace.get('StatefulSet', 'shop-mongodb'),
          await namespace.get('Service', 'shop-mongodb'),
          await namespace.get('StatefulSet', 'shop-redis'),
          await namespace.get('Secret', 'shop-redis'),
        ]
      },
      { timeout: 40_000 },
    )
    .toEqual([undefined, undefined, undefined, undefined])
  await expect
    .poll(() => namespace.condition('shop', 'MongoDBReady'))
    .toContain(`not copied. They are in PersistentVolumeClaim ${volume}`)
  await expect
    .poll(() => namespace.events('shop'))
    .toContainEqual(
      expect.stringMatching(/^Normal DatabaseStopped: Stopped the managed MongoDB: .*data-shop-mongodb-0/),
    )
  await untilQuiet(operator)
  expect(await namespace.get('PersistentVolumeClaim', volume)).toBeDefined()
  expect(await passwords()).toEqual(before)

  await apply(managed)
  await expect.poll(() => namespace.get('StatefulSet', 'shop-mongodb')).toBeDefined()
  expect(await passwords()).toEqual(before)
})

test('the passwords are deleted once the volume is gone', async () => {
  await apply(external)
  await expect
    .poll(
      async () => {
        await makeEverythingAvailable(namespace)
        return namespace.get('StatefulSet', 'shop-mongodb')
      },
      { timeout: 40_000 },
    )
    .toBeUndefined()
  await untilQuiet(operator)
  expect(await passwords()).toBeDefined()
  // The controller that would remove the finalizer does not run here.
  await namespace.patch('PersistentVolumeClaim', volume, { metadata: { finalizers: null } })
  await namespace.remove('PersistentVolumeClaim', volume)
  await apply({ ...external, replicas: 2 })
  await expect.poll(passwords).toBeUndefined()
})

test('pods of both revisions reach their databases while NetworkPolicies change with the rollout', async () => {
  interface NetworkPolicy extends Live {
    spec: { egress: { ports: { port: number }[] }[] }
  }
  const portsOf = async () => {
    const policy = await namespace.get<NetworkPolicy>('NetworkPolicy', 'closed')
    const open = policy?.spec.egress.flatMap(({ ports }) => ports.map(({ port }) => port)) ?? []
    return open.filter((port) => port === 6400 || port === 6500).sort()
  }
  const closed = (port: number) =>
    namespace.apply({
      apiVersion,
      kind,
      metadata: { name: 'closed' },
      spec: {
        environment: 'development',
        ingress: { type: 'None' },
        networkPolicy: { enabled: true },
        mongodb: external.mongodb,
        redis: { external: { host: 'redis.example.com', port } },
      },
    })
  await closed(6400)
  await expect.poll(portsOf).toEqual([6400])
  await expect.poll(() => namespace.get('Deployment', 'closed-blue')).toBeDefined()
  await makeEverythingAvailable(namespace)

  await closed(6500)
  await expect.poll(portsOf).toEqual([6400, 6500])
  await expect
    .poll(
      async () => {
        await makeEverythingAvailable(namespace)
        return portsOf()
      },
      { timeout: 40_000 },
    )
    .toEqual([6500])
})
