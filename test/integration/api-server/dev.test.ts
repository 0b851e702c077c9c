import { spawn } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { expect, inject, test, vi } from 'vitest'
import { startMongo } from '../../../tools/local-servers/mongo.ts'
import { freePort } from '../../../tools/local-servers/server-process.ts'
import { freshDatabase } from './app-for-test.ts'

const root = resolve(import.meta.dirname, '../../..')

/** The ids of a process and of all its descendants. */
async function familyOf(pid: number): Promise<number[]> {
  const processes = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry)).map(Number)
  const parents = new Map<number, number>()
  for (const one of processes) {
    const stat = await readFile(join('/proc', String(one), 'stat'), 'utf8').catch(() => '')
    // The fields after the name, which may contain anything: state, parent.
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
    parents.set(one, parent)
  }
  const childrenOf = (id: number): number[] =>
    processes.filter((one) => parents.get(one) === id).flatMap((one) => [one, ...childrenOf(one)])
  return [pid, ...childrenOf(pid)]
}

async function isRunning(pid: number): Promise<boolean> {
  const stat = await readFile(join('/proc', String(pid), 'stat'), 'utf8').catch(() => undefined)
  return stat !== undefined && !stat.slice(stat.lastIndexOf(')')).startsWith(') Z')
}

/** Starts it through npm, which uses a shell. */
async function startDev(environment: Record<string, string>) {
  const [port, metricsPort] = [await freePort(), await freePort()]
  const redis = inject('redis')
  const npm = spawn('npm', ['run', 'dev'], {
    cwd: root,
    env: {
      ...process.env,
      PORT: String(port),
      METRICS_PORT: String(metricsPort),
      DATABASE_NAME: freshDatabase(),
      REDIS_HOST: redis.host,
      REDIS_PORT: String(redis.port),
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [npm.stdout, npm.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk
    })
  }
  return { npm, output: () => output }
}

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s to npm run dev ends every process that it has started',
  async (signal) => {
    const { npm, output } = await startDev({ MONGODB_URL: inject('mongoUrl') })
    const pid = npm.pid ?? 0
    await vi.waitFor(() => expect(output()).toContain('The auth server is ready'), { timeout: 60_000, interval: 100 })
    const family = await familyOf(pid)
    // npm, the two programs of the project, Node's watcher, and the server.
    expect(family.length).toBeGreaterThanOrEqual(5)
    // Ctrl-C signals the whole process group of the terminal. SIGTERM reaches npm alone.
    for (const each of signal === 'SIGINT' ? family.slice(0, -2) : [pid]) process.kill(each, signal)
    await vi.waitFor(
      async () => {
        const left = await Promise.all(family.map(async (each) => ((await isRunning(each)) ? [each] : [])))
        expect(left.flat()).toEqual([])
      },
      { timeout: 30_000, interval: 100 },
    )
  },
)

test('npm run dev explains what is wrong with a mongod without a replica set', async () => {
  const mongo = await startMongo({ standalone: true })
  try {
    const { npm, output } = await startDev({ MONGODB_URL: mongo.url })
    await vi.waitFor(() => expect(output()).toContain('not ready: MongoDB is a standalone mongod'), { timeout: 60_000 })
    const ended = new Promise((resolve) => npm.once('exit', resolve))
    npm.kill('SIGTERM')
    await ended
  } finally {
    await mongo.remove()
  }
})
