import fc from 'fast-check'
import type { OpenAPIV3_1 as OpenApi } from 'openapi-types'

/** The JSON Schema keywords that this server's schemas use. */
interface Schema {
  $ref?: string
  const?: unknown
  enum?: unknown[]
  anyOf?: Schema[]
  type?: string | string[]
  pattern?: string
  format?: string
  minLength?: number
  maxLength?: number
  minimum?: number
  maximum?: number
  items?: Schema
  properties?: Record<string, Schema>
  patternProperties?: Record<string, Schema>
  required?: string[]
}

const longestText = 300

/** Values that the schema accepts. @throws for an unknown keyword */
export function valuesOf(schema: Schema, document: OpenApi.Document): fc.Arbitrary<unknown> {
  if (schema.$ref !== undefined) return valuesOf(resolve(schema.$ref, document), document)
  if ('const' in schema) return fc.constant(schema.const)
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum)
  if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map((each) => valuesOf(each, document)))
  switch (schema.type) {
    case 'string':
      return textsOf(schema)
    case 'integer':
      return fc.integer({ min: schema.minimum ?? -1_000_000, max: schema.maximum ?? 1_000_000 })
    case 'number':
      return fc.double({ min: schema.minimum ?? -1e6, max: schema.maximum ?? 1e6, noNaN: true })
    case 'boolean':
      return fc.boolean()
    case 'null':
      return fc.constant(null)
    case 'array':
      return fc.array(valuesOf(schema.items ?? { type: 'null' }, document), { maxLength: 5 })
    case 'object':
      return objectsOf(schema, document)
    default:
      throw new Error(`no values for ${JSON.stringify(schema)}`)
  }
}

function objectsOf(
  { properties = {}, patternProperties, required = [] }: Schema,
  document: OpenApi.Document,
): fc.Arbitrary<unknown> {
  const named = Object.entries(patternProperties ?? {}).map(([pattern, each]) =>
    fc.dictionary(fc.stringMatching(new RegExp(pattern, 'u')), valuesOf(each, document), { maxKeys: 5 }),
  )
  if (named.length > 0) return fc.oneof(...named)
  const members = Object.fromEntries(Object.entries(properties).map(([key, each]) => [key, valuesOf(each, document)]))
  return fc.record(members, { requiredKeys: required, noNullPrototype: true })
}

function textsOf({ pattern, format, minLength = 0, maxLength = longestText }: Schema): fc.Arbitrary<string> {
  if (format === 'date-time')
    return fc.date({ noInvalidDate: true, min: new Date(0) }).map((date) => date.toISOString())
  const longest = Math.min(maxLength, longestText)
  const fits = (text: string) => text.length >= minLength && text.length <= maxLength
  if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern, 'u')).filter(fits)
  return fc
    .oneof(
      fc.string({ minLength, maxLength: longest }),
      fc.string({ unit: 'binary', minLength, maxLength: longest }),
      // For lengths that are compared with a limit.
      fc.constant('x'.repeat(Math.min(maxLength, 10_000))),
    )
    .filter(fits)
}

/** Values that the schema mostly refuses: of another type, with missing, additional or wrong properties. */
export function almostValuesOf(schema: Schema, document: OpenApi.Document): fc.Arbitrary<unknown> {
  const damaged = fc
    .tuple(valuesOf(schema, document), fc.nat(), fc.jsonValue(), fc.constantFrom('drop', 'replace', 'add'))
    .map(([value, index, other, damage]) => withDamage(value, index, other, damage))
  return fc.oneof(damaged, fc.jsonValue())
}

function withDamage(value: unknown, index: number, other: unknown, damage: string): unknown {
  if (typeof value !== 'object' || value === null) return other
  const entries = Object.entries(value)
  if (damage === 'add' || entries.length === 0) return { ...value, [`x${index}`]: other }
  const chosen = entries[index % entries.length]?.[0]
  const kept = entries.flatMap(([key, member]) =>
    key !== chosen ? [[key, member]] : damage === 'drop' ? [] : [[key, other]],
  )
  return Object.fromEntries(kept)
}

function resolve(ref: string, document: OpenApi.Document): Schema {
  const found = document.components?.schemas?.[ref.split('/').at(-1) ?? '']
  if (found === undefined) throw new Error(`${ref} leads nowhere`)
  // A component of this document has no keywords but those above.
  return found as Schema
}
