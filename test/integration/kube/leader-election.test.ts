import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { LeaderElection, type Lease } from '../../../operator/kube/leader-election.ts'
import { apiClient, leases, makeNamespace, RecordingLog } from '../support/kube-api.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'

/** Faster than client-go, and slow enough for a busy machine to renew a lease. The times in a lease are whole seconds. */
const timing = { leaseSeconds: 5, renewDeadlineSeconds: 3, retrySeconds: 0.1 }
const client = apiClient()
let namespace = ''
const elections: LeaderElection[] = []

beforeAll(async () => {
  namespace = await makeNamespace('election-test')
})

afterAll(async () => {
  for (const election of elections) await election.release().catch(() => {}) // another process may hold its lease
})

function candidate(name: string, identity: string, of = client): LeaderElection {
  const election = new LeaderElection({ client: of, namespace, name, identity, timing, log: new RecordingLog() })
  elections.push(election)
  return election
}

test('one process leads, and the next one only after the first has released the lease', async () => {
  const first = candidate('handover', 'first')
  const second = candidate('handover', 'second')
  await first.acquire()
  const secondLeads = second.acquire()
  // Several renewals later, it is still the first, according to the lease.
  await expect.poll(renewals('handover')).toBeGreaterThan(3)
  expect([first.isLeading, second.isLeading]).toEqual([true, false])

  await first.release()
  await secondLeads
  expect([first.isLeading, second.isLeading]).toEqual([false, true])
})

test('a leader that cannot reach the API server stops leading before another one starts', async () => {
  const proxy = await TcpProxy.to(inject('apiServer').port)
  const cutOff = candidate('cut-off', 'cut-off', apiClient(proxy.port))
  const { lost } = await cutOff.acquire()
  const other = candidate('cut-off', 'other')
  const otherLeads = other.acquire()

  proxy.setSilent(true)
  const first = await Promise.race([lost.then(() => 'lost'), otherLeads.then(() => 'other leads')])
  expect(first).toBe('lost')
  expect(cutOff.isLeading).toBe(false)
  await otherLeads
  await proxy.close()
})

test('a leader whose lease another process has taken stops leading at its next renewal', async () => {
  const election = candidate('taken', 'loser')
  const { lost } = await election.acquire()
  const lease = await client.get<Lease>(leases, namespace, 'taken')
  await client.mergePatch(
    leases,
    { namespace, name: 'taken' },
    {
      spec: { ...lease.spec, holderIdentity: 'thief', renewTime: new Date().toISOString().replace('Z', '000Z') },
    },
  )
  expect(await lost).toMatch(/held by thief/)
})

/** Number of observed changes of the lease. */
function renewals(name: string): () => Promise<number> {
  const versions = new Set<string | undefined>()
  return async () => {
    const { metadata } = await client.get<Lease>(leases, namespace, name)
    versions.add(metadata.resourceVersion)
    return versions.size
  }
}
