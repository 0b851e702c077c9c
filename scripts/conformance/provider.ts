import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type IncomingMessage, request, type ServerResponse } from 'node:http'
import { createServer } from 'node:https'
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

/** An auth server on this machine, behind TLS. */
export interface LocalProvider {
  stop(): Promise<void>
}

/** Starts the server with databases of its own, and registers the user. @param issuer an https URL of this machine */
export async function startProvider(issuer: string, clients: readonly OidcClient[]): Promise<LocalProvider> {
  const folder = await mkdtemp(join(tmpdir(), 'conformance-'))
  const [mongo, redis, files] = await Promise.all([startMongo(), startRedis(), writeFiles(folder, clients)])
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
  const registered = await app.inject({ method: 'POST', url: '/v1/auth/register', payload: user })
  if (registered.statusCode >= 300) throw new Error(`the user was not registered: ${registered.body}`)
  const port = await freePort()
  await app.listen({ host: '127.0.0.1', port })
  const tls = await startTls(new URL(issuer), port)
  return {
    async stop() {
      tls.closeAllConnections()
      tls.close()
      await app.close()
      await Promise.all([mongo.remove(), redis.stop(), rm(folder, { recursive: true })])
    },
  }
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

/** What the edge does: TLS, of version 1.2 with the ciphers that the profile allows (FAPI 2.0 Security Profile section 5.2.2). */
async function startTls({ hostname, port }: URL, upstream: number) {
  const { 'tls.key': key = '', 'tls.crt': cert = '' } = issueCertificate([hostname], new Date())
  const ciphers =
    'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384'
  const server = createServer({ key, cert, ciphers }, (incoming, outgoing) => passOn(incoming, outgoing, upstream))
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(Number(port), resolve))
  return server
}

function passOn(incoming: IncomingMessage, outgoing: ServerResponse, port: number): void {
  const { method, url: path, headers } = incoming
  const asked = request({ host: '127.0.0.1', port, method, path, headers }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(outgoing)
  })
  asked.once('error', () => outgoing.destroy())
  incoming.pipe(asked)
}
