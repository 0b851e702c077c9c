import type { DatabaseReport } from '@authservice-operator/api-server/database-report.ts'
import Type from 'typebox'
import Value from 'typebox/value'
import type { ResolvedRedis } from '../api/resolved-spec.ts'
import type { Manifest } from '../apply/plan.ts'
import type { ConditionUpdate } from '../conditions.ts'
import type { ObservedJob } from '../health.ts'
import { migrationPrefix } from '../resources/migration.ts'
import { findChild, podsOfJob, type Snapshot } from '../snapshot.ts'

const ReportSchema = Type.Object({
  mongodb: Type.Object({ topology: Type.Enum(['replicaSet', 'sharded', 'standalone']) }),
  redis: Type.Object({ maxmemoryPolicy: Type.Optional(Type.String({ maxLength: 64 })) }),
})

/**
 * Deletes the Job that looked when it is time to look again: it is made anew like every child that is gone.
 *
 * @param remove deletes an object of the cluster
 */
export async function lookAgain(
  snapshot: Snapshot,
  check: DatabaseCheck | undefined,
  now: Date,
  remove: (job: Manifest) => Promise<void>,
): Promise<void> {
  const at = recheckAt(check, snapshot.resolved.redis.kind)
  if (at === undefined || at > now || check === undefined) return
  const job = findChild<Manifest>(snapshot, 'Job', check.job)
  if (job !== undefined && job.metadata.deletionTimestamp === undefined) await remove(job)
}

/** How the look at the databases stands. */
export type DatabaseCheck =
  | { state: 'running'; job: string }
  /** undefined: the Job is done, and what it saw is not known: its pod is gone, or its image reports nothing. */
  | { state: 'done'; job: string; report: DatabaseReport | undefined; finishedAt: Date | undefined }

type Job = Manifest & ObservedJob & { status?: { completionTime?: string } }

/** Reads what the migration found out about the databases: the operator itself connects to none of a tenant's. */
export function observeDatabases(snapshot: Snapshot, desired: readonly Manifest[]): DatabaseCheck | undefined {
  const prefix = migrationPrefix(snapshot.authService.metadata.name, 'expand')
  const name = desired.find((child) => child.kind === 'Job' && child.metadata.name.startsWith(prefix))?.metadata.name
  if (name === undefined) return undefined
  const status = findChild<Job>(snapshot, 'Job', name)?.status
  const isComplete = status?.conditions?.some((one) => one.type === 'Complete' && one.status === 'True') === true
  if (!isComplete) return { state: 'running', job: name }
  const messages = podsOfJob(snapshot, name)
    .flatMap(({ status: pod }) => pod?.containerStatuses ?? [])
    .flatMap(({ state }) => state?.terminated?.message ?? [])
  return {
    state: 'done',
    job: name,
    report: messages.map(parseReport).find((report) => report !== undefined),
    finishedAt: status?.completionTime === undefined ? undefined : new Date(status.completionTime),
  }
}

function parseReport(message: string): DatabaseReport | undefined {
  try {
    const json: unknown = JSON.parse(message)
    return Value.Check(ReportSchema, json) ? json : undefined
  } catch {
    return undefined
  }
}

/** What is wrong with MongoDB by what was seen of it; undefined: nothing that is known. */
export function judgeMongoDbReport(check: DatabaseCheck | undefined): ConditionUpdate | undefined {
  if (check?.state !== 'done' || check.report?.mongodb.topology !== 'standalone') return undefined
  return {
    ...{ type: 'MongoDBReady', status: 'False', reason: 'MongoDBNotReplicaSet' },
    message:
      'MongoDB is no replica set, so transactions fail and nobody can register: start it with --replSet and run ' +
      `rs.initiate(), one member is enough. It is looked at again ${again}, or as soon as Job ${check.job} is deleted.`,
  }
}

/** What is wrong with Redis by what was seen of it; undefined: nothing that is known. */
export function judgeRedisReport(
  check: DatabaseCheck | undefined,
  kind: ResolvedRedis['kind'],
): ConditionUpdate | undefined {
  if (check?.state !== 'done' || check.report === undefined) return undefined
  const { maxmemoryPolicy } = check.report.redis
  const when = `It is looked at again ${again}, or as soon as Job ${check.job} is deleted.`
  if (maxmemoryPolicy === undefined) {
    // The pod of a managed one tells by itself.
    if (kind === 'managed') return undefined
    return {
      ...{ type: 'RedisReady', status: 'False', reason: 'RedisUnreachable' },
      message: `Redis did not answer: each server counts limits alone until it does. Check its host, port, password and TLS. ${when}`,
    }
  }
  if (maxmemoryPolicy === 'noeviction') return undefined
  return {
    ...{ type: 'RedisReady', status: 'False', reason: 'RedisEvictsKeys' },
    message:
      `Redis evicts keys when its memory is full (maxmemory-policy ${maxmemoryPolicy}), and an evicted key is a ` +
      `forgotten limit or revocation: set maxmemory-policy noeviction. ${when}`,
  }
}

const again = 'every two minutes'
const recheckMilliseconds = 2 * 60_000

/** When databases that were not in order are to be looked at again; undefined: they are, or it is not known. */
export function recheckAt(check: DatabaseCheck | undefined, kind: ResolvedRedis['kind']): Date | undefined {
  const isInOrder = judgeMongoDbReport(check) === undefined && judgeRedisReport(check, kind) === undefined
  if (isInOrder || check?.state !== 'done' || check.finishedAt === undefined) return undefined
  return new Date(check.finishedAt.getTime() + recheckMilliseconds)
}
