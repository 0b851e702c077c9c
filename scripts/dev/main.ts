/**
 * `npm run dev`: the auth server alone, started again at each change of its code.
 * Variables of the environment reach it: PORT, LOG_LEVEL, MONGODB_URL, REDIS_HOST and the others.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { join, resolve } from 'node:path'
import pretty from 'pino-pretty'
import { findMongo, findRedis } from './databases.ts'
import { chooseFreePort } from './ports.ts'
import { developmentKeys } from './signing-keys.ts'
import { welcome } from './welcome.ts'

const root = resolve(import.meta.dirname, '../..')
const state = join(root, '.dev')

try {
  await main()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}

async function main(): Promise<void> {
  const port = await chooseFreePort(process.env['PORT'], 8080)
  const metricsPort = await chooseFreePort(process.env['METRICS_PORT'], 9090)
  console.log('Looking for MongoDB and Redis; without them they are started, the first time after a download …')
  const [mongo, redis, keys] = await Promise.all([
    findMongo(process.env, state),
    findRedis(process.env),
    developmentKeys(state),
  ])
  console.log(`MongoDB: ${mongo.origin}\nRedis:   ${redis.origin}`)

  const server = startServer({
    ENVIRONMENT: 'development',
    HOST: '127.0.0.1',
    JWT_ISSUER: `http://localhost:${port}`,
    JWT_KEYS_FILE: keys,
    MIGRATE_ON_START: 'true',
    SHUTDOWN_DRAIN_SECONDS: '0',
    ...process.env,
    ...mongo.env,
    ...redis.env,
    PORT: String(port),
    METRICS_PORT: String(metricsPort),
  })
  const ended = new Promise<number>((done) => server.on('exit', (code) => done(code ?? 0)))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => server.kill('SIGTERM'))

  if (await isReady(metricsPort, ended)) console.log(welcome(port, metricsPort))
  process.exitCode = await ended
  await Promise.all([mongo.stop(), redis.stop()])
}

/** In a process group of its own, so that Ctrl-C reaches it through us alone and only once. */
function startServer(env: NodeJS.ProcessEnv): ChildProcess {
  const server = spawn(process.execPath, ['--watch', '--watch-preserve-output', 'api-server/server.ts'], {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  server.stdout?.pipe(pretty({ ignore: 'pid,hostname', translateTime: 'HH:MM:ss', singleLine: true }))
  return server
}

/** Waits until the server is ready; it says by itself what it waits for. @returns false when it ended first */
async function isReady(metricsPort: number, ended: Promise<number>): Promise<boolean> {
  let running = true
  void ended.then(() => {
    running = false
  })
  while (running) {
    const answer = await fetch(`http://127.0.0.1:${metricsPort}/readyz`).catch(() => undefined)
    if (answer?.ok === true) return true
    await new Promise((again) => setTimeout(again, 100))
  }
  return false
}
