import { connect } from 'node:net'
import { Redis } from 'ioredis'
import { redisBinary } from './binaries.ts'
import { freePort, type ServerProcess, startProcess } from './server-process.ts'

/** A redis-server for one test. It stores nothing on disk. */
export interface TestRedis {
  host: string
  port: number
  /** Its process, that of the last start. */
  pid(): number
  stop(): Promise<void>
  /** Starts it again on the same port, empty. */
  start(): Promise<void>
  /** Pauses the process: connections stay open, without answers. */
  pause(): void
  resume(): void
  /** Sends one command over a new connection. @throws Redis' error reply */
  command(name: string, ...args: string[]): Promise<unknown>
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
    pid: () => running?.pid ?? 0,
    start,
    stop: async () => running?.stop('SIGKILL'),
    pause: () => running?.pause(),
    resume: () => running?.resume(),
    command: async (name, ...args) => {
      const client = new Redis({ host: '127.0.0.1', port, maxRetriesPerRequest: 0 })
      try {
        return await client.call(name, ...args)
      } finally {
        client.disconnect()
      }
    },
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
