import { execa } from 'execa'
import { ordinary } from '../real-time.ts'

const find = 'grep --files-with-matches --no-messages --fixed-strings -- "$1" /proc/[0-9]*/cgroup'

/**
 * Ids of the processes of this machine that are in the control group of a container; none where the engine is on another
 * machine. A process of its own looks, because the kernel lets who reads a control group wait while containers come and
 * go: clients in this process would wait with it.
 *
 * @param id of the container
 * @see https://man7.org/linux/man-pages/man7/cgroups.7.html
 */
export async function containerProcesses(id: string): Promise<number[]> {
  const [binary, ...options] = ordinary(['sh', '-c', find, 'sh', id])
  // It fails when nothing matches, and when a process ended while it looked.
  const { stdout } = await execa(binary, options, { reject: false })
  return [...stdout.matchAll(/^\/proc\/(\d+)\/cgroup$/gm)].map(([, pid]) => Number(pid))
}
