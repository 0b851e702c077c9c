import { mkdir, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { parse, stringify } from 'yaml'
import type { Kubectl } from '../../tools/cluster-client/kubectl.ts'
import { checkout } from '../../tools/programs/checkout.ts'
import { previousRelease, type Release } from './releases.ts'

const repository = 'ghcr.io/authservice-operator'

/** The settings of an overlay of one's own, as docs/operate.md shows it. */
interface OverlayInput {
  /** The path of the release's own overlay, relative to the new one. */
  base: string
  operatorTag: string
  serverTag: string
  /** Absent for a release that runs the server's image as helper. */
  helperTag: string | undefined
  maxConcurrentRollouts: number
}

/** An overlay that runs the images of the bench with the manifests of a release. */
function overlayOf({ base, operatorTag, serverTag, helperTag, maxConcurrentRollouts }: OverlayInput) {
  const env = [
    { name: 'RELATED_IMAGE_API_SERVER', value: `${repository}/api-server:${serverTag}` },
    ...(helperTag === undefined
      ? []
      : [{ name: 'DEFAULT_IMAGE_HELPER', value: `${repository}/api-server:${helperTag}` }]),
    { name: 'MAX_CONCURRENT_ROLLOUTS', value: String(maxConcurrentRollouts) },
  ]
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'authservice-operator' },
    spec: { template: { spec: { containers: [{ name: 'operator', env }] } } },
  }
  return {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: [base],
    images: [{ name: `${repository}/operator`, newTag: operatorTag }],
    patches: [{ target: { kind: 'Deployment', name: 'authservice-operator' }, patch: stringify(deployment) }],
  }
}

/**
 * The tag of the helper image in the bench. A release pins the helper by version: the previous release's version stays
 * that image, and any other version is the current one.
 *
 * @param pinned the value of DEFAULT_IMAGE_HELPER in the manifests of a release, which 0.1.0 does not have
 */
export function helperTagFor(pinned: string | undefined, previousTag: string, currentTag: string): string | undefined {
  if (pinned === undefined) return undefined
  return pinned.endsWith(`:${previousRelease.version}`) ? previousTag : currentTag
}

/**
 * Writes the overlay of a release below the state of this checkout, which git ignores.
 *
 * @returns its folder
 */
export async function writeOverlay(
  kubectl: Kubectl,
  release: Release,
  tags: { previous: string; current: string },
  maxConcurrentRollouts: number,
): Promise<string> {
  const folder = join(checkout.stateDirectory, 'upgrade', release.tag)
  const overlay = join(release.root, 'manifests/overlays/staging')
  const input: OverlayInput = {
    base: relative(folder, overlay),
    operatorTag: release.tag,
    serverTag: release.tag,
    helperTag: helperTagFor(await pinnedHelper(kubectl, overlay), tags.previous, tags.current),
    maxConcurrentRollouts,
  }
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'kustomization.yaml'), stringify(overlayOf(input)))
  return folder
}

interface OperatorDeployment {
  kind: string
  spec: { template: { spec: { containers: { env: { name: string; value?: string }[] }[] } } }
}

async function pinnedHelper(kubectl: Kubectl, overlay: string): Promise<string | undefined> {
  const rendered = await kubectl.run(['kustomize', overlay])
  const documents = rendered.split(/^---$/m).map((text): OperatorDeployment => parse(text))
  const deployment = documents.find(({ kind }) => kind === 'Deployment')
  if (deployment === undefined) throw new Error(`${overlay} has no Deployment`)
  return deployment.spec.template.spec.containers[0]?.env.find(({ name }) => name === 'DEFAULT_IMAGE_HELPER')?.value
}
