import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { vi } from 'vitest'
import type { ServerEnvironment } from '../../../api-server/config.ts'
import { freePort } from '../../servers/server-process.ts'
import { password } from './app-for-test.ts'

/** The server as a process of its own, as its image starts it. */
export interface ServerUnderTest {
  api: string
  observability: string
  port: number
  child: ChildProcess
  /** What it wrote, one JSON document a line. */
  log(): Record<string, unknown>[]
  /** Resolves with its exit code, or the signal that ended it, when all that it wrote was read. */
  exited: Promise<number | string>
}

const program = join(import.meta.dirname, '../../../api-server/server.ts')

/** @param preload code that runs before the server's own */
export async function startServer(environment: ServerEnvironment, preload?: string): Promise<ServerUnderTest> {
  const [port, metricsPort] = [await freePort(), await freePort()]
  const preloadArguments =
    preload === undefined ? [] : ['--import', `data:text/javascript,${encodeURIComponent(preload)}`]
  const child = spawn(process.execPath, [...preloadArguments, program], {
    env: {
      PATH: process.env['PATH'],
      ENVIRONMENT: 'development',
      HOST: '127.0.0.1',
      PORT: String(port),
      METRICS_PORT: String(metricsPort),
      MONGODB_MIN_POOL_SIZE: '0',
      BCRYPT_COST: '10',
      MIGRATE_ON_START: 'true',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8')
    })
  }
  return {
    api: `http://127.0.0.1:${port}`,
    observability: `http://127.0.0.1:${metricsPort}`,
    port,
    child,
    log: () => output.split('\n').flatMap(parsed),
    exited: new Promise((resolve) => child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'))),
  }
}

function parsed(line: string): Record<string, unknown>[] {
  try {
    return [JSON.parse(line)]
  } catch {
    return [] // not every line of a process is its log
  }
}

export async function probe(url: string): Promise<{ status: number; body: string }> {
  const answer = await fetch(url).catch(() => undefined)
  return { status: answer?.status ?? 0, body: (await answer?.text()) ?? '' }
}

export async function untilReady(server: ServerUnderTest): Promise<void> {
  await vi.waitFor(
    async () => {
      const { status, body } = await probe(`${server.observability}/readyz`)
      const api = await probe(`${server.api}/.well-known/jwks.json`)
      if (status !== 200 || api.status !== 200) {
        throw new Error(
          `it is not ready (${status} ${body}); it wrote:\n${server
            .log()
            .map((line) => JSON.stringify(line))
            .join('\n')}`,
        )
      }
    },
    { timeout: 40_000, interval: 50 },
  )
}

/** A log-in of nobody, whose body is still to come. */
export const slowBody = JSON.stringify({ email: 'nobody@example.com', password })
