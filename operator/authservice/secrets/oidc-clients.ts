import type { SecretPart, SecretsInput } from './decision.ts'

export const oidcClientsFile = 'clients.json'

/** A file without clients: servers start, and nobody can log in to an application yet. */
const noClients = `${JSON.stringify({ version: 1, clients: [] })}\n`

/** The Secret with the clients of the OpenID provider. Pods of kept revisions mount it when the spec turns it off. */
export function decideOidcClientsSecret({ resolved, existing }: SecretsInput, name: string): SecretPart {
  const current = existing.get(name)
  if (resolved.oidc === undefined && current === undefined) return {}
  const why = current === undefined ? 'the file of OpenID clients' : 'its clients were changed by others'
  return {
    secrets: [{ name, type: 'Opaque', data: { [oidcClientsFile]: noClients } }],
    changes: current?.[oidcClientsFile] === noClients ? [] : [{ name, why }],
  }
}
