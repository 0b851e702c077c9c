import { isMet, sayTargets, type Target } from '../report.ts'
import type { ScenarioResult, Tally } from './tally.ts'

/** How many failures of one scenario are shown; all are counted. */
const mostShown = 40

/** Each failure with what helps to find its cause. */
export function showFailures(name: string, { failures }: Tally): void {
  for (const failure of failures.slice(0, mostShown)) console.log(`${name} FAILED ${JSON.stringify(failure)}`)
  if (failures.length > mostShown) console.log(`${name}: ${failures.length - mostShown} more failures`)
}

/** What the scenarios are measured by. */
export function targetsOf(results: readonly ScenarioResult[]): Target[] {
  return results.flatMap(({ name, failed, p99_ms, p99_ms_quiet, seconds, outcome, ...figures }) => {
    const lastAnswer = figures['last_answer_s']
    return [
      { name: `${name}: requests that failed`, value: failed, atMost: 0 },
      { name: `${name}: it ends as it should (${outcome})`, value: outcome === 'failed' ? 0 : 1, atLeast: 1 },
      { name: `${name}: p99 of verification, times the quiet one`, value: p99_ms / p99_ms_quiet, atMost: 3 },
      ...(name === 'blue-green' ? [{ name: `${name}: seconds until promoted`, value: seconds, atMost: 60 }] : []),
      ...(typeof lastAnswer === 'number'
        ? [{ name: `${name}: seconds until the new version answered last`, value: lastAnswer, atMost: 3 }]
        : []),
    ]
  })
}

/** Says which targets are met, then the result as one line, the last one. */
export function closeRolloutReport(results: readonly ScenarioResult[], failedBefore: number, enforce: boolean): void {
  const targets = targetsOf(results)
  sayTargets(targets)
  const failed_total = results.reduce((sum, { failed }) => sum + failed, failedBefore)
  if (enforce && !(targets.every(isMet) && failed_total === 0)) process.exitCode = 1
  console.log(JSON.stringify({ scenarios: results, failed_total }))
}
