import { describe, expect, test } from 'vitest'
import { resolveSpec } from '../api/defaults.ts'
import type { AuthServiceSpec, Condition } from '../api/schema.ts'
import type { ConditionType } from '../model/condition.ts'
import { noExposure } from '../model/exposure.ts'
import type { Manifest } from '../model/manifest.ts'
import type { LabelledPod, ServerReport } from '../model/observed-objects.ts'
import type { Snapshot } from '../model/snapshot.ts'
import type { RolloutDecision } from '../rollout/decide/decision.ts'
import { emptyRecord } from '../rollout/decide/record.ts'
import { findUnreachableDatabases } from '../validate/database-reachability.ts'
import { observeDatabases } from '../validate/database-report.ts'
import { componentConditions } from './components.ts'
import { summarize } from './conditions.ts'

const now = new Date('2026-11-24T12:00:00Z')
const job = 'accounts-migrate-1'
type Json = Record<string, unknown>

const child = (kind: string, name: string, fields: Json = {}): Manifest => ({
  apiVersion: 'v1',
  kind,
  metadata: { name, generation: 1 },
  ...fields,
})
const available = { spec: { replicas: 1 }, status: { observedGeneration: 1, replicas: 1, availableReplicas: 1 } }
const ended = (type: 'Complete' | 'Failed', message?: string) => ({
  status: {
    completionTime: '2026-11-24T11:00:00Z',
    conditions: [{ type, status: 'True', ...(message !== undefined && { message }) }],
  },
})
const server = (env: Record<string, string> = {}, mongodb = 'accounts-mongodb') => ({
  ...available,
  spec: {
    replicas: 1,
    template: {
      spec: {
        containers: [{ name: 'server', env: Object.entries(env).map(([name, value]) => ({ name, value })) }],
        volumes: [{ name: 'mongodb', secret: { secretName: mongodb } }],
      },
    },
  },
})
const pod = (name: string, component: string, fields: Json = {}): LabelledPod => ({
  metadata: { name, labels: { 'app.kubernetes.io/component': component }, ...fields },
})
const good: ServerReport = { problems: [], mongodb: { up: true }, redis: { up: true } }
/** A pod of the colour that receives the traffic. */
const serving = (pod: string) => `accounts-blue-${pod}`
const unreachable = (failure: string) => ({ up: false, failure })

interface ClusterState {
  spec?: Partial<AuthServiceSpec>
  /** Children that differ from those of a healthy AuthService; undefined: the child does not exist. */
  children?: Record<string, Manifest | undefined>
  pods?: LabelledPod[]
  reports?: Record<string, ServerReport>
  rollout?: Partial<RolloutDecision>
  conditions?: Partial<Condition>[]
  missingSecrets?: string[]
}

