import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { vi } from 'vitest'
import type { ServerEnvironment } from '../../../api-server/config.ts'
import { freePort } from '../../servers/server-process.ts'

/** The server as a process of its own, as its image starts it, on its source. */
export interface StartedServer {
  /** URL of the API. */
  api: string
  /** URL of metrics and probes. */
  observability: string
  port: number
  child: ChildProcess
  /** Everything that it has written until now. */
  output(): string
  /** Resolves with its exit code, or the signal that ended it, when all that it wrote was read. */
  exited: Promise<number | string>
  /** Asks it to end, and waits until it has. */
  stop(): Promise<void>
}

const program = join(import.meta.dirname, '../../../api-server/server.ts')

/** Starts it and waits for nothing. @param nodeOptions such as code that runs before the server's own */
export async function spawnServer(
  environment: ServerEnvironment,
  nodeOptions: readonly string[] = [],
): Promise<StartedServer> {
  const [port, metricsPort] = [await freePort(), await freePort()]
  const child = spawn(process.execPath, [...nodeOptions, program], {
    env: {
      PATH: process.env['PATH'],
      HOST: '127.0.0.1',
      PORT: String(port),
      METRICS_PORT: String(metricsPort),
      SHUTDOWN_DRAIN_SECONDS: '0',
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
  const exited = new Promise<number | string>((resolve) =>
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown')),
  )
  return {
    api: `http://127.0.0.1:${port}`,
    observability: `http://127.0.0.1:${metricsPort}`,
    port,
    child,
    output: () => output,
    exited,
    async stop() {
      child.kill('SIGTERM')
      await exited
    },
  }
}

/** The same, once it is ready. @throws with what it has written, when it ends first or takes too long */
export async function startServer(
  environment: ServerEnvironment,
  nodeOptions: readonly string[] = [],
): Promise<StartedServer> {
  const server = await spawnServer(environment, nodeOptions)
  await untilReady(server).catch((error: unknown) => {
    server.child.kill('SIGKILL')
    throw error
  })
  return server
}

export async function untilReady(server: StartedServer): Promise<void> {
  await vi
    .waitUntil(
      async () => {
        if (server.child.exitCode !== null) throw new Error(`the server ended with ${server.child.exitCode}`)
        const probes = [probe(`${server.observability}/readyz`), probe(`${server.api}/.well-known/jwks.json`)]
        return (await Promise.all(probes)).every(({ status }) => status === 200)
      },
      { timeout: 60_000, interval: 50 },
    )
    .catch((error: unknown) => {
      throw new Error(`the server is not ready; it wrote:\n${server.output()}`, { cause: error })
    })
}

/** What it has logged, one JSON document a line. */
export function logOf(server: StartedServer): Record<string, unknown>[] {
  return server.output().split('\n').flatMap(parsed)
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
