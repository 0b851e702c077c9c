import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MongoClient } from 'mongodb'
import { buildApp } from '../../api-server/build-app.ts'
import { type Config, readConfig } from '../../api-server/config/config.ts'
import { runMigrations } from '../../api-server/migrations/run.ts'
import type { OidcClient } from '../../contract/oidc-client-schema.ts'
import { generateOidcKey } from '../../operator/authservice/secrets/generate-key.ts'
import { issueCertificate } from '../../operator/authservice/secrets/system-sources.ts'
import { startMongo } from '../../tools/local-servers/mongo.ts'
import { startRedis } from '../../tools/local-servers/redis.ts'
import { freePort } from '../../tools/local-servers/server-process.ts'
import { developmentKeys } from '../../tools/local-servers/signing-keys.ts'
import { user } from './browser.ts'
import { entryOf } from './client-entry.ts'
import type { ClientCredentials, Credentials, PlanClient } from './plans.ts'
import type { Provider } from './provider.ts'
import { startTlsProxy } from './tls-proxy.ts'

/** An auth server on this machine behind TLS, with databases of its own. @param issuer an https URL of this machine */
export function localProvider(suite: string, issuer: string): Provider {
  const cleanUps: (() => unknown)[] = []
  return {
    addresses: { suite, issuer, receiver: suite },
    async start(clients) {
      const credentials: Credentials = new Map(clients.map((client) => [client.name, newCredentials(client)]))
      const entries = clients.map((client) => entryOf(client, credentials.get(client.name)))
      const upstream = await startServer(issuer, entries, cleanUps)
      const { hostname, port } = new URL(issuer)
      const certificate = issueCertificate([hostname], new Date())
      const tls = await startTlsProxy({ certificate, listen: { port: Number(port || 443) }, upstream })
      cleanUps.push(() => tls.close())
      return credentials
    },
    async stop() {
      for (const cleanUp of cleanUps.reverse()) await cleanUp()
    },
  }
}

function newCredentials({ name, key }: PlanClient): ClientCredentials {
  return { id: name, ...(key === undefined && { secret: randomBytes(32).toString('base64url') }) }
}

/** Starts the server, and registers the user. @returns its origin */
async function startServer(issuer: string, clients: readonly OidcClient[], cleanUps: (() => unknown)[]): Promise<URL> {
  const folder = await mkdtemp(join(tmpdir(), 'conformance-'))
  const [mongo, redis, files] = await Promise.all([startMongo(), startRedis(), writeFiles(folder, clients)])
  cleanUps.push(() => Promise.all([mongo.remove(), redis.stop(), rm(folder, { recursive: true })]))
  const config = readConfig({
    ENVIRONMENT: 'development',
    LOG_LEVEL: 'warn',
    MONGODB_URL: mongo.url,
    REDIS_HOST: redis.host,
    REDIS_PORT: String(redis.port),
    JWT_ISSUER: issuer,
    JWT_AUDIENCE: 'conformance',
    ...files,
    // All requests come from one address.
    ...Object.fromEntries(limits.map((name) => [name, '10000/s'])),
    RATE_LIMIT_BURST: '10000',
  })
  await migrate(config)
  const app = await buildApp(config)
  cleanUps.push(() => app.close())
  const registered = await app.inject({ method: 'POST', url: '/v1/auth/register', payload: user })
  if (registered.statusCode >= 300) throw new Error(`the user was not registered: ${registered.body}`)
  const port = await freePort()
  return new URL(await app.listen({ host: '127.0.0.1', port }))
}

/** First, because a server waits for it. */
async function migrate({ mongodb }: Config): Promise<void> {
  await using client = new MongoClient(mongodb.url)
  await runMigrations(client.db(mongodb.database), mongodb.usersCollection)
}

const limits = ['RATE_LIMIT_PER_CLIENT', 'RATE_LIMIT_LOGIN', 'RATE_LIMIT_REGISTER', 'RATE_LIMIT_REFRESH'] as const

async function writeFiles(folder: string, clients: readonly OidcClient[]) {
  const [clientsFile, keysFile] = [join(folder, 'clients.json'), join(folder, 'oidc-keys.json')]
  const now = new Date().toISOString()
  const keys = [{ ...generateOidcKey(), createdAt: now, activateAt: now }]
  await Promise.all([
    writeFile(clientsFile, JSON.stringify({ version: 1, clients }), { mode: 0o600 }),
    writeFile(keysFile, JSON.stringify({ version: 1, keys }), { mode: 0o600 }),
  ])
  return {
    JWT_KEYS_FILE: await developmentKeys(folder),
    OIDC_CLIENTS_FILE: clientsFile,
    OIDC_KEYS_FILE: keysFile,
  }
}
