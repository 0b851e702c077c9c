import type { TSchema } from 'typebox'
import type { Rule } from './fields.ts'

/** A structural schema, as a CustomResourceDefinition holds it. https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema */
export type StructuralSchema = { [keyword: string]: unknown }

/** JSON Schema keywords that the API server takes as they are. */
const keptKeywords = [
  'description',
  'type',
  'format',
  'enum',
  'minimum',
  'maximum',
  'minLength',
  'maxLength',
  'pattern',
  'minItems',
  'maxItems',
  'minProperties',
  'maxProperties',
  'required',
  'anyOf',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-int-or-string',
] as const

/** Keywords that only this program reads, and TypeBox's own that a structural schema may not have. */
const droppedKeywords = new Set(['defaultText', 'shape', 'const', 'items', 'properties', 'rules'])

/** The description of a field, for `kubectl explain`, from its declaration and its path below the schema that is turned. */
export type Describe = (source: StructuralSchema, path: readonly string[]) => unknown

const asDeclared: Describe = ({ description }) => description

/**
 * Turns a TypeBox schema into a structural one: keeps what the API server knows, writes CEL rules as
 * `x-kubernetes-validations`, and gives enumerations their type.
 * @throws when the schema uses a keyword that a structural schema cannot express, rather than losing a bound
 */
export function toStructural(schema: TSchema, describe = asDeclared, path: readonly string[] = []): StructuralSchema {
  const source: StructuralSchema = { ...schema }
  const structural: StructuralSchema = {}
  for (const keyword of keptKeywords) if (source[keyword] !== undefined) structural[keyword] = source[keyword]
  if (source['enum'] !== undefined) structural['type'] = 'string'
  const description = describe(source, path)
  if (description !== undefined) structural['description'] = description

  const { properties, items, additionalProperties, rules } = source
  const below = (child: TSchema, step: string) => toStructural(child, describe, [...path, step])
  if (isRecord(properties)) structural['properties'] = mapValues(properties, below)
  if (isRecord(items)) structural['items'] = below(items, '[]')
  if (isRecord(additionalProperties)) structural['additionalProperties'] = below(additionalProperties, '{}')
  if (Array.isArray(rules)) structural['x-kubernetes-validations'] = rules.map(toValidation)

  const lost = Object.keys(source).filter(
    (keyword) => !(keyword in structural) && !droppedKeywords.has(keyword) && !keyword.startsWith('~'),
  )
  if (lost.length > 0) throw new Error(`a structural schema cannot say ${lost.join(', ')}: ${JSON.stringify(source)}`)
  return structural
}

function toValidation({ rule, message, fieldPath, reason = 'FieldValueInvalid' }: Rule): StructuralSchema {
  return { rule, message, reason, ...(fieldPath === undefined ? {} : { fieldPath }) }
}

function mapValues(of: Record<string, TSchema>, change: (schema: TSchema, name: string) => StructuralSchema) {
  return Object.fromEntries(Object.entries(of).map(([name, schema]) => [name, change(schema, name)]))
}

function isRecord(value: unknown): value is Record<string, TSchema> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
