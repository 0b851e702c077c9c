import { parseArgs } from 'node:util'

export interface BenchOptions {
  /** Names of the scenarios to run, in their own order. */
  scenarios: string[]
  /** Of the phase before each scenario. */
  quietSeconds: number
  /** A missed target is a failure. */
  enforce: boolean
  /** Shows the slowest verifications of each scenario, and where their time went. */
  slowest: boolean
}

/** @param known names of all scenarios @throws with what was expected */
export function parseOptions(commandLine: readonly string[], known: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...commandLine],
    options: {
      scenario: { type: 'string', multiple: true, default: [] },
      'quiet-seconds': { type: 'string', default: '20' },
      enforce: { type: 'boolean', default: false },
      slowest: { type: 'boolean', default: false },
    },
  })
  const unknown = values.scenario.filter((name) => !known.includes(name))
  if (unknown.length > 0) {
    throw new Error(`There is no scenario ${unknown.join(', ')}. There are: ${known.join(', ')}.`)
  }
  const chosen = known.filter((name) => values.scenario.length === 0 || values.scenario.includes(name))
  const quietSeconds = Number(values['quiet-seconds'])
  if (!(Number.isInteger(quietSeconds) && quietSeconds >= 5 && quietSeconds <= 30)) {
    throw new Error(`--quiet-seconds wants a whole number from 5 to 30, not "${values['quiet-seconds']}".`)
  }
  return { scenarios: chosen, quietSeconds, enforce: values.enforce, slowest: values.slowest }
}
