import type { Factor } from '../../../../plugins/app/mfa/factor-store.ts'

/** A second factor, as shown to its user. */
export function factorResponse(factor: Factor) {
  return {
    id: factor.id,
    type: factor.type,
    name: factor.name,
    created_at: factor.createdAt.toISOString(),
    last_used_at: factor.lastUsedAt.toISOString(),
    ...(factor.type === 'passkey' && { backed_up: factor.isBackedUp }),
  }
}
