import type { LookupAddress } from 'node:dns'
import { createServer } from 'node:https'
import type { AddressInfo, LookupFunction } from 'node:net'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { postForm } from '../../../api-server/plugins/app/oidc/post-form.ts'
import type { Session } from '../../../api-server/plugins/app/sessions/session.ts'
import { parseUserKey } from '../../../api-server/plugins/app/users/user-key.ts'
import type { OidcClient } from '../../../contract/oidc-client-schema.ts'
import { issueCertificate } from '../../../operator/authservice/secrets/system-sources.ts'
import { type AppForTest, freshDatabase, startApp } from './app-for-test.ts'
import { type HttpsReceiver, startHttpsReceiver } from './https-receiver.ts'
import { oidcFiles, shop } from './oidc-client.ts'

/** A receiver on this machine: what an attacker wants a server to call. */
let receiver: HttpsReceiver
beforeAll(async () => {
  receiver = await startHttpsReceiver()
})
beforeEach(() => {
  receiver.received.length = 0
  receiver.answer = 200
})
afterAll(() => receiver.close())

/** A name server that leads every name to one address. */
const resolvingTo = (address: string): LookupFunction =>
  function resolve(_, { all }, done) {
    const found: LookupAddress = { address, family: address.includes(':') ? 6 : 4 }
    if (all === true) done(null, [found])
    else done(null, found.address, found.family)
  }
const stopping = new AbortController().signal
const send = (uri: string, options: { allowsLoopback?: boolean; ca?: string; resolve?: LookupFunction } = {}) =>
  postForm(uri, { logout_token: 'a' }, { allowsLoopback: false, ca: undefined, stopping, ...options })

test.each([
  'https://127.0.0.1',
  'https://127.1',
  'https://2130706433',
  'https://0x7f.0.0.1',
  'https://0177.0.0.1',
  'https://[::1]',
  'https://[::ffff:127.0.0.1]',
  'https://[0:0:0:0:0:0:0:1]',
  'https://0.0.0.0',
  'https://localhost',
])('%s is this machine, and gets nothing', async (host) => {
  const { port } = new URL(receiver.url)
  await expect(send(`${host}:${port}/`)).rejects.toThrow('no logout token may be sent')
  expect(receiver.received).toEqual([])
})

test.each(['https://169.254.169.254/latest/meta-data', 'https://[fe80::1]/', 'https://[fd00:ec2::254]/'])(
  '%s is refused, also for the author of a file who is trusted with this machine',
  async (uri) => {
    await expect(send(uri, { allowsLoopback: true })).rejects.toThrow('no logout token may be sent')
  },
)

test.each(['169.254.169.254', '127.0.0.1', '::1', '::ffff:169.254.169.254'])(
  'a name that resolves to %s for the connection is refused',
  async (address) => {
    const { port } = new URL(receiver.url)
    const attack = send(`https://metadata.example.com:${port}/`, { resolve: resolvingTo(address) })
    await expect(attack).rejects.toMatchObject({ name: 'RefusedAddressError' })
    expect(receiver.received).toEqual([])
  },
)

test('without the check, the same request would arrive, and a redirect is not followed', async () => {
  receiver.answer = 302
  receiver.location = `${receiver.url}/elsewhere`
  expect(await send(`${receiver.url}/logout`, { allowsLoopback: true })).toBe(302)
  expect(receiver.received.map(({ path }) => path)).toEqual(['/logout'])
})

test('a receiver with a certificate of another CA is reached only if the file has this CA', async () => {
  const { 'tls.key': key = '', 'tls.crt': cert = '', 'ca.crt': ca = '' } = issueCertificate(['localhost'], new Date())
  const unknown = createServer({ key, cert }, (_, response) => response.end())
  await new Promise<void>((listening) => unknown.listen(0, '127.0.0.1', listening))
  try {
    // The type of a TCP server's address.
    const { port } = unknown.address() as AddressInfo
    const uri = `https://localhost:${port}/`
    await expect(send(uri, { allowsLoopback: true })).rejects.toMatchObject({
      code: expect.stringMatching(/CERT|VERIFY/),
    })
    expect(await send(uri, { allowsLoopback: true, ca })).toBe(200)
    expect(await send(`${receiver.url}/`, { allowsLoopback: true, ca }), 'of another CA that it trusts').toBe(200)
  } finally {
    await new Promise((closed) => unknown.close(closed))
  }
})

/** Ends a session of the client at a server, and returns how its notice ended. */
async function noticeAfterLogout(server: AppForTest, client: OidcClient): Promise<Session | null> {
  const sessions = server.app.mongo.db.collection<Session>('sessions')
  const now = new Date()
  const later = new Date(now.getTime() + 600_000)
  const ended: Session = {
    _id: `${client.id}-session`,
    userId: parseUserKey('65f0c0ffee65f0c0ffee65f0'),
    version: 0,
    createdAt: now,
    lastUsedAt: now,
    idleExpiresAt: later,
    expiresAt: later,
    accessUntil: later,
    current: { hash: '', issuedAt: now },
    recent: [],
    spent: [],
    revokedAt: now,
    oauth: {
      clientId: client.id,
      scope: 'openid',
      loginUid: '',
      grant: '{}',
      logoutNotice: { attempts: 0, dueAt: new Date(0) },
    },
  }
  await sessions.insertOne(ended)
  const read = () => sessions.findOne({ _id: ended._id })
  await expect.poll(async () => (await read())?.oauth?.logoutNotice?.attempts ?? 'gone').not.toBe(0)
  await expect
    .poll(async () => {
      const { logoutNotice } = (await read())?.oauth ?? {}
      // Either the notice is gone, or the time of the next attempt is that of a failed one, and not of the lease.
      return logoutNotice === undefined || logoutNotice.dueAt.getTime() < Date.now() + 30_000
    })
    .toBe(true)
  return read()
}

test.each([
  { what: 'a file with receivers', isListed: true, received: 0 },
  { what: 'a file of the platform team, without receivers', isListed: false, received: 1 },
])('$what: a receiver on this machine gets $received logout tokens', async ({ isListed, received }) => {
  const { hostname: host, port } = new URL(receiver.url)
  const told: OidcClient = { ...shop, id: 'told', backchannelLogoutUri: `${receiver.url}/told` }
  const files = await oidcFiles([told])
  const logoutReceivers = [{ host, port: Number(port) }]
  await files.replaceFile(JSON.stringify({ version: 1, clients: [told], ...(isListed && { logoutReceivers }) }))
  const server = await startApp({ ...files.environment, DATABASE_NAME: freshDatabase() })
  try {
    const session = await noticeAfterLogout(server, told)
    expect(receiver.received).toHaveLength(received)
    expect(session?.oauth?.logoutNotice === undefined ? 'delivered' : 'to be sent again').toBe(
      isListed ? 'to be sent again' : 'delivered',
    )
  } finally {
    await server.close()
  }
})
