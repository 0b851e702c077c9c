import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, openSync, readFileSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { execa } from 'execa'
import { cacheDirectory } from '../../programs/checkout.ts'
import { onEarlyExit } from '../../programs/exit-hooks.ts'
import { ClusterError, explainFailure } from '../../programs/failure.ts'
import { withLock } from '../../programs/lock.ts'
import { askDocker, type Docker, nodeContainers, nodeContainersNow } from '../docker.ts'
import { endRemains } from './engine-remains.ts'
import { beginUse, endUse, otherUsers } from './engine-users.ts'
import { freeSubnet } from './subnet.ts'

/*
 * A container engine for this cache that does not touch another Docker on the machine: it has its own socket, data,
 * process files, configuration, bridge and addresses, writes no iptables rules and leaves IP forwarding alone. Docker's
 * userland proxy publishes its ports.
 */

const cacheId = createHash('sha256').update(cacheDirectory).digest('hex').slice(0, 8)
/** Emptied at boot, so it never has files of an earlier boot. Short, because socket paths must be. */
const runtimeDirectory = join('/run/authservice-operator', cacheId)
const socket = join(runtimeDirectory, 'docker.sock')
const executionRoot = join(runtimeDirectory, 'exec')
const pidFile = join(runtimeDirectory, 'docker.pid')
const users = join(runtimeDirectory, 'users')
const logFile = join(cacheDirectory, 'docker-engine.log')
const lock = join(cacheDirectory, 'locks', 'docker-engine.lock')

const bridge = `authsvc-${cacheId.slice(0, 7)}` // a network interface's name has at most 15 characters

const startSeconds = 60
const stopSeconds = 30

/** The engine of this cache, running or not. */
export const privateDocker: Docker = {
  binary: '/usr/bin/docker', // Debian's carries BuildKit; a newer one on PATH may lack its plug-in
  env: { DOCKER_HOST: `unix://${socket}`, DOCKER_BUILDKIT: '1', DOCKER_CONFIG: join(cacheDirectory, 'docker-client') },
}

export async function engineAnswers(): Promise<boolean> {
  return existsSync(socket) && (await askDocker(privateDocker, ['info', '--format', '{{.ID}}'])) !== undefined
}

/**
 * Starts the engine unless it answers. Until `stopIdleEngine` or the end of this process, no other process stops it.
 *
 * @param runc a substitute for runc on a machine without CAP_SYS_RESOURCE
 * @throws {ClusterError} with the end of the engine's log when it does not come up
 */
export function startEngine(runc: string): Promise<void> {
  return withLock(lock, async () => {
    beginUse(users)
    if (await engineAnswers()) return
    await endEngine() // an engine that does not answer
    await mkdir(runtimeDirectory, { recursive: true })
    await mkdir(cacheDirectory, { recursive: true })
    const configuration = join(runtimeDirectory, 'daemon.json') // keeps /etc/docker/daemon.json out
    await writeFile(configuration, '{}\n')
    await execa('ip', ['link', 'add', 'name', bridge, 'type', 'bridge'])
    await execa('ip', ['address', 'add', `${freeSubnet()}.1/24`, 'dev', bridge])
    await execa('ip', ['link', 'set', bridge, 'up'])
    const pid = launch(engineArguments(configuration, lacksSysResource() ? runc : undefined))
    using _ = onEarlyExit(() => process.kill(pid, 'SIGTERM'))
    await waitUntilItAnswers(pid)
  })
}

/**
 * Stops the engine unless it runs a cluster of any checkout, or another process uses it. Resolves with whether it has
 * stopped.
 *
 * @param removeNetwork removes what the engine would leave behind, while it still answers
 */
export function stopIdleEngine(removeNetwork: () => Promise<void>): Promise<boolean> {
  return withLock(lock, async () => {
    endUse(users)
    if (otherUsers(users).length > 0) return false
    if (await engineAnswers()) {
      const { running, stopped } = await nodeContainers(privateDocker)
      if (running.length + stopped.length > 0) return false
      await removeNetwork()
    }
    await endEngine()
    return true
  })
}

/** Stops the engine unless it runs a cluster, or another process uses it. Synchronous, for use while the process exits. */
export function stopIdleEngineNow(): void {
  endUse(users)
  if (otherUsers(users).length > 0) return
  const pid = enginePid()
  // The next start removes what it leaves behind.
  if (pid !== undefined && nodeContainersNow(privateDocker).length === 0) process.kill(pid, 'SIGTERM')
}

export function engineArguments(configuration: string, runtime: string | undefined): string[] {
  return [
    '--config-file',
    configuration,
    '--host',
    `unix://${socket}`,
    '--pidfile',
    pidFile,
    '--data-root',
    join(cacheDirectory, 'docker'),
    '--exec-root',
    executionRoot,
    // Not `none` and no address pool: with either of them this version of Docker removes the interface `docker0`.
    '--bridge',
    bridge,
    '--iptables=false',
    '--ip-masq=false',
    '--ip-forward=false',
    ...(runtime === undefined ? [] : ['--add-runtime', `stripped=${runtime}`, '--default-runtime', 'stripped']),
  ]
}

/**
 * Whether this process lacks the right to raise resource limits, which runc then cannot give to a privileged container.
 */
function lacksSysResource(): boolean {
  return !hasCapability(readFileSync('/proc/self/status', 'utf8'), 24)
}

/** @param status the text of /proc/PID/status; @param capability its number in capabilities(7) */
export function hasCapability(status: string, capability: number): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'
  return ((BigInt(`0x${effective}`) >> BigInt(capability)) & 1n) === 1n
}

function launch(engine: readonly string[]): number {
  const log = openSync(logFile, 'w')
  const path = '/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin'
  const child = spawn('dockerd', engine, {
    detached: true, // Ctrl-C in the terminal must not reach it
    stdio: ['ignore', log, log],
    env: { ...process.env, PATH: path },
  })
  child.unref()
  if (child.pid === undefined) throw new ClusterError('dockerd is not installed: apt-get install docker.io')
  return child.pid
}

async function waitUntilItAnswers(pid: number): Promise<void> {
  const deadline = performance.now() + startSeconds * 1000
  while (!(await engineAnswers())) {
    const ended = !isAlive(pid)
    if (ended || performance.now() > deadline) {
      const reason = ended ? 'it ended during its start' : `it did not answer within ${startSeconds} s`
      const output = await readFile(logFile, 'utf8')
      throw new ClusterError(explainFailure({ command: 'dockerd', reason, output, logFile, cacheDirectory }))
    }
    await delay(200)
  }
}

async function endEngine(): Promise<void> {
  const pid = enginePid()
  if (pid !== undefined) {
    process.kill(pid, 'SIGTERM')
    const deadline = performance.now() + stopSeconds * 1000
    while (isAlive(pid)) {
      if (performance.now() > deadline) process.kill(pid, 'SIGKILL')
      await delay(100)
    }
  }
  await endRemains(executionRoot)
  await execa('ip', ['link', 'delete', bridge], { reject: false }) // after a reboot there is none
  await rm(pidFile, { force: true })
  await rm(socket, { force: true })
}

/** The process id of a running dockerd that wrote the pid file. The number alone might belong to another program. */
function enginePid(): number | undefined {
  if (!existsSync(pidFile)) return undefined
  const pid = Number(readFileSync(pidFile, 'utf8'))
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(pidFile) ? pid : undefined
  } catch {
    return undefined // it ended
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
