import type { Static, TObject } from 'typebox'
import Value from 'typebox/value'

/** The environment of a process. */
export type Environment = Readonly<Record<string, string | undefined>>

/** A variable whose value does not match its schema. */
export interface VariableProblem {
  name: string
  /** The value; undefined if a required variable is not set. */
  given: string | undefined
  /** The description in the schema, which says what is allowed. */
  expected: string
}

/** The variables that the schema declares and that are set. Manifests often set an empty value, which means "not set". */
export function setVariables(schema: TObject, environment: Environment): Record<string, string> {
  const set: Record<string, string> = {}
  for (const name of Object.keys(schema.properties)) {
    const value = environment[name]?.trim()
    if (value !== undefined && value !== '') set[name] = value
  }
  return set
}

/**
 * Converts variables to the types of the schema, and adds its defaults.
 * @param set as `setVariables` returns them
 * @returns the values, or one problem for each variable that is missing or invalid
 */
export function parseVariables<Schema extends TObject>(
  schema: Schema,
  set: Readonly<Record<string, string>>,
): { values: Static<Schema> } | { problems: VariableProblem[] } {
  const values = Value.Convert(schema, Value.Default(schema, { ...set }))
  if (Value.Check(schema, values)) return { values }
  const names = Value.Errors(schema, values).flatMap((error) =>
    error.keyword === 'required' ? error.params.requiredProperties : [error.instancePath.split('/')[1] ?? ''],
  )
  const problems = [...new Set(names)].map((name) => ({
    name,
    given: set[name],
    expected: expectationOf(schema, name),
  }))
  return { problems }
}

function expectationOf(schema: TObject, name: string): string {
  const property: { description?: string } | undefined = Reflect.get(schema.properties, name)
  return property?.description ?? 'a value as documented'
}
