import { execa } from 'execa'
import { checkout } from './checkout.ts'
import { type Docker, nodeContainers } from './docker.ts'
import type { StepLog } from './step-log.ts'

/** What Docker gives a container of which nothing is said, and four times as much. */
const shareOfControlPlane = 1024
const shareOfWorker = 4096

/**
 * In a node with version 1 of control groups no group may have fewer processors than those in it, so the innermost go
 * first. With version 2 there is nothing to do.
 */
const narrowInside = `
[ ! -e /sys/fs/cgroup/cpuset/cpuset.cpus ] && exit
find /sys/fs/cgroup/cpuset -mindepth 1 -depth -type d | while read -r group; do
  echo "$1" >"$group/cpuset.cpus"
done`

/**
 * Gives each node processors of its own, as far as they go. On nodes that share them the kernel weighs a node on each
 * processor by what it does on the other ones: a server that wakes on one where its node did little waits behind all of
 * the other nodes, up to 0.3 s, as no pod does on a machine of its own. Where a worker shares one with the control plane
 * it goes first: what the API server computes takes nothing from a worker elsewhere.
 *
 * @see https://docs.kernel.org/scheduler/sched-design-CFS.html#group-scheduler-extensions-to-cfs
 */
export async function separateProcessors(docker: Docker, log: StepLog): Promise<void> {
  const { running } = await nodeContainers(docker, checkout.clusterName)
  const [first] = running
  if (first === undefined) return
  // By name, the control plane is first, and the workers are in the order of their numbers.
  const parts = shareProcessors(await processorsOf(docker, first), running.sort())
  for (const [node, processors] of parts) {
    const list = processors.join(',')
    log.report(`Processors of ${node}: ${list}`)
    await log.run(docker.binary, ['exec', node, 'sh', '-c', narrowInside, 'sh', list], { env: docker.env })
    const shares = isControlPlane(node) ? shareOfControlPlane : shareOfWorker
    await log.run(docker.binary, ['update', '--cpuset-cpus', list, '--cpu-shares', String(shares), node], {
      env: docker.env,
    })
  }
}

/**
 * Which processors each node has: an equal part, or one that several share in turn when there are more nodes. None is
 * listed where all have all of them.
 *
 * @param nodes in the order in which they take turns
 */
export function shareProcessors(processors: readonly number[], nodes: readonly string[]): Map<string, number[]> {
  if (nodes.length < 2 || processors.length < 2) return new Map()
  const each = Math.max(1, Math.floor(processors.length / nodes.length))
  return new Map(
    nodes.map((node, index) => {
      const first = (index * each) % processors.length
      return [node, processors.slice(first, first + each)]
    }),
  )
}

function isControlPlane(node: string): boolean {
  return node.endsWith('-control-plane')
}

/** Those that the node may use now. */
async function processorsOf(docker: Docker, node: string): Promise<number[]> {
  const command = ['exec', node, 'grep', 'Cpus_allowed_list', '/proc/self/status']
  const { stdout } = await execa(docker.binary, command, { env: docker.env })
  return parseProcessors(stdout.replace(/^.*:\s*/, ''))
}

/** @param list such as `0-3,8` @see https://man7.org/linux/man-pages/man7/cpuset.7.html */
export function parseProcessors(list: string): number[] {
  return list.split(',').flatMap((range) => {
    const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(range) ?? []
    const count = Number(last) - Number(first) + 1
    if (!(count > 0)) throw new Error(`"${list}" is no list of processors`)
    return Array.from({ length: count }, (_, index) => Number(first) + index)
  })
}
