import { describe, expect, test } from 'vitest'
import { recheckDatabases } from '../apply/recheck-databases.ts'
import type { Manifest } from '../model/manifest.ts'
import type { Snapshot } from '../model/snapshot.ts'
import { mongodbReportCondition, observeDatabases, recheckOf, redisReportCondition } from './database-report.ts'

const job = 'accounts-migrate-1'
const finishedAt = '2026-11-24T12:00:00Z'
const child = (name: string, fields: object = {}): Manifest => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name },
  ...fields,
})
const complete = child(job, {
  status: { completionTime: finishedAt, conditions: [{ type: 'Complete', status: 'True' }] },
})
const pod = (message: string | undefined, of = job) => ({
  metadata: {
    name: 'p',
    labels: { 'app.kubernetes.io/component': 'migration', 'batch.kubernetes.io/job-name': of },
  },
  status: {
    containerStatuses: [
      { name: 'migrate', state: { terminated: { exitCode: 0, ...(message !== undefined && { message }) } } },
    ],
  },
})

/** Only the part of a snapshot that a check reads. */
function check(
  message: string | undefined,
  { jobs = [complete], of = job, source = 'external', pods = [] as object[], problems = [] as string[] } = {},
) {
  const snapshot = {
    authService: { metadata: { name: 'accounts' } },
    resolved: { redis: { kind: 'external' }, mongodb: { source: { kind: source } } },
    children: jobs,
    pods: [pod(message, of), ...pods],
    serverReports: new Map([['server-1', { problems, mongodb: { up: true }, redis: { up: true } }]]),
  } as unknown as Snapshot
  return { snapshot, found: observeDatabases(snapshot, [child('accounts-smoke-1'), child(job)]) }
}
const report = (topology: string, maxmemoryPolicy?: string) =>
  JSON.stringify({ mongodb: { topology }, redis: { ...(maxmemoryPolicy !== undefined && { maxmemoryPolicy }) } })

describe('the findings of the migration about the databases', () => {
  test('are read from the termination message of its own pod', () => {
    expect(check(report('replicaSet', 'noeviction')).found).toMatchObject({
      state: 'done',
      report: { mongodb: { topology: 'replicaSet' }, redis: { maxmemoryPolicy: 'noeviction' } },
    })
    expect(check(report('standalone'), { of: 'accounts-migrate-0' }).found).toMatchObject({ report: undefined })
  })

  test.each<[string, string | undefined]>([
    ['nothing was said', undefined],
    ['an older server says something else', 'done'],
    ['it is of another form', '{"mongodb":{"topology":"cluster"},"redis":{}}'],
  ])('are empty when %s', (_, message) => {
    const { found } = check(message)
    expect(found).toMatchObject({ state: 'done', report: undefined })
    expect([
      mongodbReportCondition(found),
      redisReportCondition(found, 'external'),
      recheckOf(found, 'external'),
    ]).toEqual([undefined, undefined, undefined])
  })

  test('are awaited while the Job runs', () => {
    expect(check(undefined, { jobs: [] }).found).toEqual({ state: 'running', job })
  })

  test('a standalone MongoDB is reported with the remedy', () => {
    expect(mongodbReportCondition(check(report('standalone', 'noeviction')).found)).toMatchObject({
      type: 'MongoDBReady',
      status: 'False',
      reason: 'MongoDBNotReplicaSet',
      message: expect.stringMatching(/--replSet .* rs\.initiate\(\).* Job accounts-migrate-1 is deleted/),
    })
    expect(mongodbReportCondition(check(report('sharded', 'noeviction')).found)).toBeUndefined()
  })

  test('a Redis that evicts keys is reported with its policy and the remedy', () => {
    expect(redisReportCondition(check(report('replicaSet', 'allkeys-lru')).found, 'external')).toMatchObject({
      type: 'RedisReady',
      status: 'False',
      reason: 'RedisEvictsKeys',
      message: expect.stringContaining('(maxmemory-policy allkeys-lru)'),
    })
    expect(redisReportCondition(check(report('replicaSet', 'noeviction')).found, 'external')).toBeUndefined()
  })

  test('a Redis that did not answer is reported if no server reports it', () => {
    const { found } = check(report('replicaSet'))
    expect(redisReportCondition(found, 'external')).toMatchObject({ reason: 'RedisUnreachable' })
    expect(redisReportCondition(found, 'managed')).toBeUndefined()
  })
})

describe('databases with a problem', () => {
  const removedAt = async (time: string, message: string) => {
    const { snapshot, found } = check(message)
    const removed: string[] = []
    await recheckDatabases(
      snapshot,
      recheckOf(found, 'external'),
      new Date(time),
      async ({ metadata }) => void removed.push(metadata.name),
    )
    return removed
  }

  test('are inspected again two minutes later, not before', async () => {
    const evicts = report('replicaSet', 'allkeys-lru')
    expect(recheckOf(check(evicts).found, 'external')?.at).toEqual(new Date('2026-11-24T12:02:00Z'))
    expect(await removedAt('2026-11-24T12:01:59Z', evicts)).toEqual([])
    expect(await removedAt('2026-11-24T12:02:00Z', evicts)).toEqual([job])
  })

  test('are not inspected again if they had none', async () => {
    expect(await removedAt('2027-11-24T12:00:00Z', report('replicaSet', 'noeviction'))).toEqual([])
  })
})

describe('a database that was replaced after its migration', () => {
  const mongodb = (creationTimestamp: string) => ({
    metadata: {
      name: 'accounts-mongodb-0',
      creationTimestamp,
      labels: { 'app.kubernetes.io/component': 'mongodb' },
    },
  })
  const removedAt = async (time: string, cluster: Parameters<typeof check>[1]) => {
    const { snapshot, found } = check(report('replicaSet', 'noeviction'), cluster)
    const removed: string[] = []
    await recheckDatabases(
      snapshot,
      recheckOf(found, 'external'),
      new Date(time),
      async ({ metadata }) => void removed.push(metadata.name),
    )
    return { found, removed }
  }

  test.each([
    ['is migrated again when its pod is a new one, for its volume may be, too', '2026-11-24T12:00:01Z', [job]],
    ['is left in peace while its pod is the one that was migrated', '2026-11-24T11:59:00Z', []],
  ])('%s', async (_, created, expected) => {
    const { removed } = await removedAt('2026-11-24T12:00:02Z', { source: 'managed', pods: [mongodb(created)] })
    expect(removed).toEqual(expected)
  })

  test('is migrated again when a server reports missing migrations after the Job has completed', async () => {
    const cluster = { problems: ['migration 001-users has not run'] }
    expect((await removedAt('2026-11-24T12:00:14Z', cluster)).removed).toEqual([])
    const { found, removed } = await removedAt('2026-11-24T12:00:15Z', cluster)
    expect(removed).toEqual([job])
    expect(found).toMatchObject({ state: 'replaced', why: 'pod server-1 reports: migration 001-users has not run' })
    expect(recheckOf(found, 'external')?.at).toEqual(new Date('2026-11-24T12:00:15Z'))
  })

  test('is not migrated again because of any other problem that a server reports', async () => {
    const cluster = { problems: ['no signing key is active'] }
    expect((await removedAt('2027-11-24T12:00:00Z', cluster)).removed).toEqual([])
  })
})
