import { readFileSync } from 'node:fs'
import {
  EnvironmentSchema,
  type EnvironmentValues,
  secretVariables,
} from '@authservice-operator/contract/environment.ts'
import {
  type Environment,
  parseVariables,
  setVariables,
  type VariableProblem,
} from '@authservice-operator/contract/read-variables.ts'

/** The environment is invalid. The message has one line for each problem and contains no secret. */
export class ConfigError extends Error {
  override name = 'ConfigError'
}

/**
 * Reads the variables that the schema declares, with its defaults.
 * @returns the values, and a line for each file of a secret that cannot be read
 * @throws ConfigError that names every missing or invalid variable and what was expected
 */
export function readEnvironment(environment: Environment): { values: EnvironmentValues; unreadableFiles: string[] } {
  const set = setVariables(EnvironmentSchema, environment)
  const unreadableFiles = readSecretFiles(environment, set)
  const parsed = parseVariables(EnvironmentSchema, set)
  if ('problems' in parsed) {
    throw new ConfigError([...unreadableFiles, ...parsed.problems.map(messageOf)].join('\n'))
  }
  return { values: parsed.values, unreadableFiles }
}

/** Adds the secrets that are in files to `set`. @returns a line for each file that cannot be read */
function readSecretFiles(environment: Environment, set: Record<string, string>): string[] {
  const unreadable: string[] = []
  for (const name of secretVariables) {
    const file = environment[`${name}_FILE`]
    if (file === undefined || file === '') continue
    try {
      set[name] = readFileSync(file, 'utf8').trim()
    } catch (error) {
      unreadable.push(`${name}_FILE: ${file} cannot be read (${error instanceof Error ? error.message : error})`)
    }
  }
  return unreadable
}

function messageOf({ name, given, expected }: VariableProblem): string {
  const secrets: readonly string[] = secretVariables
  const fault = given === undefined ? 'is not set' : secrets.includes(name) ? 'is invalid' : `is "${given}"`
  return `${name} ${fault}; expected: ${expected}`
}
