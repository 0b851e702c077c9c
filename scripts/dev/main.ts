/**
 * `npm run dev`: only the auth server, restarted after each change of its code. It reads the variables of the
 * environment: PORT, LOG_LEVEL, MONGODB_URL, REDIS_HOST and the others.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { join, resolve } from 'node:path'
import pretty from 'pino-pretty'
import { developmentKeys } from '../../tools/local-servers/signing-keys.ts'
import { type Database, findMongo, findRedis } from './databases.ts'
import { chooseFreePort } from './ports.ts'
import { welcome } from './welcome.ts'

const root = resolve(import.meta.dirname, '../..')
const state = join(root, '.dev')

// The reader of the output may have exited first.
process.stdout.on('error', () => {})
const stopRequested = untilStopRequested()
const running: { stop(): Promise<void> }[] = []
try {
  await Promise.race([main(), stopRequested])
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
// Runs after the server, a signal or an error has ended the program. Stops the processes in reverse order.
for (const one of running.reverse()) await one.stop()
process.exit()

/**
 * Resolves with a signal, or when the parent has exited: npm runs this program through a shell, and a shell that
 * SIGTERM ends does not forward the signal.
 */
function untilStopRequested(): Promise<void> {
  const parent = process.ppid
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve())
    setInterval(() => process.ppid !== parent && resolve(), 500).unref()
  })
}

async function main(): Promise<void> {
  const port = await chooseFreePort(process.env['PORT'], 8080)
  const metricsPort = await chooseFreePort(process.env['METRICS_PORT'], 9090)
  console.log(
    'Looking for MongoDB and Redis. If they are not running, they are started; the first time, they are downloaded …',
  )
  const [mongo, redis, keys] = await Promise.all([
    findMongo(process.env, state).then(keepForTheEnd),
    findRedis(process.env).then(keepForTheEnd),
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
  running.push({ stop: () => stopGroup(server, ended) })

  if (await isReady(metricsPort, ended)) console.log(welcome(port, metricsPort))
  process.exitCode = await ended
}

function keepForTheEnd(database: Database): Database {
  running.push(database)
  return database
}

/** Ends the watcher of Node and its server. */
async function stopGroup(server: ChildProcess, ended: Promise<unknown>): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    if (!killGroup(server, signal)) return
    await Promise.race([groupIsGone(server), new Promise((resolve) => setTimeout(resolve, 10_000))])
  }
  await ended
}

/** @returns whether there was a process to signal */
function killGroup({ pid }: ChildProcess, signal: NodeJS.Signals | 0): boolean {
  if (pid === undefined) return false
  try {
    return process.kill(-pid, signal)
  } catch {
    return false // the process group has ended
  }
}

async function groupIsGone(server: ChildProcess): Promise<void> {
  while (killGroup(server, 0)) await new Promise((again) => setTimeout(again, 50))
}

/** In its own process group, so that Ctrl-C reaches it only once, through this program. */
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

/** Waits until the server is ready, and prints the reason for the wait. @returns false if the server ended first */
async function isReady(metricsPort: number, ended: Promise<number>): Promise<boolean> {
  let isRunning = true
  void ended.then(() => {
    isRunning = false
  })
  let said = ''
  while (isRunning) {
    const answer = await fetch(`http://127.0.0.1:${metricsPort}/readyz`).catch(() => undefined)
    if (answer?.ok === true) return true
    const why = (await answer?.text()) ?? said
    if (why !== said) console.log(`not ready: ${why.trim()}`)
    said = why
    await new Promise((again) => setTimeout(again, 100))
  }
  return false
}
