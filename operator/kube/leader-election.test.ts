import { expect, test } from 'vitest'
import type { KubeClient } from './client.ts'
import { KubeError } from './errors.ts'
import { LeaderElection, type Lease, mayHold, observe } from './leader-election.ts'

const lease = (holderIdentity: string, renewTime = '2026-01-01T00:00:00.000000Z'): Lease => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name: 'operator' },
  spec: { holderIdentity, leaseDurationSeconds: 15, renewTime },
})

test('a lease of another is respected for its duration by the local clock, whatever time is written in it', () => {
  const seen = observe(lease('other', '1990-01-01T00:00:00.000000Z'), undefined, 1_000)
  expect(mayHold(seen, 'me', 1_000)).toBe(false)
  expect(mayHold(seen, 'me', 15_999)).toBe(false)
  expect(mayHold(seen, 'me', 16_000)).toBe(true)
})

test('the time runs from the last change of the record, not from the last look', () => {
  const first = observe(lease('other'), undefined, 0)
  const again = observe(lease('other'), first, 10_000)
  expect(mayHold(again, 'me', 15_000)).toBe(true)
  const renewed = observe(lease('other', '2026-01-01T00:00:10.000000Z'), first, 10_000)
  expect(mayHold(renewed, 'me', 15_000)).toBe(false)
})

test('a lease that was given back, and our own, may be taken at once', () => {
  expect(mayHold(observe(lease(''), undefined, 0), 'me', 0)).toBe(true)
  expect(mayHold(observe(lease('me'), undefined, 0), 'me', 0)).toBe(true)
})

/** Has one lease, and answers as an API server does; what is written can be held up on its way. */
class LeaseServer {
  stored: Lease = lease('')
  #version = 1
  /** Awaited by each write before it reaches the server. */
  beforeUpdate: () => Promise<void> = async () => {}

  get client(): KubeClient {
    const get = async () => structuredClone(this.stored)
    const update = async (_: unknown, written: Lease) => {
      await this.beforeUpdate()
      if (written.metadata.resourceVersion !== this.stored.metadata.resourceVersion) {
        throw new KubeError(409, 'Conflict', 'the lease was written by somebody else')
      }
      this.#version += 1
      this.stored = { ...written, metadata: { ...written.metadata, resourceVersion: `${this.#version}` } }
      return structuredClone(this.stored)
    }
    const part: Pick<KubeClient, 'get' | 'update'> = {
      get: get as KubeClient['get'],
      update: update as KubeClient['update'],
    }
    return part as KubeClient
  }
}

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
const timing = { leaseSeconds: 15, renewDeadlineSeconds: 10, retrySeconds: 0.01 }

/** A write that has begun and does not reach the server before it is let on. */
function heldUp() {
  const arrived = Promise.withResolvers<void>()
  const onward = Promise.withResolvers<void>()
  const gate = () => {
    arrived.resolve()
    return onward.promise
  }
  return { arrived: arrived.promise, letOn: () => onward.resolve(), gate }
}

test('a lease that is being renewed when it is to be given back is given back after that', async () => {
  const server = new LeaseServer()
  const election = new LeaderElection({ client: server.client, namespace: 'n', name: 'operator', timing, log: silent })
  const { lost } = await election.acquire()
  const renewal = heldUp()
  server.beforeUpdate = renewal.gate
  await renewal.arrived
  const released = election.release()
  server.beforeUpdate = async () => {}
  renewal.letOn()
  await released
  expect(await lost).toBe('the lease was given back')
  expect(server.stored.spec.holderIdentity).toBe('')
})

test('a process that is to end while it takes the lease does not lead, and gives it back', async () => {
  const server = new LeaseServer()
  const taking = heldUp()
  server.beforeUpdate = taking.gate
  const told: boolean[] = []
  const onChange = (leading: boolean) => told.push(leading)
  const election = new LeaderElection({
    client: server.client,
    namespace: 'n',
    name: 'o',
    timing,
    log: silent,
    onChange,
  })
  const acquired = election.acquire().catch((error: Error) => error.message)
  await taking.arrived
  const released = election.release()
  server.beforeUpdate = async () => {}
  taking.letOn()
  await released
  expect(await acquired).toBe('the election was stopped')
  expect(server.stored.spec.holderIdentity).toBe('')
  expect(told).not.toContain(true)
})
