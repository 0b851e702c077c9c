import type { KubeClient } from '../../kube/client.ts'
import { isNotFound, KubeError } from '../../kube/errors.ts'
import type { EventRecorder } from '../../kube/events.ts'
import type { Log } from '../../kube/log.ts'
import { type KubernetesObject, keyOf, type ObjectKey } from '../../kube/objects.ts'
import { apiVersion, kind } from '../api/group.ts'
import type { AuthService, AuthServiceStatus } from '../api/schema.ts'
import type { EventToRecord } from '../model/event.ts'
import { authServices, deployments, pods, resourceOf } from '../model/kinds.ts'
import type { Manifest } from '../model/manifest.ts'
import type { ClusterWriter } from './cluster-writer.ts'

/** Notified of each write of a status, so that the watch does not treat it as an edit by another writer. */
export interface StatusObserver {
  beforeStatusWrite(key: ObjectKey, status: AuthServiceStatus): void
  /** @param written as the API server returned it */
  afterStatusWrite(written: AuthService): void
}

export interface KubeClusterWriterOptions {
  client: KubeClient
  recorder: EventRecorder
  statusObserver: StatusObserver
  log: Log
}

/** Writes to the cluster through the Kubernetes API. */
export class KubeClusterWriter implements ClusterWriter {
  readonly #options: KubeClusterWriterOptions
  readonly #client: KubeClient

  constructor(options: KubeClusterWriterOptions) {
    this.#options = options
    this.#client = options.client
  }

  /**
   * The same writer, whose requests end when the signal aborts: they reject with RequestCanceledError. Events are not
   * affected.
   */
  until(signal: AbortSignal): KubeClusterWriter {
    return new KubeClusterWriter({ ...this.#options, client: this.#client.withSignal(signal) })
  }

  readLive(object: Manifest): Promise<Manifest | undefined> {
    const { namespace, name } = object.metadata
    return this.#client.getIfExists<Manifest>(resourceOf(object), namespace, name)
  }

  apply(manifest: Manifest): Promise<void> {
    return this.#client.applyMetadataOnly(resourceOf(manifest), manifest)
  }

  applyAndRead(manifest: Manifest): Promise<Manifest> {
    return this.#client.apply<Manifest>(resourceOf(manifest), manifest)
  }

  createIfAbsent(manifest: Manifest): Promise<boolean> {
    return this.#client.createIfAbsent(resourceOf(manifest), manifest)
  }

  patchLists(object: Manifest, patch: object): Promise<void> {
    return this.#client.strategicMergePatch(resourceOf(object), object.metadata, patch)
  }

  delete(object: Manifest): Promise<void> {
    return this.#client.delete(resourceOf(object), object.metadata)
  }

  scale({ namespace, name }: { namespace: string; name: string }, replicas: number): Promise<void> {
    return this.#client.scale(deployments, namespace, name, replicas)
  }

  async annotatePod(
    { namespace, name }: { namespace: string; name: string },
    annotations: Record<string, string>,
  ): Promise<void> {
    try {
      await this.#client.mergePatch(pods, { namespace, name }, { metadata: { annotations } })
    } catch (error) {
      if (!(error instanceof KubeError)) throw error
      if (isNotFound(error)) return
      const message = 'a server pod cannot be annotated: the kubelet updates its OpenID clients within two minutes'
      this.#options.log.warn({ err: error, pod: name }, message)
    }
  }

  async writeStatus({ metadata: { namespace, name } }: AuthService, status: AuthServiceStatus): Promise<void> {
    const { statusObserver } = this.#options
    const object = { apiVersion, kind, metadata: { namespace, name }, status }
    statusObserver.beforeStatusWrite(keyOf(object), status)
    statusObserver.afterStatusWrite(await this.#applyStatus(object))
  }

  recordEvent(regarding: AuthService, { type, reason, message }: EventToRecord): void {
    const { log, recorder } = this.#options
    log.info({ reason, type }, message)
    recorder.record({ regarding, type, reason, action: 'Reconcile', note: message })
  }

  async #applyStatus(object: KubernetesObject & { status: AuthServiceStatus }): Promise<AuthService> {
    try {
      return await this.#client.apply<AuthService>(authServices, object, 'status')
    } catch (error) {
      if (!isFieldUnknown(error)) throw error
      // Apply rejects a field that the CustomResourceDefinition does not have; a merge patch drops it.
      this.#options.log.warn({ err: error }, 'the CustomResourceDefinition is older than the operator: apply crds/')
      const { namespace = '', name } = object.metadata
      const target = { namespace, name, subresource: 'status' }
      return this.#client.mergePatch<AuthService>(authServices, target, { status: object.status })
    }
  }
}

/** Error of server-side apply if the schema does not have a field. */
function isFieldUnknown(error: unknown): boolean {
  return error instanceof KubeError && error.message.includes('field not declared in schema')
}
