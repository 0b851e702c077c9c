import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { execa } from 'execa'
import fastify from 'fastify'
import type { Authentication } from '../../api-server/plugins/app/sessions/authentication.ts'
import { registerAccessTokens } from '../../api-server/plugins/app/tokens/issue-and-verify.ts'
import { KeyStore } from '../../api-server/plugins/app/tokens/key-store.ts'
import { loadKeySet } from '../../api-server/plugins/app/tokens/load-key-set.ts'
import type { ServerEnvironment } from '../../contract/environment.ts'
import { startMongo, type TestMongo } from '../../tools/local-servers/mongo.ts'
import { startRedis, type TestRedis } from '../../tools/local-servers/redis.ts'
import { freePort, type ServerProcess, startProcess } from '../../tools/local-servers/server-process.ts'
import { developmentKeys } from '../../tools/local-servers/signing-keys.ts'
import { type Cores, onCore } from './cores.ts'

const root = resolve(import.meta.dirname, '../..')
const policy = { issuer: 'https://auth.example.com', audience: 'bench', lifetimeSeconds: 3 * 3600 }

/** A server on 127.0.0.1 in a process of its own. */
export type HttpServer = ServerProcess & { origin: string }

/** The auth server as its image runs it, with databases and keys of its own. */
export class Deployment implements AsyncDisposable {
  readonly cores: Cores
  readonly mongoUrl: string
  readonly database = 'bench'
  readonly issuer = policy.issuer
  /** The processes of MongoDB and Redis. */
  readonly databasePids: readonly number[]
  readonly #folder: string
  readonly #redis: TestRedis
  readonly #keyFile: string
  readonly #stack: AsyncDisposableStack

  private constructor(
    cores: Cores,
    stack: AsyncDisposableStack,
    parts: { mongo: TestMongo; redis: TestRedis; folder: string; keyFile: string },
  ) {
    this.cores = cores
    this.mongoUrl = parts.mongo.url
    this.databasePids = [parts.mongo.pid(), parts.redis.pid()]
    this.#stack = stack
    this.#redis = parts.redis
    this.#folder = parts.folder
    this.#keyFile = parts.keyFile
  }

  /** Bundles the server, starts its databases and runs its migrations. */
  static async prepare(cores: Cores): Promise<Deployment> {
    await execa(process.execPath, [join(root, 'scripts/build.ts'), 'api-server'])
    await using stack = new AsyncDisposableStack()
    const folder = await mkdtemp(join(tmpdir(), 'authservice-bench-'))
    stack.defer(() => rm(folder, { recursive: true, force: true }))
    const mongo = await startMongo()
    stack.defer(mongo.remove)
    const redis = await startRedis()
    stack.defer(redis.stop)
    const keyFile = await developmentKeys(folder)
    const deployment = new Deployment(cores, stack.move(), { mongo, redis, folder, keyFile })
    await deployment.#migrate()
    return deployment
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync()
  }

  /** Starts the bundle on the server's core and waits until it is ready. */
  async startServer(environment: ServerEnvironment = {}): Promise<HttpServer> {
    const [port, metricsPort] = await Promise.all([freePort(), freePort()])
    const [path, ...rest] = onCore(this.cores.server, [process.execPath, join(root, 'api-server/dist/server.js')])
    const imageOptions = /\bNODE_OPTIONS=(\S+)/.exec(await readFile(join(root, 'Dockerfile.api'), 'utf8'))?.[1]
    const env = {
      ...this.#environment(),
      NODE_OPTIONS: imageOptions ?? '',
      PORT: String(port),
      METRICS_PORT: String(metricsPort),
      ...environment,
    }
    const isReady = async () =>
      (await fetch(`http://127.0.0.1:${metricsPort}/readyz`).catch(() => undefined))?.ok === true
    const server = await startProcess({ path, env }, rest, isReady)
    return { ...server, origin: `http://127.0.0.1:${port}` }
  }

  /**
   * Access tokens signed with the deployment's key, each of a user and a session of its own.
   *
   * @param authentication how the users have logged in; without it, the tokens do not say so
   */
  async tokens(count: number, authentication?: Authentication): Promise<string[]> {
    const keys = new KeyStore()
    keys.replace(loadKeySet(await readFile(this.#keyFile, 'utf8')))
    const { issue } = await registerAccessTokens(fastify(), { keys, policy, requireActiveSession: async () => {} })
    const expiresAt = new Date(Date.now() + policy.lifetimeSeconds * 1000)
    return Array.from({ length: count }, (_, index) => {
      const userId = index.toString(16).padStart(24, '0')
      const _id = `00000000-0000-4000-8000-${index.toString(16).padStart(12, '0')}`
      return issue({
        userId,
        role: 'user',
        session: { _id, version: 0, expiresAt, ...(authentication && { authentication }) },
      }).token
    })
  }

  /** Writes one token per line. @returns the path of the file */
  tokenFile(tokens: readonly string[], name = 'tokens'): Promise<string> {
    return this.file(name, `${tokens.join('\n')}\n`)
  }

  /** Writes a file that is deleted with the deployment. @returns its path */
  async file(name: string, content: string): Promise<string> {
    const file = join(this.#folder, name)
    await writeFile(file, content, { mode: 0o600 })
    return file
  }

  #environment(): ServerEnvironment & Record<string, string> {
    return {
      NODE_ENV: 'production',
      ENVIRONMENT: 'production',
      HOST: '127.0.0.1',
      MONGODB_URL: this.mongoUrl,
      DATABASE_NAME: this.database,
      REDIS_HOST: this.#redis.host,
      REDIS_PORT: String(this.#redis.port),
      JWT_KEYS_FILE: this.#keyFile,
      JWT_ISSUER: policy.issuer,
      JWT_AUDIENCE: policy.audience,
      ACCESS_TOKEN_LIFETIME: '15m',
      SHUTDOWN_DRAIN_SECONDS: '0',
    }
  }

  async #migrate(): Promise<void> {
    await execa(process.execPath, [join(root, 'api-server/dist/migrate.js')], { env: this.#environment() })
  }
}

/** Starts a bare Fastify server on the core. */
export async function startBareFastify(core?: number): Promise<HttpServer> {
  const port = await freePort()
  const program = join(import.meta.dirname, 'bare-fastify.ts')
  const [path, ...rest] = onCore(core, [process.execPath, program, String(port)])
  const origin = `http://127.0.0.1:${port}`
  const isReady = async () => (await fetch(origin).catch(() => undefined))?.ok === true
  const server = await startProcess({ path, env: { NODE_ENV: 'production' } }, rest, isReady)
  return { ...server, origin }
}
