import type { ResolvedSpec } from '../authservice/api/resolved-spec.ts'
import type { AuthServiceKey } from '../authservice/model/auth-service-key.ts'
import type { AuthClient } from './api/schema.ts'
import type { CachedClient } from './cached-client.ts'
import { problemsOf } from './client-entry.ts'
import type { Reason } from './reasons.ts'

/** Why an AuthService does not accept a client, as a sentence that says what to do. */
export interface Refusal {
  reason: Reason
  message: string
}

/** The AuthService that a client names. */
export function authServiceOf({ metadata, spec }: Pick<AuthClient, 'metadata' | 'spec'>): AuthServiceKey {
  const { name, namespace = metadata.namespace } = spec.authServiceRef
  return { namespace, name }
}

/**
 * In a namespace that the AuthService does not admit, all refusals are the same: they tell nothing about it.
 *
 * @param authService the one that the client names; undefined if it does not exist
 * @returns undefined if it accepts the client
 */
export function refusalOf(
  client: CachedClient,
  authService: Pick<ResolvedSpec, 'oidc' | 'tokens'> | undefined,
): Refusal | undefined {
  const { namespace, name } = authServiceOf(client)
  const named = `AuthService ${namespace}/${name}`
  const own = client.metadata.namespace
  if (own !== namespace && (authService === undefined || !admitsNamespace(authService, namespace, own))) {
    return {
      reason: 'NamespaceNotAllowed',
      message: `${named} does not exist, or does not accept clients of the namespace ${own}. Add ${own} to oidc.clientNamespaces.names in its spec, with from: Names, beside oidc.enabled: true, or correct spec.authServiceRef.`,
    }
  }
  if (authService === undefined) {
    return {
      reason: 'AuthServiceNotFound',
      message: `${named} does not exist, or the operator does not watch its namespace. Create it, or correct spec.authServiceRef: if it is in another namespace, set spec.authServiceRef.namespace.`,
    }
  }
  const { oidc, tokens } = authService
  if (oidc === undefined) {
    return {
      reason: 'OpenIDConnectDisabled',
      message: `${named} is no OpenID provider. Write oidc.enabled: true in its spec.`,
    }
  }
  const problems = [...problemsOf(client), ...audienceProblems(client, tokens.audience)]
  return problems.length === 0 ? undefined : { reason: 'Invalid', message: `Correct the spec: ${problems.join('; ')}.` }
}

/**
 * Servers refuse the whole file for such a client, which would get tokens without a user for their own routes about
 * users.
 */
function audienceProblems({ spec: { resources = [] } }: AuthClient, audience: string): string[] {
  return resources.some(({ uri }) => uri === audience)
    ? [`resources: ${audience} is the audience of the AuthService itself (tokens.audience). Name an API of another URI`]
    : []
}

/** Whether an AuthService accepts clients of a namespace. @param own the namespace of the AuthService */
export function admitsNamespace({ oidc }: Pick<ResolvedSpec, 'oidc'>, own: string, namespace: string): boolean {
  if (oidc === undefined) return false
  return namespace === own || oidc.clientNamespaces === 'all' || oidc.clientNamespaces.includes(namespace)
}
