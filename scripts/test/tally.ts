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
  /** What failed and why, one text for each failure; the end of a long run repeats them. */
  failures?: string[]
}

/** The used part of the report of vitest's `json` reporter. */
export interface VitestReport {
  numPassedTests: number
  numFailedTests: number
  numPendingTests: number
  numTodoTests: number
  testResults: FileResult[]
}

interface FileResult {
  /** The path of the file. */
  name: string
  status: string
  /** Why the file failed before its first test, else empty. */
  message: string
  assertionResults: { status: string; fullName: string; failureMessages: string[] | null }[]
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

/**
 * @param report - undefined if vitest ended before it wrote one
 * @param errorOutput - what vitest wrote to standard error; the only place that names a failure outside of any test,
 * such as one of a global teardown
 * @returns one text for each failure: where, and why
 */
export function failuresOf(report: VitestReport | undefined, exitCode: number, errorOutput: string): string[] {
  const failures = (report?.testResults ?? []).flatMap((file) => [
    ...(file.status === 'failed' && file.assertionResults.length === 0 ? [`${file.name}: ${file.message}`] : []),
    ...file.assertionResults
      .filter((test) => test.status === 'failed')
      .map((test) => `${file.name}: ${test.fullName}\n${(test.failureMessages ?? []).join('\n')}`),
  ])
  const outside = /^error during close[\s\S]*?(?=^\s+at )/m.exec(errorOutput)?.[0].trim()
  if (outside !== undefined) return [...failures, `Outside of any test: ${outside}`]
  if (failures.length > 0 || exitCode === 0) return failures
  return [`Outside of any test, exit code ${exitCode}:\n${errorOutput.trim().split('\n').slice(-40).join('\n')}`]
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

/** The end of a run: what failed, one line for each part, then the line that continuous integration reads. */
export function summary(results: readonly PartResult[]): string {
  const width = Math.max(...results.map((result) => result.name.length))
  const rows = results.map((result) => {
    const outcome = result.skippedBecause
      ? `skipped: ${result.skippedBecause}`
      : `${count(result.tally)} in ${Math.round(result.seconds)} s`
    return `  ${result.name.padEnd(width)}  ${outcome}`
  })
  const failures = results.flatMap(({ name, failures = [] }) => failures.map((text) => `${name}: ${text}\n`))
  return [...failures, ...rows, '', count(sum(results.map((result) => result.tally)))].join('\n')
}

/** Whether the run succeeded: nothing failed, something passed, and where nothing may be skipped, nothing was. */
export function isGreen(total: Tally, { maySkip }: { maySkip: boolean }): boolean {
  return total.failed === 0 && total.passed > 0 && (maySkip || total.skipped === 0)
}

function count({ passed, failed, skipped }: Tally): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`
}
