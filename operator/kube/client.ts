import { isConflict, KubeError } from './errors.ts'
import { linesOf } from './lines.ts'
import { type KubernetesObject, type ObjectMeta, pathOf, type Resource } from './objects.ts'
import type { KubeRequest, Transport } from './transport.ts'

/** Asks for the metadata of an object alone. @see https://kubernetes.io/docs/reference/using-api/api-concepts/#alternate-representations-of-resources */
const metadataOnly = 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io'

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

export interface WatchOptions extends Pick<ListOptions, 'namespace' | 'labelSelector' | 'fieldSelector'> {
  resourceVersion: string
  /** The server ends the watch after so long. */
  timeoutSeconds: number
  signal: AbortSignal
}

/** @see https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes */
export type WatchEvent<T> =
  | { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: T }
  | { type: 'BOOKMARK'; object: { metadata: { resourceVersion: string } } }

/** The requests that a controller makes. Every method throws KubeError when the API server refuses. */
export class KubeClient {
  readonly #transport: Transport
  readonly #fieldManager: string

  /** @param fieldManager the name under which fields are owned in server-side apply */
  constructor(transport: Transport, fieldManager: string) {
    this.#transport = transport
    this.#fieldManager = fieldManager
  }

  get<T>(resource: Resource, namespace: string | undefined, name: string): Promise<T> {
    return this.#transport.json({ method: 'GET', path: pathOf(resource, namespace, name) })
  }

  /** One page. An item of a list carries neither apiVersion nor kind: they are put in. */
  async list<T extends KubernetesObject>(
    resource: Resource,
    { namespace, ...query }: ListOptions = {},
  ): Promise<ListPage<T>> {
    const page = await this.#transport.json<ListPage<T>>({ method: 'GET', path: pathOf(resource, namespace), query })
    const { apiVersion, kind } = resource
    return { ...page, items: page.items.map((item) => ({ ...item, apiVersion, kind })) }
  }

  /** Events until the server ends the watch. @throws KubeError for an ERROR event, such as 410 Expired */
  async *watch<T extends KubernetesObject>(resource: Resource, options: WatchOptions): AsyncGenerator<WatchEvent<T>> {
    const { namespace, signal, ...query } = options
    const answer = await this.#transport.open({
      method: 'GET',
      path: pathOf(resource, namespace),
      query: { ...query, watch: true, allowWatchBookmarks: true },
      signal,
    })
    // A connection may die without a word: then nothing comes, not even the end that was asked for.
    answer.setTimeout((options.timeoutSeconds + 15) * 1000, () => answer.destroy(new Error('the watch went silent')))
    try {
      for await (const line of linesOf(answer)) {
        const event = JSON.parse(line)
        if (event.type === 'ERROR') {
          const { code, reason, message } = event.object
          throw new KubeError(code ?? 500, reason ?? 'Unknown', `watch ${resource.plural}: ${message}`)
        }
        yield event
      }
      if (answer.errored !== null) throw answer.errored
    } finally {
      answer.destroy()
    }
  }

  /** @returns the created object @throws KubeError `AlreadyExists` */
  create<T extends KubernetesObject>(resource: Resource, object: T): Promise<T> {
    return this.#transport.json({
      method: 'POST',
      path: pathOf(resource, object.metadata.namespace),
      query: { fieldManager: this.#fieldManager },
      body: object,
    })
  }

  /** Replaces the object. @throws KubeError `Conflict` when its resourceVersion is not the newest */
  update<T extends KubernetesObject>(resource: Resource, object: T): Promise<T> {
    const { namespace, name } = object.metadata
    return this.#transport.json({
      method: 'PUT',
      path: pathOf(resource, namespace, name),
      query: { fieldManager: this.#fieldManager },
      body: object,
    })
  }

  /**
   * Server-side apply, taking over fields that others own.
   * @param subresource such as `status`
   * @see https://kubernetes.io/docs/reference/using-api/server-side-apply/
   */
  apply<T extends KubernetesObject>(resource: Resource, object: KubernetesObject, subresource?: string): Promise<T> {
    return this.#transport.json(this.#applyRequest(resource, object, subresource))
  }

  /** Server-side apply of which nobody needs the answer: a watch tells what became of it. */
  async applyUnseen(resource: Resource, object: KubernetesObject): Promise<void> {
    const headers = { accept: metadataOnly }
    await this.#transport.send({ ...this.#applyRequest(resource, object), headers })
  }

  /**
   * Server-side apply that makes the object, and leaves one alone that exists already.
   *
   * Applying has no "only if it does not exist", but it compares a resourceVersion with that of an object that exists.
   * Version 1 is the empty database's, so no object has it. Asking and writing are one step, so that nothing can come
   * in between.
   * @returns false when an object of this name exists, or another write came in between
   */
  async applyNew(resource: Resource, object: KubernetesObject): Promise<boolean> {
    const metadata = { ...object.metadata, resourceVersion: '1' }
    try {
      await this.applyUnseen(resource, { ...object, metadata })
      return true
    } catch (error) {
      if (isConflict(error)) return false
      throw error
    }
  }

  /** JSON merge patch (RFC 7386) of an object or of a subresource, under a field manager of its own when one is given. */
  mergePatch<T>(
    resource: Resource,
    target: { namespace?: string; name: string; subresource?: string; fieldManager?: string },
    patch: object,
  ): Promise<T> {
    const { namespace, name, subresource, fieldManager = this.#fieldManager } = target
    return this.#transport.json({
      method: 'PATCH',
      path: `${pathOf(resource, namespace, name)}${subresource === undefined ? '' : `/${subresource}`}`,
      query: { fieldManager },
      contentType: 'application/merge-patch+json',
      body: patch,
    })
  }

  /** Strategic merge patch, which knows the lists of built-in kinds by their merge keys. */
  async strategicMergePatch(resource: Resource, { namespace, name }: ObjectMeta, patch: object): Promise<void> {
    await this.#transport.json({
      method: 'PATCH',
      path: pathOf(resource, namespace, name),
      query: { fieldManager: this.#fieldManager },
      contentType: 'application/strategic-merge-patch+json',
      body: patch,
    })
  }

  /** Sets the replica count, under a field manager of its own, so that server-side apply never fights about it. */
  async scale(resource: Resource, namespace: string, name: string, replicas: number): Promise<void> {
    const fieldManager = `${this.#fieldManager}-scale`
    await this.mergePatch(resource, { namespace, name, subresource: 'scale', fieldManager }, { spec: { replicas } })
  }

  /** Deletes this very object; gone already is fine. Dependents follow in the background. */
  async delete(resource: Resource, { namespace, name, uid }: KubernetesObject['metadata']): Promise<void> {
    try {
      await this.#transport.json({
        method: 'DELETE',
        path: pathOf(resource, namespace, name),
        body: { propagationPolicy: 'Background', ...(uid !== undefined && { preconditions: { uid } }) },
      })
    } catch (error) {
      const isAnother = error instanceof KubeError && error.status === 409 && uid !== undefined
      if (!isAnother && !(error instanceof KubeError && error.status === 404)) throw error
    }
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
