import { parseArgs } from 'node:util'

export interface BenchOptions {
  /** Names of the scenarios to run, in the order in which `scenarios.ts` lists them. */
  scenarios: string[]
  /** Exit with 1 when a target is missed. */
  enforce: boolean
}

/**
 * Reads the command line of the bench.
 *
 * @param known names of all scenarios
 * @throws with the names that exist, when one does not
 */
export function parseOptions(commandLine: readonly string[], known: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...commandLine],
    options: {
      scenario: { type: 'string', multiple: true, default: [] },
      enforce: { type: 'boolean', default: false },
    },
  })
  const unknown = values.scenario.filter((name) => !known.includes(name))
  if (unknown.length > 0) {
    throw new Error(`There is no scenario ${unknown.join(', ')}. There are: ${known.join(', ')}.`)
  }
  const chosen = known.filter((name) => values.scenario.length === 0 || values.scenario.includes(name))
  return { scenarios: chosen, enforce: values.enforce }
}
