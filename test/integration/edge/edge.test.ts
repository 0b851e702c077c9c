import type { RequestListener } from 'node:http'
import { createServer, request as httpRequest, type Server } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { contentOf } from '../../../operator/authservice/edge-reports.ts'
import { serverDrainSeconds } from '../../../operator/authservice/resources/drain.ts'
import { issueCertificate } from '../../../operator/authservice/secrets/certificates.ts'
import type { SecretData } from '../../../operator/authservice/secrets/secret-data.ts'
import { configInput, EdgeUnderTest, keepAliveAgent } from './edge-under-test.ts'

let first: SecretData
let second: SecretData
beforeAll(async () => {
  first = issueCertificate(['auth.example.com'], new Date())
  second = issueCertificate(['auth.example.com'], new Date())
})

/** What the server got, newest last. */
interface Seen {
  method: string
  path: string
  headers: Record<string, string | string[] | undefined>
  /** Seconds since the connection that it came over was made. */
  connectionAge: number
}
let seen: Seen[] = []
const connectedAt = new WeakMap<object, number>()

/** How long answers take, in milliseconds, where it is not at once. */
const delays: Readonly<Record<string, number>> = { '/brief': 100, '/half': 500, '/slow': 1_000 }

/** Answers after the delay of the path; `/dies` never. */
const server: RequestListener = (incoming, outgoing) => {
  const { method = '', url = '', headers, socket } = incoming
  const now = performance.now()
  if (!connectedAt.has(socket)) connectedAt.set(socket, now)
  seen.push({ method, path: url, headers, connectionAge: (now - (connectedAt.get(socket) ?? now)) / 1000 })
  if (url === '/dies') return void socket.destroy()
  outgoing.setHeader('strict-transport-security', 'max-age=1')
  outgoing.setHeader('x-bad-version', 'logins-fail')
  incoming.resume()
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

describe('a request', () => {
  beforeAll(async () => {
    await create(configInput({ login: '10/m' }))
    await edge.start()
  })
  afterAll(() => edge.remove())

  test('reaches the server with the one address that the edge saw, whatever the client claims', async () => {
    const claims = {
      'x-forwarded-for': '203.0.113.7, 198.51.100.1',
      forwarded: 'for=203.0.113.7',
      'x-real-ip': '1.1.1.1',
    }
    const answer = await edge.call('/v1/me', { headers: claims })
    expect(answer).toMatchObject({ status: 200, body: 'ok' })
    expect(seen[0]?.headers).toMatchObject({
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'https',
      host: 'auth.example.com',
      'x-request-id': expect.stringMatching(/^[0-9a-f]{32}$/),
    })
    expect(seen[0]?.headers).not.toHaveProperty('forwarded')
  })

  test('by HTTP is sent to HTTPS, at the host of the spec whatever the client calls it', async () => {
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

  test('is answered with the HSTS of production, once, also when the edge answers itself', async () => {
    const hsts = 'max-age=31536000; includeSubDomains'
    expect((await edge.call('/v1/me')).headers['strict-transport-security']).toBe(hsts)
    const tooLarge = await edge.call('/v1/me', { method: 'POST', body: 'x'.repeat(20_000) })
    expect(tooLarge.status).toBe(413)
    expect(tooLarge.headers['strict-transport-security']).toBe(hsts)
    expect(JSON.parse(tooLarge.body)).toMatchObject({ status: 413, code: 'body_too_large' })
  })

  test('is answered with a header that only the server knows', async () => {
    expect((await edge.call('/v1/me')).headers['x-bad-version']).toBe('logins-fail')
  })

  test('over a limit of its route is answered 429 as a problem that says when to come back', async () => {
    const answers = await Promise.all(
      Array.from({ length: 14 }, () => edge.call('/v1/auth/login', { method: 'POST', body: '{}' })),
    )
    const refused = answers.filter(({ status }) => status === 429)
    // The first and a burst of ten pass.
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(11)
    expect(refused[0]?.headers).toMatchObject({ 'content-type': 'application/problem+json', 'retry-after': '1' })
    expect(JSON.parse(refused[0]?.body ?? '')).toMatchObject({ status: 429, code: 'rate_limited' })
    expect((await edge.call('/v1/me')).status).toBe(200)
  })

  test('is repeated on another connection when that is safe, and never when it may have been carried out', async () => {
    expect((await edge.call('/dies')).status).toBe(503)
    expect((await edge.call('/dies', { method: 'POST' })).status).toBe(503)
    expect(seen.map(({ method }) => method)).toEqual(['GET', 'GET', 'POST'])
  })

  /** Needs four connections at a time. */
  const four = async (path: string) => {
    const answers = await Promise.all(Array.from({ length: 4 }, () => edge.call(path)))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
  }

  test('goes over a connection to the server that is at most two seconds old', async () => {
    const end = performance.now() + 4_000
    while (performance.now() < end) expect((await edge.call('/v1/me')).status).toBe(200)
    const ages = seen.map(({ connectionAge }) => connectionAge)
    expect(Math.max(...ages)).toBeLessThan(2.5)
    // It is kept open at all.
    expect(Math.max(...ages)).toBeGreaterThan(0.5)
  })

  test('does not go over an older one either that has rested', async () => {
    await four('/half')
    // One request at a time needs one of the four connections, and the others rest for two seconds.
    for (let count = 0; count < 2; count++) expect((await edge.call('/slow')).status).toBe(200)
    await four('/half')
    expect(Math.max(...seen.map(({ connectionAge }) => connectionAge))).toBeLessThan(2.4)
  })

  test('never goes over a connection that a server is about to end: those that nobody uses are let go before', async () => {
    // Those of before are near their end.
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

  test('leaves a line of JSON without its query or its tokens', async () => {
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

describe('the preview', () => {
  const host = 'preview.example.com'
  let preview: Server

  beforeAll(async () => {
    preview = createServer((incoming, outgoing) => outgoing.end(`the other colour, for ${incoming.headers.host}`))
    await new Promise<void>((listening) => preview.listen(0, '127.0.0.1', listening))
    await create({ ...configInput({ login: '1/m' }), rollout: { blueGreen: { previewHost: host } } })
    // What listens on a port of this machine has this address.
    edge.previewPort = (preview.address() as AddressInfo).port
    await edge.start()
  })
  afterAll(async () => {
    await edge.remove()
    preview.close()
  })

  test('has a name of its own, and the way to the live colour stays as it is', async () => {
    expect(await edge.call('/', { host })).toMatchObject({ status: 200, body: `the other colour, for ${host}` })
    expect(await edge.call('/')).toMatchObject({ status: 200, body: 'ok' })
    expect(await edge.call('/', { host: 'unknown.example.com' }), 'any other name').toMatchObject({ body: 'ok' })
  })

  test('keeps the same limits', async () => {
    const login = () => edge.call('/v1/auth/login', { host, method: 'POST', body: '{}' })
    const answers = await Promise.all([login(), login(), login()])
    expect(answers.map(({ status }) => status)).toContain(429)
  })

  test('that nobody serves answers 503 as the edge does, and the live colour goes on', async () => {
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

  test('of certificate and configuration is taken up by the same Nginx, and no request fails', async () => {
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
    // Each worker ends its connections over ten seconds: these are several generations at a time.
    for (let change = 0; change < 6; change++) {
      const certificate = change % 2 === 0 ? second : first
      const config = edge.configText(configInput({ burst: 9_000 + change }))
      await edge.tls.mount(certificate)
      await edge.config.mount({ 'nginx.conf': config })
      await expect
        .poll(() => edge.report(), { timeout: 10_000 })
        .toEqual({ content: contentOf(config), refused: '', problem: '' })
    }
    running = false
    await Promise.all(load)
    expect((await slow).status).toBe(200)
    expect(await edge.master()).toBe(master)
    expect(outcomes.length).toBeGreaterThan(100)
    expect(new Set(outcomes)).toEqual(new Set(['200']))
  })

  test('of the certificate alone is what new connections see', async () => {
    const before = await fingerprint()
    await edge.tls.mount(second)
    await expect.poll(fingerprint, { timeout: 10_000 }).not.toBe(before)
  })

  test('to a configuration that Nginx refuses keeps the old one, and says why', async () => {
    const { content } = await edge.report()
    const bad = edge.configText(configInput()).replace('server_tokens off;', 'server_tokens "off;')
    await edge.config.mount({ 'nginx.conf': bad })
    await expect
      .poll(() => edge.report(), { timeout: 10_000 })
      .toEqual({ content, refused: contentOf(bad), problem: expect.stringMatching(/nginx\.conf:\d+ *$/) })
    expect((await edge.call('/v1/me')).status).toBe(200)
    expect(edge.output).toMatch(/"msg":"the configuration is refused, the one before goes on"/)

    const good = edge.configText(configInput({ burst: 77 }))
    await edge.config.mount({ 'nginx.conf': good })
    await expect
      .poll(() => edge.report(), { timeout: 10_000 })
      .toEqual({ content: contentOf(good), refused: '', problem: '' })
  })

  test('to a key of another certificate is refused, and taken up when only the key is mended', async () => {
    const before = await fingerprint()
    await edge.tls.mount({ ...second, 'tls.key': first['tls.key'] ?? '' })
    await expect.poll(async () => (await edge.report()).problem, { timeout: 10_000 }).toMatch(/key values mismatch/)
    expect(await fingerprint()).toBe(before)
    await edge.tls.mount(second)
    await expect.poll(fingerprint, { timeout: 10_000 }).not.toBe(before)
  })

  test('that is bad does not keep a container from starting again with what ran before', async () => {
    const before = await edge.report()
    await edge.config.mount({ 'nginx.conf': 'nonsense' })
    await expect.poll(async () => (await edge.report()).problem, { timeout: 10_000 }).not.toBe('')
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

  test.each(['SIGTERM', 'SIGQUIT'] as const)('by %s comes after the requests that are under way', async (signal) => {
    await create()
    await edge.start()
    const slow = edge.call('/slow')
    await expect.poll(() => seen.length).toBe(1)
    const ended = edge.end(signal)
    expect((await slow).status).toBe(200)
    expect(await ended).toBe(0)
  })

  test('comes at once when the very first configuration is bad, with the reason in the log', async () => {
    await create()
    await edge.config.mount({ 'nginx.conf': 'nonsense' })
    const child = await edge.spawn()
    expect(await new Promise((resolve) => child.once('exit', resolve))).toBe(1)
    expect(edge.output).toContain('unexpected end of file')
  })
})
