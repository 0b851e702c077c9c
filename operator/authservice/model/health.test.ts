import { describe, expect, test } from 'vitest'
import { jobHealth, type ObservedPod, type Workload, workloadHealth } from './health.ts'

const workload = (status: Workload['status'], replicas?: number): Workload => ({
  metadata: { name: 'a-mongodb', generation: 2 },
  ...(replicas === undefined ? {} : { spec: { replicas } }),
  status: { observedGeneration: 2, ...status },
})
const pod = (status: ObservedPod['status']): ObservedPod => ({ metadata: { name: 'a-0' }, ...(status && { status }) })

describe('a workload', () => {
  test('is ready with all its pods', () => {
    expect(workloadHealth(workload({ availableReplicas: 2 }, 2), 'a-mongodb', [])).toEqual({
      state: 'ready',
      message: '2 of 2 pods of a-mongodb are ready',
    })
  })

  test('counts one pod if no count is set', () => {
    expect(workloadHealth(workload({}), 'a-mongodb', []).message).toBe('waiting for 1 of 1 pods of a-mongodb')
  })

  test('is not judged by a status that is older than its spec', () => {
    const health = workloadHealth(workload({ observedGeneration: 1, availableReplicas: 1 }), 'a-mongodb', [])
    expect(health).toEqual({ state: 'waiting', message: 'waiting for the spec update of a-mongodb to be observed' })
  })

  test.each<[why: string, status: ObservedPod['status'], message: string]>([
    [
      'its image is not there',
      {
        containerStatuses: [{ name: 'mongodb', image: 'mongo:9', state: { waiting: { reason: 'ImagePullBackOff' } } }],
      },
      'container mongodb of pod a-0: image mongo:9 cannot be pulled (ImagePullBackOff)',
    ],
    [
      'it crashes',
      {
        containerStatuses: [
          {
            name: 'mongodb',
            restartCount: 3,
            state: { waiting: { reason: 'CrashLoopBackOff' } },
            lastState: { terminated: { reason: 'OOMKilled', exitCode: 137 } },
          },
        ],
      },
      'container mongodb of pod a-0: it terminated 3 times, most recently with OOMKilled (exit code 137)',
    ],
    [
      'no node takes it',
      { conditions: [{ type: 'PodScheduled', status: 'False', message: '0/1 nodes are available' }] },
      'pod a-0 cannot be scheduled: 0/1 nodes are available',
    ],
    [
      'its settings are wrong',
      {
        containerStatuses: [
          {
            name: 'mongodb',
            state: { waiting: { reason: 'CreateContainerConfigError', message: 'secret "x" not found' } },
          },
        ],
      },
      'container mongodb of pod a-0: CreateContainerConfigError: secret "x" not found',
    ],
  ])('reports it when %s', (_, status, message) => {
    const health = workloadHealth(workload({}), 'a-mongodb', [pod(status)])
    expect(health.message).toBe(`waiting for 1 of 1 pods of a-mongodb: ${message}`)
  })

  test('reports nothing about a normal start, nor about terminating pods', () => {
    const starting = pod({ containerStatuses: [{ name: 'a', state: { waiting: { reason: 'ContainerCreating' } } }] })
    const crashing = pod({ containerStatuses: [{ name: 'a', state: { waiting: { reason: 'CrashLoopBackOff' } } }] })
    const leaving = { ...crashing, metadata: { name: 'a-1', deletionTimestamp: '2026-11-24T00:00:00Z' } }
    expect(workloadHealth(workload({}), 'a', [leaving, starting]).message).toBe('waiting for 1 of 1 pods of a')
  })
})

describe('a Job', () => {
  const job = (type: string) => ({
    metadata: { name: 'm' },
    status: { conditions: [{ type, status: 'True', message: 'Job has reached the specified backoff limit' }] },
  })
  test('is ready when complete', () => {
    expect(jobHealth(job('Complete'), 'm', []).state).toBe('ready')
  })
  test('has failed when it has no attempts left', () => {
    expect(jobHealth(job('Failed'), 'm', [])).toEqual({
      state: 'failed',
      message: 'm failed: Job has reached the specified backoff limit',
    })
  })
  const pod = (...containerStatuses: { name: string; state: object }[]) => ({
    metadata: { name: 'm-1' },
    status: { containerStatuses },
  })
  const proxy = { name: 'istio-proxy', state: { running: {} } }
  test('reports which injected container prevents its pod from completing, and what to do', () => {
    const migrate = { name: 'migrate', state: { terminated: { exitCode: 0 } } }
    expect(jobHealth(undefined, 'm', [pod(proxy, migrate)]).message).toMatch(
      /^waiting for m: container istio-proxy of pod m-1 still runs, although migrate has completed: .* spec\.jobs\.labels .*spec\.jobs\.annotations/,
    )
    const working = { name: 'migrate', state: { running: {} } }
    expect(jobHealth(undefined, 'm', [pod(proxy, working)]).message).toBe('waiting for m')
  })
  test('has the message of its own container, whatever an injected one wrote', () => {
    const ended = (message: string) => ({ terminated: { exitCode: 1, message } })
    const injected = { name: 'a-proxy', state: ended('the proxy was told to end') }
    const migrate = { name: 'migrate', state: ended('two users have the same email') }
    expect(jobHealth(job('Failed'), 'm', [pod(injected, migrate)]).message).toBe(
      'm failed: two users have the same email',
    )
    expect(jobHealth(job('Failed'), 'm', [pod(injected)]).message).toMatch(/backoff limit$/)
  })
  test('is awaited otherwise', () => {
    expect(jobHealth(undefined, 'm', [])).toEqual({ state: 'waiting', message: 'waiting for m' })
  })
})

describe('while a count is increasing', () => {
  const growing = { ...workload({ observedGeneration: 1, replicas: 4, availableReplicas: 2 }, 4) }

  test('a sufficient number of pods keeps a workload available, even if more are starting', () => {
    expect(workloadHealth(growing, 'a-blue', [], 2)).toMatchObject({ state: 'ready' })
    expect(workloadHealth(growing, 'a-blue', [], 3)).toMatchObject({ state: 'waiting' })
  })

  test('zero pods are never sufficient', () => {
    expect(workloadHealth(workload({ availableReplicas: 0 }, 4), 'a-blue', [], 0).state).toBe('waiting')
  })
})

test('a Deployment that a user paused is reported, with the command that resumes it', () => {
  const paused = { ...workload({ replicas: 1 }), spec: { replicas: 1, paused: true } }
  expect(workloadHealth(paused, 'a-blue', []).message).toMatch(/paused.*kubectl rollout resume deployment\//)
})

test('a quota that rejects the first pods is reported, although there is no pod to report it', () => {
  const message = 'pods "a-blue-x" is forbidden: exceeded quota: compute'
  const refused = workload({ conditions: [{ type: 'ReplicaFailure', status: 'True', message }] })
  expect(workloadHealth(refused, 'a-blue', [])).toEqual({
    state: 'waiting',
    message: `waiting for 1 of 1 pods of a-blue: ${message}`,
    isRefused: true,
  })
})
