import { readFile } from 'node:fs/promises'
import { execa } from 'execa'

/**
 * How this machine can run a cluster. `published`: Docker and an image registry answer, so kind and its published node
 * image suffice. `source`: everything is built from Go modules, Debian packages, npm and PyPI.
 */
export type ClusterMode = 'published' | 'source'

/** The input of the decision. */
export interface MachineFacts {
  platform: NodeJS.Platform
  architecture: string
  root: boolean
  /** ID and ID_LIKE of /etc/os-release, in one list. */
  distribution: readonly string[]
  dockerAnswers: boolean
  registryAnswers: boolean
}

export type ModeDecision = { mode: ClusterMode } | { unavailable: string }

/** Why this machine cannot run a cluster, in one sentence with the remedy; undefined when it can. */
export async function unavailable(): Promise<string | undefined> {
  const decision = decideMode(await machineFacts())
  return 'unavailable' in decision ? decision.unavailable : undefined
}

/** Prefers published images, because they are faster and what users have. */
export function decideMode(facts: MachineFacts): ModeDecision {
  if (facts.dockerAnswers && facts.registryAnswers) return { mode: 'published' }

  const debian = facts.platform === 'linux' && facts.distribution.includes('debian')
  if (debian && facts.root && facts.architecture === 'x64') return { mode: 'source' }

  if (facts.dockerAnswers) return { unavailable: withoutRegistry(facts, debian) }
  return { unavailable: withoutDocker(facts, debian) }
}

function withoutRegistry({ root }: MachineFacts, debian: boolean): string {
  const alternative =
    debian && !root ? ', or run this as root (sudo -E npm run cluster -- up) to build everything from source' : ''
  return `Docker cannot reach an image registry: make sure that "docker pull node:24-bookworm-slim" works${alternative}.`
}

function withoutDocker({ platform }: MachineFacts, debian: boolean): string {
  if (platform !== 'linux')
    return 'Docker is not running: install and start Docker Desktop (https://docs.docker.com/get-docker/).'
  const install = debian ? 'sudo apt-get install docker.io' : 'see https://docs.docker.com/engine/install/'
  return `Docker is not running for this user, who is not root on Debian: install and start Docker (${install}) and join its group (sudo usermod -aG docker $USER, then log in again).`
}

export async function machineFacts(): Promise<MachineFacts> {
  const dockerAnswers = await succeeds('docker', ['info'], 15)
  return {
    platform: process.platform,
    architecture: process.arch,
    root: process.getuid?.() === 0,
    distribution: distributionOf(await readFile('/etc/os-release', 'utf8').catch(() => '')),
    dockerAnswers,
    registryAnswers: dockerAnswers && (await succeeds('docker', ['manifest', 'inspect', 'node:24-bookworm-slim'], 30)),
  }
}

/** @param osRelease the text of /etc/os-release; see os-release(5) */
export function distributionOf(osRelease: string): string[] {
  const lines = osRelease.matchAll(/^ID(?:_LIKE)?="?([^"\n]*)"?$/gm)
  return [...lines].flatMap(([, names]) => names?.split(' ') ?? [])
}

async function succeeds(
  command: string,
  commandArguments: readonly string[],
  timeoutSeconds: number,
): Promise<boolean> {
  const { failed } = await execa(command, commandArguments, {
    reject: false,
    timeout: timeoutSeconds * 1000,
    stdio: 'ignore',
  })
  return !failed
}
