import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'

let isRealTime = false

/**
 * Lets this process run before all that is not of real time: clients on the machine that they measure would otherwise
 * count how long they waited for a processor themselves. What it starts has to be `ordinary`.
 *
 * @returns undefined, or why the system does not let it
 * @see https://man7.org/linux/man-pages/man1/chrt.1.html
 */
export function takeRealTime(): string | undefined {
  const refusal = setPolicy(process.pid, ['--fifo'], '1')
  isRealTime = refusal === undefined
  return refusal
}

/**
 * A command line that runs as any other, and after all else. It gives real time back itself: a process of real time
 * that starts an ordinary one waits until that one has had its first turn, which takes up to 70 ms on a busy machine.
 */
export function ordinary(commandLine: readonly [string, ...string[]]): [string, ...string[]] {
  return isRealTime ? ['chrt', '--other', '0', 'nice', '-n', '19', ...commandLine] : [...commandLine]
}

/**
 * The same for the process that Docker carries a published port with, until this one ends. It is what the wire is
 * between machines: how long it waits for a processor is no more the cluster's than what clients wait.
 *
 * @returns undefined, or why the system does not let it; an engine that needs no such process is not asked
 */
export function carryInRealTime(port: number): string | undefined {
  const carriers = portCarriers(port)
  process.once('exit', () => {
    for (const carrier of carriers) setPolicy(carrier, ['--other'], '0')
  })
  return carriers.map((carrier) => setPolicy(carrier, ['--fifo'], '1')).find((refusal) => refusal !== undefined)
}

/** Ids of processes that carry a published port to its container. @see https://docs.docker.com/engine/network/packet-filtering-firewalls/ */
export function portCarriers(port: number, processes = '/proc'): number[] {
  return readdirSync(processes)
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const [program = '', ...options] = commandOf(`${processes}/${pid}/cmdline`)
      return basename(program) === 'docker-proxy' && options[options.indexOf('-host-port') + 1] === String(port)
    })
}

/** Empty for a process that has ended meanwhile, and for one of the kernel. */
function commandOf(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\0')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ESRCH') return []
    throw error
  }
}

function setPolicy(pid: number, policy: readonly string[], priority: string): string | undefined {
  const options = ['--all-tasks', ...policy, '--pid', priority, String(pid)]
  const { status, stderr, error } = spawnSync('chrt', options, { encoding: 'utf8' })
  return status === 0 ? undefined : (error?.message ?? stderr.trim())
}
