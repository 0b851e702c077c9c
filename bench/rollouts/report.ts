import { isMet, printTargets, type Target } from '../report.ts'
import type { ScenarioResult, Tally } from './tally.ts'

/** How many failures of one scenario are printed; all are counted. */
const maxPrinted = 40

/** Prints each failure with what helps to find its cause. */
export function printFailures(name: string, { failures }: Tally): void {
  for (const failure of failures.slice(0, maxPrinted)) console.log(`${name} FAILED ${JSON.stringify(failure)}`)
  if (failures.length > maxPrinted) console.log(`${name}: ${failures.length - maxPrinted} more failures`)
}

/** The targets of each scenario: no failed request, the expected outcome, and the times of promotion and rollback. */
export function targetsOf(results: readonly ScenarioResult[]): Target[] {
  return results.flatMap(({ name, failed, seconds, outcome, ...figures }) => {
    const lastAnswer = figures['last_answer_s']
    return [
      { name: `${name}: failed requests`, value: failed, atMost: 0 },
      { name: `${name}: expected outcome (${outcome})`, value: outcome === 'failed' ? 0 : 1, atLeast: 1 },
      ...(name === 'blue-green' ? [{ name: `${name}: seconds until promoted`, value: seconds, atMost: 60 }] : []),
      ...(typeof lastAnswer === 'number'
        ? [{ name: `${name}: seconds until the last answer of the new version`, value: lastAnswer, atMost: 3 }]
        : []),
    ]
  })
}

/**
 * Prints which targets are met, then the result as one line of JSON.
 *
 * @param failedBetween failed requests that belong to no scenario
 */
export function closeRolloutReport(results: readonly ScenarioResult[], failedBetween: number, enforce: boolean): void {
  const targets = targetsOf(results)
  printTargets(targets)
  const failed_total = results.reduce((sum, { failed }) => sum + failed, failedBetween)
  if (enforce && !(targets.every(isMet) && failed_total === 0)) process.exitCode = 1
  console.log(JSON.stringify({ scenarios: results, failed_total }))
}
