import type { Static, TSchema } from 'typebox'
import Value from 'typebox/value'

/** `problem` continues "the file cannot be used: ". It contains nothing of the file but the places of faults. */
type ParsedFile<Content> = { kind: 'valid'; content: Content } | { kind: 'corrupt'; problem: string }

/**
 * Parses a JSON file and checks it by its schema.
 * @param what the file should be, such as `a key set {"version": 1, "keys": […]}`
 */
export function parseFile<Schema extends TSchema>(
  text: string,
  schema: Schema,
  what: string,
): ParsedFile<Static<Schema>> {
  const json = parseJson(text)
  if (json === undefined) return { kind: 'corrupt', problem: 'it is not JSON' }
  if (Value.Check(schema, json)) return { kind: 'valid', content: json }
  const places = Value.Errors(schema, json).map(({ instancePath }) => instancePath || 'the whole')
  return { kind: 'corrupt', problem: `it is not ${what}: see ${[...new Set(places)].join(', ')}` }
}

/**
 * Parses the text of a file.
 * @returns undefined if it is not JSON. The error message of the parser would quote the text, which may contain secrets.
 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The values that appear more than once, each of them once. */
export function repeatedIn(values: readonly string[]): string[] {
  const seen = new Set<string>()
  const repeated = new Set<string>()
  for (const value of values) {
    if (seen.has(value)) repeated.add(value)
    seen.add(value)
  }
  return [...repeated]
}
