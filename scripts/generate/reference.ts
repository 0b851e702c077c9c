import { defaultOf } from '../../operator/authservice/api/field-defaults.ts'
import type { Rule } from '../../operator/authservice/api/fields.ts'
import { AuthServiceSchema } from '../../operator/authservice/api/schema.ts'
import { type FieldSchema, isSchema } from './field-schema.ts'
import { typeOf } from './field-types.ts'

/** A field of the resource and everything that is declared of it. */
interface Field {
  /** Dotted, from the start of its section; `[]` stands for each entry of a list. */
  name: string
  schema: FieldSchema
  required: boolean
  /** Path below `spec`; status has no defaults. */
  path: readonly string[]
}

const intro = `# Reference
Every field of an \`AuthService\` (\`auth-operator.dev/v1alpha1\`). The same is shown by
\`kubectl explain authservice.spec --recursive\`, field by field by \`kubectl explain authservice.spec.tokens\`.

- A field that is left out has the default of its \`environment\`. The API server stores what you wrote: defaults are filled in by the operator.
- Only \`spec.mongodb\` and \`spec.redis\` are required; \`{}\` will do for each.
- A duration is a whole number and a unit: \`90s\`, \`15m\`, \`24h\`, \`7d\`. A rate is a count in a unit of time: \`100/s\`, \`10/m\`, \`5/h\`.
- What each condition means, and what to do: [troubleshooting](troubleshooting.md). Whole examples: [samples](../manifests/samples/).
`

/** docs/reference.md, made from the schema. */
export function referencePage(): string {
  const { spec, status } = AuthServiceSchema.properties
  const isSection = ({ schema }: Field) => schema['type'] === 'object' && schema['shape'] === undefined
  const ofSpec = fieldsOf({ ...spec }, [], '')
  return [
    intro,
    section(
      'spec',
      { ...spec },
      ofSpec.filter((field) => !isSection(field)),
    ),
    ...ofSpec.filter(isSection).map(sectionOf),
    nameRules(),
    section('status', { ...status }, allFieldsOf({ ...status }, [], '')),
  ].join('\n')
}

/** A field of spec that is an object, with all that is below it. */
function sectionOf({ name, schema, required, path }: Field): string {
  return section(`spec.${name}`, schema, allFieldsOf(schema, path, ''), required ? ['Required.'] : [])
}

function section(title: string, schema: FieldSchema, fields: readonly Field[], notes: readonly string[] = []): string {
  const inStatus = title === 'status'
  const header = inStatus ? ['field', 'type', 'meaning'] : ['field', 'type', 'default', 'meaning']
  const rows = fields.map((field) => (inStatus ? statusRow(field) : specRow(field)))
  const about = [...notes, ...sentencesOf(schema)].join(' ')
  const rules = [...rulesOf(schema, ''), ...fields.flatMap(({ schema: own, name }) => rulesOf(own, `\`${name}\`: `))]
  return [
    `## \`${title}\``,
    about,
    '',
    ...[header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.map(escapeCell).join(' | ')} |`),
    ...(rules.length === 0 ? [] : ['', 'The API server refuses what is wrong, with these words:', '', ...rules]),
    '',
  ].join('\n')
}

/** Rules of the whole resource. */
function nameRules(): string {
  return ['## `metadata.name`', ...rulesOf({ ...AuthServiceSchema }, ''), ''].join('\n')
}

function specRow(field: Field): string[] {
  const { name, schema, required, path } = field
  const otherwise = defaultOf(path, schema)
  if (otherwise === undefined && !required && needsDefault(field)) {
    throw new Error(`spec.${path.join('.')} has no default: give it one in presets.ts, or a defaultText`)
  }
  return [`\`${name}\``, typeOf(schema), otherwise ?? (required ? 'required' : ''), sentencesOf(schema).join(' ')]
}

function statusRow({ name, schema }: Field): string[] {
  return [`\`${name}\``, typeOf(schema), sentencesOf(schema).join(' ')]
}

/** Parts of a list's entries, and of what Kubernetes gives a shape, are simply absent when they are left out. */
function needsDefault({ schema, path }: Field): boolean {
  const isWithinEntry = path.includes('[]')
  return !isWithinEntry && (schema['type'] !== 'object' || schema['shape'] !== undefined)
}

/** The fields of an object, not those below them. */
function fieldsOf(schema: FieldSchema, path: readonly string[], prefix: string): Field[] {
  const required = Array.isArray(schema['required']) ? schema['required'] : []
  const { properties } = schema
  if (!isSchema(properties)) return []
  return Object.entries(properties).flatMap(([name, child]) =>
    isSchema(child)
      ? [{ name: `${prefix}${name}`, schema: child, required: required.includes(name), path: [...path, name] }]
      : [],
  )
}

/** The fields of an object and all below them; what Kubernetes describes itself is not repeated. */
function allFieldsOf(schema: FieldSchema, path: readonly string[], prefix: string): Field[] {
  return fieldsOf(schema, path, prefix).flatMap((field) => {
    if (field.schema['shape'] !== undefined) return [field]
    const { items } = field.schema
    return isSchema(items)
      ? [field, ...allFieldsOf(items, [...field.path, '[]'], `${field.name}[].`)]
      : [field, ...allFieldsOf(field.schema, field.path, `${field.name}.`)]
  })
}

function sentencesOf({ description }: FieldSchema): string[] {
  return description === undefined ? [] : [String(description)]
}

function rulesOf({ rules }: FieldSchema, prefix: string): string[] {
  // FieldOptions declares `rules`; TypeBox's own type does not carry it on.
  return Array.isArray(rules)
    ? (rules as Rule[]).map(({ message }) => `- ${prefix}${message.replace(/^[*]/, '\\*')}`)
    : []
}

/** A bar would end the cell. */
function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|')
}
