import type { FastifyInstance } from 'fastify'
import { differenceOf } from '../user-claims/change-claims.ts'
import type { Provider } from './provider-registry.ts'

/** Records which application roles a login at a provider has given the user or taken away, if there are any. */
export function recordRoles(
  app: FastifyInstance,
  about: { userId: string; address: string },
  { id }: Pick<Provider, 'id'>,
  { before, after }: { before: readonly string[]; after: readonly string[] },
): void {
  const difference = differenceOf({ roles: before, claims: {} }, { roles: after, claims: {} })
  if (difference !== '') app.securityEvents.record('authz_change', { ...about, reason: `${difference} by ${id}` })
}
