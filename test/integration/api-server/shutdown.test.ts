import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import type { ServerEnvironment } from '../../../contract/environment.ts'
import { startMongo, type TestMongo } from '../../../tools/local-servers/mongo.ts'
import { startRedis, type TestRedis } from '../../../tools/local-servers/redis.ts'
import { freshDatabase, password } from './app-for-test.ts'
import { logOf, probe, type StartedServer, spawnServer, untilReady } from './started-server.ts'

let mongo: TestMongo
let redis: TestRedis
let server: StartedServer | undefined

beforeAll(async () => {
  ;[mongo, redis] = await Promise.all([startMongo(), startRedis()])
})

afterEach(async () => {
  server?.child.kill('SIGKILL')
  await server?.exited
})

afterAll(() => Promise.all([mongo.remove(), redis.stop()]))

/** @param preload code that runs before the server's */
async function start(environment: ServerEnvironment = {}, preload?: string): Promise<StartedServer> {
  server = await spawnServer(
    {
      ENVIRONMENT: 'development',
      MONGODB_MIN_POOL_SIZE: '0',
      BCRYPT_COST: '10',
      MIGRATE_ON_START: 'true',
      SHUTDOWN_DRAIN_SECONDS: '5',
      MONGODB_URL: mongo.url,
      REDIS_HOST: redis.host,
      REDIS_PORT: String(redis.port),
      DATABASE_NAME: freshDatabase(),
      JWT_SECRET: randomBytes(32).toString('base64url'),
      ...environment,
    },
    preload === undefined ? [] : ['--import', `data:text/javascript,${encodeURIComponent(preload)}`],
  )
  return server
}

/** A login of an unknown user whose body is incomplete. */
const slowBody = JSON.stringify({ email: 'nobody@example.com', password })

/** Sends a request except for the end of its body. */
async function halfOfARequest({ port }: StartedServer): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const head = ['POST /v1/auth/login HTTP/1.1', 'host: localhost', 'content-type: application/json']
  socket.write([...head, `content-length: ${slowBody.length}`, '', slowBody.slice(0, 10)].join('\r\n'))
  return socket
}

test('on SIGTERM the server is no longer ready, answers with Connection: close, completes pending requests, and ends', async () => {
  const running = await start({ SHUTDOWN_DRAIN_SECONDS: '8' })
  await untilReady(running)
  const inFlight = await halfOfARequest(running)
  running.child.kill('SIGTERM')

  await vi.waitFor(
    async () =>
      expect(await probe(`${running.observability}/readyz`)).toEqual({
        status: 503,
        body: 'the server is shutting down\n',
      }),
    { timeout: 7_000, interval: 10 },
  )
  const draining = await fetch(`${running.api}/.well-known/jwks.json`)
  expect({ status: draining.status, connection: draining.headers.get('connection') }).toEqual({
    status: 200,
    connection: 'close',
  })
  expect((await probe(`${running.observability}/livez`)).status).toBe(200)

  // The listener is closed; the earlier request is still open.
  await vi.waitFor(async () => expect((await probe(`${running.api}/.well-known/jwks.json`)).status).toBe(0), {
    timeout: 40_000,
    interval: 50,
  })
  inFlight.write(slowBody.slice(10))
  const [answer] = await once(inFlight, 'data')
  expect(String(answer)).toMatch(/^HTTP\/1\.1 401 /)
  expect(String(answer).toLowerCase()).toContain('\r\nconnection: close\r\n')
  expect(await running.exited).toBe(0)
  expect(logOf(running).map(({ event }) => event)).toEqual(expect.arrayContaining(['sys_startup', 'sys_shutdown']))
})

test('clients reach the server over IPv4 and IPv6, unless HOST is a single address', async () => {
  const running = await start({ HOST: '' })
  await untilReady(running)
  const statuses = await Promise.all(
    ['127.0.0.1', '[::1]'].flatMap((host) => [
      probe(`http://${host}:${running.port}/.well-known/jwks.json`),
      probe(running.observability.replace('127.0.0.1', host).concat('/readyz')),
    ]),
  )
  expect(statuses.map(({ status }) => status)).toEqual([200, 200, 200, 200])
})

test('a second signal ends the server immediately', async () => {
  const running = await start({ SHUTDOWN_DRAIN_SECONDS: '60' })
  await untilReady(running)
  running.child.kill('SIGTERM')
  await vi.waitFor(async () => expect((await probe(`${running.observability}/readyz`)).status).toBe(503), {
    timeout: 40_000,
  })
  running.child.kill('SIGTERM')
  expect(await running.exited).toBe(1)
})

test.each([
  ['an uncaught error', 'SIGWINCH', "setTimeout(() => { throw new Error('boom') })"],
  ['an unhandled rejection', 'SIGWINCH', "Promise.reject(new Error('boom'))"],
  ['an error during the shutdown', 'SIGTERM', "setTimeout(() => { throw new Error('boom') }, 100)"],
] as const)('%s is logged as a crash and ends the process', async (_what, signal, code) => {
  const running = await start({ SHUTDOWN_DRAIN_SECONDS: '60' }, `process.on('${signal}', () => { ${code} })`)
  await untilReady(running)
  running.child.kill(signal)
  expect(await running.exited).toBe(1)
  expect(logOf(running).find(({ event }) => event === 'sys_crash')).toMatchObject({
    level: 60,
    err: { message: 'boom' },
  })
})

test('the server starts before its databases, reports what it waits for, and becomes ready by itself', async () => {
  await Promise.all([mongo.stop(), redis.stop()])
  const running = await start()
  await vi.waitFor(
    async () => {
      const { status, body } = await probe(`${running.observability}/readyz`)
      expect(status).toBe(503)
      // Host, port and error code suffice to find the cause.
      const refused = (name: string, port: number) =>
        `waiting for ${name}, which has not answered yet: connect ECONNREFUSED 127.0.0.1:${port}\n`
      expect(body).toBe(refused('MongoDB', mongo.port) + refused('Redis', redis.port))
    },
    { timeout: 40_000 },
  )
  expect((await probe(`${running.observability}/livez`)).status).toBe(200)
  await vi.waitFor(
    () => {
      const said = logOf(running).map(({ msg }) => msg)
      expect(said).toContain(`waiting for MongoDB at 127.0.0.1:${mongo.port}`)
      expect(said.some((message) => String(message).startsWith('waiting for Redis'))).toBe(true)
    },
    { timeout: 40_000 },
  )
  await mongo.start()
  await vi.waitFor(
    async () =>
      expect((await probe(`${running.observability}/readyz`)).body).toMatch(
        /^waiting for Redis, which has not answered yet: connect ECONNREFUSED 127\.0\.0\.1:\d+\n$/,
      ),
    { timeout: 30_000 },
  )
  await redis.start()
  await untilReady(running)
})

test('a signal ends a server that waits for its databases', async () => {
  await Promise.all([mongo.stop(), redis.stop()])
  try {
    const running = await start({ SHUTDOWN_DRAIN_SECONDS: '0' })
    await vi.waitFor(async () => expect((await probe(`${running.observability}/livez`)).status).toBe(200), {
      timeout: 40_000,
    })
    running.child.kill('SIGTERM')
    expect(await running.exited).toBe(0)
  } finally {
    await Promise.all([mongo.start(), redis.start()])
  }
})
