import type { OidcClient } from '@authservice-operator/contract/oidc-client-schema.ts'
import { errors } from 'oidc-provider'

type Scopes = ReadonlySet<string> | readonly string[]

/** An API in the form of the library. RFC 8707. */
interface ResourceServerInfo {
  /** Separated by spaces. */
  scope: string
  audience: string
}

/**
 * The API that a client asks a token for. @param resource the parameter `resource`
 * @throws InvalidTarget unless the file of clients allows it to the client
 */
export function resourceServerOf(client: OidcClient | undefined, resource: string): ResourceServerInfo {
  const found = client?.resources?.find(({ uri }) => uri === resource)
  if (found === undefined) throw new errors.InvalidTarget('the client may not use this resource')
  return { scope: (found.scopes ?? []).join(' '), audience: found.uri }
}

/**
 * The API of a client that gets a token for itself and does not name one: the only one that it may use.
 * @throws InvalidTarget if there is none, or a choice
 */
export function onlyResourceOf(client: OidcClient | undefined): string {
  const [only, ...others] = client?.resources ?? []
  if (only === undefined || others.length > 0) throw new errors.InvalidTarget('name one resource of the client')
  return only.uri
}

/**
 * Refuses scopes that an API does not have: the library leaves them out. RFC 6749 section 3.3.
 * @param asked the parameter `scope` @throws InvalidScope
 */
export function requireScopesOf({ scope }: ResourceServerInfo, asked: unknown): void {
  if (typeof asked !== 'string') return
  const known = scope.split(' ')
  const unknown = asked.split(' ').find((each) => each !== '' && !known.includes(each))
  if (unknown !== undefined) throw new errors.InvalidScope('the client may not use this scope', unknown)
}

/** A scope of an API, as a name that is unique beside those of other APIs and those about the user. */
const qualified = (resource: string, scope: string) => `${resource} ${scope}`

/** What a grant allows: scopes and single claims about the user, and scopes of APIs. */
interface GrantedScopes {
  openid?: { scope?: string | undefined; claims?: readonly string[] | undefined } | undefined
  /** By URI, separated by spaces. */
  resources?: Readonly<Record<string, string>> | undefined
}

/** All scopes and claims of a grant as one set, to compare grants. */
export function allScopesOf({ openid, resources = {} }: GrantedScopes): Set<string> {
  const ofApis = Object.entries(resources).flatMap(([uri, scope]) => wordsOf(scope).map((each) => qualified(uri, each)))
  // No URI of an API is a word without a colon.
  const claims = (openid?.claims ?? []).map((claim) => qualified('claim', claim))
  return new Set([...wordsOf(openid?.scope), ...claims, ...ofApis])
}

/** Of the scopes that were asked for, those that an API has. */
export function commonScopes(ofApi: Scopes, asked: Scopes): string[] {
  const known = new Set(ofApi)
  return [...asked].filter((each) => known.has(each))
}

function wordsOf(scope = ''): string[] {
  return scope.split(' ').filter((each) => each !== '')
}