/** An AuthService whose components are all healthy, except for the changes of a test. */
function judge({
  spec = {},
  children = {},
  pods = [],
  reports = { [serving('a')]: good },
  rollout = {},
  ...rest
}: ClusterState) {
  const metadata = { name: 'accounts', namespace: 'team-a', uid: 'u', generation: 1 }
  const full: AuthServiceSpec = {
    environment: 'development',
    mongodb: { managed: {} },
    redis: { managed: {} },
    ingress: { type: 'Nginx', host: 'auth.localhost' },
    ...spec,
  }
  const all: Record<string, Manifest | undefined> = {
    redis: child('StatefulSet', 'accounts-redis', available),
    mongodb: child('StatefulSet', 'accounts-mongodb', available),
    server: child('Deployment', 'accounts-blue', server()),
    edge: child('Deployment', 'accounts-edge', available),
    edgeService: child('Service', 'accounts-edge', { spec: { type: 'ClusterIP' } }),
    migration: child('Job', job, ended('Complete')),
    ...children,
  }
  const snapshot = {
    authService: { metadata, spec: full, status: { conditions: rest.conditions } },
    resolved: resolveSpec({ metadata, spec: full }),
    children: Object.values(all).filter((one) => one !== undefined),
    pods: [pod('accounts-mongodb-0', 'mongodb', { creationTimestamp: '2026-11-24T10:00:00Z' }), ...pods],
    serverReports: new Map(Object.entries(reports)),
    exposure: noExposure,
    edgeRefusal: undefined,
    // The rest of a snapshot is not read here.
  } as unknown as Snapshot
  const decision = {
    revision: 'r1',
    activeColor: 'blue',
    complete: true,
    message: '1 of 1 pods are ready',
    failure: undefined,
    record: { ...emptyRecord, currentRevision: 'r1' },
    ...rollout,
  } as RolloutDecision
  const databases = observeDatabases(snapshot, [child('Job', job)])
  const findings = findUnreachableDatabases(snapshot)
  const components = componentConditions({
    snapshot,
    findings,
    rollout: decision,
    databases,
    now,
    written: [],
    missingSecrets: rest.missingSecrets ?? [],
  })
  const summary = summarize({ components, findings, suspended: false })
  const of = (type: ConditionType) => {
    const found = [...components, ...summary].find((one) => one.type === type)
    return `${found?.status} ${found?.reason}: ${found?.message}`
  }
  return { of, findings }
}

const external: Partial<AuthServiceSpec> = {
  redis: { external: { host: 'redis.example.com', port: 6390 } },
  mongodb: { external: { urlSecretRef: { name: 'ours', key: 'url' } } },
}
const usesExternal = child(
  'Deployment',
  'accounts-blue',
  server({ REDIS_HOST: 'redis.example.com', REDIS_PORT: '6390' }, 'ours'),
)
const autoscaled: Partial<AuthServiceSpec> = { autoscaling: { enabled: true, minReplicas: 1, maxReplicas: 3 } }
const autoscaler = (reason: string, since: string) =>
  child('HorizontalPodAutoscaler', 'accounts', {
    status: {
      conditions: [
        { type: 'ScalingActive', status: 'False', reason, message: 'no metrics returned', lastTransitionTime: since },
      ],
    },
  })
const loadBalanced: Partial<AuthServiceSpec> = {
  ingress: { type: 'Nginx', host: 'auth.localhost', nginx: { serviceType: 'LoadBalancer' } },
}

describe('Ready is True', () => {
  test.each<[string, ClusterState]>([
    ['where every part is as it should be', {}],
    ['with databases of one’s own that servers reach', { spec: external, children: { server: usesExternal } }],
    [
      'while one server of several does not reach a database',
      { reports: { [serving('a')]: good, [serving('b')]: { ...good, redis: unreachable('x') } } },
    ],
    [
      'with a load balancer that has an address',
      {
        spec: loadBalanced,
        children: {
          edgeService: child('Service', 'accounts-edge', {
            spec: { type: 'LoadBalancer' },
            status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } },
          }),
        },
      },
    ],
    [
      'while an autoscaler has no figures of pods that just started',
      {
        spec: autoscaled,
        children: { autoscaler: autoscaler('FailedGetContainerResourceMetric', '2026-11-24T11:58:00Z') },
      },
    ],
    [
      'while an autoscaler rests because nothing is to run',
      {
        spec: autoscaled,
        children: { autoscaler: autoscaler('ScalingDisabled', '2026-11-24T09:00:00Z') },
      },
    ],
  ])('%s', (_, cluster) => {
    expect(judge(cluster).of('Ready')).toBe('True Ready: All components are ready.')
  })

  test('and reports pods that cannot reach a database that others reach', () => {
    const { findings } = judge({
      reports: {
        [serving('a')]: good,
        [serving('b')]: { ...good, mongodb: unreachable('connect ETIMEDOUT 10.0.0.7:27017') },
      },
    })
    expect(findings.map(({ condition, message }) => [condition, message])).toEqual([
      [
        'MongoDBReady',
        '1 of 2 server pods cannot reach MongoDB (pod accounts-blue-b: connect ETIMEDOUT 10.0.0.7:27017).',
      ],
    ])
  })
})

