import type { ResolvedSpec } from './api/resolved-spec.ts'
import type { AuthServiceSpec } from './api/schema.ts'
import type { Finding } from './finding.ts'
import type { Front } from './front.ts'
import { findIngressProblems } from './ingress-findings.ts'
import { findSecretProblems } from './secret-references.ts'
import type { SecretData } from './secrets/secret-data.ts'

export { referencedSecretNames } from './secret-references.ts'

/** What a spec is judged by, beyond what the schema sees. */
export interface ValidationInput {
  spec: AuthServiceSpec
  resolved: ResolvedSpec
  /** Image that the server pods would run. */
  serverImage: string
  /** Where an image that a spec names may come from; empty: from anywhere. */
  allowedImagePrefixes: readonly string[]
  /** Whether the operator knows a Prometheus to ask. */
  hasPrometheus: boolean
  /** The Secrets that the spec names, decoded. One that does not exist is not in the map. */
  secrets: ReadonlyMap<string, SecretData>
  front: Front
  now: Date
}

/** What only the writer of the spec can mend. In the order of the conditions. */
export function validate(input: ValidationInput): Finding[] {
  return [
    ...findSecretProblems(input.resolved, input.secrets, input.now),
    ...findIngressProblems(input.resolved, input.front),
    ...findForbiddenImage(input),
    ...findMissingPrometheus(input),
  ]
}

/** Only an image that the spec itself names: the operator's own is the choice of whoever installed it. */
function findForbiddenImage({ spec, serverImage, allowedImagePrefixes }: ValidationInput): Finding[] {
  if (spec.image === undefined || allowedImagePrefixes.length === 0) return []
  if (allowedImagePrefixes.some((prefix) => isWithin(serverImage, prefix))) return []
  const message =
    `Image ${serverImage} may not run here: spec.image must begin with ${allowedImagePrefixes.join(' or ')}. ` +
    'Remove it, or ask whoever runs the operator to allow it.'
  return [{ kind: 'stall', condition: 'WorkloadAvailable', reason: 'ImageNotAllowed', message }]
}

/** A rollout that nothing judges, though the spec says by what, would go out unseen. */
function findMissingPrometheus({ resolved, hasPrometheus }: ValidationInput): Finding[] {
  const { enabled, prometheus } = resolved.rollout.analysis
  if (!enabled || prometheus === undefined || hasPrometheus) return []
  const message =
    'spec.rollout.analysis.prometheus has a query, and this operator knows no Prometheus. ' +
    'Remove it, or ask whoever runs the operator to set PROMETHEUS_URL.'
  return [{ kind: 'stall', condition: 'WorkloadAvailable', reason: 'PrometheusMissing', message }]
}

/** A prefix ends where a part of the reference ends: `example.com/team` does not allow `example.com/team-b/server`. */
function isWithin(image: string, prefix: string): boolean {
  if (!image.startsWith(prefix)) return false
  return prefix.endsWith('/') || ['', '/', ':', '@'].includes(image.charAt(prefix.length))
}
