import {
  type DatabaseReport,
  isMissingMigration,
  parseDatabaseReport,
} from '@authservice-operator/contract/database-report.ts'
import type { ResolvedRedis } from '../api/resolved-spec.ts'
import type { ConditionUpdate } from '../model/condition.ts'
import type { DatabaseRecheck } from '../model/database-recheck.ts'
import { messagesOf, type ObservedJob } from '../model/health.ts'
import type { Manifest } from '../model/manifest.ts'
import { findChild, podsOf, podsOfJob, type Snapshot } from '../model/snapshot.ts'
import { migrationPrefix } from '../resources/jobs/migration.ts'
import type { Migration } from '../resources/render-input.ts'

/** State of the inspection of the databases. */
export type DatabaseCheck =
  | { state: 'running'; job: string }
  /** The Job migrated a database that has since been replaced: it must run again from a certain time on. */
  | { state: 'replaced'; job: string; why: string; againAt: Date }
  /** undefined: the Job is done, and its result is unknown, because its pod is gone or its image reports nothing. */
  | { state: 'done'; job: string; report: DatabaseReport | undefined; finishedAt: Date | undefined }

type Job = Manifest & ObservedJob & { status?: { completionTime?: string } }

/**
 * Reads the findings of the migration about the databases: the operator itself connects to no database of a tenant.
 *
 * @param migration the desired one: its Job may have been deleted since it completed
 */
export function observeDatabases(
  snapshot: Snapshot,
  desired: readonly Manifest[],
  migration?: Pick<Migration, 'name' | 'finishedAt'>,
): DatabaseCheck | undefined {
  if (migration?.finishedAt !== undefined) return done(snapshot, migration.name, migration.finishedAt)
  const prefix = migrationPrefix(snapshot.authService.metadata.name, 'expand')
  const name = desired.find((child) => child.kind === 'Job' && child.metadata.name.startsWith(prefix))?.metadata.name
  if (name === undefined) return undefined
  const status = findChild<Job>(snapshot, 'Job', name)?.status
  const isComplete = status?.conditions?.some((one) => one.type === 'Complete' && one.status === 'True') === true
  if (!isComplete) return { state: 'running', job: name }
  return done(snapshot, name, status?.completionTime === undefined ? undefined : new Date(status.completionTime))
}

function done(snapshot: Snapshot, name: string, finishedAt: Date | undefined): DatabaseCheck {
  const replaced = finishedAt && whyMigrateAgain(snapshot, finishedAt)
  if (replaced !== undefined) return { state: 'replaced', job: name, ...replaced }
  const messages = messagesOf(podsOfJob(snapshot, name))
  return {
    state: 'done',
    job: name,
    report: messages.map(parseDatabaseReport).find((report) => report !== undefined),
    finishedAt,
  }
}

/** A server checks its database every ten seconds: an earlier report may be from before the Job. */
const serverRecheckMilliseconds = 15_000

/**
 * Why a migrated database must be migrated again; undefined: it need not be. A new pod of a managed MongoDB may have a
 * new volume, or none: an unnecessary migration takes seconds, and a missing one can violate the uniqueness of emails.
 */
function whyMigrateAgain(snapshot: Snapshot, finishedAt: Date): { why: string; againAt: Date } | undefined {
  const { authService, resolved, serverReports } = snapshot
  const pod = `${authService.metadata.name}-mongodb-0`
  const created = podsOf(snapshot, 'mongodb').find(({ metadata }) => metadata.name === pod)?.metadata.creationTimestamp
  if (resolved.mongodb.source.kind === 'managed' && created !== undefined && new Date(created) >= finishedAt) {
    return { why: `pod ${pod} was created after it completed`, againAt: finishedAt }
  }
  for (const [server, { problems }] of serverReports) {
    const missing = problems.find(isMissingMigration)
    if (missing === undefined) continue
    return {
      why: `pod ${server} reports: ${missing}`,
      againAt: new Date(finishedAt.getTime() + serverRecheckMilliseconds),
    }
  }
  return undefined
}

/** The problem of MongoDB, according to the inspection; undefined: none is known. */
export function mongodbReportCondition(check: DatabaseCheck | undefined): ConditionUpdate | undefined {
  if (check?.state !== 'done' || check.report?.mongodb.topology !== 'standalone') return undefined
  return {
    type: 'MongoDBReady',
    status: 'False',
    reason: 'MongoDBNotReplicaSet',
    message:
      'MongoDB is not a replica set, so transactions fail and no user can register: start it with --replSet and run ' +
      `rs.initiate(). One member is enough. The check runs again ${again}, or as soon as Job ${check.job} is deleted.`,
  }
}

/** The problem of Redis, according to the inspection; undefined: none is known. */
export function redisReportCondition(
  check: DatabaseCheck | undefined,
  kind: ResolvedRedis['kind'],
): ConditionUpdate | undefined {
  if (check?.state !== 'done' || check.report === undefined) return undefined
  const { maxmemoryPolicy } = check.report.redis
  const when = `The check runs again ${again}, or as soon as Job ${check.job} is deleted.`
  if (maxmemoryPolicy === undefined) {
    // The pod of a managed Redis shows the problem itself.
    if (kind === 'managed') return undefined
    const { failure = 'it did not answer' } = check.report.redis
    return {
      type: 'RedisReady',
      status: 'False',
      reason: 'RedisUnreachable',
      message: `Redis cannot be reached (${failure}): until then, each server counts limits on its own. Check its host, port, password and TLS. ${when}`,
    }
  }
  if (maxmemoryPolicy === 'noeviction') return undefined
  return {
    type: 'RedisReady',
    status: 'False',
    reason: 'RedisEvictsKeys',
    message:
      `Redis evicts keys when its memory is full (maxmemory-policy ${maxmemoryPolicy}), and an evicted key is a ` +
      `forgotten limit or revocation: set maxmemory-policy noeviction. ${when}`,
  }
}

const again = 'every two minutes'
const recheckMilliseconds = 2 * 60_000

/** When databases with a problem must be inspected again; undefined: they have none, or it is not known. */
export function recheckOf(check: DatabaseCheck | undefined, kind: ResolvedRedis['kind']): DatabaseRecheck | undefined {
  if (check?.state === 'replaced') return { job: check.job, at: check.againAt }
  const isInOrder = mongodbReportCondition(check) === undefined && redisReportCondition(check, kind) === undefined
  if (isInOrder || check?.state !== 'done' || check.finishedAt === undefined) return undefined
  return { job: check.job, at: new Date(check.finishedAt.getTime() + recheckMilliseconds) }
}
