import type { TSchema } from 'typebox'
import type { Rule } from './fields.ts'

/**
 * A structural schema of a CustomResourceDefinition.
 * https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
 */
export type StructuralSchema = { [keyword: string]: unknown }

/** JSON Schema keywords that the API server accepts unchanged. */
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

/** Keywords that only this program uses, and keywords of TypeBox that a structural schema must not contain. */
const droppedKeywords = new Set(['defaultText', 'shape', 'const', 'items', 'properties', 'rules'])

/** The description of a field, for `kubectl explain`, from its declaration and its path below the converted schema. */
export type Describe = (source: StructuralSchema, path: readonly string[]) => unknown

const asDeclared: Describe = ({ description }) => description

/**
 * Converts a TypeBox schema into a structural one: keeps the keywords that the API server supports, writes CEL rules as
 * `x-kubernetes-validations`, and adds the type of enumerations.
 * @throws if the schema uses a keyword that a structural schema cannot express, so that no constraint is lost
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
  if (lost.length > 0)
    throw new Error(`a structural schema cannot express ${lost.join(', ')}: ${JSON.stringify(source)}`)
  return structural
}

function toValidation({ rule, message, reason = 'FieldValueInvalid', ...more }: Rule): StructuralSchema {
  return { rule, message, reason, ...more }
}

function mapValues(of: Record<string, TSchema>, change: (schema: TSchema, name: string) => StructuralSchema) {
  return Object.fromEntries(Object.entries(of).map(([name, schema]) => [name, change(schema, name)]))
}

function isRecord(value: unknown): value is Record<string, TSchema> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
