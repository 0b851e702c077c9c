/**
 * `npm test`: runs every part of the suite and ends with one line, `N passed, N failed, N skipped`.
 *
 * Usage: npm test [-- PART ...] [-- FILTER ...]; a part is types, lint, unit, integration or e2e, or browser, chaos,
 * neighbours or release, which run only when they are named.
 */
import { type Part, parts } from './parts.ts'
import { isGreen, type PartResult, sum, summary } from './tally.ts'

const inContinuousIntegration = process.env['CI'] === 'true'
const chosen = parts.filter((part) => process.argv.includes(part.name, 2))
const filters = process.argv.slice(2).filter((argument) => !parts.some((part) => part.name === argument))

// Ctrl-C reaches the running part; it cleans up, and this process ends after it.
let interrupted = false
process.on('SIGINT', () => {
  interrupted = true
})

const results: PartResult[] = []
for (const part of chosen.length > 0 ? chosen : parts.filter(({ isOnDemand }) => isOnDemand !== true)) {
  if (interrupted) break
  console.log(`\n── ${part.name} ${'─'.repeat(60)}`)
  results.push(await runPart(part))
}

console.log(`\n${summary(results)}`)
process.exitCode =
  !interrupted && isGreen(sum(results.map((result) => result.tally)), { maySkip: !inContinuousIntegration }) ? 0 : 1

async function runPart(part: Part): Promise<PartResult> {
  const started = performance.now()
  const skippedBecause = inContinuousIntegration ? undefined : await part.unavailable?.()
  if (skippedBecause !== undefined) {
    console.log(`Skipped: ${skippedBecause}`)
    return { name: part.name, tally: { passed: 0, failed: 0, skipped: 1 }, seconds: 0, skippedBecause }
  }
  const outcome = await part.run(filters)
  return { name: part.name, ...outcome, seconds: (performance.now() - started) / 1000 }
}
