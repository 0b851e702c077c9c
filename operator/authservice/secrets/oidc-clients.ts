import {
  mostLogoutCaCharacters,
  type OidcClient,
  type OidcClientFile,
} from '@authservice-operator/contract/oidc-client-schema.ts'
import { parseOidcClients } from '@authservice-operator/contract/oidc-clients.ts'
import type { ResolvedSpec } from '../api/resolved-spec.ts'
import type { SecretData } from '../model/secret-data.ts'
import type { SecretPart, SecretsInput } from './decision.ts'

export const oidcClientsFile = 'clients.json'

/** Maximum length of the file. A Secret has at most 1 MiB. */
const mostBytes = 1_000_000
/** Maximum number of clients that a server accepts in its file. */
const mostClients = 5_000

/** The file of the servers, and the clients that it has no room for. */
export interface ClientsFile {
  content: string
  /** IDs of clients. */
  refused: string[]
}

/**
 * The file with these clients. One that does not fit is left out, and the others go on. Clients that servers have keep
 * their places: neither new clients nor those that become longer take the places of others.
 *
 * @param clients in the order in which they get the places that are left
 * @param current file of the servers
 * @param others what the file has beside clients
 */
export function clientsFileOf(
  clients: readonly OidcClient[],
  current?: string,
  others: Omit<OidcClientFile, 'version' | 'clients'> = {},
): ClientsFile {
  const lines = new Map(clients.map((client) => [client.id, JSON.stringify(client)]))
  const rest = Object.entries(others).map(([name, value]) => `,${JSON.stringify(name)}:${JSON.stringify(value)}`)
  const end = rest.join('')
  const fitting = idsThatFit(lines, end.length)
  const placed = fitting.size === lines.size ? fitting : idsThatFit(withPlacesFirst(lines, current), end.length)
  const placedLines = [...lines].flatMap(([id, line]) => (placed.has(id) ? [line] : []))
  const list = placedLines.length === 0 ? '[]' : `[\n${placedLines.join(',\n')}\n]`
  const refused = [...lines.keys()].filter((id) => !placed.has(id))
  return { content: `{"version":1,"clients":${list}${end}}\n`, refused }
}

function idsThatFit(lines: Iterable<readonly [id: string, line: string]>, otherBytes: number): ReadonlySet<string> {
  const ids = new Set<string>()
  let bytes = 100 + otherBytes
  for (const [id, line] of lines) {
    const length = Buffer.byteLength(line) + 2
    if (ids.size >= mostClients || bytes + length > mostBytes) continue
    ids.add(id)
    bytes += length
  }
  return ids
}

/** First the clients of the current file that are not longer now, then the others of this file, then new ones. */
function withPlacesFirst(lines: ReadonlyMap<string, string>, current: string | undefined) {
  const parsed = current === undefined ? undefined : parseOidcClients(current)
  const present = parsed?.kind === 'valid' ? parsed.file.clients : []
  const lengths = new Map(present.map((client) => [client.id, Buffer.byteLength(JSON.stringify(client))]))
  const rank = ([id, line]: readonly [string, string]) => {
    const length = lengths.get(id)
    return length === undefined ? 2 : Number(Buffer.byteLength(line) > length)
  }
  return [...lines]
    .map((each) => ({ each, rank: rank(each) }))
    .sort((one, other) => one.rank - other.rank)
    .map(({ each }) => each)
}

/**
 * The CA certificates that servers trust for logout tokens; undefined: the public ones only. Others than those that
 * `findSecretProblems` accepts would make servers refuse the whole file.
 */
export function logoutCaOf(
  { oidc }: Pick<ResolvedSpec, 'oidc'>,
  referencedSecrets: ReadonlyMap<string, SecretData>,
): string | undefined {
  const ref = oidc?.logoutCaSecretRef
  const pem = ref && referencedSecrets.get(ref.name)?.[ref.key]
  return pem === undefined || pem === '' || pem.length > mostLogoutCaCharacters ? undefined : pem
}

/**
 * The Secret with the clients of the OpenID provider. When the spec turns the provider off, it stays as it is: pods that
 * run until the rollout is complete, and those of kept revisions, serve these clients.
 */
export function decideOidcClientsSecret({ resolved, existing, oidcClients }: SecretsInput, name: string): SecretPart {
  const current = existing.get(name)
  if (resolved.oidc === undefined && current === undefined) return {}
  const wanted = resolved.oidc === undefined ? undefined : oidcClients
  const content = wanted ?? current?.[oidcClientsFile] ?? clientsFileOf([]).content
  const why = current === undefined ? 'the file of OpenID clients' : 'its clients have changed'
  return {
    secrets: [{ name, type: 'Opaque', data: { [oidcClientsFile]: content } }],
    changes: current?.[oidcClientsFile] === content ? [] : [{ name, why }],
  }
}
