import { isMet, printTargets, type Target } from '../report.ts'
import type { ScenarioResult } from '../rollouts/tally.ts'

/** A step as the last line of the bench shows it. */
export type StepResult = ScenarioResult & {
  /** The highest number of AuthServices that rolled out at the same time. */
  rollouts_at_once: number
  /** The number of AuthServices that waited for others. */
  waited: number
  /** The number of database pods that were replaced or have restarted. */
  databases_restarted: number
}

/** What the report needs in addition to the results of the steps. */
export interface UpgradeTotals {
  /** Requests that belong to no step. */
  requests: number
  /** Those of them that failed. */
  failed: number
  /** MAX_CONCURRENT_ROLLOUTS of the operators. */
  maxConcurrentRollouts: number
  /** Steps in which so many AuthServices get a new revision that some have to wait. */
  limitedSteps: readonly string[]
  /** Steps that end with operators of the previous release, which have no such limit. */
  unlimitedSteps: readonly string[]
  /** Exit with 1 when a target is missed. */
  enforce: boolean
}

/** The targets of each step. A limit that no AuthService had to wait for would show nothing. */
export function targetsOf(
  results: readonly StepResult[],
  {
    maxConcurrentRollouts,
    limitedSteps,
    unlimitedSteps,
  }: Pick<UpgradeTotals, 'maxConcurrentRollouts' | 'limitedSteps' | 'unlimitedSteps'>,
): Target[] {
  return results.flatMap(({ name, failed, outcome, rollouts_at_once, waited, databases_restarted }) => [
    { name: `${name}: failed requests`, value: failed, atMost: 0 },
    { name: `${name}: expected outcome (${outcome})`, value: outcome === 'failed' ? 0 : 1, atLeast: 1 },
    ...(unlimitedSteps.includes(name)
      ? []
      : [{ name: `${name}: rollouts at the same time`, value: rollouts_at_once, atMost: maxConcurrentRollouts }]),
    { name: `${name}: database pods that restarted`, value: databases_restarted, atMost: 0 },
    ...(limitedSteps.includes(name) ? [{ name: `${name}: AuthServices that waited`, value: waited, atLeast: 1 }] : []),
  ])
}

/** Prints which targets are met, then the result as one line of JSON. */
export function closeUpgradeReport(results: readonly StepResult[], totals: UpgradeTotals): void {
  const targets = targetsOf(results, totals)
  printTargets(targets)
  const sum = (field: 'requests' | 'failed') => results.reduce((all, result) => all + result[field], totals[field])
  const failed_total = sum('failed')
  if (totals.enforce && !(targets.every(isMet) && failed_total === 0)) process.exitCode = 1
  console.log(JSON.stringify({ steps: results, requests: sum('requests'), failed_total }))
}
