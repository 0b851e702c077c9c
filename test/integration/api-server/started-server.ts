import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { vi } from 'vitest'
import type { ServerEnvironment } from '../../../contract/environment.ts'
import { freePort } from '../../../tools/local-servers/server-process.ts'

/** The server in a process of its own, started from its source. */
export interface StartedServer {
  /** The URL of the API. */
  api: string
  /** The URL of metrics and probes. */
  observability: string
  port: number
  child: ChildProcess
  /** Everything that it has written so far. */
  output(): string
  /** Resolves with its exit code or signal, once all of its output was read. */
  exited: Promise<number | string>
  /** Sends SIGTERM and waits until it has ended. */
  stop(): Promise<void>
}

const program = join(import.meta.dirname, '../../../api-server/server.ts')

/**
 * Starts the server without waiting.
 * @param environment its ports are free ones unless it sets them
 * @param nodeOptions such as code that runs before the server's
 */
export async function spawnServer(
  environment: ServerEnvironment,
  nodeOptions: readonly string[] = [],
): Promise<StartedServer> {
  const port = Number(environment.PORT ?? (await freePort()))
  const metricsPort = Number(environment.METRICS_PORT ?? (await freePort()))
  const child = spawn(process.execPath, [...nodeOptions, program], {
    env: {
      PATH: process.env['PATH'],
      HOST: '127.0.0.1',
      SHUTDOWN_DRAIN_SECONDS: '0',
      ...environment,
      PORT: String(port),
      METRICS_PORT: String(metricsPort),
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

/** Starts the server and waits until it is ready. @throws with its output, when it ends first or takes too long */
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

/** Its log, one JSON document per line. */
export function logOf(server: StartedServer): Record<string, unknown>[] {
  return server.output().split('\n').flatMap(parsed)
}

function parsed(line: string): Record<string, unknown>[] {
  try {
    return [JSON.parse(line)]
  } catch {
    return [] // a process may print other lines
  }
}

export async function probe(url: string): Promise<{ status: number; body: string }> {
  const answer = await fetch(url).catch(() => undefined)
  return { status: answer?.status ?? 0, body: (await answer?.text()) ?? '' }
}
