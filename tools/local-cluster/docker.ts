import { spawnSync } from 'node:child_process'
import { execa } from 'execa'

/** The container engine that runs the cluster's nodes. */
export interface Docker {
  /** The path or name of the command-line client. */
  binary: string
  /** Environment variables for every program that uses the engine, kind included. */
  env: Readonly<Record<string, string>>
}

/** The label of containers that are nodes of a kind cluster. */
const clusterLabel = 'io.x-k8s.kind.cluster'

/** The user's own engine. */
export const usersDocker: Docker = { binary: 'docker', env: {} }

/** The standard output of a short command, or undefined when it fails. */
export async function askDocker(docker: Docker, question: readonly string[]): Promise<string | undefined> {
  const { stdout, failed } = await execa(docker.binary, question, { env: docker.env, reject: false, timeout: 15_000 })
  return failed ? undefined : stdout
}

export async function hasImage(docker: Docker, reference: string): Promise<boolean> {
  return (await askDocker(docker, ['image', 'inspect', '--format', '{{.Id}}', reference])) !== undefined
}

/** The names of the nodes of a kind cluster, running and stopped; of all kind clusters without a name. */
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

/** The same synchronously, for use while the process exits, without the states. */
export function nodeContainersNow(docker: Docker, clusterName?: string): string[] {
  const { stdout } = runDockerNow(docker, ['ps', ...ofCluster(clusterName), '--format', '{{.Names}}'])
  return stdout.split('\n').filter((name) => name !== '')
}

/** Runs a command synchronously. */
export function runDockerNow(docker: Docker, command: readonly string[]): { stdout: string } {
  const env = { ...process.env, ...docker.env }
  return spawnSync(docker.binary, command, { env, encoding: 'utf8', timeout: 20_000 })
}

function ofCluster(clusterName: string | undefined): string[] {
  return ['--all', '--filter', `label=${clusterLabel}${clusterName === undefined ? '' : `=${clusterName}`}`]
}
