import type { SecretStatus } from '../api/schema.ts'
import type { SecretsDecision } from './decision.ts'

/** Names of the operator's own Secrets in one reconcile. */
export interface ObservedSecrets {
  /** Secrets that existed when the reconcile began. */
  found: ReadonlySet<string>
  /** Secrets that the reconcile has written. */
  written: ReadonlySet<string>
}

/** Secrets that were decided on and do not exist: nothing could be written, or the API server rejected the write. */
export function missingSecrets({ changes }: Pick<SecretsDecision, 'changes'>, observed: ObservedSecrets): string[] {
  return unwritten(changes, observed).filter((name) => !observed.found.has(name))
}

/**
 * The status of each Secret as it is in the cluster. A change that was not written is not shown: a key that was never
 * written does not exist.
 *
 * @param previous the current status. It is kept for a Secret whose change was not written, and for a missing one, so
 * that the operator reports the loss when it creates the Secret again
 */
export function observedSecretStatuses(
  { statuses, changes }: Pick<SecretsDecision, 'statuses' | 'changes'>,
  previous: readonly SecretStatus[],
  observed: ObservedSecrets,
): SecretStatus[] {
  const asBefore = new Set(unwritten(changes, observed))
  return [...statuses.filter(({ name }) => !asBefore.has(name)), ...previous.filter(({ name }) => asBefore.has(name))]
}

function unwritten(changes: SecretsDecision['changes'], { written }: ObservedSecrets): string[] {
  return [...new Set(changes.map(({ name }) => name))].filter((name) => !written.has(name))
}
