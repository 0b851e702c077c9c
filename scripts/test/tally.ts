/** The number of tests of one part, by result. A check without tests of its own (types, lint) counts as one test. */
export interface Tally {
  passed: number
  failed: number
  skipped: number
}

/** One part of the suite after its run. */
export interface PartResult {
  name: string
  tally: Tally
  seconds: number
  /** Why the part did not run; absent if it ran. */
  skippedBecause?: string
}

/** The used part of the report of vitest's `json` reporter. */
export interface VitestReport {
  numPassedTests: number
  numFailedTests: number
  numPendingTests: number
  numTodoTests: number
  testResults: { status: string; assertionResults: unknown[] }[]
}

/**
 * Counts one vitest run. A file that fails before its first test (such as an import error) and a run that fails outside
 * of any test (a global setup, an unhandled rejection) each count as one failure, so that a failed run is never
 * reported as passed.
 */
export function tallyOf(report: VitestReport | undefined, exitCode: number): Tally {
  const brokenFiles =
    report?.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0).length ?? 0
  const failed = (report?.numFailedTests ?? 0) + brokenFiles
  return {
    passed: report?.numPassedTests ?? 0,
    failed: failed === 0 && exitCode !== 0 ? 1 : failed,
    skipped: (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0),
  }
}

export function sum(tallies: readonly Tally[]): Tally {
  return tallies.reduce(
    (total, tally) => ({
      passed: total.passed + tally.passed,
      failed: total.failed + tally.failed,
      skipped: total.skipped + tally.skipped,
    }),
    { passed: 0, failed: 0, skipped: 0 },
  )
}

/** The table at the end of a run: one line for each part, then the line that continuous integration reads. */
export function summary(results: readonly PartResult[]): string {
  const width = Math.max(...results.map((result) => result.name.length))
  const rows = results.map((result) => {
    const outcome = result.skippedBecause
      ? `skipped: ${result.skippedBecause}`
      : `${count(result.tally)} in ${Math.round(result.seconds)} s`
    return `  ${result.name.padEnd(width)}  ${outcome}`
  })
  return [...rows, '', count(sum(results.map((result) => result.tally)))].join('\n')
}

/** Whether the run succeeded: nothing failed, something passed, and where nothing may be skipped, nothing was. */
export function isGreen(total: Tally, { maySkip }: { maySkip: boolean }): boolean {
  return total.failed === 0 && total.passed > 0 && (maySkip || total.skipped === 0)
}

function count({ passed, failed, skipped }: Tally): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`
}
