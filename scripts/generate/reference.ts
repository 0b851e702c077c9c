import { AuthClientSchema } from '../../operator/auth-client/api/schema.ts'
import { defaultOf } from '../../operator/authservice/api/field-defaults.ts'
import type { Rule } from '../../operator/authservice/api/fields.ts'
import { AuthServiceSchema } from '../../operator/authservice/api/schema.ts'
import { type FieldSchema, isSchema } from './field-schema.ts'
import { typeOf } from './field-types.ts'

/** A field of the resource with its declaration. */
interface Field {
  /** Dotted, from the start of its section; `[]` stands for each entry of a list. */
  name: string
  schema: FieldSchema
  required: boolean
  /** Path below `spec`; status has no defaults. */
  path: readonly string[]
}

const intro = `# Reference
This page lists every field of an \`AuthService\` (\`auth-operator.dev/v1alpha1\`). \`kubectl explain authservice.spec --recursive\`
shows the same information, and \`kubectl explain authservice.spec.tokens\` shows a single field.

- An omitted field has the default of its \`environment\`. The operator applies defaults; the API server stores only the fields that you set.
- Only \`spec.environment\`, \`spec.mongodb\` and \`spec.redis\` are required. \`{}\` is sufficient for the databases.
- A duration is a whole number and a unit: \`90s\`, \`15m\`, \`24h\`, \`7d\`. A rate is a count per unit of time: \`100/s\`, \`10/m\`, \`5/h\`.
- [Troubleshooting](troubleshooting.md) explains each condition. The [samples](../manifests/samples/) are complete examples.
`

const clientIntro = `# Reference of AuthClients
This page lists every field of an \`AuthClient\` (\`auth-operator.dev/v1alpha1\`). \`kubectl explain authclient.spec --recursive\`
shows the same information. [Clients of an AuthService](oidc-clients.md) shows how to use them.
`

/** docs/reference.md, generated from the schema. */
export function referencePage(): string {
  return pageOf(intro, AuthServiceSchema)
}

/** docs/reference-clients.md, generated from the schema. */
export function clientReferencePage(): string {
  return pageOf(clientIntro, AuthClientSchema)
}

/** The schema of a resource. */
interface ResourceSchema {
  properties: { spec: object; status: object }
}

function pageOf(introduction: string, schema: ResourceSchema): string {
  const { spec, status } = schema.properties
  const isSection = ({ schema }: Field) => schema['type'] === 'object' && schema['shape'] === undefined
  const ofSpec = fieldsOf({ ...spec }, [], '')
  return [
    introduction,
    section(
      'spec',
      { ...spec },
      ofSpec.filter((field) => !isSection(field)),
    ),
    ...ofSpec.filter(isSection).map(sectionOf),
    nameRules({ ...schema }),
    section('status', { ...status }, allFieldsOf({ ...status }, [], '')),
  ].join('\n')
}

/** A field of spec that is an object, with all fields below it. */
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
    ...(rules.length === 0 ? [] : ['', 'The API server rejects invalid values with these messages:', '', ...rules]),
    '',
  ].join('\n')
}

/** Rules of the whole resource. */
function nameRules(schema: FieldSchema): string {
  return ['## `metadata.name`', ...rulesOf(schema, ''), ''].join('\n')
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

/** Fields in list entries and in Kubernetes shapes have no default: an omitted one is absent. */
function needsDefault({ schema, path }: Field): boolean {
  const isWithinEntry = path.includes('[]')
  return !isWithinEntry && (schema['type'] !== 'object' || schema['shape'] !== undefined)
}

/** The fields of an object, without those below them. */
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

/** The fields of an object and all fields below them, except those that the Kubernetes documentation describes. */
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
  // FieldOptions declares `rules`; the type of TypeBox does not preserve it.
  return Array.isArray(rules)
    ? (rules as Rule[]).map(({ message }) => `- ${prefix}${message.replace(/^[*]/, '\\*')}`)
    : []
}

/** A vertical bar would end the cell. */
function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|')
}
