import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { execa } from 'execa'
import { checker } from '../../tools/checkers/go-checkers.ts'
import { onEarlyExit } from '../../tools/programs/exit-hooks.ts'

/** The registry of released images and charts. */
export const publishedRegistry = 'ghcr.io/authservice-operator'

/** An OCI registry that runs on this machine until `close`. */
export interface LocalRegistry {
  /** `127.0.0.1:PORT`. */
  address: string
  port: number
  close(): Promise<void>
}

const startSeconds = 30

/** Starts an empty registry on the loopback interface. `close` deletes its content. */
export async function startRegistry(): Promise<LocalRegistry> {
  const directory = await mkdtemp(join(tmpdir(), 'authservice-registry-'))
  const program = await checker('crane')
  const server = spawn(program, ['registry', 'serve', '--address', '127.0.0.1:0', '--disk', directory], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const hook = onEarlyExit(() => server.kill())
  const close = async () => {
    hook[Symbol.dispose]()
    if (server.exitCode === null && server.kill()) await once(server, 'exit')
    await rm(directory, { recursive: true })
  }
  try {
    const port = await portOf(server.stderr)
    return { address: `127.0.0.1:${port}`, port, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Keeps reading after the port is known, because a full pipe would block the server. */
function portOf(log: Readable): Promise<number> {
  let printed = ''
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`crane registry serve ${why}. It printed: ${printed}`))
    const timer = setTimeout(() => fail(`printed no port within ${startSeconds} s`), startSeconds * 1000)
    log.setEncoding('utf8')
    log.on('data', (text: string) => {
      const port = Number(/serving on port (\d+)/.exec(`${printed}${text}`)?.[1])
      if (port > 0) {
        clearTimeout(timer)
        resolve(port)
      } else printed += text
    })
    log.on('end', () => {
      clearTimeout(timer)
      fail('ended')
    })
  })
}

/** Runs crane to its end and resolves with what it prints. @throws with its error message */
export async function crane(...craneArguments: string[]): Promise<string> {
  const { stdout } = await execa(await checker('crane'), craneArguments)
  return stdout.trim()
}
