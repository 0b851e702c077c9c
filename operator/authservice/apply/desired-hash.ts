import { contentHash } from '../model/content-hash.ts'
import type { Manifest } from '../model/manifest.ts'
import { asJson, isObject, type Json } from './differences.ts'

/**
 * Hash of the last applied state: it distinguishes a field that is no longer desired from one that another writer
 * added.
 */
export const desiredHashAnnotation = 'auth-operator.dev/desired-hash'

/** The child with a hash of its complete desired state. */
export function withDesiredHash<T extends Manifest>(manifest: T): T {
  const hash = contentHash(redacted(manifest))
  const { metadata } = manifest
  return {
    ...manifest,
    metadata: { ...metadata, annotations: { ...metadata.annotations, [desiredHashAnnotation]: hash } },
  }
}

/** Values of a Secret are not included, not even hashed; the values themselves are compared instead. */
function redacted(manifest: Manifest): Json {
  const json = asJson(manifest)
  if (manifest.kind !== 'Secret' || !isObject(json) || !isObject(json['data'])) return json
  return { ...json, data: Object.fromEntries(Object.keys(json['data']).map((key) => [key, ''])) }
}
