import type { SecretStatus } from '../api/schema.ts'
import type { SecretsDecision } from './decide-secrets.ts'

/** The operator's own Secrets, by name, around one visit. */
export interface SecretsInCluster {
  /** Those that the visit found. */
  found: ReadonlySet<string>
  /** Those that it has written. */
  written: ReadonlySet<string>
}

/** Secrets that were decided on and do not exist: the visit may not write, or the API server refused. */
export function unmadeSecrets({ changes }: Pick<SecretsDecision, 'changes'>, there: SecretsInCluster): string[] {
  return unwritten(changes, there).filter((name) => !there.found.has(name))
}

/**
 * What status says of each Secret: not what was decided and did not get there. A key that was never written is no key,
 * and one that replaces nothing was never lost.
 *
 * @param before what status said until now. It stays for a Secret whose change did not get there, and for one that is
 *   gone: so it is known to be lost when it is made anew
 */
export function statusesOfWhatIsThere(
  { statuses, changes }: Pick<SecretsDecision, 'statuses' | 'changes'>,
  before: readonly SecretStatus[],
  there: SecretsInCluster,
): SecretStatus[] {
  const asBefore = new Set(unwritten(changes, there))
  return [...statuses.filter(({ name }) => !asBefore.has(name)), ...before.filter(({ name }) => asBefore.has(name))]
}

function unwritten(changes: SecretsDecision['changes'], { written }: SecretsInCluster): string[] {
  return [...new Set(changes.map(({ name }) => name))].filter((name) => !written.has(name))
}
