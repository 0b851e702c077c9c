import { colorProblems } from '@authservice-operator/contract/pages-file.ts'
import { serverImage } from '../api/server-image.ts'
import { findUnusedDatabases, unusedDatabaseFindings } from '../apply/unused-databases.ts'
import type { Finding } from '../model/finding.ts'
import type { Snapshot } from '../model/snapshot.ts'
import { isAllowedAnnotation } from '../resources/ingress/ingress-annotations.ts'
import { findMissingMonitoring } from '../resources/monitoring/wanted.ts'
import { providerProblemsOf } from '../secrets/identity-providers.ts'
import { findBackupProblems, observeBackup } from './backup-state.ts'
import { findUnreachableDatabases } from './database-reachability.ts'
import { findEdgeLeftBehind } from './edge-secret.ts'
import { findIngressProblems } from './ingress-findings.ts'
import { findSecretProblems } from './secret-references.ts'
import { findTerminatingClaims } from './terminating-claims.ts'

/** Restrictions that the installation of the operator sets. */
export interface ValidationRules {
  /** The server image of an AuthService that names none. */
  images: { server: string }
  /** Allowed prefixes of the image that a spec names; empty: any image is allowed. */
  allowedImagePrefixes: readonly string[]
  /** Annotations that an Ingress may have in addition to those that are always allowed. */
  allowedIngressAnnotations: readonly string[]
  /** Whether the operator has a Prometheus to query. */
  hasPrometheus: boolean
}

/** Checks what the schema cannot check: first what blocks the spec, in the order of the conditions, then warnings. */
export function validate(snapshot: Snapshot, rules: ValidationRules, now: Date): Finding[] {
  const { resolved, referencedSecrets, exposure } = snapshot
  return [
    ...findSecretProblems(resolved, referencedSecrets, now),
    ...findProviderProblems(resolved),
    ...findIngressProblems(resolved, exposure),
    ...findForbiddenAnnotations(snapshot, rules),
    ...findForbiddenImage(snapshot, rules),
    ...findMissingPrometheus(snapshot, rules),
    ...findUnreadableColors(snapshot),
    ...findBackupProblems(observeBackup(snapshot)),
    ...findTerminatingClaims(snapshot),
    ...unusedDatabaseFindings(findUnusedDatabases(snapshot), snapshot),
    ...findUnreachableDatabases(snapshot),
    ...findEdgeLeftBehind(snapshot),
    ...findMissingMonitoring(resolved.monitoring, exposure.availabilities),
  ]
}

/** The pages are shown without such colours. */
function findUnreadableColors({ resolved: { pages } }: Snapshot): Finding[] {
  const problems = colorProblems(pages)
  if (problems.length === 0) return []
  const message = `The pages are shown without these colours: ${problems.map((each) => `spec.pages${each.replace('/colors/', '.colors.')}`).join('; ')}.`
  return [{ kind: 'warning', condition: 'WorkloadAvailable', reason: 'ColorUnreadable', message }]
}

/** Servers would refuse the whole file, and keep the previous one. */
function findProviderProblems(resolved: Snapshot['resolved']): Finding[] {
  const [problem] = providerProblemsOf(resolved)
  if (problem === undefined) return []
  const message = `The identity providers cannot be used: ${problem}. Correct spec.identityProviders.`
  return [
    { kind: 'blocking', condition: 'SecretsReady', reason: 'IdentityProvidersInvalid', message, blocks: 'server' },
  ]
}

/** Checks only an image that the spec names: the platform team chooses the default image. */
function findForbiddenImage(
  { authService, resolved }: Snapshot,
  { images, allowedImagePrefixes }: ValidationRules,
): Finding[] {
  if (authService.spec.image === undefined || allowedImagePrefixes.length === 0) return []
  const image = serverImage(resolved, images.server)
  if (allowedImagePrefixes.some((prefix) => isWithin(image, prefix))) return []
  const message =
    `Image ${image} is not allowed: spec.image must begin with ${allowedImagePrefixes.join(' or ')}. ` +
    'Remove it, or ask the administrator of the operator to allow it.'
  return [{ kind: 'blocking', condition: 'WorkloadAvailable', reason: 'ImageNotAllowed', message, blocks: 'server' }]
}

/** A tenant must not configure the Ingress controller of the cluster through annotations. */
function findForbiddenAnnotations(
  { authService }: Snapshot,
  { allowedIngressAnnotations }: ValidationRules,
): Finding[] {
  const keys = Object.keys(authService.spec.ingress?.ingress?.annotations ?? {})
  return keys
    .filter((key) => !isAllowedAnnotation(key, allowedIngressAnnotations))
    .map((key) => {
      const message =
        `Annotation ${key} is not allowed: it is not on the list of annotations that affect only the routes of one AuthService. ` +
        'Remove it from spec.ingress.ingress.annotations, or ask the administrator of the operator to add it to ALLOWED_INGRESS_ANNOTATIONS.'
      return {
        kind: 'blocking',
        condition: 'IngressReady',
        reason: 'AnnotationNotAllowed',
        message,
        blocks: 'exposure',
      }
    })
}

/**
 * The snapshot without forbidden annotations, so that none of them is written to an Ingress, whatever else is blocked.
 */
export function withoutForbiddenAnnotations(
  snapshot: Snapshot,
  { allowedIngressAnnotations }: Pick<ValidationRules, 'allowedIngressAnnotations'>,
): Snapshot {
  const { resolved } = snapshot
  const annotations = Object.fromEntries(
    Object.entries(resolved.ingress.annotations).filter(([key]) => isAllowedAnnotation(key, allowedIngressAnnotations)),
  )
  return { ...snapshot, resolved: { ...resolved, ingress: { ...resolved.ingress, annotations } } }
}

/** Without Prometheus, no analysis would evaluate a revision although the spec requires one. */
function findMissingPrometheus({ resolved }: Snapshot, { hasPrometheus }: ValidationRules): Finding[] {
  const { enabled, prometheus } = resolved.rollout.analysis
  if (!enabled || prometheus === undefined || hasPrometheus) return []
  const message =
    'spec.rollout.analysis.prometheus has a query, but the operator has no PROMETHEUS_URL. ' +
    'Remove it, or ask the administrator of the operator to set PROMETHEUS_URL.'
  return [{ kind: 'blocking', condition: 'WorkloadAvailable', reason: 'PrometheusMissing', message, blocks: 'server' }]
}

/** A prefix ends at a separator of the reference: `example.com/team` does not allow `example.com/team-b/server`. */
function isWithin(image: string, prefix: string): boolean {
  if (!image.startsWith(prefix)) return false
  return prefix.endsWith('/') || ['', '/', ':', '@'].includes(image.charAt(prefix.length))
}
