import type { OidcClient } from '@authservice-operator/contract/oidc-client-schema.ts'
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
 * The file with these clients. One that does not fit is left out, and the others go on.
 *
 * @param clients in the order in which they get their places
 */
export function clientsFileOf(clients: readonly OidcClient[]): ClientsFile {
  const lines: string[] = []
  const refused: string[] = []
  let bytes = 100
  for (const client of clients) {
    const line = JSON.stringify(client)
    const length = Buffer.byteLength(line) + 2
    if (lines.length < mostClients && bytes + length <= mostBytes) {
      lines.push(line)
      bytes += length
    } else refused.push(client.id)
  }
  const list = lines.length === 0 ? '[]' : `[\n${lines.join(',\n')}\n]`
  return { content: `{"version":1,"clients":${list}}\n`, refused }
}

/**
 * The Secret with the clients of the OpenID provider. Pods of kept revisions mount it when the spec turns the provider
 * off.
 */
export function decideOidcClientsSecret({ resolved, existing, oidcClients }: SecretsInput, name: string): SecretPart {
  const current = existing.get(name)
  if (resolved.oidc === undefined && current === undefined) return {}
  const content = oidcClients ?? current?.[oidcClientsFile] ?? clientsFileOf([]).content
  const why = current === undefined ? 'the file of OpenID clients' : 'its clients have changed'
  return {
    secrets: [{ name, type: 'Opaque', data: { [oidcClientsFile]: content } }],
    changes: current?.[oidcClientsFile] === content ? [] : [{ name, why }],
  }
}
