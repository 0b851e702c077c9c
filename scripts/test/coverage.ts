/**
 * `npm run coverage`: which of the auth server's own lines its unit and integration tests run, in the servers that they
 * start as processes of their own as well. Fails below 95 %. `coverage/index.html` shows the lines that no test runs.
 *
 * Usage: npm run coverage
 */
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { unavailable } from '../../test/servers/binaries.ts'
import { type CoverageSummary, judgeCoverage } from './line-coverage.ts'
import { runNode } from './parts.ts'

const root = resolve(import.meta.dirname, '../..')
const measured = join(root, 'api-server')
const leastPercent = 95

const missing = await unavailable()
if (missing === undefined) await measure()
else {
  console.error(missing)
  process.exitCode = 1
}

async function measure(): Promise<void> {
  const exitCode = await runNode('vitest/vitest.mjs', [
    ...['run', '--project=unit', '--project=integration', 'api-server'],
    ...['--coverage.enabled', '--coverage.include=api-server/**/*.ts'],
  ])
  if (exitCode !== 0) {
    console.error('\nA test has failed, so nothing is said about coverage: mend it first.')
    process.exitCode = exitCode
    return
  }
  // Written by Istanbul's json-summary reporter, whose form this is.
  const summary: CoverageSummary = JSON.parse(await readFile(join(root, 'coverage/coverage-summary.json'), 'utf8'))
  const { report, isEnough } = judgeCoverage(summary, { folder: measured, leastPercent })
  console.log(`\n${report}`)
  process.exitCode = isEnough ? 0 : 1
}
