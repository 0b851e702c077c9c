import { isDeepStrictEqual } from 'node:util'
import type { OidcClient, OidcClientFile } from '@authservice-operator/contract/oidc-client-schema.ts'
import { parseOidcClients } from '@authservice-operator/contract/oidc-clients.ts'
import { resolveSpec } from '../authservice/api/defaults.ts'
import type { ResolvedSpec } from '../authservice/api/resolved-spec.ts'
import type { AuthService } from '../authservice/api/schema.ts'
import { keyOf, type ObjectKey } from '../kube/objects.ts'
import { admitsNamespace, authServiceOf, refusalOf } from './admission.ts'
import type { CachedClient } from './cached-client.ts'
import { entryOf, methodOf, withAdmittedLogout } from './client-entry.ts'
import { receiversOf } from './logout-receiver.ts'

/** A change of an AuthClient. */
export interface ClientChange {
  /** undefined: it is new. */
  before: CachedClient | undefined
  /** undefined: it is gone. */
  after: CachedClient | undefined
}

/** What is known about the clients of an AuthService. */
export interface KnownClients {
  /** The cached AuthClients that name it. */
  clients: readonly CachedClient[]
  /** Whether an AuthClient with this ID may exist that is not cached. */
  isMissing(id: string): boolean
  /** The current file of the servers. Not needed while no AuthClient is missing. */
  file: string | undefined
  /** The issuer of ServiceAccounts; undefined: it is not known. */
  issuer?: string | undefined
}

/**
 * The clients that the servers of an AuthService should have, oldest first. Those that they have, and of which it is
 * unknown whether they exist, come before all others and stay as they are.
 */
export function publishedClients(
  owner: AuthService,
  { clients, isMissing, file, issuer }: KnownClients,
): { entries: OidcClient[]; kept: OidcClient[] } {
  const resolved = resolveSpec(owner)
  const age = ({ metadata }: CachedClient) => metadata.creationTimestamp ?? ''
  const known = [...clients]
    .sort((one, other) => (age(one) + keyOf(one) < age(other) + keyOf(other) ? -1 : 1))
    .flatMap((client) => publishedEntry(client, resolved, issuer) ?? [])
  const own = owner.metadata.namespace
  const isKept = ({ id }: OidcClient) => isMissing(id) && admitsNamespace(resolved, own, namespaceOf(id))
  const receivers = receiversOf(resolved)
  const kept = clientsIn(file)
    .filter(isKept)
    .map((client) => withAdmittedLogout(client, receivers))
  return { entries: [...kept, ...known], kept }
}

/** What servers should have of a client that names their AuthService; undefined: nothing. */
function publishedEntry(
  client: CachedClient,
  resolved: ResolvedSpec,
  issuer: string | undefined,
): OidcClient | undefined {
  if (client.metadata.deletionTimestamp !== undefined || refusalOf(client, resolved) !== undefined) return undefined
  const hashes = hashesOf(client)
  const tokenRules = issuer === undefined ? undefined : { issuer, audience: resolved.tokens.issuer }
  const context = { tokenRules, receivers: receiversOf(resolved) }
  switch (methodOf(client)) {
    case 'Secret':
      return hashes.length === 0 ? undefined : entryOf(client, hashes, context)
    case 'ServiceAccount':
      return tokenRules === undefined ? undefined : entryOf(client, [], context)
    case 'PrivateKeyJWT':
    case 'None':
      return entryOf(client, [], context)
  }
}

/** Whether servers should have something else of a client than before. */
export function isNewsFor(owner: AuthService, { before, after }: ClientChange, issuer?: string): boolean {
  const resolved = resolveSpec(owner)
  const [earlier, later] = [before, after].map((client) =>
    client === undefined || keyOf({ metadata: authServiceOf(client) }) !== keyOf(owner)
      ? undefined
      : publishedEntry(client, resolved, issuer),
  )
  return !isDeepStrictEqual(earlier, later)
}

/** The AuthClient with this ID, which is its namespace, a dot and its name. */
export function clientKeyOf(id: string): ObjectKey {
  return id.replace('.', '/')
}

/** The namespace of the client with this ID. */
export function namespaceOf(id: string): string {
  return id.slice(0, id.indexOf('.'))
}

/** The clients in a file of the servers; none if it cannot be parsed. */
export function clientsIn(file: string | undefined): OidcClient[] {
  const parsed = file === undefined ? undefined : parseOidcClients(file)
  return parsed?.kind === 'valid' ? parsed.file.clients : []
}

/** The issuers of ServiceAccounts in a file of the servers. */
export function issuersIn(file: string | undefined): NonNullable<OidcClientFile['serviceAccountIssuers']> {
  const parsed = file === undefined ? undefined : parseOidcClients(file)
  return parsed?.kind === 'valid' ? (parsed.file.serviceAccountIssuers ?? []) : []
}

/** Servers refuse the whole file for anything else. */
function hashesOf({ status }: CachedClient): string[] {
  return (status?.secretHashes ?? []).filter((hash) => /^[0-9a-f]{64}$/.test(hash)).slice(0, 2)
}
