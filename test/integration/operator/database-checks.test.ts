import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { apiVersion, kind } from '../../../operator/authservice/api/group.ts'
import type { Operator } from '../../../operator/operator.ts'
import { type Live, Namespace } from './namespace.ts'
import { startOperator } from './operator-under-test.ts'
import { completeJob } from './simulated-controllers.ts'

const { kubeconfigPath } = inject('apiServer')
let namespace: Namespace
let operator: Operator

beforeAll(async () => {
  namespace = await Namespace.create(kubeconfigPath, `checks-${Date.now()}`)
  const url = Buffer.from('mongodb://mongodb.example.com/').toString('base64')
  await namespace.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'ours' }, ...{ data: { url } } })
  operator = startOperator(kubeconfigPath, namespace)
})
afterAll(() => operator.stop())

/** The migration of an AuthService, once the operator has made it. */
async function migrationOf(name: string): Promise<string> {
  const find = async () =>
    (await namespace.list('Job')).find(({ metadata }) => metadata.name.startsWith(`${name}-migrate-`))?.metadata.name
  await expect.poll(find, { timeout: 15_000 }).toBeDefined()
  return (await find()) ?? ''
}

/** What the cluster's controllers and the kubelet leave once the Job is done. */
async function leaveReport(name: string, report: object): Promise<void> {
  const { spec } = (await namespace.get<Live & { spec: { template: Live } }>('Job', name)) ?? {}
  const labels = { ...spec?.template.metadata.labels, 'batch.kubernetes.io/job-name': name }
  const pod = `${name}-pod`
  await namespace.apply({
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: pod, labels } },
    ...{ spec: { containers: [{ name: 'migrate', image: 'example.com/migrate' }] } },
  })
  const state = { terminated: { exitCode: 0, message: JSON.stringify(report) } }
  const container = { name: 'migrate', image: 'i', imageID: 'i', ready: false, restartCount: 0, state }
  await namespace.patch('Pod', pod, { status: { phase: 'Succeeded', containerStatuses: [container] } }, 'status')
  await completeJob(namespace, name)
}

test('databases that are not fit are told in conditions, and looked at again when the Job is deleted', async () => {
  await namespace.apply({
    ...{ apiVersion, kind, metadata: { name: 'unfit' } },
    ...{
      spec: {
        environment: 'development',
        ingress: { type: 'None' },
        mongodb: { external: { urlSecretRef: { name: 'ours', key: 'url' } } },
        redis: { external: { host: 'redis.example.com' } },
      },
    },
  })
  const job = await migrationOf('unfit')
  await expect
    .poll(() => namespace.condition('unfit', 'MongoDBReady'), { timeout: 10_000 })
    .toBe(`False Waiting: waiting for Job ${job} to reach it: its log says what keeps it (kubectl logs job/${job})`)

  const uidOf = async () => (await namespace.get('Job', job))?.metadata.uid
  const before = await uidOf()
  const unfit = { mongodb: { topology: 'standalone' }, redis: { maxmemoryPolicy: 'allkeys-lru' } }
  await leaveReport(job, unfit)
  await expect
    .poll(() => namespace.condition('unfit', 'RedisReady'), { timeout: 10_000 })
    .toMatch(/^False RedisEvictsKeys: .*allkeys-lru/)
  expect(await namespace.condition('unfit', 'MongoDBReady')).toMatch(/^False MongoDBNotReplicaSet/)
  expect(await namespace.condition('unfit', 'Stalled')).toMatch(/^True RedisEvictsKeys: .* MongoDB is no replica set/)

  // Whoever mended it need not wait.
  await namespace.remove('Job', job)
  await expect.poll(uidOf, { timeout: 10_000 }).not.toSatisfy((uid) => uid === undefined || uid === before)
  await namespace.patch('Pod', `${job}-pod`, { metadata: { finalizers: null } })
  await namespace.remove('Pod', `${job}-pod`)
  await leaveReport(job, { mongodb: { topology: 'replicaSet' }, redis: { maxmemoryPolicy: 'noeviction' } })
  await expect.poll(() => namespace.condition('unfit', 'RedisReady'), { timeout: 10_000 }).toMatch(/^True External/)
  expect(await namespace.condition('unfit', 'Stalled')).toMatch(/^False/)
})
