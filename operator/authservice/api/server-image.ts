import type { ResolvedSpec } from './resolved-spec.ts'

/**
 * The image of the server pods: `image` as in the spec, or otherwise the operator's own with the tag `version`.
 *
 * @param relatedImage full reference of the server image of this operator release
 */
export function serverImage({ image, version }: Pick<ResolvedSpec, 'image' | 'version'>, relatedImage: string): string {
  if (image !== undefined) return image
  return version === undefined ? relatedImage : `${repositoryOf(relatedImage)}:${version}`
}

/** The tag of an image, or its digest if it has no tag. */
export function versionOf(image: string): string {
  const [reference = '', digest] = image.split('@')
  const tag = /:([^/:]+)$/.exec(reference)?.[1]
  return tag ?? digest ?? 'latest'
}

/** An image reference without tag and digest. A colon before the last slash belongs to the port of a registry. */
export function repositoryOf(reference: string): string {
  const [withoutDigest = reference] = reference.split('@')
  const tag = withoutDigest.lastIndexOf(':')
  return tag > withoutDigest.lastIndexOf('/') ? withoutDigest.slice(0, tag) : withoutDigest
}
