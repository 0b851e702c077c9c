import type { Resource } from './objects.ts'
import type { KubeRequest, Transport } from './transport.ts'

/** The kinds that an API server serves, from its last response. */
export interface ServedKinds {
  /** Whether it serves the kind in exactly this version. */
  has(resource: Resource): boolean
}

/** The document that contains all groups. */
interface GroupDiscoveryList {
  kind: string
  items: {
    metadata?: { name?: string }
    versions?: { version: string; resources?: { resource: string; responseKind?: { kind?: string } }[] }[]
  }[]
}

const documentType = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'

/** The API server has no such document: it is older than Kubernetes 1.30. */
export class DiscoveryUnsupportedError extends Error {
  override name = 'DiscoveryUnsupportedError'
}

/**
 * Queries which kinds an API server serves. Every account has permission for this, and while nothing changes, it costs
 * one request without a body.
 * @see https://kubernetes.io/docs/concepts/overview/kubernetes-api/#aggregated-discovery
 */
export class Discovery {
  readonly #transport: Transport
  #etag: string | undefined
  #served: ServedKinds = { has: () => false }

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** @throws KubeError if the API server rejects the request, DiscoveryUnsupportedError if it is too old */
  async look(): Promise<ServedKinds> {
    const request: KubeRequest = {
      method: 'GET',
      path: '/apis',
      headers: { accept: documentType, ...(this.#etag !== undefined && { 'if-none-match': this.#etag }) },
    }
    const answer = await this.#transport.open(request)
    const text = await this.#transport.text(answer, request)
    if (answer.statusCode === 304) return this.#served
    this.#served = parse(JSON.parse(text))
    this.#etag = answer.headers.etag
    return this.#served
  }
}

function parse({ kind, items }: GroupDiscoveryList): ServedKinds {
  if (kind !== 'APIGroupDiscoveryList') {
    throw new DiscoveryUnsupportedError(
      `the API server answers ${kind} instead of an APIGroupDiscoveryList: Kubernetes 1.30 or later does`,
    )
  }
  const served = new Set(
    items.flatMap(({ metadata, versions = [] }) =>
      versions.flatMap(({ version, resources = [] }) =>
        resources.map(({ resource, responseKind }) =>
          identity(`${metadata?.name}/${version}`, resource, responseKind?.kind),
        ),
      ),
    ),
  )
  return { has: ({ apiVersion, plural, kind: wanted }) => served.has(identity(apiVersion, plural, wanted)) }
}

function identity(apiVersion: string, plural: string, kind: string | undefined): string {
  return `${apiVersion} ${plural} ${kind}`
}
