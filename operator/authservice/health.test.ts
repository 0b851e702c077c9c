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

  test('counts one pod where no count is given', () => {
    expect(workloadHealth(workload({}), 'a-mongodb', []).message).toBe('waiting for 1 of 1 pods of a-mongodb')
  })

  test('is not judged by a status that is older than its spec', () => {
    const health = workloadHealth(workload({ observedGeneration: 1, availableReplicas: 1 }), 'a-mongodb', [])
    expect(health).toEqual({ state: 'waiting', message: 'waiting for a-mongodb to be taken up' })
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
      'container mongodb of pod a-0: it ended 3 times, last with OOMKilled (exit code 137)',
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
  ])('says so when %s', (_, status, message) => {
    const health = workloadHealth(workload({}), 'a-mongodb', [pod(status)])
    expect(health.message).toBe(`waiting for 1 of 1 pods of a-mongodb: ${message}`)
  })

  test('says nothing about an ordinary start, nor about pods that leave', () => {
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
  test('has failed when it gave up', () => {
    expect(jobHealth(job('Failed'), 'm', [])).toEqual({
      state: 'failed',
      message: 'm failed: Job has reached the specified backoff limit',
    })
  })
  test('is waited for otherwise', () => {
    expect(jobHealth(undefined, 'm', [])).toEqual({ state: 'waiting', message: 'waiting for m' })
  })
})
