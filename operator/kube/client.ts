import { isConflict, isNotFound, KubeError } from './errors.ts'
import { readListItems } from './list-items.ts'
import { type KubernetesObject, type ObjectMeta, pathOf, type Resource } from './objects.ts'
import type { KubeRequest, Transport } from './transport.ts'
import { readWatchEvents, type WatchEvent } from './watch-events.ts'

/**
 * Requests only the metadata of an object. @see
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#alternate-representations-of-resources
 */
const metadataOnly = 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io'
const metadataOnlyList = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io'

export interface ListPage<T> {
  items: T[]
  metadata: { resourceVersion: string; continue?: string }
}

export interface ListOptions {
  namespace?: string
  labelSelector?: string
  fieldSelector?: string
  limit?: number
  continue?: string
}

/** Which part of each object the API server sends. */
export interface Representation {
  /** Only the metadata: `PartialObjectMetadata`. */
  isMetadataOnly?: boolean
}

export interface WatchOptions
  extends Representation,
    Pick<ListOptions, 'namespace' | 'labelSelector' | 'fieldSelector'> {
  resourceVersion: string
  /** Time after which the server ends the watch. */
  timeoutSeconds: number
  signal: AbortSignal
}

/** The requests that a controller makes. Every method throws KubeError if the API server rejects the request. */
export class KubeClient {
  readonly #transport: Transport
  readonly #fieldManager: string
  readonly #signal: AbortSignal | undefined

  /**
   * @param fieldManager owner of the fields in server-side apply
   * @param signal ends every request, see `withSignal`
   */
  constructor(transport: Transport, fieldManager: string, signal?: AbortSignal) {
    this.#transport = transport
    this.#fieldManager = fieldManager
    this.#signal = signal
  }

