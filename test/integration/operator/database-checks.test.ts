import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { apiVersion, kind } from '../../../operator/authservice/api/group.ts'
import type { Operator } from '../../../operator/operator.ts'
import { authServiceManifest, type Live, Namespace } from '../support/namespace.ts'
import { startOperator } from '../support/operator-under-test.ts'
import { completeJob, makeEverythingAvailable } from '../support/simulated-controllers.ts'

const { kubeconfigPath } = inject('apiServer')
let namespace: Namespace
let operator: Operator

beforeAll(async () => {
  namespace = await Namespace.create(kubeconfigPath, `checks-${Date.now()}`)
  const url = Buffer.from('mongodb://mongodb.example.com/').toString('base64')
  await namespace.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'ours' }, data: { url } })
  operator = startOperator(kubeconfigPath, namespace)
})
afterAll(() => operator.stop())

/** The migration of an AuthService, once the operator has created it. */
async function migrationOf(name: string): Promise<string> {
  const find = async () =>
    (await namespace.list('Job')).find(({ metadata }) => metadata.name.startsWith(`${name}-migrate-`))?.metadata.name
  await expect.poll(find).toBeDefined()
  return (await find()) ?? ''
}

/** The state that the controllers and the kubelet of a cluster write when the Job is done. */
async function leaveReport(name: string, report: object): Promise<void> {
  const { spec } = (await namespace.get<Live & { spec: { template: Live } }>('Job', name)) ?? {}
  const labels = { ...spec?.template.metadata.labels, 'batch.kubernetes.io/job-name': name }
  const pod = `${name}-pod`
  await namespace.apply({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: pod, labels },
    spec: { containers: [{ name: 'migrate', image: 'example.com/migrate' }] },
  })
  const state = { terminated: { exitCode: 0, message: JSON.stringify(report) } }
  const container = { name: 'migrate', image: 'i', imageID: 'i', ready: false, restartCount: 0, state }
  await namespace.patch('Pod', pod, { status: { phase: 'Succeeded', containerStatuses: [container] } }, 'status')
  await completeJob(namespace, name)
}

test('unsuitable databases are reported in conditions, and inspected again when the Job is deleted', async () => {
  await namespace.apply({
    apiVersion,
    kind,
    metadata: { name: 'unfit' },
    spec: {
      environment: 'development',
      ingress: { type: 'None' },
      mongodb: { external: { urlSecretRef: { name: 'ours', key: 'url' } } },
      redis: { external: { host: 'redis.example.com' } },
    },
  })
  const job = await migrationOf('unfit')
  await expect
    .poll(() => namespace.condition('unfit', 'MongoDBReady'))
    .toBe(`False Waiting: waiting for Job ${job} to reach it: its log shows the problem (kubectl logs job/${job})`)

  const uidOf = async () => (await namespace.get('Job', job))?.metadata.uid
  const before = await uidOf()
  const unfit = { mongodb: { topology: 'standalone' }, redis: { maxmemoryPolicy: 'allkeys-lru' } }
  await leaveReport(job, unfit)
  await expect.poll(() => namespace.condition('unfit', 'RedisReady')).toMatch(/^False RedisEvictsKeys: .*allkeys-lru/)
  expect(await namespace.condition('unfit', 'MongoDBReady')).toMatch(/^False MongoDBNotReplicaSet/)
  expect(await namespace.condition('unfit', 'Stalled')).toMatch(
    /^True RedisEvictsKeys: .* MongoDB is not a replica set/,
  )

  // After a correction, the check can run at once.
  await namespace.remove('Job', job)
  await expect.poll(uidOf).not.toSatisfy((uid) => uid === undefined || uid === before)
  await namespace.patch('Pod', `${job}-pod`, { metadata: { finalizers: null } })
  await namespace.remove('Pod', `${job}-pod`)
  await leaveReport(job, { mongodb: { topology: 'replicaSet' }, redis: { maxmemoryPolicy: 'noeviction' } })
  await expect.poll(() => namespace.condition('unfit', 'RedisReady')).toMatch(/^True External/)
  expect(await namespace.condition('unfit', 'Stalled')).toMatch(/^False/)
})

test('a migration whose Job a time-to-live removes stays complete until the database is replaced', {
  timeout: 120_000,
}, async () => {
  const name = 'short-lived'
  await namespace.apply(authServiceManifest(name))
  const job = await migrationOf(name)
  const uidOf = async () => (await namespace.get('Job', job))?.metadata.uid
  const records = async () => (await namespace.authService(name)).status?.finishedJobs?.map((one) => one.name)
  const completeWith = async (ttlSecondsAfterFinished: number) => {
    await namespace.patch('Job', job, { spec: { ttlSecondsAfterFinished } })
    await completeJob(namespace, job)
    await expect.poll(records).toEqual([job])
  }
  // A user deletes it an hour early, as messages propose.
  await completeWith(3600)
  const first = await uidOf()
  await namespace.remove('Job', job)
  await expect.poll(uidOf).not.toSatisfy((uid) => uid === undefined || uid === first)
  await expect.poll(records).toBeUndefined()

  // Its time-to-live has passed.
  await completeWith(0)
  await namespace.remove('Job', job)
  const untilReady = async () => {
    await makeEverythingAvailable(namespace)
    return namespace.condition(name, 'Ready')
  }
  await expect.poll(untilReady, { timeout: 30_000 }).toMatch(/^True/)
  await namespace.patch(kind, name, { spec: { logs: { level: 'Warn' } } })
  await expect.poll(() => namespace.condition(name, 'Ready'), { timeout: 30_000 }).toMatch(/^False/)
  await expect.poll(untilReady, { timeout: 30_000 }).toMatch(/^True/)
  expect(await uidOf(), 'nothing else is asked of the database').toBeUndefined()
  expect(await records()).toEqual([job])

  // Another pod of MongoDB may have another volume.
  const labels = { ...(await namespace.get('StatefulSet', `${name}-mongodb`))?.metadata.labels }
  await namespace.apply({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `${name}-mongodb-0`, labels },
    spec: { containers: [{ name: 'mongodb', image: 'example.com/mongo' }] },
  })
  expect(await migrationOf(name), 'it is migrated once more').toMatch(/-migrate-/)
  await expect.poll(untilReady, { timeout: 30_000 }).toMatch(/^True/)
})
