import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'

/** The cores that a bench uses: one for the server, one for everything that puts load on it. Undefined where they share. */
export interface Cores {
  server: number | undefined
  load: number | undefined
}

/**
 * Pins this process to the core of the load, and with it every process that it starts: databases and load generators.
 * The server runs on its own core, so that figures of different machines are comparable. On a machine with one core, or
 * without taskset, nothing is pinned.
 */
export function pinToLoadCore(): Cores {
  const allowed = allowedCores()
  const [server] = allowed
  const load = allowed.at(-1)
  if (server === undefined || load === undefined || server === load || !existsSync('/usr/bin/taskset')) {
    console.log('The server and its load share the CPUs: one core, or no taskset. The figures are less reliable.')
    return { server: undefined, load: undefined }
  }
  const { status, stderr } = spawnSync('taskset', ['-a', '-c', '-p', String(load), String(process.pid)])
  if (status !== 0) throw new Error(`taskset cannot pin the bench to core ${load}: ${stderr}`)
  console.log(`The server runs on core ${server}; the load, MongoDB and Redis run on core ${load}.`)
  return { server, load }
}

/** The command line that runs a program on the core. */
export function onCore(core: number | undefined, commandLine: readonly [string, ...string[]]): [string, ...string[]] {
  return core === undefined ? [...commandLine] : ['taskset', '-c', String(core), ...commandLine]
}

/** @see https://man7.org/linux/man-pages/man5/proc_pid_status.5.html */
function allowedCores(): number[] {
  if (!existsSync('/proc/self/status')) return []
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? ''
  return list.split(',').flatMap((range) => {
    const [first = Number.NaN, last = first] = range.split('-').map(Number)
    return Array.from({ length: last - first + 1 }, (_, index) => first + index)
  })
}
