import { readFileSync } from 'node:fs'

/** Clock ticks per second in /proc: the same on every Linux that Node runs on. */
const ticksPerSecond = 100

/** CPU time of a process with all of its threads, in seconds. */
export function cpuSecondsOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name of the program is in parentheses and may contain spaces.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

/** Resident memory of a process, in MB of 1,000,000 bytes. */
export function residentMegabytesOf(pid: number): number {
  return megabytesIn(pid, 'VmRSS')
}

/** The highest resident memory that a process has had, in MB of 1,000,000 bytes. */
export function peakMegabytesOf(pid: number): number {
  return megabytesIn(pid, 'VmHWM')
}

/** Programs that run or wait for a CPU on this machine: the average of the last minute. */
export function loadAverage(): number {
  return Number(readFileSync('/proc/loadavg', 'utf8').split(' ', 1)[0])
}

/**
 * Starts to measure steal: CPU time that the hypervisor gave to other virtual machines.
 *
 * @returns a function that gives the percentage since then
 * @see https://man7.org/linux/man-pages/man5/proc_stat.5.html
 */
export function measureSteal(): () => number {
  const start = cpuTicks()
  return () => {
    const now = cpuTicks()
    return now.all === start.all ? 0 : (100 * (now.stolen - start.stolen)) / (now.all - start.all)
  }
}

function megabytesIn(pid: number, field: string): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const kibibytes = Number(new RegExp(`^${field}:\\s*(\\d+) kB$`, 'm').exec(status)?.[1])
  return (kibibytes * 1024) / 1e6
}

function cpuTicks(): { all: number; stolen: number } {
  const [, ...columns] = (readFileSync('/proc/stat', 'utf8').split('\n', 1)[0] ?? '').trim().split(/\s+/)
  // User, nice, system, idle, iowait, irq, softirq, steal. The guest columns repeat a part of user and nice.
  const ticks = columns.slice(0, 8).map(Number)
  return { all: ticks.reduce((sum, count) => sum + count, 0), stolen: ticks[7] ?? 0 }
}
