import Value from 'typebox/value'
import { clientProblems, issuerProblems } from './oidc-client-rules.ts'
import { type OidcClientFile, OidcClientFileSchema } from './oidc-client-schema.ts'

/** `problems` continue "the clients cannot be used: ". They contain no secret, hash or key. */
export type ParsedOidcClients = { kind: 'valid'; file: OidcClientFile } | { kind: 'corrupt'; problems: string[] }

/** Parses a file of clients and checks each of them. One invalid client makes the whole file corrupt. */
export function parseOidcClients(text: string): ParsedOidcClients {
  const json = parseJson(text)
  if (json === undefined) return { kind: 'corrupt', problems: ['it is not JSON'] }
  if (!Value.Check(OidcClientFileSchema, json)) {
    const places = Value.Errors(OidcClientFileSchema, json).map(({ instancePath }) => instancePath || 'the whole')
    const problem = `it is not a file of clients {"version": 1, "clients": […]}: see ${[...new Set(places)].join(', ')}`
    return { kind: 'corrupt', problems: [problem] }
  }
  const ids = json.clients.map(({ id }) => id)
  const repeated = [...new Set(ids.filter((id, index) => ids.indexOf(id) !== index))]
  const problems = [
    ...repeated.map((id) => `client ${id} appears twice`),
    ...issuerProblems(json),
    ...json.clients.flatMap((client) => clientProblems(client).map((problem) => `client ${client.id}: ${problem}`)),
  ]
  return problems.length === 0 ? { kind: 'valid', file: json } : { kind: 'corrupt', problems }
}

/** The error message of the parser would quote the text, which contains hashes of secrets. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
