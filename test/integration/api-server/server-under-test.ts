import { spawn } from 'node:child_process'
import { join, resolve } from 'node:path'
import type { ServerEnvironment } from '../../../api-server/config.ts'
import { freePort } from '../../servers/server-process.ts'

/** The server as a process of its own, as it runs in production, on its source. */
export interface ServerUnderTest {
  url: string
  metricsUrl: string
  /** Everything that it has written until now. */
  output(): string
  /** Asks it to end, and waits until it has. */
  stop(): Promise<void>
}

const root = resolve(import.meta.dirname, '../../..')
const mostMilliseconds = 60_000

/** @throws with what it has written, when it ends first or is not ready within a minute */
export async function startServer(
  environment: ServerEnvironment,
  nodeOptions: string[] = [],
): Promise<ServerUnderTest> {
  const [port, metricsPort] = [await freePort(), await freePort()]
  const child = spawn(process.execPath, [...nodeOptions, join(root, 'api-server/server.ts')], {
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
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')))
  const ended = new Promise<void>((done) => child.once('exit', () => done()))

  const metricsUrl = `http://127.0.0.1:${metricsPort}`
  const deadline = performance.now() + mostMilliseconds
  while (!(await isReady(metricsUrl))) {
    if (child.exitCode !== null) throw new Error(`the server ended (${child.exitCode}):\n${output}`)
    if (performance.now() > deadline) {
      child.kill('SIGKILL')
      throw new Error(`the server is not ready after a minute:\n${output}`)
    }
    await new Promise((again) => setTimeout(again, 50))
  }
  return {
    url: `http://127.0.0.1:${port}`,
    metricsUrl,
    output: () => output,
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}

async function isReady(metricsUrl: string): Promise<boolean> {
  return fetch(`${metricsUrl}/readyz`).then(
    ({ ok }) => ok,
    () => false,
  )
}
