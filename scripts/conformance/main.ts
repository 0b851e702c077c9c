/**
 * `npm run conformance -- [PLAN ...]`: runs the plans of a running conformance suite of the OpenID Foundation against a
 * server of this checkout. docs/conformance.md describes how to get the suite. The last line is
 * `{plan: {passed, review, skipped, failed}}`; the exit code is 1 if a condition failed.
 */
import { allPlans, type PlanWithClients } from './plans.ts'
import { startProvider } from './provider.ts'
import { ConformanceSuite, type ModuleOutcome, trustCertificateOf } from './suite.ts'
import { countResults, hasFailure } from './table.ts'

const suite = process.env['CONFORMANCE_SUITE']?.replace(/\/$/, '')
const issuer = process.env['CONFORMANCE_ISSUER'] ?? 'https://localhost:9443'

if (suite === undefined || suite === '') {
  console.error('Set CONFORMANCE_SUITE to the URL of a running conformance suite: docs/conformance.md')
  process.exit(2)
}
await main(suite)
process.exit()

async function main(base: string): Promise<void> {
  const wanted = process.argv.slice(2)
  const all = await allPlans({ suite: base, issuer })
  const unknown = wanted.filter((alias) => all.every((each) => each.alias !== alias))
  if (unknown.length > 0) throw new Error(`unknown plans ${unknown}: there are ${all.map(({ alias }) => alias)}`)
  await trustCertificateOf(base)
  const provider = await startProvider(
    issuer,
    all.flatMap(({ clients }) => clients),
  )
  const table: Record<string, ReturnType<typeof countResults>> = {}
  try {
    for (const plan of all) {
      if (wanted.length === 0 || wanted.includes(plan.alias)) table[plan.alias] = await run(base, plan)
    }
  } finally {
    await provider.stop()
  }
  console.log(JSON.stringify(table))
  if (hasFailure(table)) process.exitCode = 1
}

async function run(base: string, { alias, plan }: PlanWithClients): Promise<ReturnType<typeof countResults>> {
  const outcomes = await new ConformanceSuite(base).run(plan, (outcome) => report(alias, outcome))
  return countResults(outcomes.map(({ result }) => result))
}

function report(alias: string, { module, result, conditions }: ModuleOutcome): void {
  console.log(`${result.padEnd(11)} ${alias} ${module}`)
  for (const condition of conditions) console.log(`            ${condition}`)
}
