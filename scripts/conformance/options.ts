import { parseArgs } from 'node:util'
import { type PlanAlias, planAliases } from './plans.ts'

/** Options of `npm run conformance`. */
export interface ConformanceOptions {
  /** Whether the plans run against an AuthService on the cluster of this checkout, instead of a server alone. */
  cluster: boolean
  /** The plans to run. */
  plans: readonly PlanAlias[]
}

export class UsageError extends Error {}

export const usage = `Usage: CONFORMANCE_SUITE=URL npm run conformance [-- [--cluster] [PLAN ...]]

Runs plans of a running conformance suite (docs/conformance.md): all of them, or those that are named.
  plans      ${planAliases.join(', ')}
  --cluster  against an AuthService on the cluster of this checkout, through its edge
  --help     show this text`

/**
 * @returns undefined if the user asks for help
 * @throws {UsageError} with a message that says what to write instead
 */
export function parseOptions(commandLine: readonly string[]): ConformanceOptions | undefined {
  const { values, positionals } = parse(commandLine)
  if (values.help) return undefined
  const unknown = positionals.filter((name) => !isPlanAlias(name))
  if (unknown.length > 0) throw new UsageError(`There is no plan ${unknown.join(', ')}.\n\n${usage}`)
  const named = planAliases.filter((alias) => positionals.includes(alias))
  return { cluster: values.cluster ?? false, plans: named.length > 0 ? named : planAliases }
}

function isPlanAlias(name: string): name is PlanAlias {
  return planAliases.some((alias) => alias === name)
}

function parse(commandLine: readonly string[]) {
  try {
    return parseArgs({
      args: [...commandLine],
      allowPositionals: true,
      options: { cluster: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    })
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : error}\n\n${usage}`)
  }
}
