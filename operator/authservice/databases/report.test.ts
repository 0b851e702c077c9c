import { describe, expect, test } from 'vitest'
import type { Manifest } from '../apply/plan.ts'
import type { Snapshot } from '../snapshot.ts'
import { judgeMongoDbReport, judgeRedisReport, lookAgain, observeDatabases, recheckAt } from './report.ts'

const job = 'accounts-migrate-1'
const finishedAt = '2026-11-24T12:00:00Z'
const child = (name: string, fields: object = {}): Manifest => ({
  ...{ apiVersion: 'batch/v1', kind: 'Job', metadata: { name } },
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

/** Only what a check reads of a snapshot. */
function check(message: string | undefined, { jobs = [complete], of = job } = {}) {
  const snapshot = {
    authService: { metadata: { name: 'accounts' } },
    resolved: { redis: { kind: 'external' } },
    children: jobs,
    pods: [pod(message, of)],
  } as unknown as Snapshot
  return { snapshot, found: observeDatabases(snapshot, [child('accounts-smoke-1'), child(job)]) }
}
const report = (topology: string, maxmemoryPolicy?: string) =>
  JSON.stringify({ mongodb: { topology }, redis: { ...(maxmemoryPolicy !== undefined && { maxmemoryPolicy }) } })

describe('what the migration found out about the databases', () => {
  test('is read off the last words of its own pod', () => {
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
  ])('claims nothing when %s', (_, message) => {
    const { found } = check(message)
    expect(found).toMatchObject({ state: 'done', report: undefined })
    expect([judgeMongoDbReport(found), judgeRedisReport(found, 'external'), recheckAt(found, 'external')]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
  })

  test('is awaited while the Job runs', () => {
    expect(check(undefined, { jobs: [] }).found).toEqual({ state: 'running', job })
  })

  test('a standalone MongoDB is told with what to do', () => {
    expect(judgeMongoDbReport(check(report('standalone', 'noeviction')).found)).toMatchObject({
      ...{ type: 'MongoDBReady', status: 'False', reason: 'MongoDBNotReplicaSet' },
      message: expect.stringMatching(/--replSet .* rs\.initiate\(\).* Job accounts-migrate-1 is deleted/),
    })
    expect(judgeMongoDbReport(check(report('sharded', 'noeviction')).found)).toBeUndefined()
  })

  test('a Redis that evicts keys is told with its policy and what to do', () => {
    expect(judgeRedisReport(check(report('replicaSet', 'allkeys-lru')).found, 'external')).toMatchObject({
      ...{ type: 'RedisReady', status: 'False', reason: 'RedisEvictsKeys' },
      message: expect.stringContaining('(maxmemory-policy allkeys-lru)'),
    })
    expect(judgeRedisReport(check(report('replicaSet', 'noeviction')).found, 'external')).toBeUndefined()
  })

  test('a Redis that did not answer is told where nobody else tells', () => {
    const { found } = check(report('replicaSet'))
    expect(judgeRedisReport(found, 'external')).toMatchObject({ reason: 'RedisUnreachable' })
    expect(judgeRedisReport(found, 'managed')).toBeUndefined()
  })
})

describe('databases that were not in order', () => {
  const removedAt = async (time: string, message: string) => {
    const { snapshot, found } = check(message)
    const removed: string[] = []
    await lookAgain(snapshot, found, new Date(time), async ({ metadata }) => void removed.push(metadata.name))
    return removed
  }

  test('are looked at again two minutes later, not before', async () => {
    const evicts = report('replicaSet', 'allkeys-lru')
    expect(recheckAt(check(evicts).found, 'external')).toEqual(new Date('2026-11-24T12:02:00Z'))
    expect(await removedAt('2026-11-24T12:01:59Z', evicts)).toEqual([])
    expect(await removedAt('2026-11-24T12:02:00Z', evicts)).toEqual([job])
  })

  test('those that were are left in peace', async () => {
    expect(await removedAt('2027-11-24T12:00:00Z', report('replicaSet', 'noeviction'))).toEqual([])
  })
})
