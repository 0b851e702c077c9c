/**
 * `npm run conformance -- [--cluster] [PLAN ...]`: runs the plans of a running conformance suite of the OpenID Foundation
 * against a server of this checkout, or against an AuthService on its cluster. docs/conformance.md describes how to get
 * the suite. The last line is `{plan: {passed, review, skipped, failed}}`; the exit code is 1 if a condition failed.
 */
import { clusterProvider } from './cluster-provider.ts'
import { localProvider } from './local-provider.ts'
import { type ConformanceOptions, parseOptions, UsageError, usage } from './options.ts'
import { planOf } from './plans.ts'
import { ConformanceSuite, type ModuleOutcome, type Plan, trustCertificateOf } from './suite.ts'
import { countResults, hasFailure } from './table.ts'

try {
  const options = parseOptions(process.argv.slice(2))
  if (options === undefined) console.log(usage)
  else await main(suiteUrl(), options)
  process.exit()
} catch (error) {
  console.error(error instanceof UsageError ? error.message : error)
  process.exit(error instanceof UsageError ? 2 : 1)
}

function suiteUrl(): string {
  const suite = process.env['CONFORMANCE_SUITE']?.replace(/\/$/, '')
  if (suite !== undefined && suite !== '') return suite
  throw new UsageError('Set CONFORMANCE_SUITE to the URL of a running conformance suite: docs/conformance.md')
}

async function main(suite: string, { cluster, plans }: ConformanceOptions): Promise<void> {
  await trustCertificateOf(suite)
  const issuer = process.env['CONFORMANCE_ISSUER'] ?? 'https://localhost:9443'
  const provider = cluster ? await clusterProvider(suite) : localProvider(suite, issuer)
  const planned = await Promise.all(plans.map((alias) => planOf(alias, provider.addresses)))
  const credentials = await provider.start(planned.flatMap(({ clients }) => clients))
  const table: Record<string, ReturnType<typeof countResults>> = {}
  try {
    for (const { alias, plan } of planned) table[alias] = await run(suite, alias, plan(credentials))
  } finally {
    await provider.stop()
  }
  console.log(JSON.stringify(table))
  if (hasFailure(table)) process.exitCode = 1
}

async function run(suite: string, alias: string, plan: Plan): Promise<ReturnType<typeof countResults>> {
  const outcomes = await new ConformanceSuite(suite).run(plan, (outcome) => report(alias, outcome))
  return countResults(outcomes.map(({ result }) => result))
}

function report(alias: string, { module, result, conditions }: ModuleOutcome): void {
  console.log(`${result.padEnd(11)} ${alias} ${module}`)
  for (const condition of conditions) console.log(`            ${condition}`)
}
