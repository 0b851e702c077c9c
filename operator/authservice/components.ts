import type { Manifest } from './apply/plan.ts'
import type { ConditionType, ConditionUpdate } from './conditions.ts'
import { type DatabaseCheck, judgeMongoDbReport, judgeRedisReport } from './databases/report.ts'
import type { Finding } from './finding.ts'
import { frontHealth } from './front-health.ts'
import { type Health, jobHealth, type ObservedJob, type Workload, workloadHealth } from './health.ts'
import { isUnderWay, type RolloutDecision } from './rollout/world.ts'
import { findChild, podsOf, podsOfJob, type Snapshot } from './snapshot.ts'

/** What the conditions of the parts are made from. */
export interface Observed {
  snapshot: Snapshot
  findings: readonly Finding[]
  rollout: RolloutDecision
  /** What was found out about the databases; undefined: nobody looks. */
  databases: DatabaseCheck | undefined
  /** Children that this visit wrote: what the cache shows of them is out of date. */
  written: readonly Manifest[]
  /** Secrets of the operator's own that do not exist yet. */
  unmadeSecrets: readonly string[]
}

/** One condition for each part, and one for the rollout. */
export function judgeComponents(observed: Observed): ConditionUpdate[] {
  return [
    fromFindings('SecretsReady', observed) ?? judgeSecrets(observed),
    fromFindings('RedisReady', observed) ?? judgeRedis(observed),
    fromFindings('MongoDBReady', observed) ?? judgeMongoDb(observed),
    fromFindings('WorkloadAvailable', observed) ?? judgeServer(observed),
    fromFindings('IngressReady', observed) ?? judgeIngress(observed),
    judgeRollout(observed),
  ]
}

/** A part that waits for a person is not ready, whatever its pods say. */
function fromFindings(type: ConditionType, { findings }: Observed): ConditionUpdate | undefined {
  const stall = findings.find(({ kind, condition }) => kind === 'stall' && condition === type)
  return stall && { type, status: 'False', reason: stall.reason, message: stall.message }
}

function judgeSecrets({ unmadeSecrets }: Observed): ConditionUpdate {
  const type = 'SecretsReady'
  if (unmadeSecrets.length === 0) {
    return { type, status: 'True', reason: 'Available', message: 'All keys and passwords are there.' }
  }
  return { type, status: 'False', reason: 'Waiting', message: `waiting for Secret ${unmadeSecrets.join(', ')}` }
}

function judgeRedis(observed: Observed): ConditionUpdate {
  const { authService, resolved } = observed.snapshot
  const problem = judgeRedisReport(observed.databases, resolved.redis.kind)
  if (problem !== undefined) return problem
  if (resolved.redis.kind === 'external') {
    const { host, port } = resolved.redis
    return external(
      'RedisReady',
      `Redis runs at ${host}:${port}; server pods count limits alone while it is away.`,
      observed,
    )
  }
  return update('RedisReady', healthOf(observed, 'StatefulSet', `${authService.metadata.name}-redis`, 'redis'))
}

function judgeMongoDb(observed: Observed): ConditionUpdate {
  const { authService, resolved } = observed.snapshot
  const problem = judgeMongoDbReport(observed.databases)
  if (problem !== undefined) return problem
  if (resolved.mongodb.source.kind === 'external') {
    const { name, key } = resolved.mongodb.source.urlSecretRef
    return external(
      'MongoDBReady',
      `MongoDB runs where key ${key} of Secret ${name} points; each server pod is ready only while it reaches it.`,
      observed,
    )
  }
  return update('MongoDBReady', healthOf(observed, 'StatefulSet', `${authService.metadata.name}-mongodb`, 'mongodb'))
}

/** The server needs its indexes, so a migration that failed explains why no pod gets ready. */
function judgeServer(observed: Observed): ConditionUpdate {
  const { snapshot, rollout, databases } = observed
  const name = `${snapshot.authService.metadata.name}-${rollout.activeColor}`
  const server = healthOf(observed, 'Deployment', name, 'server')
  if (databases === undefined || server.state === 'ready') return update('WorkloadAvailable', server)

  const { job: jobName } = databases
  const job = findChild<ObservedJob & Manifest>(snapshot, 'Job', jobName)
  const health = jobHealth(job, jobName, podsOfJob(snapshot, jobName))
  return update('WorkloadAvailable', health.state === 'failed' ? health : server)
}

function judgeIngress(observed: Observed): ConditionUpdate {
  const { authService, resolved } = observed.snapshot
  if (resolved.ingress.type === 'None') {
    return { type: 'IngressReady', status: 'True', reason: 'Disabled', message: 'spec.ingress.type is None.' }
  }
  const edge = healthOf(observed, 'Deployment', `${authService.metadata.name}-edge`, 'edge')
  return update('IngressReady', frontHealth(observed.snapshot, edge))
}

function judgeRollout(observed: Observed): ConditionUpdate {
  const { snapshot, rollout, written } = observed
  const type = 'RolloutProgressing'
  const name = `${snapshot.authService.metadata.name}-${rollout.activeColor}`
  if (isWritten(written, 'Deployment', name)) {
    return { type, status: 'True', reason: 'RolloutInProgress', message: `waiting for ${name} to be taken up` }
  }
  const { failure, complete, message, memory } = rollout
  if (failure !== undefined) return { type, status: 'False', reason: 'RolloutFailed', message: failure }
  // The way is over; that the old colour still stands by is a reserve, and nothing to wait for.
  if (complete && !isUnderWay(memory.phase)) return { type, status: 'False', reason: 'RolloutComplete', message }
  // Before there is anything to go back to, it waits for what WorkloadAvailable waits for: that is said once.
  if (memory.currentRevision === undefined) {
    const { message: because } = healthOf(observed, 'Deployment', name, 'server')
    return { type, status: 'True', reason: 'RolloutInProgress', message: because }
  }
  return { type, status: 'True', reason: 'RolloutInProgress', message }
}

function healthOf(
  { snapshot, written }: Observed,
  kind: 'Deployment' | 'StatefulSet',
  name: string,
  component: string,
): Health {
  if (isWritten(written, kind, name)) {
    return { state: 'waiting', message: `waiting for ${name} to be taken up` }
  }
  return workloadHealth(findChild<Workload & Manifest>(snapshot, kind, name), name, podsOf(snapshot, component))
}

function isWritten(written: readonly Manifest[], kind: string, name: string): boolean {
  return written.some((child) => child.kind === kind && child.metadata.name === name)
}

function update(type: ConditionType, { state, message }: Health): ConditionUpdate {
  switch (state) {
    case 'ready':
      return { type, status: 'True', reason: 'Available', message }
    case 'waiting':
      return { type, status: 'False', reason: 'Waiting', message }
    case 'failed':
      return { type, status: 'False', reason: 'Failed', message }
  }
}

/** Somebody else's is taken for ready once it was reached, and from then on until something else is seen. */
function external(type: ConditionType, message: string, { snapshot, databases }: Observed): ConditionUpdate {
  const before = snapshot.authService.status?.conditions?.find((condition) => condition.type === type)
  const wasReached = before?.status === 'True' && before.reason === 'External'
  if (databases?.state === 'running' && !wasReached) {
    return {
      type,
      status: 'False',
      reason: 'Waiting',
      message: `waiting for Job ${databases.job} to reach it: its log says what keeps it (kubectl logs job/${databases.job})`,
    }
  }
  return { type, status: 'True', reason: 'External', message }
}
