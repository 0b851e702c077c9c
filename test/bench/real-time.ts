import { spawnSync } from 'node:child_process'

/**
 * Lets every thread of this process run before all that is not of real time, and none of what it starts: clients on the
 * machine that they measure would otherwise count how long they waited for a processor themselves.
 *
 * @returns undefined, or why the system does not let it
 * @see https://man7.org/linux/man-pages/man1/chrt.1.html
 */
export function takeRealTime(): string | undefined {
  const options = ['--all-tasks', '--reset-on-fork', '--fifo', '--pid', '1']
  const { status, stderr, error } = spawnSync('chrt', [...options, String(process.pid)], { encoding: 'utf8' })
  return status === 0 ? undefined : (error?.message ?? stderr.trim())
}
