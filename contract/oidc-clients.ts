import { clientProblems, issuerProblems, receiverProblems } from './oidc-client-rules.ts'
import { type OidcClientFile, OidcClientFileSchema } from './oidc-client-schema.ts'
import { parseFile, repeatedIn } from './parse-file.ts'

/** `problems` continue "the clients cannot be used: ". They contain no secret, hash or key. */
export type ParsedOidcClients = { kind: 'valid'; file: OidcClientFile } | { kind: 'corrupt'; problems: string[] }

/** Parses a file of clients and checks each of them. One invalid client makes the whole file corrupt. */
export function parseOidcClients(text: string): ParsedOidcClients {
  const parsed = parseFile(text, OidcClientFileSchema, 'a file of clients {"version": 1, "clients": […]}')
  if (parsed.kind === 'corrupt') return { kind: 'corrupt', problems: [parsed.problem] }
  const { content: file } = parsed
  const problems = [
    ...repeatedIn(file.clients.map(({ id }) => id)).map((id) => `client ${id} appears twice`),
    ...issuerProblems(file),
    ...receiverProblems(file),
    ...file.clients.flatMap((client) => clientProblems(client).map((problem) => `client ${client.id}: ${problem}`)),
  ]
  return problems.length === 0 ? { kind: 'valid', file } : { kind: 'corrupt', problems }
}
