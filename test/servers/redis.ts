import { connect } from 'node:net'
import { redisBinary } from './binaries.ts'
import { freePort, type ServerProcess, startProcess } from './server-process.ts'

/** A redis-server that a test owns. Nothing of it survives a stop. */
export interface TestRedis {
  host: string
  port: number
  stop(): Promise<void>
  /** Again on the same port, empty. */
  start(): Promise<void>
  /** It hangs, with its connections open. */
  pause(): void
  resume(): void
}

export async function startRedis(): Promise<TestRedis> {
  const binary = await redisBinary()
  const port = await freePort()
  let running: ServerProcess | undefined
  const start = async () => {
    running = await startProcess(
      binary,
      ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'],
      () => ping(port),
    )
  }
  await start()
  return {
    host: '127.0.0.1',
    port,
    start,
    stop: async () => running?.stop('SIGKILL'),
    pause: () => running?.pause(),
    resume: () => running?.resume(),
  }
}

function ping(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'))
    const end = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('data', (data) => end(data.toString('utf8').startsWith('+PONG')))
    socket.once('error', () => end(false))
    socket.setTimeout(1_000, () => end(false))
  })
}
