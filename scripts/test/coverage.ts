/**
 * `npm run coverage`: reports which lines of the auth server its unit and integration tests cover, including in the
 * server processes that they start. Fails below 95 %. `coverage/index.html` shows the lines that no test covers.
 *
 * Usage: npm run coverage
 */
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { unavailable } from '../../tools/local-servers/binaries.ts'
import { type CoverageSummary, judgeCoverage } from './line-coverage.ts'
import { runNode } from './parts.ts'

const root = resolve(import.meta.dirname, '../..')
const measured = join(root, 'api-server')
const minPercent = 95

const missing = await unavailable()
if (missing === undefined) await measure()
else {
  console.error(missing)
  process.exitCode = 1
}

async function measure(): Promise<void> {
  const { exitCode } = await runNode('vitest/vitest.mjs', [
    'run',
    '--project=unit',
    '--project=integration',
    'api-server',
    '--coverage.enabled',
    '--coverage.include=api-server/**/*.ts',
  ])
  if (exitCode !== 0) {
    console.error('\nA test failed, so no coverage is reported. Fix the test first.')
    process.exitCode = exitCode
    return
  }
  // The json-summary reporter of Istanbul writes this format.
  const summary: CoverageSummary = JSON.parse(await readFile(join(root, 'coverage/coverage-summary.json'), 'utf8'))
  const { report, isEnough } = judgeCoverage(summary, { folder: measured, minPercent })
  console.log(`\n${report}`)
  process.exitCode = isEnough ? 0 : 1
}
