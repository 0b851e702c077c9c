import { readFileSync } from 'node:fs'
import {
  EnvironmentSchema,
  type EnvironmentValues,
  secretVariables,
} from '@authservice-operator/contract/environment.ts'
import Value from 'typebox/value'

/** The environment is invalid. The message has one line for each problem and contains no secret. */
export class ConfigError extends Error {
  override name = 'ConfigError'
}

/**
 * Reads the variables that the schema declares, with its defaults.
 * @returns the values, and a line for each file of a secret that cannot be read
 * @throws ConfigError that names every missing or invalid variable and what was expected
 */
export function readEnvironment(environment: Readonly<Record<string, string | undefined>>): {
  values: EnvironmentValues
  unreadableFiles: string[]
} {
  const unreadableFiles: string[] = []
  const known = knownValues(environment, unreadableFiles)
  const values = Value.Convert(EnvironmentSchema, Value.Default(EnvironmentSchema, known))
  if (!Value.Check(EnvironmentSchema, values)) {
    throw new ConfigError([...unreadableFiles, ...schemaProblems(known, values)].join('\n'))
  }
  return { values, unreadableFiles }
}

/** The set variables that the schema knows; secrets can be in files. */
function knownValues(environment: Readonly<Record<string, string | undefined>>, unreadableFiles: string[]) {
  const known: Record<string, string> = {}
  for (const name of Object.keys(EnvironmentSchema.properties)) {
    const value = environment[name]?.trim()
    if (value !== undefined && value !== '') known[name] = value
  }
  for (const name of secretVariables) {
    const file = environment[`${name}_FILE`]
    if (file === undefined || file === '') continue
    try {
      known[name] = readFileSync(file, 'utf8').trim()
    } catch (error) {
      unreadableFiles.push(`${name}_FILE: ${file} cannot be read (${error instanceof Error ? error.message : error})`)
    }
  }
  return known
}

function schemaProblems(known: Record<string, string>, values: unknown): string[] {
  const wrong = new Set<string>()
  for (const { instancePath, keyword, params } of Value.Errors(EnvironmentSchema, values)) {
    if (keyword === 'required' && 'requiredProperties' in params) {
      for (const name of params.requiredProperties) wrong.add(String(name))
    } else {
      wrong.add(instancePath.split('/')[1] ?? '')
    }
  }
  const secrets: readonly string[] = secretVariables
  return [...wrong]
    .filter((name) => name !== '')
    .map((name) => {
      const property: { description?: string } | undefined = Reflect.get(EnvironmentSchema.properties, name)
      const given =
        known[name] === undefined ? 'is not set' : secrets.includes(name) ? 'is invalid' : `is "${known[name]}"`
      return `${name} ${given}; expected: ${property?.description ?? 'a value as documented'}`
    })
}