test('a MongoDB that runs an earlier template until its pod is replaced is ready, and says so', () => {
  const status = { observedGeneration: 1, readyReplicas: 1, currentRevision: 'a', updateRevision: 'b' }
  const mongodb = child('StatefulSet', 'accounts-mongodb', {
    spec: { replicas: 1, updateStrategy: { type: 'OnDelete' } },
    status,
  })
  const { of } = judge({ children: { mongodb } })
  expect(of('MongoDBReady')).toMatch(
    /^True Available: 1 of 1 pods of accounts-mongodb are ready\. The pod keeps the template of an earlier release/,
  )
  expect(of('Ready')).toMatch(/^True/)
})

describe('Ready is False, with the reason, while', () => {
  test.each<[string, ClusterState, ConditionType, RegExp]>([
    [
      'a Secret is not written',
      { missingSecrets: ['accounts-keys'] },
      'SecretsReady',
      /^False Waiting: .*accounts-keys/,
    ],
    [
      'there is no Redis',
      { children: { redis: undefined } },
      'RedisReady',
      /^False Waiting: accounts-redis is being created/,
    ],
    [
      'MongoDB is scaled to nothing by hand',
      {
        children: {
          mongodb: child('StatefulSet', 'accounts-mongodb', {
            spec: { replicas: 0 },
            status: { observedGeneration: 1, replicas: 0 },
          }),
        },
      },
      'MongoDBReady',
      /^False Waiting: accounts-mongodb is scaled to 0 pods/,
    ],
    [
      'no server has the password of Redis',
      { reports: { [serving('a')]: { ...good, redis: unreachable('WRONGPASS from accounts-redis:6379') } } },
      'RedisReady',
      /^False RedisUnreachable: No server pod reaches Redis \(pod accounts-blue-a: WRONGPASS from accounts-redis:6379\)/,
    ],
    [
      'the standby colour can reach its database, and the one with the traffic cannot',
      {
        reports: {
          [serving('a')]: { ...good, mongodb: unreachable('connect ECONNREFUSED 10.0.0.7:27017') },
          'accounts-green-a': good,
        },
      },
      'MongoDBReady',
      /^False MongoDBUnreachable: /,
    ],
    [
      'no server reaches the managed MongoDB',
      { reports: { [serving('a')]: { ...good, mongodb: unreachable('connect ECONNREFUSED 10.0.0.7:27017') } } },
      'MongoDBReady',
      /^False MongoDBUnreachable: .*ECONNREFUSED 10.0.0.7:27017/,
    ],
    [
      'no server reaches a MongoDB of one’s own, as after its URL was rotated',
      {
        spec: external,
        children: { server: usesExternal },
        reports: { [serving('a')]: { ...good, mongodb: unreachable('Authentication failed at db.example.com:27017') } },
      },
      'MongoDBReady',
      /^False MongoDBUnreachable: .*db.example.com:27017/,
    ],
    [
      'the servers returned to a Redis other than that of the spec',
      {
        spec: external,
        children: { server: child('Deployment', 'accounts-blue', server({}, 'ours')) },
        rollout: { failure: 'revision r2 was not rolled out' },
      },
      'RedisReady',
      /^False Waiting: no server uses Redis at redis.example.com:6390 of the spec yet: revision r2 was not rolled out/,
    ],
    [
      'the servers returned to a MongoDB other than that of the spec',
      {
        spec: external,
        children: {
          server: child('Deployment', 'accounts-blue', server({ REDIS_HOST: 'redis.example.com', REDIS_PORT: '6390' })),
        },
      },
      'MongoDBReady',
      /^False Waiting: no server uses MongoDB at the URL in key url of Secret ours of the spec yet/,
    ],
    [
      'a migration failed, though old pods are ready',
      { children: { migration: child('Job', job, ended('Failed', 'two users have the email x')) } },
      'WorkloadAvailable',
      /^False Failed: accounts-migrate-1 failed: two users have the email x\. .*kubectl delete job accounts-migrate-1/,
    ],
    [
      'what earlier revisions needed cannot be taken out of the database',
      { children: { contraction: child('Job', 'accounts-contract-1', ended('Failed', 'not now')) } },
      'WorkloadAvailable',
      /^False Failed: accounts-contract-1 failed: not now/,
    ],
    [
      'the migration is missing',
      { children: { migration: undefined } },
      'WorkloadAvailable',
      /^False Waiting: waiting for accounts-migrate-1/,
    ],
    [
      'MongoDB has another pod than the one that was migrated',
      {
        pods: [],
        children: {
          migration: child('Job', job, {
            status: { ...ended('Complete').status, completionTime: '2026-11-24T09:00:00Z' },
          }),
        },
      },
      'WorkloadAvailable',
      /^False Waiting: Job accounts-migrate-1 runs again, because pod accounts-mongodb-0 was created after it completed/,
    ],
    [
      'a server says that its migration is gone',
      {
        spec: external,
        children: { server: usesExternal },
        reports: { [serving('a')]: { ...good, problems: ['migration 001-users has not run'] } },
      },
      'WorkloadAvailable',
      /^False Waiting: Job accounts-migrate-1 runs again, because pod accounts-blue-a reports: migration 001-users has not run/,
    ],
    [
      'no server pod is ready, with the words of the pod',
      {
        children: {
          server: child('Deployment', 'accounts-blue', {
            spec: { replicas: 1 },
            status: { observedGeneration: 1, replicas: 1 },
          }),
        },
        pods: [{ ...pod(serving('a'), 'server'), reported: 'no signing key is active' }],
      },
      'WorkloadAvailable',
      /^False Waiting: waiting for 1 of 1 pods of accounts-blue: pod accounts-blue-a is not ready: no signing key is active/,
    ],
    [
      'the autoscaler is dead',
      {
        spec: autoscaled,
        children: { autoscaler: autoscaler('FailedGetContainerResourceMetric', '2026-11-24T11:00:00Z') },
      },
      'WorkloadAvailable',
      /^False AutoscalerFailed: HorizontalPodAutoscaler accounts does not scale: no metrics returned/,
    ],
    [
      'a load balancer has no address',
      {
        spec: loadBalanced,
        children: { edgeService: child('Service', 'accounts-edge', { spec: { type: 'LoadBalancer' } }) },
      },
      'IngressReady',
      /^False Waiting: Service accounts-edge has no address yet/,
    ],
    [
      'the edge has no Service',
      { children: { edgeService: undefined } },
      'IngressReady',
      /^False Waiting: Service accounts-edge is being created/,
    ],
    [
      'the edge is not there',
      { children: { edge: undefined } },
      'IngressReady',
      /^False Waiting: accounts-edge is being created/,
    ],
    [
      'a revision goes out',
      { rollout: { complete: false, message: 'pods are replaced' } },
      'RolloutProgressing',
      /^True RolloutInProgress: pods are replaced/,
    ],
    [
      'a revision failed',
      { rollout: { failure: 'it was not ready' } },
      'RolloutProgressing',
      /^False RolloutFailed: it was not ready/,
    ],
  ])('%s', (_, cluster, type, expected) => {
    const { of } = judge(cluster)
    expect(of(type)).toMatch(expected)
    expect(of('Ready')).toMatch(/^False/)
  })
})

test.each<[string, ClusterState]>([
  ['a migration', { children: { migration: child('Job', job, ended('Failed')) } }],
  ['a contraction', { children: { contraction: child('Job', 'accounts-contract-1', ended('Failed')) } }],
])('%s that failed needs action by a user', (_, cluster) => {
  expect(judge(cluster).of('Stalled')).toMatch(/^True Failed/)
})
