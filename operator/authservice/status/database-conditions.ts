import { runsEarlierTemplate, type StatefulSet } from '../apply/update-strategy.ts'
import type { ConditionType, ConditionUpdate } from '../model/condition.ts'
import type { Deployment } from '../model/deployment.ts'
import type { Health } from '../model/health.ts'
import { findChild } from '../model/snapshot.ts'
import { type Database, unreachableDatabase } from '../validate/database-reachability.ts'
import { mongodbReportCondition, redisReportCondition } from '../validate/database-report.ts'
import { type ComponentInput, componentHealth, conditionOf, liveDeployment } from './component-input.ts'

/** `RedisReady`: the findings of the migration, then the reports of the servers, then the pod of a managed Redis. */
export function redisCondition(input: ComponentInput): ConditionUpdate {
  const { authService, resolved } = input.snapshot
  const problem = redisReportCondition(input.databases, resolved.redis.kind)
  if (problem !== undefined) return problem
  if (resolved.redis.kind === 'external') {
    const { host, port } = resolved.redis
    const isUsed = liveTemplateHas(input, ({ env }) => env('REDIS_HOST') === host && env('REDIS_PORT') === String(port))
    return externalCondition(input, {
      type: 'RedisReady',
      database: 'redis',
      place: `Redis at ${host}:${port}`,
      isUsed,
    })
  }
  return managedCondition(input, {
    type: 'RedisReady',
    database: 'redis',
    statefulSet: `${authService.metadata.name}-redis`,
    storageClassName: resolved.redis.storage.storageClassName,
  })
}

/** `MongoDBReady`, in the same way. */
export function mongodbCondition(input: ComponentInput): ConditionUpdate {
  const { authService, resolved } = input.snapshot
  const problem = mongodbReportCondition(input.databases)
  if (problem !== undefined) return problem
  if (resolved.mongodb.source.kind === 'external') {
    const { name, key } = resolved.mongodb.source.urlSecretRef
    const place = `MongoDB at the URL in key ${key} of Secret ${name}`
    const isUsed = liveTemplateHas(input, ({ secret }) => secret('mongodb') === name)
    return externalCondition(input, { type: 'MongoDBReady', database: 'mongodb', place, isUsed })
  }
  return managedCondition(input, {
    type: 'MongoDBReady',
    database: 'mongodb',
    statefulSet: `${authService.metadata.name}-mongodb`,
    storageClassName: resolved.mongodb.source.storage.storageClassName,
  })
}

interface ManagedDatabase {
  type: ConditionType
  database: Database
  statefulSet: string
  storageClassName: string | undefined
}

/** A managed database is ready once its pod is, unless no server pod can reach it. */
function managedCondition(
  input: ComponentInput,
  { type, database, statefulSet, storageClassName }: ManagedDatabase,
): ConditionUpdate {
  const health = componentHealth(input, { kind: 'StatefulSet', name: statefulSet, component: database })
  const pod = conditionOf(
    type,
    withEarlierTemplate(
      withStorageClass(health, storageClassName, `spec.${database}`),
      findChild<StatefulSet>(input.snapshot, 'StatefulSet', statefulSet),
    ),
  )
  return (pod.status === 'True' ? unreachable(input, database) : undefined) ?? pod
}

/** Only the servers that receive the traffic count: the standby colour may use another database. */
function unreachable(input: ComponentInput, database: Database): ConditionUpdate | undefined {
  return unreachableDatabase(database, input.snapshot, liveDeployment(input))
}

/** Says that a database that is ready gets its latest pod template later. */
function withEarlierTemplate(health: Health, live: StatefulSet | undefined): Health {
  if (health.state !== 'ready' || !runsEarlierTemplate(live)) return health
  return {
    ...health,
    message: `${health.message}. The pod keeps the template of an earlier release of the operator until it is replaced. No action is required`,
  }
}

/** Adds the StorageClass of a missing volume, which the scheduler does not name. */
function withStorageClass(health: Health, storageClassName: string | undefined, field: string): Health {
  if (health.state === 'ready' || !/cannot be scheduled: .*(PersistentVolumeClaim|storageclass)/is.test(health.message))
    return health
  const which =
    storageClassName === undefined
      ? 'the default StorageClass of the cluster (kubectl get storageclasses shows whether there is one)'
      : `StorageClass ${storageClassName}, named by ${field}.managed.storage.storageClassName (kubectl get storageclass ${storageClassName} shows whether there is one)`
  return { ...health, message: `${health.message}. Its volume comes from ${which}` }
}

interface ExternalDatabase {
  type: ConditionType
  database: Database
  /** Its location, for people. */
  place: string
  /** Whether the live servers are configured for it. */
  isUsed: boolean
}

/**
 * An external database is ready once the live servers are configured for it and the migration, or a server, has reached
 * it. Later reports of the servers come first.
 */
function externalCondition(
  input: ComponentInput,
  { type, database, place, isUsed }: ExternalDatabase,
): ConditionUpdate {
  const { snapshot, databases, rollout } = input
  const unreached = unreachable(input, database)
  if (unreached !== undefined) return unreached
  const waiting = (message: string): ConditionUpdate => ({ type, status: 'False', reason: 'Waiting', message })
  const before = snapshot.authService.status?.conditions?.find((condition) => condition.type === type)
  const wasReached = before?.status === 'True' && before.reason === 'External'
  if (databases?.state === 'running' && !wasReached) {
    return waiting(
      `waiting for Job ${databases.job} to reach it: its log shows the problem (kubectl logs job/${databases.job})`,
    )
  }
  if (!isUsed) {
    return waiting(`no server uses ${place} of the spec yet: ${rollout.failure ?? rollout.message}`)
  }
  const count = snapshot.serverReports.size
  const evidence =
    count === 0 ? 'the migration reached it, and no server pod has reported since' : `${count} server pods reach it`
  return { type, status: 'True', reason: 'External', message: `${place}: ${evidence}.` }
}

/** Whether the template of the live servers contains the values of the spec; false if there is none. */
function liveTemplateHas(
  input: ComponentInput,
  has: (template: {
    env: (name: string) => string | undefined
    secret: (volume: string) => string | undefined
  }) => boolean,
): boolean {
  const pod = findChild<Deployment>(input.snapshot, 'Deployment', liveDeployment(input))?.spec?.template?.spec
  if (pod === undefined) return false
  const variables = pod.containers?.find((container) => container.name === 'server')?.env
  return has({
    env: (variable) => variables?.find((one) => one.name === variable)?.value,
    secret: (volume) => pod.volumes?.find((one) => one.name === volume)?.secret?.secretName,
  })
}
