import { column, definitionOf } from './definition.ts'
import { defaultOf } from './field-defaults.ts'
import { kind, plural, shortName, singular } from './group.ts'
import { AuthServiceSchema } from './schema.ts'
import type { Describe } from './structural.ts'

/** Columns of `kubectl get authsvc`. */
const columns = [
  column('Ready', 'string', `.status.conditions[?(@.type=='Ready')].status`, 'Whether all components are ready.'),
  column('Phase', 'string', '.status.phase', 'Phase: a summary of the conditions in one word.'),
  column(
    'Version',
    'string',
    '.status.version',
    'Version of the running server, and the desired version if it differs.',
  ),
  column('Replicas', 'integer', '.status.readyReplicas', 'Server pods that are ready.'),
  column('Color', 'string', '.status.activeColor', 'Colour that receives the traffic.'),
  { ...column('Endpoint', 'string', '.status.endpoint', 'URL of the server.'), priority: 1 },
  {
    ...column(
      'Message',
      'string',
      `.status.conditions[?(@.type=='Ready')].message`,
      'What the operator is waiting for.',
    ),
    priority: 1,
  },
  column('Age', 'date', '.metadata.creationTimestamp', 'Time since the AuthService was created.'),
]

/** The CustomResourceDefinition of AuthServices, generated from the schema. */
export function customResourceDefinition() {
  return definitionOf({
    schema: AuthServiceSchema,
    names: { kind, plural, singular, shortName },
    columns,
    selectableFields: ['.spec.environment', '.status.phase', '.status.version'],
    scale: {
      specReplicasPath: '.spec.replicas',
      statusReplicasPath: '.status.replicas',
      labelSelectorPath: '.status.selector',
    },
    explain,
  })
}

/** The description of a field in `kubectl explain`: its meaning, and its default. */
const explain: Describe = (source, path) => {
  const { description } = source
  const otherwise = defaultOf(path, source)
  const sentences = [description, ...(otherwise === undefined ? [] : [`Default: ${otherwise}.`])].filter(
    (sentence) => sentence !== undefined,
  )
  return sentences.length === 0 ? undefined : sentences.join(' ')
}
