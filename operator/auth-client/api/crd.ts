import { column, definitionOf } from '../../authservice/api/definition.ts'
import type { Describe } from '../../authservice/api/structural.ts'
import { kind, plural, shortName, singular } from './group.ts'
import { AuthClientSchema } from './schema.ts'

/** Columns of `kubectl get authclients`. */
const columns = [
  column('Ready', 'string', `.status.conditions[?(@.type=='Ready')].status`, 'Whether servers accept the client.'),
  column('Reason', 'string', `.status.conditions[?(@.type=='Ready')].reason`, 'Why, in one word.'),
  column('AuthService', 'string', '.spec.authServiceRef.name', 'The AuthService that it is a client of.'),
  column('Client-ID', 'string', '.status.clientId', 'The client_id.'),
  column('Secret', 'string', '.status.secretName', 'Secret with the credentials.'),
  {
    ...column('Message', 'string', `.status.conditions[?(@.type=='Ready')].message`, 'Why, in a sentence.'),
    priority: 1,
  },
  column('Age', 'date', '.metadata.creationTimestamp', 'Time since the AuthClient was created.'),
]

/** The CustomResourceDefinition of AuthClients, generated from the schema. */
export function clientDefinition() {
  return definitionOf({
    schema: AuthClientSchema,
    names: { kind, plural, singular, shortName },
    columns,
    selectableFields: ['.spec.authServiceRef.name'],
    explain,
  })
}

/** The description of a field in `kubectl explain`: its meaning, and its default. */
const explain: Describe = ({ description, defaultText }) =>
  defaultText === undefined ? description : `${description} Default: ${defaultText}.`
