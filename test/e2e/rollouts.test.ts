import { afterAll, beforeAll, expect, test } from 'vitest'
import { walkThrough } from '../../tools/cluster-client/walk-through.ts'
import { Load } from './load.ts'
import { RolloutUnderTest } from './rollout-under-test.ts'

let rollout: RolloutUnderTest

/** A change that creates a new revision of the same image. */
const newRevision = (value: string) => rollout.patch({ pod: { annotations: { 'example.com/revision': value } } })

beforeAll(async () => {
  rollout = await RolloutUnderTest.create('e2e-rollouts', 'rolling')
})

afterAll(() => rollout?.remove())

test('a blue-green rollout runs the smoke test, switches the traffic and fails no request', async () => {
  const user = await walkThrough(rollout.edge)
  const load = Load.start(rollout.edge, user)
  await newRevision('two')
  await rollout.until({ phase: 'Retiring', lastOutcome: 'Promoted' })
  await expect.poll(() => load.requests, { timeout: 60_000 }).toBeGreaterThan(100)
  const { requests, failures } = await load.stop()

  expect(failures, `${failures.length} of ${requests} requests failed`).toEqual([])
  const status = await rollout.status()
  expect(status.activeColor).toBe('green')
  expect(status.rollout['smokeTest']).toMatchObject({ passed: true, message: expect.stringMatching(/steps passed/) })
  expect(status.rollout['analysis']).toMatchObject({ verdict: 'pass' })
  // The smoke test has removed its user: the database has only that of this test.
  await expect.poll(() => rollout.names('jobs')).not.toContainEqual(expect.stringContaining('smoke'))
})

test('a rollback returns the traffic to the old colour immediately', async () => {
  const user = await walkThrough(rollout.edge)
  const load = Load.start(rollout.edge, user)
  await rollout.annotate('rollback-to', '1')
  await expect.poll(async () => (await rollout.status()).activeColor, { timeout: 30_000, interval: 250 }).toBe('blue')
  await rollout.until({ phase: 'Retiring' })
  const { requests, failures } = await load.stop()
  expect(failures, `${failures.length} of ${requests} requests failed`).toEqual([])
})

test('a revision whose image cannot be pulled gets no traffic, and status says why', async () => {
  await rollout.patch({ image: 'registry.invalid/nobody/nothing:1', rollout: { progressDeadlineSeconds: 30 } })
  await rollout.until({ lastOutcome: 'DeadlineExceeded', failure: expect.stringMatching(/not ready within 30 s/) }, 120)
  expect((await rollout.status()).activeColor).toBe('blue')
  expect((await rollout.edge.call('GET', '/.well-known/jwks.json')).status).toBe(200)
})
