import type { TotpFactor } from '../../../../plugins/app/mfa/factor-store.ts'

/** A second factor, as shown to its user. */
export function factorResponse({ id, type, name, createdAt, lastUsedAt }: Omit<TotpFactor, 'secret'>) {
  return { id, type, name, created_at: createdAt.toISOString(), last_used_at: lastUsedAt.toISOString() }
}
