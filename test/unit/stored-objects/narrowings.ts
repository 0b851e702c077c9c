/** The parts of a schema in a CustomResourceDefinition that decide which values are valid. */
export interface Schema {
  type?: string
  format?: string
  pattern?: string
  enum?: readonly unknown[]
  required?: readonly string[]
  properties?: Readonly<Record<string, Schema>>
  items?: Schema
  additionalProperties?: Schema | boolean
  anyOf?: readonly Schema[]
  'x-kubernetes-validations'?: readonly { rule: string }[]
  'x-kubernetes-list-type'?: string
  'x-kubernetes-list-map-keys'?: readonly string[]
  [keyword: string]: unknown
}

/** Bounds that allow less when they are lower, and when they are higher. */
const upperBounds = ['maxLength', 'maxItems', 'maxProperties', 'maximum']
const lowerBounds = ['minLength', 'minItems', 'minProperties', 'minimum']
/** Keywords that must stay as they are. */
const fixed = [
  'type',
  'anyOf',
  'x-kubernetes-int-or-string',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
]
/** Keywords that may go, but neither appear nor change. */
const removable = ['format', 'pattern']

/**
 * What an earlier schema accepts and a later one may refuse or drop, one line each. A value that was stored stays valid
 * only if there is none: ratcheting accepts an unchanged invalid value, but no change of it.
 */
export function narrowingsOf(earlier: Schema, later: Schema, path = ''): string[] {
  const at = path === '' ? 'the root' : path
  const isChanged = (keyword: string) => JSON.stringify(earlier[keyword]) !== JSON.stringify(later[keyword])
  return [
    ...fixed.filter(isChanged).map((keyword) => `${at}: ${keyword} has changed`),
    ...removable
      .filter((keyword) => later[keyword] !== undefined && isChanged(keyword))
      .map((keyword) => `${at}: ${keyword} is new`),
    ...upperBounds
      .filter((bound) => isTighter(earlier[bound], later[bound], 1))
      .map((bound) => `${at}: lower ${bound}`),
    ...lowerBounds
      .filter((bound) => isTighter(earlier[bound], later[bound], -1))
      .map((bound) => `${at}: higher ${bound}`),
    ...narrowedEnum(earlier.enum, later.enum).map((value) => `${at}: the value ${value} is gone`),
    ...added(earlier.required, later.required).map((field) => `${at}: ${field} is required`),
    ...added(rulesOf(earlier), rulesOf(later)).map((rule) => `${at}: the rule ${rule} is new`),
    ...narrowedParts(earlier, later, path),
  ]
}

function narrowedParts(earlier: Schema, later: Schema, path: string): string[] {
  const fields = Object.entries(earlier.properties ?? {}).flatMap(([name, schema]) => {
    const field = path === '' ? name : `${path}.${name}`
    const now = later.properties?.[name]
    return now === undefined ? [`${field}: the field is gone`] : narrowingsOf(schema, now, field)
  })
  const entries = earlier.items && later.items ? narrowingsOf(earlier.items, later.items, `${path}[]`) : []
  const [values, valuesNow] = [earlier.additionalProperties, later.additionalProperties]
  if (typeof values !== 'object' || typeof valuesNow !== 'object') {
    const isSame = values === valuesNow
    return [...fields, ...entries, ...(isSame ? [] : [`${path}: additionalProperties has changed`])]
  }
  return [...fields, ...entries, ...narrowingsOf(values, valuesNow, `${path}.*`)]
}

/** @param sign 1 for an upper bound, -1 for a lower one */
function isTighter(earlier: unknown, later: unknown, sign: 1 | -1): boolean {
  if (typeof later !== 'number') return false
  return typeof earlier !== 'number' || sign * later < sign * earlier
}

function narrowedEnum(earlier: readonly unknown[] | undefined, later: readonly unknown[] | undefined): unknown[] {
  if (later === undefined) return []
  return earlier === undefined ? ['outside of the new list'] : earlier.filter((value) => !later.includes(value))
}

function rulesOf(schema: Schema): string[] {
  return (schema['x-kubernetes-validations'] ?? []).map(({ rule }) => rule)
}

function added(earlier: readonly string[] = [], later: readonly string[] = []): string[] {
  return later.filter((entry) => !earlier.includes(entry))
}