  /** The same client, whose requests end when the signal aborts: they reject with RequestCanceledError. */
  withSignal(signal: AbortSignal): KubeClient {
    return new KubeClient(this.#transport, this.#fieldManager, signal)
  }

  get<T>(resource: Resource, namespace: string | undefined, name: string): Promise<T> {
    return this.#json({ method: 'GET', path: pathOf(resource, namespace, name) })
  }

  /** The object; undefined if it does not exist. */
  async getIfExists<T>(resource: Resource, namespace: string | undefined, name: string): Promise<T | undefined> {
    try {
      return await this.get<T>(resource, namespace, name)
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
  }

  /** One page. Items of a list have no apiVersion and kind, so these are added. */
  async list<T extends KubernetesObject>(
    resource: Resource,
    { namespace, ...query }: ListOptions = {},
  ): Promise<ListPage<T>> {
    const page = await this.#json<ListPage<T>>({ method: 'GET', path: pathOf(resource, namespace), query })
    const { apiVersion, kind } = resource
    return { ...page, items: page.items.map((item) => ({ ...item, apiVersion, kind })) }
  }

  /** One page, whose items are passed on as they arrive: the complete page is never in memory. */
  async listEach<T extends KubernetesObject>(
    resource: Resource,
    { namespace, isMetadataOnly = false, ...query }: ListOptions & Representation,
    onItem: (item: T) => void,
  ): Promise<ListPage<T>['metadata']> {
    const { apiVersion, kind } = resource
    const headers = isMetadataOnly ? { headers: { accept: metadataOnlyList } } : {}
    const body = this.#transport.body(
      this.#bounded({ method: 'GET', path: pathOf(resource, namespace), query, ...headers }),
    )
    // The API server guarantees the shape of a list and of its items.
    const list = await readListItems(body, (json) => onItem({ ...JSON.parse(json), apiVersion, kind } as T))
    return (list as unknown as Pick<ListPage<T>, 'metadata'>).metadata
  }

  /** Events until the server ends the watch. @throws KubeError for an ERROR event, such as 410 Expired */
  async *watch<T extends KubernetesObject>(resource: Resource, options: WatchOptions): AsyncGenerator<WatchEvent<T>> {
    const { namespace, signal, isMetadataOnly = false, ...query } = options
    const answer = await this.#transport.open({
      method: 'GET',
      path: pathOf(resource, namespace),
      query: { ...query, watch: true, allowWatchBookmarks: true },
      ...(isMetadataOnly && { headers: { accept: metadataOnly } }),
      signal,
    })
    yield* readWatchEvents<T>(answer, options.timeoutSeconds, resource.plural)
  }

  /** @returns the created object @throws KubeError `AlreadyExists` */
  create<T extends KubernetesObject>(resource: Resource, object: T): Promise<T> {
    return this.#json({
      method: 'POST',
      path: pathOf(resource, object.metadata.namespace),
      query: { fieldManager: this.#fieldManager },
      body: object,
    })
  }

  /** Replaces the object. @throws KubeError `Conflict` if its resourceVersion is not the latest */
  update<T extends KubernetesObject>(resource: Resource, object: T): Promise<T> {
    const { namespace, name } = object.metadata
    return this.#json({
      method: 'PUT',
      path: pathOf(resource, namespace, name),
      query: { fieldManager: this.#fieldManager },
      body: object,
    })
  }

  /**
   * Server-side apply that takes over fields of other owners.
   * @param subresource such as `status`
   * @see https://kubernetes.io/docs/reference/using-api/server-side-apply/
   */
  apply<T extends KubernetesObject>(resource: Resource, object: KubernetesObject, subresource?: string): Promise<T> {
    return this.#json(this.#applyRequest(resource, object, subresource))
  }

  /** Server-side apply that discards the response: a watch delivers the object. */
  async applyMetadataOnly(resource: Resource, object: KubernetesObject): Promise<void> {
    const headers = { accept: metadataOnly }
    await this.#transport.send(this.#bounded({ ...this.#applyRequest(resource, object), headers }))
  }

  /**
   * Server-side apply that creates the object, and does not change an existing one.
   *
   * Apply has no "only if it does not exist", but it compares a resourceVersion with that of an existing object.
   * Version 1 is the version of the empty database, so no object has it. The API server compares and writes in one
   * step.
   * @returns false if an object with this name exists, or another write came first
   */
  async createIfAbsent(resource: Resource, object: KubernetesObject): Promise<boolean> {
    const metadata = { ...object.metadata, resourceVersion: '1' }
    try {
      await this.applyMetadataOnly(resource, { ...object, metadata })
      return true
    } catch (error) {
      if (isConflict(error)) return false
      throw error
    }
  }

  /** JSON merge patch (RFC 7386) of an object or a subresource, with its own field manager if one is given. */
  mergePatch<T>(
    resource: Resource,
    target: { namespace?: string; name: string; subresource?: string; fieldManager?: string },
    patch: object,
  ): Promise<T> {
    const { namespace, name, subresource, fieldManager = this.#fieldManager } = target
    return this.#json({
      method: 'PATCH',
      path: `${pathOf(resource, namespace, name)}${subresource === undefined ? '' : `/${subresource}`}`,
      query: { fieldManager },
      contentType: 'application/merge-patch+json',
      body: patch,
    })
  }

  /** Strategic merge patch, which matches entries in lists of built-in kinds by their merge keys. */
  async strategicMergePatch(resource: Resource, { namespace, name }: ObjectMeta, patch: object): Promise<void> {
    await this.#json({
      method: 'PATCH',
      path: pathOf(resource, namespace, name),
      query: { fieldManager: this.#fieldManager },
      contentType: 'application/strategic-merge-patch+json',
      body: patch,
    })
  }

  /** Sets the replica count with a separate field manager, so that it never conflicts with server-side apply. */
  async scale(resource: Resource, namespace: string, name: string, replicas: number): Promise<void> {
    const fieldManager = `${this.#fieldManager}-scale`
    await this.mergePatch(resource, { namespace, name, subresource: 'scale', fieldManager }, { spec: { replicas } })
  }

  /** Deletes exactly this object; succeeds if it is already gone. Dependents are deleted in the background. */
  async delete(resource: Resource, { namespace, name, uid }: KubernetesObject['metadata']): Promise<void> {
    try {
      await this.#json({
        method: 'DELETE',
        path: pathOf(resource, namespace, name),
        body: { propagationPolicy: 'Background', ...(uid !== undefined && { preconditions: { uid } }) },
      })
    } catch (error) {
      const isAnother = error instanceof KubeError && error.status === 409 && uid !== undefined
      if (!isAnother && !isNotFound(error)) throw error
    }
  }

  #json<Answer>(request: KubeRequest): Promise<Answer> {
    return this.#transport.json<Answer>(this.#bounded(request))
  }

  #bounded(request: KubeRequest): KubeRequest {
    return { ...request, signal: this.#signal }
  }

  #applyRequest(resource: Resource, object: KubernetesObject, subresource?: string): KubeRequest {
    const { namespace, name } = object.metadata
    return {
      method: 'PATCH',
      path: `${pathOf(resource, namespace, name)}${subresource === undefined ? '' : `/${subresource}`}`,
      query: { fieldManager: this.#fieldManager, force: true },
      contentType: 'application/apply-patch+yaml', // JSON is YAML
      body: object,
    }
  }
}
