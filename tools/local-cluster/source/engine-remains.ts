import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { execa } from 'execa'

/**
 * Ends processes that a killed engine has left running: the shims of containers, and its containerd. They would keep
 * the next engine from starting. After an orderly stop there are none.
 *
 * @param executionRoot the engine's `--exec-root`, which only its own processes have on their command line
 */
export async function endRemains(executionRoot: string): Promise<void> {
  const remains = await processesNaming(executionRoot)
  // When the first process of a container ends, all of its processes end.
  const containers = (await Promise.all(remains.map(childrenOf))).flat()
  for (const pid of [...containers, ...remains]) kill(pid)
  const deadline = performance.now() + 10_000
  while ((await processesNaming(executionRoot)).length > 0 && performance.now() < deadline) await delay(100)

  const namespaces = join(executionRoot, 'netns')
  for (const name of await readdir(namespaces).catch(() => [])) {
    await execa('umount', ['--lazy', join(namespaces, name)], { reject: false })
  }
  await rm(executionRoot, { recursive: true, force: true })
}

async function processesNaming(path: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const naming = await Promise.all(pids.map(async (pid) => (await proc(pid, 'cmdline')).includes(path)))
  return pids.filter((pid, i) => naming[i] && pid !== process.pid)
}

async function childrenOf(pid: number): Promise<number[]> {
  const children = await proc(pid, `task/${pid}/children`)
  return children.split(' ').filter(Boolean).map(Number)
}

/** Empty when the process has ended. */
function proc(pid: number, file: string): Promise<string> {
  return readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended.
  }
}
