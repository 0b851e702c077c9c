import { readdirSync, readFileSync } from 'node:fs'
import { platform, setPriority } from 'node:os'

/** Niceness of the threads that hash: a tenth of the weight of the thread that answers. */
const niceness = 10

/**
 * Makes the threads of libuv's pool give way to the thread that answers requests, when both want the same processor.
 * A hash takes its core for 200 ms; without this, whoever verifies a token meanwhile waits for the end of its time
 * slice. Hashes use what is left, which is nearly all: their rate stays the same.
 *
 * Linux gives each thread a priority of its own, and lets every process lower its threads'. Elsewhere nothing happens.
 *
 * @returns how many threads it was done to; the pool starts them with its first work
 * @see https://man7.org/linux/man-pages/man2/setpriority.2.html under "C library/kernel differences"
 */
export function lowerPoolPriority(): number {
  if (platform() !== 'linux') return 0
  const threads = readdirSync('/proc/self/task').filter((thread) => nameOf(thread) === 'libuv-worker')
  for (const thread of threads) setPriority(Number(thread), niceness)
  return threads.length
}

function nameOf(thread: string): string {
  return readFileSync(`/proc/self/task/${thread}/comm`, 'utf8').trim()
}
