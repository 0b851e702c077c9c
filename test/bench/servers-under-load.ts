import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { execa } from 'execa'
import { codeCacheOf } from '../../api-server/code-cache.ts'
import type { ServerEnvironment } from '../../api-server/config.ts'
import { issueAccessToken } from '../../api-server/plugins/app/tokens/access-token.ts'
import { KeyStore } from '../../api-server/plugins/app/tokens/key-store.ts'
import { parseKeySet } from '../../api-server/plugins/app/tokens/parse-key-set.ts'
import { developmentKeys } from '../../scripts/dev/signing-keys.ts'
import { startMongo } from '../servers/mongo.ts'
import { startRedis, type TestRedis } from '../servers/redis.ts'
import { freePort, type ServerProcess, startProcess } from '../servers/server-process.ts'
import { type Cores, onCore } from './cores.ts'

const root = resolve(import.meta.dirname, '../..')
const policy = { issuer: 'https://auth.example.com', audience: 'bench', lifetimeSeconds: 3 * 3600 }

/** The auth server in its production form, and what its databases and keys are. */
export class Deployment implements AsyncDisposable {
  readonly cores: Cores
  readonly mongoUrl: string
  readonly database = 'bench'
  readonly folder: string
  /** A bench may stop it and start it again. */
  readonly redis: TestRedis
  readonly #keyFile: string
  readonly #stack: AsyncDisposableStack

  private constructor(
    cores: Cores,
    stack: AsyncDisposableStack,
    known: { mongoUrl: string; redis: TestRedis; folder: string; keyFile: string },
  ) {
    this.cores = cores
    this.#stack = stack
    this.mongoUrl = known.mongoUrl
    this.redis = known.redis
    this.folder = known.folder
    this.#keyFile = known.keyFile
  }

  /** Bundles the server and starts its databases. */
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
    const deployment = new Deployment(cores, stack.move(), { mongoUrl: mongo.url, redis, folder, keyFile })
    await deployment.#migrate()
    return deployment
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync()
  }

  /** Starts the bundle as its image does (Dockerfile.api), on the core of the server, and waits until it is ready. */
  async startServer(environment: ServerEnvironment = {}): Promise<ServerProcess & { origin: string }> {
    const [port, metricsPort] = await Promise.all([freePort(), freePort()])
    const [path, ...rest] = onCore(this.cores.server, [process.execPath, join(root, 'api-server/dist/server.js')])
    const env = { ...this.#environment(), PORT: String(port), METRICS_PORT: String(metricsPort), ...environment }
    const isReady = async () =>
      (await fetch(`http://127.0.0.1:${metricsPort}/readyz`).catch(() => undefined))?.ok === true
    const server = await startProcess({ path, env }, rest, isReady)
    return { ...server, origin: `http://127.0.0.1:${port}` }
  }

  /** What `work` starts has to compile what it runs. */
  async withoutCodeCache<Result>(work: () => Promise<Result>): Promise<Result> {
    const cache = codeCacheOf(join(root, 'api-server/dist/serve.cjs'))
    await rename(cache, `${cache}.away`)
    try {
      return await work()
    } finally {
      await rename(`${cache}.away`, cache)
    }
  }

  /** Access tokens of as many users and sessions, signed with the deployment's key. */
  async tokens(count: number): Promise<string[]> {
    const keys = new KeyStore()
    keys.replace(parseKeySet(await readFile(this.#keyFile, 'utf8')))
    const now = new Date()
    const expiresAt = new Date(now.getTime() + policy.lifetimeSeconds * 1000)
    return Promise.all(
      Array.from({ length: count }, async (_, index) => {
        const userId = index.toString(16).padStart(24, '0')
        const session = {
          _id: `00000000-0000-4000-8000-${index.toString(16).padStart(12, '0')}`,
          version: 0,
          expiresAt,
        }
        return (await issueAccessToken(keys, policy, { userId, role: 'user', session }, now)).token
      }),
    )
  }

  /** @returns the path of a file with one token a line */
  async tokenFile(tokens: readonly string[]): Promise<string> {
    const file = join(this.folder, `tokens-${tokens.length}`)
    await writeFile(file, `${tokens.join('\n')}\n`)
    return file
  }

  #environment(): ServerEnvironment & Record<string, string> {
    return {
      NODE_ENV: 'production',
      ENVIRONMENT: 'production',
      HOST: '127.0.0.1',
      MONGODB_URL: this.mongoUrl,
      DATABASE_NAME: this.database,
      REDIS_HOST: this.redis.host,
      REDIS_PORT: String(this.redis.port),
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

/** A bare Fastify on the core of the server. */
export async function startHello(cores: Cores): Promise<ServerProcess & { origin: string }> {
  const port = await freePort()
  const [path, ...rest] = onCore(cores.server, [process.execPath, join(import.meta.dirname, 'hello.ts'), String(port)])
  const origin = `http://127.0.0.1:${port}`
  const isReady = async () => (await fetch(origin).catch(() => undefined))?.ok === true
  const server = await startProcess({ path, env: { NODE_ENV: 'production' } }, rest, isReady)
  return { ...server, origin }
}
