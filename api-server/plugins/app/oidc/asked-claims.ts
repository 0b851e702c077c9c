import type { OidcClient } from '@authservice-operator/contract/oidc-client-schema.ts'
import { errors } from 'oidc-provider'
import { claimsOfScope } from './account.ts'

/** Claims about the user that a request can name one by one, with the scope that a client needs for each. */
const scopeOfClaim = new Map<string, string>(
  (['profile', 'email'] as const).flatMap((scope) =>
    claimsOfScope[scope].map((name): [string, string] => [name, scope]),
  ),
)

/** Members of each part of the parameter. */
const mostNames = 50

/** Where a request wants claims. OpenID Connect Core section 5.5. */
type Target = 'userinfo' | 'id_token'

/** What a request says of the claims that it wants. */
interface ClaimsRequest {
  /** Separated by spaces. */
  scope?: unknown
  /** The parameter `claims`: JSON. */
  claims?: unknown
}

/**
 * The claims that a client gets beyond those of the scopes, by their names: custom ones of the user, as the file of
 * clients says, and those that the request names one by one, if the client may ask for their scope.
 */
export function askedClaims(client: OidcClient | undefined, request: ClaimsRequest): string[] {
  if (
    client === undefined ||
    !String(request.scope ?? '')
      .split(' ')
      .includes('openid')
  )
    return []
  const named = [...namedClaims(request.claims, 'id_token'), ...namedClaims(request.claims, 'userinfo')]
  const { scopes = [], userClaims = [] } = client
  return [
    ...new Set([...userClaims, ...named.filter((name) => scopes.some((scope) => scope === scopeOfClaim.get(name)))]),
  ]
}

/** Names of one part of the parameter `claims`. @param parameter JSON, which the library has checked */
export function namedClaims(parameter: unknown, target: Target): string[] {
  return Object.keys(objectOf(objectOf(parsed(parameter))[target]))
}

/** The levels one of which an ID token must have; undefined: the request does not say so. Section 5.5.1.1. */
export function essentialLevels(parameter: unknown): string[] | undefined {
  const { essential, value, values } = objectOf(objectOf(objectOf(parsed(parameter))['id_token'])['acr'])
  if (essential !== true || (value === undefined && values === undefined)) return undefined
  return [value, values].flat().filter((each) => typeof each === 'string')
}

/** Refuses what the library would accept. @throws InvalidRequest */
export function checkClaimsParameter(claims: object): void {
  for (const part of Object.values(claims)) {
    if (Object.keys(objectOf(part)).length > mostNames) {
      throw new errors.InvalidRequest(`name at most ${mostNames} claims in each part of the parameter claims`)
    }
  }
  const { values = [] } = objectOf(objectOf(objectOf(claims)['id_token'])['acr'])
  if (!Array.isArray(values)) throw new errors.InvalidRequest('values of the claim acr is not a list')
}

/** Claims of a grant, as a session keeps them. */
interface StoredClaims {
  openid: { scope: string; claims?: readonly string[] }
  /** Those that the request has named for userinfo. The library does not know this member. */
  userinfo?: readonly string[]
}

/** @param granted names beyond those of the scopes @param forUserinfo names that the request has for userinfo */
export function storedClaims(scope: string, granted: readonly string[], forUserinfo: readonly string[]): StoredClaims {
  const userinfo = forUserinfo.filter((name) => granted.includes(name))
  return {
    openid: { scope, ...(granted.length > 0 && { claims: granted }) },
    ...(userinfo.length > 0 && { userinfo }),
  }
}

/** The same, of a session. @param grant JSON; undefined: the session has ended */
export function claimsOfGrant(grant: string | undefined): {
  granted: readonly string[]
  forUserinfo: readonly string[]
} {
  const { openid, userinfo = [] }: Partial<StoredClaims> = grant === undefined ? {} : JSON.parse(grant)
  return { granted: openid?.claims ?? [], forUserinfo: userinfo }
}

function objectOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function parsed(parameter: unknown): unknown {
  return typeof parameter === 'string' ? JSON.parse(parameter) : undefined
}
