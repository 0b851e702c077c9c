import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, inject, test } from 'vitest'
import type { ServerEnvironment } from '../../../contract/environment.ts'
import { freshDatabase } from './app-for-test.ts'
import { type StartedServer, startServer } from './started-server.ts'

function environment(): ServerEnvironment {
  const redis = inject('redis')
  return {
    ENVIRONMENT: 'development',
    MONGODB_URL: inject('mongoUrl'),
    DATABASE_NAME: freshDatabase(),
    MIGRATE_ON_START: 'true',
    REDIS_HOST: redis.host,
    REDIS_PORT: String(redis.port),
    JWT_SECRET: randomBytes(32).toString('base64url'),
    BCRYPT_COST: '10',
  }
}

/** Receives the requests of an exporter. Names and attributes are readable as text in them. */
async function startCollector() {
  const received: { url: string; text: string }[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => {
      received.push({ url: request.url ?? '', text: Buffer.concat(chunks).toString('latin1') })
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end()
    })
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  // The type of a TCP server's address.
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, received, close: () => server.close() }
}

/** Makes a process print the OpenTelemetry modules that it loads. prom-client needs the API module. */
const tellModules = [
  '--import',
  `data:text/javascript,${encodeURIComponent(`
    import { registerHooks } from 'node:module'
    registerHooks({ load(url, context, next) { if (/opentelemetry\\/(?!api\\/)|fastify\\/otel|open-telemetry/.test(url)) console.error('LOADED ' + url); return next(url, context) } })
  `)}`,
]

test("each request is a span of the caller's trace, named by its route, without values from the URL", async () => {
  const collector = await startCollector()
  const server = await startServer({ ...environment(), OTEL_EXPORTER_OTLP_ENDPOINT: collector.url })
  const traceId = randomBytes(16).toString('hex')
  const headers = { traceparent: `00-${traceId}-${randomBytes(8).toString('hex')}-01` }
  await fetch(`${server.api}/v1/auth/verify?token=query-secret`, { headers })
  await fetch(`${server.api}/path-secret`, { headers })
  await server.stop()
  collector.close()

  const text = collector.received.map((each) => each.text).join('')
  expect(collector.received.every(({ url }) => url === '/v1/traces')).toBe(true)
  for (const part of ['GET /v1/auth/verify', 'authservice', Buffer.from(traceId, 'hex').toString('latin1')]) {
    expect(text.includes(part), part).toBe(true)
  }
  expect(text).not.toContain('secret')
})

test('an unavailable collector does not delay requests, and delays the end of the server by at most two seconds', async () => {
  const server = await startServer({ ...environment(), OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' })
  expect((await fetch(`${server.api}/.well-known/jwks.json`)).status).toBe(200)
  await server.stop()
  expect(server.output()).not.toContain('sys_crash')
})

test('OpenTelemetry is not loaded unless traces have a destination', async () => {
  const loaded = (server: StartedServer) =>
    server
      .output()
      .split('\n')
      .filter((line) => line.startsWith('LOADED'))
  const without = await startServer(environment(), tellModules)
  await without.stop()
  expect(loaded(without)).toEqual([])
  const beside = await startServer({ ...environment(), OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' }, tellModules)
  await beside.stop()
  expect(loaded(beside).length).toBeGreaterThan(10)
})
