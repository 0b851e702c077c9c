import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import type { Binary } from './binaries.ts'

/** A program that a test has started. */
export interface ServerProcess {
  pid: number
  /** The end of its output. */
  output(): string
  /** Sends the signal, SIGTERM by default, and waits until the process has ended. */
  stop(signal?: 'SIGTERM' | 'SIGINT' | 'SIGKILL'): Promise<void>
  /** Stops the process (SIGSTOP): its connections stay open, the kernel accepts new ones, and nothing answers. */
  pause(): void
  resume(): void
}

/** How a program starts that is slower than most. */
export interface StartOptions {
  /** How long it may take until it is ready; 110 by default. */
  maxSeconds?: number
  /** The pause between two calls of `isReady`; 10 by default. */
  pauseMilliseconds?: number
  /** Called when the program ends without `stop` after it was ready, with the end of its output. */
  onEnd?(message: string): void
}

const keptCharacters = 20_000
/** A busy machine needs this long to start kube-apiserver. Hooks of tests time out later, after 120 s. */
const defaultMaxSeconds = 110
const defaultPauseMilliseconds = 10

/** Kills the program when its parent ends, for any reason. */
const pdeathsig = ['/usr/bin/setpriv', '--pdeathsig', 'KILL', '--']

/**
 * Starts a program and waits until `isReady` resolves with true. Kills the program if that fails.
 * @throws with the end of its output, when it ends before that or is not ready in time
 */
export async function startProcess(
  { path, env }: Binary,
  programArguments: readonly string[],
  isReady: () => Promise<boolean>,
  options: StartOptions = {},
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
  const ended = new AbortController()
  const failed = new Promise<never>((_, reject) => {
    child.on('error', reject)
    // Unlike `exit`, `close` follows the last output.
    child.on('close', (code, signal) => reject(new Error(`${path} ended (${code ?? signal}):\n${output}`)))
  })
  failed.catch(() => ended.abort())

  try {
    await Promise.race([failed, untilReady(path, isReady, () => output, ended.signal, options)])
  } catch (error) {
    await stop(child, 'SIGKILL')
    throw error
  }
  let isStopped = false
  failed.catch((error: Error) => {
    if (!isStopped) options.onEnd?.(error.message)
  })
  return {
    pid: child.pid ?? 0,
    output: () => output,
    stop: (signal = 'SIGTERM') => {
      isStopped = true
      return stop(child, signal)
    },
    pause: () => child.kill('SIGSTOP'),
    resume: () => child.kill('SIGCONT'),
  }
}

/** Gives up silently when the program has ended. */
async function untilReady(
  path: string,
  isReady: () => Promise<boolean>,
  output: () => string,
  ended: AbortSignal,
  { maxSeconds = defaultMaxSeconds, pauseMilliseconds = defaultPauseMilliseconds }: StartOptions,
): Promise<void> {
  const deadline = performance.now() + maxSeconds * 1000
  while (!ended.aborted && !(await isReady())) {
    if (performance.now() > deadline) throw new Error(`${path} is not ready after ${maxSeconds} s:\n${output()}`)
    await new Promise((again) => setTimeout(again, pauseMilliseconds))
  }
}

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const neverStarted = child.pid === undefined
  if (neverStarted || child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill(signal)
  // Kills a program that ignores the signal.
  const timer = setTimeout(() => child.kill('SIGKILL'), 20_000)
  await ended
  clearTimeout(timer)
}

/**
 * Ports that neither outgoing connections nor servers without a port of their own get: both are above 32,767 on Linux and
 * above 49,151 on macOS. Node ports of Kubernetes begin at 30,000.
 */
const ports = { first: 12_000, count: 18_000 } as const

/**
 * A free port on 127.0.0.1. Nothing reserves it until the caller uses it, so it is one of many that no other program
 * gets by chance.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = ports.first + Math.floor(Math.random() * ports.count)
    if (await isFree(port)) return port
  }
  throw new Error(`no port from ${ports.first} on is free`)
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
