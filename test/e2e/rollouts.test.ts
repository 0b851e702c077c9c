import { afterAll, beforeAll, expect, test } from 'vitest'
import { walkThrough } from '../../tools/cluster-client/walk-through.ts'
import { runJobOfGuide } from './ci-job.ts'
import { freshNamespace, kubectl, removeNamespace } from './cluster-under-test.ts'
import { Load } from './load.ts'
import { type Code, ShopUnderTest } from './openid-connect.ts'
import { RolloutUnderTest } from './rollout-under-test.ts'

let rollout: RolloutUnderTest
/** The application of another team. */
let shop: ShopUnderTest
const shops = 'e2e-shops'
const authService = { name: 'rolling', namespace: 'e2e-rollouts' }
const oidc = { enabled: true, clientNamespaces: { from: 'Names', names: [shops] } }

/** A change that creates a new revision of the same image. */
const newRevision = (value: string) => rollout.patch({ pod: { annotations: { 'example.com/revision': value } } })

beforeAll(async () => {
  await freshNamespace(shops)
  rollout = await RolloutUnderTest.create(authService.namespace, authService.name, {}, { oidc })
})

afterAll(async () => {
  await rollout?.remove()
  await removeNamespace(shops)
})

test('a new client is usable within seconds, and no pod is replaced', async () => {
  const before = await rollout.names('pods')
  const applied = performance.now()
  shop = await ShopUnderTest.create(shops, authService, rollout.edge)
  // Without the annotation of the operator, the kubelet shows the client after a minute or more.
  await expect.poll(() => shop.isUsable(), { timeout: 30_000, interval: 100 }).toBe(true)
  const usableSeconds = (performance.now() - applied) / 1000
  const ready = ['wait', '--for=condition=Ready', 'authclient/shop', '--namespace', shops, '--timeout=30s']
  await kubectl().run(ready)
  const readySeconds = (performance.now() - applied) / 1000
  console.log(`new client: usable after ${usableSeconds.toFixed(1)} s, ready after ${readySeconds.toFixed(1)} s`)
  expect(await rollout.names('pods')).toEqual(before)
})

test('its user logs in, the application refreshes, and a logout ends the session', async () => {
  const { email, password } = await walkThrough(rollout.edge)
  const tokens = await shop.logIn({ email, password })
  const claims = tokens.claims()
  expect(claims).toMatchObject({ aud: `${shops}.shop`, sub: expect.any(String) })
  expect(await shop.userInfo(tokens.access_token, claims?.sub ?? '')).toMatchObject({ email })
  const refreshed = await shop.refresh(tokens.refresh_token ?? '')
  expect(refreshed.access_token).not.toBe(tokens.access_token)

  expect(String(await shop.logOut(tokens.id_token ?? ''))).toBe('https://shop.example.com/')
  const silent = await shop.silentCode()
  expect(silent.callback.searchParams.get('error')).toBe('login_required')
  await expect(shop.refresh(refreshed.refresh_token ?? '')).rejects.toMatchObject({ error: 'invalid_grant' })
})

test('the CI job of the guide gets a token for an API, and has no secret', async () => {
  const printed = await runJobOfGuide(shops, authService)
  expect(printed).toMatch(/^a token with releases:write for \d+ s, \d{3,} characters$/m)
})

test('a blue-green rollout runs the smoke test, switches the traffic and fails no request', async () => {
  const user = await walkThrough(rollout.edge)
  const { refresh_token: refreshToken = '' } = await shop.logIn(user)
  const load = Load.start(rollout.edge, user)
  await newRevision('two')
  const ofBlue = await lastCodeOf('blue')
  expect((await shop.redeem(ofBlue)).claims(), 'a code of blue, redeemed on green').toBeDefined()
  expect((await shop.refresh(refreshToken)).access_token, 'a session of blue').toBeDefined()
  expect((await shop.redeem(await shop.silentCode())).claims(), 'the login of the browser').toBeDefined()

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

/** The last code that servers of a colour have issued before the other colour gets the traffic. */
async function lastCodeOf(color: string): Promise<Code> {
  const codes: Code[] = []
  const activeColor = async () => {
    const code = await shop.silentCode()
    const { activeColor } = await rollout.status()
    if (activeColor === color) codes.push(code)
    return activeColor
  }
  await expect.poll(activeColor, { timeout: 200_000, interval: 1_000 }).not.toBe(color)
  const last = codes.at(-1)
  if (last === undefined) throw new Error(`${color} had no traffic`)
  return last
}

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
