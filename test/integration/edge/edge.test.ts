import { once } from 'node:events'
import { existsSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { createServer, request as httpRequest, type Server } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { fileRevision } from '../../../contract/file-revision.ts'
import type { SecretData } from '../../../operator/authservice/model/secret-data.ts'
import { serverDrainSeconds } from '../../../operator/authservice/resources/server/drain.ts'
import { issueCertificate } from '../../../operator/authservice/secrets/system-sources.ts'
import { configInput, EdgeUnderTest, edgeSecret, keepAliveAgent } from './edge-under-test.ts'

let first: SecretData
let second: SecretData
beforeAll(async () => {
  first = issueCertificate(['auth.example.com'], new Date())
  second = issueCertificate(['auth.example.com'], new Date())
})

/** The requests that the server received, newest last. */
interface Seen {
  method: string
  path: string
  headers: Record<string, string | string[] | undefined>
  /** Seconds since its connection was opened. */
  connectionAge: number
}
let seen: Seen[] = []
const connectedAt = new WeakMap<object, number>()

/** The delay of answers by path, in milliseconds. */
const delays: Readonly<Record<string, number>> = { '/brief': 100, '/half': 500, '/slow': 1_000 }

/** Ends the requests to `/held`. */
const held = Promise.withResolvers<void>()

/** Answers after the delay of the path, and `/held` on request. `/dies` is never answered. */
const server: RequestListener = (incoming, outgoing) => {
  const { method = '', url = '', headers, socket } = incoming
  const now = performance.now()
  if (!connectedAt.has(socket)) connectedAt.set(socket, now)
  seen.push({ method, path: url, headers, connectionAge: (now - (connectedAt.get(socket) ?? now)) / 1000 })
  if (url === '/dies') return void socket.destroy()
  outgoing.setHeader('strict-transport-security', 'max-age=1')
  outgoing.setHeader('x-bad-version', 'logins-fail')
  incoming.resume()
  if (url.startsWith('/oauth/authorize?')) {
    // As the server does for a long `state`.
    return void outgoing.writeHead(303, { location: `https://shop.example.com/callback${url.slice(16)}` }).end()
  }
  if (url === '/held') return void held.promise.then(() => outgoing.end('ok'))
  setTimeout(() => outgoing.end('ok'), delays[url] ?? 0)
}

let edge: EdgeUnderTest
async function create(input = configInput()): Promise<void> {
  edge = await EdgeUnderTest.create(server)
  await edge.config.mount({ 'nginx.conf': edge.configText(input) })
  await edge.tls.mount(first)
}

beforeEach(() => {
  seen = []
})

describe('an authorization', () => {
  beforeAll(async () => {
    await create({
      ...configInput(),
      oidc: { clientNamespaces: [], logoutReceivers: [], logoutCaSecretRef: undefined, keyRotationIntervalSeconds: 1 },
    })
    await edge.start()
  })
  afterAll(() => edge.remove())

  test('with parameters of 7 KiB returns to the application with all of them', async () => {
    const state = 'a'.repeat(7_168)
    const answer = await edge.call(`/oauth/authorize?state=${state}`)
    expect(answer.status).toBe(303)
    expect(answer.headers.location).toBe(`https://shop.example.com/callback?state=${state}`)
  })
})

/** Connects by TLS 1.2. @param ciphers in the form of OpenSSL @returns the cipher, or the code of the error */
function handshake(ciphers: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  const socket = connectTls({
    host: '127.0.0.1',
    port: edge.layout.ports.https,
    servername: 'auth.example.com',
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.2',
    ciphers,
  })
  socket.once('secureConnect', () => resolve(socket.getCipher().name))
  socket.once('error', (error) => resolve('code' in error ? String(error.code) : error.message))
  return promise.finally(() => socket.destroy())
}

describe('a request', () => {
  beforeAll(async () => {
    await create(configInput({ login: '10/m' }))
    await edge.start()
  })
  afterAll(() => edge.remove())

  test('reaches the server with the address that the edge observed, whatever the client sends', async () => {
    const claims = {
      'x-forwarded-for': '203.0.113.7, 198.51.100.1',
      forwarded: 'for=203.0.113.7',
      'x-real-ip': '1.1.1.1',
      'x-proxy-secret': 'what a client claims',
    }
    const answer = await edge.call('/v1/me', { headers: claims })
    expect(answer).toMatchObject({ status: 200, body: 'ok' })
    expect(seen[0]?.headers).toMatchObject({
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'https',
      // The server trusts the address because of this header.
      'x-proxy-secret': edgeSecret,
      host: 'auth.example.com',
      'x-request-id': expect.stringMatching(/^[0-9a-f]{32}$/),
    })
    expect(seen[0]?.headers).not.toHaveProperty('forwarded')
  })

  test('over HTTP is redirected to HTTPS at the host of the spec, whatever its Host header', async () => {
    const answer = await new Promise<{ status: number | undefined; location: string | undefined }>(
      (resolve, reject) => {
        const { http: port } = edge.layout.ports
        httpRequest({ host: '127.0.0.1', port, path: '/a?b=c', headers: { host: 'evil.example' } }, (incoming) => {
          incoming.resume()
          resolve({ status: incoming.statusCode, location: incoming.headers.location })
        })
          .once('error', reject)
          .end()
      },
    )
    expect(answer).toEqual({ status: 308, location: 'https://auth.example.com/a?b=c' })
  })

  test('is answered with one HSTS header in production, also when the edge itself answers', async () => {
    const hsts = 'max-age=31536000; includeSubDomains'
    expect((await edge.call('/v1/me')).headers['strict-transport-security']).toBe(hsts)
    const tooLarge = await edge.call('/v1/me', { method: 'POST', body: 'x'.repeat(20_000) })
    expect(tooLarge.status).toBe(413)
    expect(tooLarge.headers['strict-transport-security']).toBe(hsts)
    expect(JSON.parse(tooLarge.body)).toMatchObject({ status: 413, code: 'body_too_large' })
  })

  test.each([
    ['with CBC', 'ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA'],
    ['that RFC 9325 does not recommend', 'ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305'],
  ])('over TLS 1.2 with a cipher %s gets no connection', async (_, ciphers) => {
    expect(await handshake(ciphers)).toMatch(/ALERT_HANDSHAKE_FAILURE$/)
  })

  test('over TLS 1.2 gets a connection with a cipher that RFC 9325 recommends', async () => {
    for (const cipher of ['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384']) {
      expect(await handshake(cipher)).toBe(cipher)
    }
  })

  test('is answered with a header that only the server knows', async () => {
    expect((await edge.call('/v1/me')).headers['x-bad-version']).toBe('logins-fail')
  })

  test('over a limit of its route is answered 429 with a problem and Retry-After', async () => {
    const answers = await Promise.all(
      Array.from({ length: 14 }, () => edge.call('/v1/auth/login', { method: 'POST', body: '{}' })),
    )
    const refused = answers.filter(({ status }) => status === 429)
    // The first request and a burst of ten pass.
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(11)
    expect(refused[0]?.headers).toMatchObject({ 'content-type': 'application/problem+json', 'retry-after': '1' })
    expect(JSON.parse(refused[0]?.body ?? '')).toMatchObject({ status: 429, code: 'rate_limited' })
    expect((await edge.call('/v1/me')).status).toBe(200)
  })

  test('is retried on another connection only if the server cannot have processed it', async () => {
    expect((await edge.call('/dies')).status).toBe(503)
    expect((await edge.call('/dies', { method: 'POST' })).status).toBe(503)
    expect(seen.map(({ method }) => method)).toEqual(['GET', 'GET', 'POST'])
  })

  /** Needs four concurrent connections. */
  const four = async (path: string) => {
    const answers = await Promise.all(Array.from({ length: 4 }, () => edge.call(path)))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
  }

  test('uses a connection to the server that is at most two seconds old', async () => {
    const end = performance.now() + 4_000
    while (performance.now() < end) expect((await edge.call('/v1/me')).status).toBe(200)
    const ages = seen.map(({ connectionAge }) => connectionAge)
    expect(Math.max(...ages)).toBeLessThan(2.5)
    // The connection is kept alive.
    expect(Math.max(...ages)).toBeGreaterThan(0.5)
  })

  test('does not use an older idle connection either', async () => {
    await four('/half')
    // Sequential requests use one of the four connections; the others are idle for two seconds.
    for (let count = 0; count < 2; count++) expect((await edge.call('/slow')).status).toBe(200)
    await four('/half')
    expect(Math.max(...seen.map(({ connectionAge }) => connectionAge))).toBeLessThan(2.4)
  })

  test('never uses a connection that a server is about to close, because the edge closes idle ones first', async () => {
    // The present connections are near their end.
    await expect.poll(() => edge.upstreamConnections, { timeout: serverDrainSeconds * 1_000 }).toBe(0)
    await four('/brief')
    expect(edge.upstreamConnections).toBeGreaterThan(0)
    await expect.poll(() => edge.upstreamConnections, { timeout: serverDrainSeconds * 1_000 }).toBe(0)
  })

  test('may be one of thousands on the same HTTP/2 connection', async () => {
    const session = connectHttp2(`https://127.0.0.1:${edge.layout.ports.https}`, {
      servername: 'auth.example.com',
      rejectUnauthorized: false,
    })
    const endings: string[] = []
    session.on('goaway', () => endings.push('goaway'))
    const get = () =>
      new Promise<void>((resolve, reject) => {
        const stream = session.request({ ':path': '/v1/me', ':authority': 'auth.example.com' })
        stream.once('error', reject).once('close', resolve)
        stream.resume()
      })
    for (let sent = 0; sent < 1_200; sent += 8) await Promise.all(Array.from({ length: 8 }, get))
    expect(endings).toEqual([])
    session.close()
  })

  test('is logged as a line of JSON without its query and its tokens', async () => {
    await edge.call('/v1/"odd"?token=secret-1', {
      headers: { authorization: 'Bearer secret-2', 'x-request-id': 'abcdefgh' },
    })
    const lineOf = () => edge.output.split('\n').find((line) => line.includes('abcdefgh')) ?? '{}'
    await expect
      .poll(() => JSON.parse(lineOf()))
      .toMatchObject({ path: '/v1/"odd"', status: 200, request_id: 'abcdefgh' })
    expect(edge.output).not.toMatch(/secret-[12]/)
  })
})

describe('the metrics', () => {
  const page = async () => (await edge.health('/metrics')).body
  const count = async (status: number) =>
    Number(new RegExp(`^edge_http_requests_total\\{status="${status}"\\} (\\d+)$`, 'm').exec(await page())?.[1] ?? -1)

  beforeAll(async () => {
    await create(configInput({ login: '1/m' }))
    await edge.start()
  })
  afterAll(() => edge.remove())

  test('count the responses to clients, of the server and of the edge itself', async () => {
    expect(await count(503), 'initially').toBe(0)
    for (let sent = 0; sent < 3; sent++) await edge.call('/v1/me')
    for (let sent = 0; sent < 2; sent++) await edge.call('/dies')
    const login = () => edge.call('/v1/auth/login', { method: 'POST', body: '{}' })
    const answers = await Promise.all([login(), login(), login()])
    const limited = answers.filter(({ status }) => status === 429).length
    expect(limited).toBeGreaterThan(0)
    await expect.poll(() => count(503)).toBe(2)
    await expect.poll(() => count(429)).toBe(limited)
    await expect.poll(() => count(200)).toBe(3 + 3 - limited)
  })

  test('show the number of open connections and the limit', async () => {
    const agent = keepAliveAgent()
    await edge.call('/v1/me', { agent })
    expect(Number(/^edge_connections (\d+)$/m.exec(await page())?.[1])).toBeGreaterThan(0)
    expect(await page()).toMatch(/^edge_connections_max 24576$/m)
    agent.destroy()
  })

  test('keep their values when the container restarts', async () => {
    const before = await count(503)
    await edge.end('SIGTERM')
    await edge.start()
    await expect.poll(() => count(503)).toBe(before)
  })

  test('count refusals that are not logged', async () => {
    expect(await count(429)).toBeGreaterThan(0)
    expect(edge.output).not.toMatch(/"status":429|limiting requests/)
  })
})

describe('busy connections', () => {
  beforeAll(async () => {
    await create(configInput({ burst: 200, perClient: '1000000/s' }))
    await edge.start()
  })
  afterAll(() => edge.remove())

  test('of one address with slow requests are limited, and the edge answers with a problem', async () => {
    const statuses: string[] = []
    const calls = Array.from({ length: 300 }, () =>
      edge.call('/held').then(
        ({ status }) => statuses.push(String(status)),
        (error: unknown) => statuses.push(String(error)),
      ),
    )
    // All of them at once: the others wait for the server.
    await expect.poll(() => statuses).toEqual(Array(44).fill('429'))
    await expect.poll(() => seen.length).toBe(256)
    held.resolve()
    await Promise.all(calls)
    expect(statuses.slice(44)).toEqual(Array(256).fill('200'))
  })

  test('with incomplete headers block no other client, and are closed', { timeout: 120_000 }, async () => {
    // More than the edge once had room for: 8,192.
    const half = await halfSent(8_500)
    for (let sent = 0; sent < 20; sent++) expect((await edge.call('/v1/me')).status).toBe(200)
    await expect.poll(() => half.filter((socket) => !socket.closed).length, { timeout: 60_000 }).toBe(0)
  })

  /** Connections with an incomplete request. */
  async function halfSent(count: number): Promise<Socket[]> {
    const sockets: Socket[] = []
    while (sockets.length < count) {
      const some = Array.from({ length: 500 }, () => connect(edge.layout.ports.http, '127.0.0.1'))
      await Promise.all(some.map((socket) => once(socket, 'connect')))
      for (const socket of some) {
        socket.on('error', () => {})
        socket.resume()
        socket.write('GET / HTTP/1.1\r\nHost: auth.example.com\r\nX-Half: ')
      }
      sockets.push(...some)
    }
    return sockets
  }
})

test('a node with a low limit of open files does not prevent the start, and metrics show how many clients fit', async () => {
  await create(configInput({ burst: 2_000 }))
  edge.openFiles = { soft: 400, hard: 600 }
  await edge.start()
  expect((await edge.health('/metrics')).body).toMatch(/^edge_connections_max 688$/m)
  expect(edge.output).toContain('"the node lets a container open 600 files, so a worker has 344 of 12288 connections"')
  // Idle connections make room for others. Connections that find no free file would have to wait.
  const resting = Array.from({ length: 1_200 }, () => connect(edge.layout.ports.https, '127.0.0.1'))
  for (const socket of resting) socket.on('error', () => {})
  await Promise.all(resting.map((socket) => once(socket, 'connect')))
  for (let sent = 0; sent < 20; sent++) expect((await edge.call('/v1/me')).status).toBe(200)
  expect(edge.output).not.toContain('Too many open files')
  for (const socket of resting) socket.destroy()
  await edge.remove()
})

test.skipIf(!existsSync('/proc/net/if_inet6'))('clients reach the edge over IPv6 too', async () => {
  await create()
  await edge.start()
  try {
    expect(await edge.call('/v1/me', { address: '::1' })).toMatchObject({ status: 200, body: 'ok' })
    expect(seen[0]?.headers['x-forwarded-for']).toBe('::1')
  } finally {
    await edge.remove()
  }
})

describe('the preview', () => {
  const host = 'preview.example.com'
  let preview: Server

  beforeAll(async () => {
    preview = createServer((incoming, outgoing) => outgoing.end(`the other colour, for ${incoming.headers.host}`))
    await new Promise<void>((listening) => preview.listen(0, '127.0.0.1', listening))
    await create({ ...configInput({ login: '1/m' }), rollout: { blueGreen: { previewHost: host } } })
    // A server on a TCP port has an address of this type.
    edge.previewPort = (preview.address() as AddressInfo).port
    await edge.start()
  })
  afterAll(async () => {
    await edge.remove()
    preview.close()
  })

  test('has its own host name, and the live colour is not affected', async () => {
    expect(await edge.call('/', { host })).toMatchObject({ status: 200, body: `the other colour, for ${host}` })
    expect(await edge.call('/')).toMatchObject({ status: 200, body: 'ok' })
    expect(await edge.call('/', { host: 'unknown.example.com' }), 'any other name').toMatchObject({ body: 'ok' })
  })

  test('has the same limits', async () => {
    const login = () => edge.call('/v1/auth/login', { host, method: 'POST', body: '{}' })
    const answers = await Promise.all([login(), login(), login()])
    expect(answers.map(({ status }) => status)).toContain(429)
  })

  test('without a server answers 503 like the edge, and the live colour continues', async () => {
    preview.close()
    preview.closeAllConnections()
    expect(await edge.call('/', { host })).toMatchObject({ status: 503, body: expect.stringContaining('not_ready') })
    expect(await edge.call('/')).toMatchObject({ status: 200, body: 'ok' })
  })
})

describe('a change', () => {
  beforeEach(async () => {
    await create()
    await edge.start()
  })
  afterEach(() => edge.remove())

  const fingerprint = async () => (await edge.call('/v1/me')).certificate?.fingerprint256

  test('of certificate and configuration is loaded by the running Nginx, and no request fails', async () => {
    const agent = keepAliveAgent()
    const outcomes: string[] = []
    let running = true
    const load = Array.from({ length: 8 }, async (_, client) => {
      while (running) {
        const options = { method: client % 2 === 0 ? 'GET' : 'POST', agent: client < 6 ? agent : false } as const
        outcomes.push(await edge.call('/v1/me', options).then(({ status }) => String(status), String))
      }
    })
    const slow = edge.call('/slow')
    const master = await edge.master()
    // Each worker ends its connections over ten seconds, so several generations exist at a time.
    for (let change = 0; change < 6; change++) {
      const certificate = change % 2 === 0 ? second : first
      const config = edge.configText(configInput({ burst: 9_000 + change }))
      await edge.tls.mount(certificate)
      await edge.config.mount({ 'nginx.conf': config })
      await expect.poll(() => edge.report()).toEqual({ content: fileRevision(config), refused: '', problem: '' })
    }
    running = false
    await Promise.all(load)
    expect((await slow).status).toBe(200)
    expect(await edge.master()).toBe(master)
    expect(outcomes.length).toBeGreaterThan(100)
    expect(new Set(outcomes)).toEqual(new Set(['200']))
  })

  test('of the certificate alone is visible to new connections', async () => {
    const before = await fingerprint()
    await edge.tls.mount(second)
    await expect.poll(fingerprint).not.toBe(before)
  })

  test('to a configuration that Nginx refuses keeps the old one and reports the reason', async () => {
    const { content } = await edge.report()
    const bad = edge.configText(configInput()).replace('server_tokens off;', 'server_tokens "off;')
    await edge.config.mount({ 'nginx.conf': bad })
    await expect
      .poll(() => edge.report())
      .toEqual({ content, refused: fileRevision(bad), problem: expect.stringMatching(/nginx\.conf:\d+ *$/) })
    expect((await edge.call('/v1/me')).status).toBe(200)
    await expect.poll(() => edge.output).toMatch(/"msg":"refused the configuration, keeping the previous one"/)

    const good = edge.configText(configInput({ burst: 77 }))
    await edge.config.mount({ 'nginx.conf': good })
    await expect.poll(() => edge.report()).toEqual({ content: fileRevision(good), refused: '', problem: '' })
  })

  test('to a key of another certificate is refused, and loaded when the key alone is corrected', async () => {
    const before = await fingerprint()
    await edge.tls.mount({ ...second, 'tls.key': first['tls.key'] ?? '' })
    await expect.poll(async () => (await edge.report()).problem).toMatch(/key values mismatch/)
    expect(await fingerprint()).toBe(before)
    await edge.tls.mount(second)
    await expect.poll(fingerprint).not.toBe(before)
  })

  test('to an invalid configuration does not prevent a container restart with the previous one', async () => {
    const before = await edge.report()
    await edge.config.mount({ 'nginx.conf': 'nonsense' })
    await expect.poll(async () => (await edge.report()).problem).not.toBe('')
    await edge.end('SIGTERM')
    await edge.start()
    expect((await edge.call('/v1/me')).status).toBe(200)
    expect(await edge.report()).toMatchObject({
      content: before.content,
      problem: expect.stringContaining('unexpected end of file'),
    })
  })
})

describe('the end', () => {
  afterEach(() => edge.remove())

  test.each(['SIGTERM', 'SIGQUIT'] as const)('by %s happens after the pending requests', async (signal) => {
    await create()
    await edge.start()
    const slow = edge.call('/slow')
    await expect.poll(() => seen.length).toBe(1)
    const ended = edge.end(signal)
    expect((await slow).status).toBe(200)
    expect(await ended).toBe(0)
  })

  test('happens immediately when the first configuration is invalid, with the reason in the log', async () => {
    await create()
    await edge.config.mount({ 'nginx.conf': 'nonsense' })
    const child = await edge.spawn()
    expect(await new Promise((resolve) => child.once('exit', resolve))).toBe(1)
    expect(edge.output).toContain('unexpected end of file')
  })
})
