import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { killOperator, replaceRestartedPods } from '../../tools/cluster-client/operator-pods.ts'
import { walkThrough } from '../../tools/cluster-client/walk-through.ts'
import { runningCluster } from '../../tools/local-cluster/cluster.ts'
import { kubectl } from '../e2e/cluster-under-test.ts'
import { RolloutUnderTest } from '../e2e/rollout-under-test.ts'
import { underLoad } from './under-load.ts'

const namespace = 'chaos-rollouts'
const name = 'tried'
let rollout: RolloutUnderTest
let revisions = 0

/** Every phase lasts long enough to be interrupted. */
const settings = {
  strategy: 'BlueGreen',
  progressDeadlineSeconds: 120,
  smokeTest: { enabled: true, timeoutSeconds: 60 },
  blueGreen: { promotion: 'Auto', autoPromoteAfterSeconds: 5, scaleDownDelaySeconds: 5 },
}

beforeAll(async () => {
  rollout = await RolloutUnderTest.create(namespace, name)
})
afterAll(() => rollout?.remove())

beforeEach(async () => {
  await replaceRestartedPods(await runningCluster())
  await kubectl().run(['delete', 'resourcequota', '--all', '--namespace', namespace])
  await rollout.patch({ rollout: settings })
  await rollout.until({ phase: 'Stable' }, 120)
  await databasesAreBack()
  await otherColorIsGone()
})

/** Waits until the pods of the other colour have terminated. */
async function otherColorIsGone(): Promise<void> {
  await expect
    .poll(async () => (await rollout.names('pods')).filter((pod) => /-(blue|green)-/.test(pod)).length, {
      timeout: 90_000,
    })
    .toBe(2)
}

/** Waits until a new user can register and log in. Conditions report a recovery a little later than the servers do. */
async function databasesAreBack(): Promise<void> {
  const attempt = () => walkThrough(rollout.edge).then(() => 'a user logged in', String)
  await expect.poll(attempt, { timeout: 180_000, interval: 1_000 }).toBe('a user logged in')
}

/** Rolls out another revision of the same image. */
async function startRevision(): Promise<void> {
  await rollout.patch({ version: null, pod: { annotations: { 'example.com/revision': `chaos-${++revisions}` } } })
}

async function untilPhase(phase: string): Promise<void> {
  await expect.poll(async () => (await rollout.status()).rollout.phase, { timeout: 120_000, interval: 100 }).toBe(phase)
}

test.each(['Preparing', 'Testing', 'AwaitingPromotion', 'Verifying', 'Retiring'])(
  'an operator that is killed in %s continues the rollout, and no request fails',
  async (phase) => {
    const { activeColor } = await rollout.status()
    const failures = await underLoad(rollout, async () => {
      await startRevision()
      await untilPhase(phase)
      await killOperator(await runningCluster())
      await rollout.until({ phase: 'Stable', lastOutcome: 'Promoted' }, 240)
    })
    expect(failures).toEqual([])
    expect((await rollout.status()).activeColor).not.toBe(activeColor)
  },
)

test('a new spec in the middle of a rollout supersedes it, and the former spec stops the new one', async () => {
  const before = await rollout.status()
  const failures = await underLoad(rollout, async () => {
    await startRevision()
    await untilPhase('Testing')
    await rollout.patch({ pod: { annotations: { 'example.com/revision': 'another' } } })
    await rollout.until({ lastOutcome: 'Superseded' }, 60)
    await untilPhase('Verifying')
    await rollout.patch({ pod: { annotations: { 'example.com/revision': `chaos-${revisions - 1}` } } })
    await rollout.until({ phase: 'Stable' }, 240)
  })
  expect(failures).toEqual([])
  const after = await rollout.status()
  expect([after.currentRevision, after.activeColor]).toEqual([before.currentRevision, before.activeColor])
})

/** What clients may see: logins fail without MongoDB, and verifications once no server is ready (availability.md). */
const seenWithout = { mongodb: /^(login|verify): 503 /, redis: /^login: 503 / }

test.each([
  ['mongodb', 'Preparing'],
  ['mongodb', 'Testing'],
  ['mongodb', 'Verifying'],
  ['redis', 'Preparing'],
  ['redis', 'Testing'],
  ['redis', 'Verifying'],
] as const)(
  'when %s is unavailable in %s the rollout ends, and status gives the reason of a rollback',
  async (database, phase) => {
    const failures = await underLoad(rollout, async () => {
      await startRevision()
      await untilPhase(phase)
      await kubectl().run(['delete', 'pod', `${name}-${database}-0`, '--namespace', namespace, '--wait=false'])
      await rollout.until({ phase: 'Stable' }, 300)
    })
    const { rollout: ended } = await rollout.status()
    expect(ended).toMatchObject({ lastOutcome: expect.stringMatching(/^(Promoted|RolledBack|DeadlineExceeded)$/) })
    if (ended['lastOutcome'] !== 'Promoted') expect(ended['failure']).toMatch(/\w{3}/)
    expect(failures.filter((failure) => !seenWithout[database].test(failure))).toEqual([])
    await databasesAreBack()
  },
)

test('a rollout that a quota blocks ends at its deadline, and status names the quota', async () => {
  const metadata = { name: 'full', namespace }
  // Completed pods do not count. One more pod is allowed, for the Job that prepares the database.
  const running = await kubectl().json<{ items: unknown[] }>([
    'get',
    'pods',
    '--namespace',
    namespace,
    '--field-selector=status.phase=Running',
  ])
  const hard = { pods: String(running.items.length + 1) }
  const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata, spec: { hard } }
  const failures = await underLoad(rollout, async () => {
    await kubectl().run(['apply', '--filename', '-'], { input: stringify(quota) })
    await rollout.patch({ rollout: { progressDeadlineSeconds: 30 } })
    await startRevision()
    await rollout.until({ lastOutcome: 'DeadlineExceeded', failure: expect.stringMatching(/quota/) }, 120)
  })
  expect(failures).toEqual([])
})
