import { spawnSync } from 'node:child_process'
import { execa } from 'execa'

/** How to reach the container engine that runs the cluster's nodes. */
export interface Docker {
  /** The path or name of the command-line client. */
  binary: string
  /** To add to the environment of every program that talks to the engine, kind included. */
  env: Readonly<Record<string, string>>
}

/** By which kind finds the containers that are its nodes. */
const clusterLabel = 'io.x-k8s.kind.cluster'

/** The engine that the user has. */
export const usersDocker: Docker = { binary: 'docker', env: {} }

/** Standard output of a quick question to the engine, or undefined when it says no. */
export async function askDocker(docker: Docker, question: readonly string[]): Promise<string | undefined> {
  const { stdout, failed } = await execa(docker.binary, question, { env: docker.env, reject: false, timeout: 15_000 })
  return failed ? undefined : stdout
}

export async function hasImage(docker: Docker, reference: string): Promise<boolean> {
  return (await askDocker(docker, ['image', 'inspect', '--format', '{{.Id}}', reference])) !== undefined
}

/** Names of the containers that are nodes of a kind cluster, by whether they run; of all clusters without a name. */
export async function nodeContainers(
  docker: Docker,
  clusterName?: string,
): Promise<{ running: string[]; stopped: string[] }> {
  const answer = await askDocker(docker, ['ps', ...ofCluster(clusterName), '--format', '{{.Names}} {{.State}}'])
  const containers = (answer ?? '').split('\n').filter((line) => line !== '')
  const [running, stopped]: [string[], string[]] = [[], []]
  for (const container of containers) {
    const [name = '', state] = container.split(' ')
    if (state === 'running') running.push(name)
    else stopped.push(name)
  }
  return { running, stopped }
}

/** The same for the last moments of a process, without the states. */
export function nodeContainersNow(docker: Docker, clusterName?: string): string[] {
  const { stdout } = runDockerNow(docker, ['ps', ...ofCluster(clusterName), '--format', '{{.Names}}'])
  return stdout.split('\n').filter((name) => name !== '')
}

/** Runs a command of the client to its end before anything else happens. */
export function runDockerNow(docker: Docker, command: readonly string[]): { stdout: string } {
  const env = { ...process.env, ...docker.env }
  return spawnSync(docker.binary, command, { env, encoding: 'utf8', timeout: 20_000 })
}

function ofCluster(clusterName: string | undefined): string[] {
  return ['--all', '--filter', `label=${clusterLabel}${clusterName === undefined ? '' : `=${clusterName}`}`]
}
