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

test('a lease of another process is respected for its duration by the local clock, whatever time it contains', () => {
  const seen = observe(lease('other', '1990-01-01T00:00:00.000000Z'), undefined, 1_000)
  expect(mayHold(seen, 'me', 1_000)).toBe(false)
  expect(mayHold(seen, 'me', 15_999)).toBe(false)
  expect(mayHold(seen, 'me', 16_000)).toBe(true)
})

test('the duration counts from the last change of the record, not from the last read', () => {
  const first = observe(lease('other'), undefined, 0)
  const again = observe(lease('other'), first, 10_000)
  expect(mayHold(again, 'me', 15_000)).toBe(true)
  const renewed = observe(lease('other', '2026-01-01T00:00:10.000000Z'), first, 10_000)
  expect(mayHold(renewed, 'me', 15_000)).toBe(false)
})

test('a released lease, and our own, can be acquired immediately', () => {
  expect(mayHold(observe(lease(''), undefined, 0), 'me', 0)).toBe(true)
  expect(mayHold(observe(lease('me'), undefined, 0), 'me', 0)).toBe(true)
})

/** Stores one lease and answers like an API server; a test can delay writes. */
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
        throw new KubeError(409, 'Conflict', 'another client wrote the lease')
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

/** A write that has begun, but does not reach the server until it is released. */
function heldUp() {
  const arrived = Promise.withResolvers<void>()
  const onward = Promise.withResolvers<void>()
  const gate = () => {
    arrived.resolve()
    return onward.promise
  }
  return { arrived: arrived.promise, letOn: () => onward.resolve(), gate }
}

test('a lease whose renewal is in progress is released after the renewal', async () => {
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
  expect(await lost).toBe('released the lease')
  expect(server.stored.spec.holderIdentity).toBe('')
})

test('a process that is stopped while it acquires the lease does not lead, and releases the lease', async () => {
  const server = new LeaseServer()
  const taking = heldUp()
  server.beforeUpdate = taking.gate
  const changes: boolean[] = []
  const onChange = (leading: boolean) => changes.push(leading)
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
  expect(changes).not.toContain(true)
})

test('a renewal that conflicts with another write is retried, and does not stop the operator', async () => {
  const server = new LeaseServer()
  const election = new LeaderElection({ client: server.client, namespace: 'n', name: 'o', timing, log: silent })
  const { lost } = await election.acquire()
  let isLost = false
  void lost.then(() => {
    isLost = true
  })
  // As `kubectl annotate lease` does, just before our next renewal arrives.
  const conflict = Promise.withResolvers<void>()
  server.beforeUpdate = async () => {
    const { metadata, ...rest } = server.stored
    server.stored = { ...rest, metadata: { ...metadata, resourceVersion: 'edited', annotations: { by: 'somebody' } } }
    server.beforeUpdate = async () => conflict.resolve()
  }
  await conflict.promise
  await expect.poll(() => server.stored.spec.renewTime !== undefined && server.stored.metadata.annotations).toBeTruthy()
  expect(isLost).toBe(false)
  expect(election.isLeading).toBe(true)
  await election.release()
})
