import type { AuthService, AuthServiceStatus } from '../api/schema.ts'
import type { EventToRecord } from '../model/event.ts'
import type { Manifest } from '../model/manifest.ts'

/**
 * Writes to the cluster. Each method except `recordEvent` is a request that throws KubeError if the API server rejects
 * it.
 */
export interface ClusterWriter {
  /**
   * The current object of the API server; undefined if it does not exist. Read before an edit by another client is
   * reverted.
   */
  readLive(object: Manifest): Promise<Manifest | undefined>
  /** Server-side apply with force. */
  apply(manifest: Manifest): Promise<void>
  /** The same. @returns the object in the API server afterwards, including changes by admission policies */
  applyAndRead(manifest: Manifest): Promise<Manifest>
  /**
   * Creates the object in one request, and does not change an existing one. @returns false if an object of its name
   * exists
   */
  createIfAbsent(manifest: Manifest): Promise<boolean>
  /** Strategic merge patch, for lists and objects that must be replaced. */
  patchLists(object: Manifest, patch: object): Promise<void>
  /** Deletes exactly this object, not a later one of the same name. */
  delete(object: Manifest): Promise<void>
  /** Writes a replica count through the `scale` subresource, so that applying a Deployment never changes it. */
  scale(deployment: { namespace: string; name: string }, replicas: number): Promise<void>
  /**
   * Adds annotations to a running pod. A pod that is gone is ignored, and a rejection is logged: the kubelet then
   * updates the volumes later.
   */
  annotatePod(pod: { namespace: string; name: string }, annotations: Record<string, string>): Promise<void>
  writeStatus(authService: AuthService, status: AuthServiceStatus): Promise<void>
  /** Records an event about an AuthService. It is written later; a failure is logged. */
  recordEvent(regarding: AuthService, event: EventToRecord): void
}
