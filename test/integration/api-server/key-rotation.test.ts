import { decodeProtectedHeader } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildObservabilityServer } from '../../../api-server/observability-server.ts'
import { keyIdsIn } from '../../../operator/authservice/model/loaded-keys.ts'
import { generateKey } from '../../../operator/authservice/secrets/generate-key.ts'
import { decideSigningKeys, type SigningKeyPolicy } from '../../../operator/authservice/secrets/signing-keys.ts'
import { type AppForTest, freshDatabase, type LoggedIn, logIn, startApp, tokensOf } from './app-for-test.ts'
import { SecretVolume } from './secret-volume.ts'

/** The settings of production, thirty times as fast. */
const policy: SigningKeyPolicy = {
  algorithm: 'ES256',
  rotationIntervalSeconds: 3_600,
  activationDelaySeconds: 3,
  volumeRefreshSeconds: 3,
  longestHoldSeconds: 60,
  rotateNow: false,
  revoke: undefined,
  everyServerKnows: () => false,
}
/** The delay until the second server's volume shows a change of the Secret. */
const lagMilliseconds = [0, 1_500]

interface Server extends AppForTest {
  volume: SecretVolume
  session: LoggedIn
  metrics(): Promise<string>
  /** The key ids in the server's metrics, as the operator reads them. */
  loadedKeys(): Promise<Set<string>>
}
let servers: Server[]
let keySet = ''

beforeAll(async () => {
  keySet = decided({}).text
  const DATABASE_NAME = freshDatabase()
  servers = []
  for (const _ of lagMilliseconds) {
    const volume = await SecretVolume.create('keys.json', keySet)
    const app = await startApp({ DATABASE_NAME, JWT_SECRET: '', JWT_KEYS_FILE: volume.file })
    const observability = buildObservabilityServer(app.app)
    const metrics = async () => (await observability.inject('/metrics')).body
    const loadedKeys = async () => keyIdsIn(await metrics())
    servers.push({ ...app, volume, metrics, loadedKeys, session: await logIn(app) })
  }
})
afterAll(async () => {
  for (const { close, volume } of servers) {
    await close()
    await volume.remove()
  }
})

/** The operator's decision for the current Secret. */
function decided(change: Partial<SigningKeyPolicy>): { text: string; written: boolean } {
  const before = keySet === '' ? undefined : keySet
  const decision = decideSigningKeys(before, { ...policy, ...change }, new Date(), generateKey)
  if (decision.kind === 'corrupt') throw new Error(decision.problem)
  return { text: JSON.stringify(decision.keySet), written: decision.kind === 'write' }
}

/** A reconcile of the operator. Each server's volume gets the result after the delay of its node. */
async function reconcile(change: Partial<SigningKeyPolicy>): Promise<void> {
  const loaded = await Promise.all(servers.map((server) => server.loadedKeys()))
  const everyServerKnows = (kid: string) => loaded.every((kids) => kids.has(kid))
  const { text, written } = decided({ everyServerKnows, ...change })
  if (!written) return
  keySet = text
  servers.forEach(({ volume }, index) => {
    setTimeout(() => void volume.write(text), lagMilliseconds[index])
  })
}

/** Issues a token. */
async function issueToken(server: Server): Promise<string> {
  const { status, body } = await server.post('/v1/auth/refresh', { refresh_token: server.session.refreshToken })
  if (status !== 200) throw new Error(`refresh answered ${status}: ${JSON.stringify(body)}`)
  server.session = { ...server.session, ...tokensOf(body) }
  return server.session.accessToken
}

const kidOf = (token: string) => decodeProtectedHeader(token).kid ?? ''

test('under continuous verification a rotation rejects no valid token, and both servers change over', async () => {
  const tokens: string[] = []
  const rejected: string[] = []
  let verified = 0
  const verifyEverywhere = async (token: string) => {
    for (const server of servers) {
      const { status, body } = await server.get('/v1/auth/verify', { authorization: `Bearer ${token}` })
      if (status !== 200) rejected.push(`${kidOf(token)}: ${status} ${JSON.stringify(body)}`)
      verified++
    }
  }
  const signers = async () => Promise.all(servers.map(async (server) => kidOf(await issueToken(server))))

  const [oldKey = ''] = await signers()
  await reconcile({ rotateNow: true })
  const deadline = performance.now() + 30_000
  for (;;) {
    await reconcile({})
    const fresh = await Promise.all(servers.map(issueToken))
    tokens.push(...fresh)
    for (const token of fresh) await verifyEverywhere(token)
    // Some of the older ones in turn: each is verified many times.
    for (let i = 0; i < 10; i++) await verifyEverywhere(tokens[(verified * 7) % tokens.length] ?? '')
    if (fresh.every((token) => kidOf(token) !== oldKey)) break
    if (performance.now() > deadline) throw new Error(`no rotation within 30 s: ${keySet}`)
  }

  for (const token of tokens) await verifyEverywhere(token)
  expect(rejected).toEqual([])
  expect(new Set(tokens.map(kidOf)).size).toBe(2)
  expect(verified, 'verifications during the rotation').toBeGreaterThan(100)
})

test('every server that has received the new key set refuses a revoked key, and another key signs', async () => {
  const server = servers[0]
  if (server === undefined) throw new Error('no server')
  const stolen = await issueToken(server)
  await reconcile({ revoke: kidOf(stolen) })
  for (const each of servers) {
    await expect
      .poll(async () => (await each.get('/v1/auth/verify', { authorization: `Bearer ${stolen}` })).status, {
        timeout: 40_000,
      })
      .toBe(401)
    expect(kidOf(await issueToken(each))).not.toBe(kidOf(stolen))
  }
  expect(await server.loadedKeys()).not.toContain(kidOf(stolen))
})

test('an unusable Secret leaves the keys in use, and the metric of the alert reports it until it is corrected', async () => {
  const [server] = servers
  if (server === undefined) throw new Error('no server')
  const bearer = { authorization: `Bearer ${await issueToken(server)}` }
  const isUnusable = async () => /^auth_signing_keys_file_unusable (\d)$/m.exec(await server.metrics())?.[1]
  expect(await isUnusable()).toBe('0')
  await server.volume.write(keySet.slice(0, 20))
  await expect.poll(isUnusable).toBe('1')
  expect((await server.get('/v1/auth/verify', bearer)).status).toBe(200)
  await issueToken(server)
  await server.volume.write(keySet)
  await expect.poll(isUnusable).toBe('0')
})
