import { readFileSync } from 'node:fs'

/** Of a clock tick, in which /proc counts: the same on every Linux that Node runs on. */
const ticksPerSecond = 100

/** Processor time that a process has used, all of its threads, in seconds. */
export function cpuSecondsOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name of the program is in parentheses and may have spaces in it.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

/** Resident memory of a process, in MB of 1,000,000 bytes. */
export function residentMegabytesOf(pid: number): number {
  const kibibytes = Number(/^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
  return (kibibytes * 1024) / 1e6
}

/** Programs that run or wait for a processor on the machine, over the last minute. */
export function loadAverage(): number {
  return Number(readFileSync('/proc/loadavg', 'utf8').split(' ', 1)[0])
}

/**
 * Percent of the processors' time, from now until the result is asked, that the hypervisor gave to other machines.
 * @see https://man7.org/linux/man-pages/man5/proc_stat.5.html
 */
export function watchStolenTime(): () => number {
  const start = processorTicks()
  return () => {
    const now = processorTicks()
    return now.all === start.all ? 0 : (100 * (now.stolen - start.stolen)) / (now.all - start.all)
  }
}

function processorTicks(): { all: number; stolen: number } {
  const [, ...columns] = (readFileSync('/proc/stat', 'utf8').split('\n', 1)[0] ?? '').trim().split(/\s+/)
  // User, nice, system, idle, iowait, irq, softirq, steal; guests are in the first two.
  const ticks = columns.slice(0, 8).map(Number)
  return { all: ticks.reduce((sum, count) => sum + count, 0), stolen: ticks[7] ?? 0 }
}
