import { afterAll, beforeAll, expect, test } from 'vitest'
import { badVersion, loadBadVersions } from '../../tools/bad-versions/images.ts'
import { runningCluster } from '../../tools/local-cluster/cluster.ts'
import { RolloutUnderTest } from '../e2e/rollout-under-test.ts'
import { underLoad } from './under-load.ts'

let rollout: RolloutUnderTest

/** A version that refuses every login causes 401, and 429 once a user was refused often, whichever version answers. */
const refusedLogin = /^login: (401 by logins-fail|429) /

beforeAll(async () => {
  await loadBadVersions(await runningCluster(), ['not-ready', 'logins-fail', 'slow', 'leaks'])
  rollout = await RolloutUnderTest.create('e2e-bad-versions', 'worse', { maxP99LatencyMilliseconds: 800 })
})

afterAll(() => rollout?.remove())

/** Rolls the version out and waits until it is rolled back. @returns `status.rollout` */
async function rollOutBad(version: string, settings: object = {}) {
  const { rollout: before, activeColor } = await rollout.status()
  await rollout.patch({ version, rollout: settings })
  await expect
    .poll(async () => (await rollout.status()).rollout['failedRevision'], { timeout: 120_000, interval: 500 })
    .toSatisfy((failed) => failed !== undefined && failed !== before['failedRevision'])
  await expect.poll(async () => (await rollout.status()).activeColor, { timeout: 20_000 }).toBe(activeColor)
  return (await rollout.status()).rollout
}

test('the smoke test stops a version that refuses every login, before any client reaches it', async () => {
  const failures = await underLoad(rollout, async () => {
    expect(await rollOutBad(await badVersion('logins-fail'))).toMatchObject({
      lastOutcome: 'RolledBack',
      failure: expect.stringMatching(/^the smoke test failed: .*log/),
      smokeTest: { passed: false },
    })
  })
  expect(failures).toEqual([])
})

test('without a smoke test the analysis rolls the version back within its window, because of refused logins', async () => {
  const { failedRevision } = (await rollout.status()).rollout
  const { activeColor } = await rollout.status()
  const failures = await underLoad(rollout, async () => {
    await rollout.patch({ rollout: { smokeTest: { enabled: false } } })
    // The operator does not retry a failed revision by itself: a user requests it by name.
    await rollout.annotate('rollback-to', String(failedRevision))
    await rollout.until({ phase: 'Verifying' }, 60)
    await rollout.until({ lastOutcome: 'RolledBack', failure: expect.stringMatching(/of logins succeed/) }, 20)
    await expect.poll(async () => (await rollout.status()).activeColor, { timeout: 20_000 }).toBe(activeColor)
  })
  expect(failures.filter((failure) => !refusedLogin.test(failure))).toEqual([])
})

test('a slow version is rolled back because of its p99', async () => {
  const failures = await underLoad(rollout, async () => {
    expect(await rollOutBad(await badVersion('slow'))).toMatchObject({
      lastOutcome: 'RolledBack',
      failure: expect.stringMatching(/^it failed the analysis of live traffic: p99 of \d+ ms \(maximum 800 ms/),
    })
  })
  expect(failures).toEqual([])
})

test('a version that leaks memory is rolled back when one of its pods dies', async () => {
  await underLoad(rollout, async () => {
    expect(await rollOutBad(await badVersion('leaks'))).toMatchObject({
      lastOutcome: 'RolledBack',
      failure: expect.stringMatching(/pod worse-\S+ terminated once, most recently with OOMKilled/),
    })
  })
  // Both pods died, so requests had no endpoint. The nodes learn of the other colour within a second or two.
  const answer = async () => (await rollout.edge.call('GET', '/.well-known/jwks.json')).status
  await expect.poll(answer, { timeout: 10_000, interval: 200 }).toBe(200)
})

test('a rolling update to a version that refuses logins is rolled back', async () => {
  const strategy = { strategy: 'RollingUpdate', blueGreen: null }
  const failures = await underLoad(rollout, async () => {
    const annotations = { 'example.com/revision': 'rolling' }
    await rollout.patch({ pod: { annotations } })
    expect(await rollOutBad(await badVersion('logins-fail'), strategy)).toMatchObject({
      lastOutcome: 'RolledBack',
      failure: expect.stringMatching(/of logins succeed/),
    })
    await rollout.until({ phase: 'Stable' }, 60)
  })
  expect(failures.filter((failure) => !refusedLogin.test(failure))).toEqual([])
})

test('a version that never becomes ready gets no traffic, and status says what the rollout waited for', async () => {
  const settings = { strategy: 'BlueGreen', progressDeadlineSeconds: 30 }
  const failures = await underLoad(rollout, async () => {
    expect(await rollOutBad(await badVersion('not-ready'), settings)).toMatchObject({
      lastOutcome: 'DeadlineExceeded',
      failure: expect.stringMatching(/not ready within 30 s/),
    })
  })
  expect(failures).toEqual([])
})

test('a rollout that awaits manual promotion is aborted, and the next one is promoted', async () => {
  const manual = { promotion: 'Manual', scaleDownDelaySeconds: 0 }
  const next = (revision: string) => ({
    version: null,
    pod: { annotations: { 'example.com/revision': revision } },
    rollout: { progressDeadlineSeconds: 180, blueGreen: manual },
  })
  const { activeColor } = await rollout.status()
  const failures = await underLoad(rollout, async () => {
    await rollout.patch(next('aborted'))
    await rollout.until({ phase: 'AwaitingPromotion' }, 90)
    const { revision } = (await rollout.status()).rollout
    await rollout.annotate('abort', revision)
    await rollout.until({ phase: 'Stable', lastOutcome: 'Aborted', failedRevision: revision }, 90)

    await rollout.patch(next('promoted'))
    await rollout.until({ phase: 'AwaitingPromotion' }, 90)
    await rollout.annotate('promote', (await rollout.status()).rollout.revision)
    await rollout.until({ lastOutcome: 'Promoted' }, 60)
  })
  expect(failures).toEqual([])
  expect((await rollout.status()).activeColor).not.toBe(activeColor)
})
