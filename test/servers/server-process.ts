import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import type { Binary } from './binaries.ts'

/** A server program that a test started. */
export interface ServerProcess {
  pid: number
  /** The end of what it printed. */
  output(): string
  /** Asks it to end and waits until it has. */
  stop(signal?: 'SIGTERM' | 'SIGINT' | 'SIGKILL'): Promise<void>
  /** It hangs: its connections stay open, new ones are taken by the kernel, and nobody answers. */
  pause(): void
  resume(): void
}

const keptCharacters = 20_000

/** Ends the program when its parent dies, however that happens. */
const pdeathsig = ['/usr/bin/setpriv', '--pdeathsig', 'KILL', '--']

/**
 * Starts a program and waits until `isReady` says so.
 * @throws with the end of its output when it ends first, or is not ready within 60 s
 */
export async function startProcess(
  { path, env }: Binary,
  programArguments: readonly string[],
  isReady: () => Promise<boolean>,
): Promise<ServerProcess> {
  const prefix = existsSync(pdeathsig[0] ?? '') ? pdeathsig : []
  const [command = path, ...rest] = [...prefix, path, ...programArguments]
  const child = spawn(command, rest, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString('utf8')).slice(-keptCharacters)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  const failed = new Promise<never>((_, reject) => {
    child.on('error', reject)
    child.on('exit', (code, signal) => reject(new Error(`${path} ended (${code ?? signal}):\n${output}`)))
  })
  failed.catch(() => {}) // it ends some time

  await Promise.race([failed, untilReady(path, isReady, () => output)])
  return {
    pid: child.pid ?? 0,
    output: () => output,
    stop: (signal = 'SIGTERM') => stop(child, signal),
    pause: () => child.kill('SIGSTOP'),
    resume: () => child.kill('SIGCONT'),
  }
}

async function untilReady(path: string, isReady: () => Promise<boolean>, output: () => string): Promise<void> {
  const deadline = performance.now() + 60_000
  while (!(await isReady())) {
    if (performance.now() > deadline) throw new Error(`${path} is not ready after 60 s:\n${output()}`)
    await new Promise((again) => setTimeout(again, 10))
  }
}

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill(signal)
  // One that does not listen is ended all the same: a test has decided that it should be gone.
  const timer = setTimeout(() => child.kill('SIGKILL'), 20_000)
  await ended
  clearTimeout(timer)
}

/** A port on 127.0.0.1 that nobody listens on. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => {
        if (typeof address === 'object' && address !== null) resolve(address.port)
        else reject(new Error('no port'))
      })
    })
  })
}
