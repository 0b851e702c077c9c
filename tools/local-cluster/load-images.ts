import { checkout } from '../programs/checkout.ts'
import { ClusterError } from '../programs/failure.ts'
import type { StepLog } from '../programs/step-log.ts'
import { askDocker, type Docker, nodeContainers } from './docker.ts'
import { kindEnvironment } from './kind.ts'

/**
 * Loads images of the engine into every node, except those that all nodes have. kind itself detects them with a program
 * that a node built from source does not have.
 *
 * @throws {ClusterError} when the engine does not have an image
 */
export async function loadIntoNodes(
  kind: string,
  docker: Docker,
  references: readonly string[],
  log: StepLog,
): Promise<void> {
  const { running } = await nodeContainers(docker, checkout.clusterName)
  const missing: string[] = []
  for (const reference of references) {
    const id = (await askDocker(docker, ['image', 'inspect', '--format', '{{.Id}}', reference]))?.trim()
    if (id === undefined) throw new ClusterError(`There is no image ${reference}: run "npm run cluster -- images".`)
    const ids = await Promise.all(running.map((node) => imageIdOn(node, canonicalName(reference), docker)))
    if (ids.some((idOnNode) => idOnNode !== id)) missing.push(reference)
  }
  if (missing.length === 0) return
  log.report(`Loading ${missing.join(', ')}`)
  const load = ['load', 'docker-image', '--name', checkout.clusterName, ...missing]
  await log.run(kind, load, { env: kindEnvironment(docker) })
}

/** The name that containerd gives the image: `redis:8.0` is `docker.io/library/redis:8.0`. */
export function canonicalName(reference: string): string {
  const [first = '', ...rest] = reference.split('/')
  if (rest.length === 0) return `docker.io/library/${reference}`
  const isHost = first.includes('.') || first.includes(':') || first === 'localhost'
  return isHost ? reference : `docker.io/${reference}`
}

/**
 * The digest of the image's configuration, which is Docker's image id; undefined when the node does not have the image.
 */
async function imageIdOn(node: string, name: string, docker: Docker): Promise<string | undefined> {
  const ctr = (command: readonly string[]) =>
    askDocker(docker, ['exec', node, 'ctr', '--namespace', 'k8s.io', ...command])
  const digest = /sha256:[0-9a-f]{64}/.exec((await ctr(['images', 'ls', `name==${name}`])) ?? '')?.[0]
  if (digest === undefined) return undefined
  const manifest: { config?: { digest: string } } = JSON.parse((await ctr(['content', 'get', digest])) ?? '{}')
  return manifest.config?.digest
}
