/** Names of variables whose value is an image. */
const imageVariable = /^(?:RELATED|DEFAULT)_IMAGE_/

/** What is read of an object of Kubernetes. */
interface PodOwner {
  spec?: { template?: { spec?: { containers?: Container[]; initContainers?: Container[] } } }
}

interface Container {
  image: string
  env?: { name: string; value?: string }[]
}

/** Every image that the objects run, or that the operator runs because of them, without repetition. */
export function imagesOf(objects: readonly unknown[]): string[] {
  const containers = objects.flatMap((object) => {
    const { containers = [], initContainers = [] } = (object as PodOwner | null)?.spec?.template?.spec ?? {} // read only
    return [...initContainers, ...containers]
  })
  const images = containers.flatMap(({ image, env = [] }) => [
    image,
    ...env.flatMap(({ name, value }) => (imageVariable.test(name) && value !== undefined ? [value] : [])),
  ])
  return [...new Set(images)]
}

/** `name:tag` with the digest behind it. The tag stays readable, and every runtime uses the digest. */
function withDigest(reference: string, digest: string): string {
  return `${reference}@${digest}`
}

export function hasDigest(reference: string): boolean {
  return /@sha256:[0-9a-f]{64}$/.test(reference)
}

/**
 * Adds digests to every occurrence of the images in a text.
 * @param digests image reference → digest
 * @throws for an image that the text does not have
 */
export function pinImages(text: string, digests: ReadonlyMap<string, string>): string {
  let pinned = text
  for (const [reference, digest] of digests) {
    const occurrence = new RegExp(`(?<![\\w./-])${reference.replaceAll('.', '\\.')}(?![\\w.@-])`, 'g')
    if (!occurrence.test(pinned)) throw new Error(`${reference} does not occur, so its digest cannot be added`)
    pinned = pinned.replace(occurrence, withDigest(reference, digest))
  }
  return pinned
}
