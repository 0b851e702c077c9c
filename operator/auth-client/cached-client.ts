import { group } from '../authservice/api/group.ts'
import type { AuthClient } from './api/schema.ts'

/** Maximum length of a spec as JSON, in bytes: about 20 short URIs and five keys. Servers read about as much. */
export const mostSpecBytes = 8_192
/** Maximum length of a status as JSON, in characters. The operator writes shorter ones. */
const mostStatusCharacters = 4_096
/** Maximum length of an annotation. */
const mostOfAnnotation = 253

/** Requests a rotation of the secret, by a new value. */
export const rotateAnnotation = `${group}/rotate-secret`

/** An AuthClient in the form in which the cache keeps it. */
export type CachedClient = AuthClient & {
  /** The spec was longer than `mostSpecBytes`: only the AuthService that it names is kept. */
  isCut?: true
}

/**
 * An AuthClient without what nothing reads: a user can add labels and annotations up to the limit of the API server. A
 * status that is too long is dropped, and the operator writes it again.
 */
export function withNeededOnly({ apiVersion, kind, metadata, spec, status }: AuthClient): CachedClient {
  const { name, namespace, uid, generation, resourceVersion, creationTimestamp, deletionTimestamp } = metadata
  const rotation = metadata.annotations?.[rotateAnnotation]?.slice(0, mostOfAnnotation)
  const isCut = Buffer.byteLength(JSON.stringify(spec)) > mostSpecBytes
  const kept = {
    apiVersion,
    kind,
    metadata: {
      name,
      namespace,
      uid,
      generation,
      resourceVersion,
      creationTimestamp,
      deletionTimestamp,
      ...(rotation !== undefined && { annotations: { [rotateAnnotation]: rotation } }),
    },
    spec: isCut ? { authServiceRef: spec.authServiceRef, redirectUris: [] } : spec,
    ...(status !== undefined && JSON.stringify(status).length <= mostStatusCharacters && { status }),
    ...(isCut && { isCut }),
  }
  // A copy: a part of a text would keep the whole text in memory. Fields that are undefined are omitted.
  return JSON.parse(JSON.stringify(kept))
}
