import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { kind } from '../../../operator/authservice/api/group.ts'
import { resourceOf } from '../../../operator/authservice/model/kinds.ts'
import type { Operator } from '../../../operator/operator.ts'
import { clientAt } from '../support/kube-api.ts'
import { authServiceManifest, type Live, Namespace, type ObjectManifest } from '../support/namespace.ts'
import { settings, startOperator, untilQuiet } from '../support/operator-under-test.ts'
import { makeEverythingAvailable } from '../support/simulated-controllers.ts'

interface StatefulSet extends Live {
  spec: {
    updateStrategy: { type: string; rollingUpdate?: object }
    template: { spec: { containers: { name: string; image: string; command: string[]; resources: object }[] } }
  }
}

const { kubeconfigPath } = inject('apiServer')
const released = readFileSync(resolve(import.meta.dirname, '../../releases/0.1.0/stateful-sets.yaml'), 'utf8')
const rolling = { type: 'RollingUpdate', rollingUpdate: { partition: 0 } }
let namespace: Namespace
let operator: Operator

beforeAll(async () => {
  namespace = await Namespace.create(kubeconfigPath, `templates-${Date.now()}`)
  await namespace.apply(authServiceManifest('accounts'))
  const { uid = '' } = (await namespace.authService('accounts')).metadata
  const text = released.replaceAll('team-a', namespace.name).replaceAll('uid: uid', `uid: ${uid}`)
  const manifests: ObjectManifest[] = parseAllDocuments(text).map((document) => document.toJS())
  // The operator of the release was the same owner of fields.
  const earlier = clientAt(kubeconfigPath, 'authservice-operator')
  for (const manifest of manifests) await earlier.apply(resourceOf(manifest), manifest)
  // A Secret of 0.1.0 has no mark of its origin, so the Redis that was started with it has none either.
  const [redis] = manifests
  const data = { password: Buffer.from('p'.repeat(32)).toString('base64') }
  const metadata = { ...redis?.metadata, name: 'accounts-redis', annotations: {} }
  const secret: ObjectManifest = { apiVersion: 'v1', kind: 'Secret', metadata, data }
  await earlier.apply(resourceOf(secret), secret)
  await settle({ updatedReplicas: 1, currentRevision: 'a', updateRevision: 'a' })
})
afterAll(() => operator?.stop())

/** Writes what the StatefulSet controller writes while the pod of MongoDB is ready, and that everything else is. */
async function settle(ofMongoDb: object): Promise<void> {
  await makeEverythingAvailable(namespace)
  await namespace.patch('StatefulSet', 'accounts-mongodb', { status: ofMongoDb }, 'status')
}

const mongodb = async () => {
  const found = await namespace.get<StatefulSet>('StatefulSet', 'accounts-mongodb')
  const [container] = found?.spec.template.spec.containers ?? []
  const { updateStrategy } = found?.spec ?? {}
  return { strategy: updateStrategy, command: container?.command.at(-1), resources: container?.resources }
}
const strategyOfRedis = async () =>
  (await namespace.get<StatefulSet>('StatefulSet', 'accounts-redis'))?.spec.updateStrategy.type

/** A condition of the AuthService, while the StatefulSet controller reports this status of MongoDB. */
const conditionWith = async (type: string, ofMongoDb: object) => {
  await settle(ofMongoDb)
  return namespace.condition('accounts', type)
}

test('an upgrade from 0.1.0 writes the new template of MongoDB for its next pod, and the AuthService is ready', async () => {
  expect(await mongodb()).toMatchObject({
    strategy: rolling,
    command: expect.not.stringContaining('ipv6'),
  })
  operator = startOperator(kubeconfigPath, namespace, { maxConcurrentRollouts: 1 })
  await expect.poll(mongodb).toMatchObject({ strategy: { type: 'OnDelete' }, command: expect.stringContaining('ipv6') })
  await untilQuiet(operator)
  expect(await strategyOfRedis(), 'the template of Redis has not changed').toBe('RollingUpdate')

  const pending = { updatedReplicas: 0, currentRevision: 'a', updateRevision: 'b' }
  await expect.poll(() => conditionWith('Ready', pending)).toMatch(/^True/)
  await expect
    .poll(() => conditionWith('MongoDBReady', pending))
    .toMatch(/^True Available: .*keeps the template of an earlier release of the operator until it is replaced/)
  await expect.poll(async () => (await namespace.authService('accounts')).status?.phase).toBe('Ready')
})

test('after the pod was replaced, the AuthService no longer says so, although the current revision does not advance', async () => {
  const replaced = { updatedReplicas: 1, currentRevision: 'a', updateRevision: 'b' }
  await expect.poll(() => conditionWith('MongoDBReady', replaced)).toMatch(/^True Available: (?!.*earlier release)/)
  expect(await mongodb()).toMatchObject({ strategy: { type: 'OnDelete' } })
})

test('other resources restart MongoDB at once, and so do the default ones', async () => {
  const resources = { limits: { memory: '2Gi' } }
  await namespace.patch(kind, 'accounts', { spec: { mongodb: { managed: { resources } } } })
  await expect.poll(mongodb).toMatchObject({ strategy: rolling, resources, command: expect.stringContaining('ipv6') })
  await namespace.patch(kind, 'accounts', { spec: { mongodb: { managed: { resources: null } } } })
  await expect.poll(mongodb).toMatchObject({ strategy: rolling, resources: { limits: { memory: '768Mi' } } })
})

test('another image of MongoDB by the next release of the operator restarts it', async () => {
  await operator.stop()
  operator = startOperator(kubeconfigPath, namespace, {
    images: { ...settings.images, mongodb: 'example.com/mongo:8.2' },
  })
  await expect
    .poll(async () => (await namespace.get<StatefulSet>('StatefulSet', 'accounts-mongodb'))?.spec)
    .toMatchObject({
      updateStrategy: { type: 'RollingUpdate' },
      template: { spec: { containers: [{ image: 'example.com/mongo:8.2' }, {}] } },
    })
})
