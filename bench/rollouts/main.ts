/**
 * `npm run bench:rollouts`: clients send requests at constant rates through the edge of a real cluster, while their
 * AuthService changes. `-- --scenario NAME` (repeatable) runs a part of it. The last line is the result as JSON.
 */
import { setTimeout } from 'node:timers/promises'
import { Listr } from 'listr2'
import { loadBadVersions } from '../../tools/bad-versions/images.ts'
import { EdgeClient } from '../../tools/cluster-client/edge-client.ts'
import { freeEdgePort } from '../../tools/cluster-client/edge-port.ts'
import { installOperator } from '../../tools/cluster-client/install-operator.ts'
import { kubectlOf } from '../../tools/cluster-client/kubectl.ts'
import { replaceRestartedPods } from '../../tools/cluster-client/operator-pods.ts'
import {
  type Cluster,
  clusterTasks,
  imageTasks,
  requestForDrain,
  runningCluster,
} from '../../tools/local-cluster/cluster.ts'
import { measureSteal } from '../machine.ts'
import { openReport } from '../report.ts'
import { startBareFastify } from '../server/deployment.ts'
import type { BenchService } from './bench-service.ts'
import { parseOptions } from './options.ts'
import { createSpread } from './placement.ts'
import { podsSettled } from './pods.ts'
import { closeRolloutReport, printFailures } from './report.ts'
import { type Scenario, type ScenarioContext, scenarios } from './scenarios.ts'
import { Sessions } from './sessions.ts'
import { type Outcome, resultOf, type ScenarioResult, Tally } from './tally.ts'
import { defaultRates, Traffic } from './traffic.ts'

const users = 40
const warmUpSeconds = 5

const options = parseOptions(
  process.argv.slice(2),
  scenarios.map(({ name }) => name),
)
const cluster = await prepareCluster()
const service = await prepareService(cluster)
const edge = new EdgeClient(service.address)
const sessions = await Sessions.open(edge, users)
const control = await startBareFastify()
const traffic = new Traffic({
  address: service.address,
  sessions,
  during: () => service.describe(),
  control: control.origin,
})
const { longLived, http2, newConnection, refresh, login } = defaultRates
const printNoise = openReport(
  `Each second ${longLived} verifications on long-lived connections, ${http2} over HTTP/2, ${newConnection} on new connections, ` +
    `${refresh} refreshes and ${login} login (bcrypt cost 10), through https://127.0.0.1:${service.address.port}. ` +
    `Control: ${longLived} requests to a bare HTTP server on this machine.`,
)
/** Requests that belong to no scenario: the warm-up, and the time in which the next scenario is prepared. */
const between = new Tally()
traffic.tally = between
traffic.start(defaultRates)
await setTimeout(warmUpSeconds * 1000)

const results: ScenarioResult[] = []
for (const scenario of scenarios.filter(({ name }) => options.scenarios.includes(name))) {
  results.push(await measure(scenario, { cluster, service, traffic, sessions }))
}
await traffic.stop()
await control.stop()
await edge.close()
await service.close()
printNoise()
printFailures('between scenarios', between)
closeRolloutReport(results, between.failures.length, options.enforce)

/** Does not change an existing cluster. On a single node, the drain is skipped, and the result says so. */
async function prepareCluster(): Promise<Cluster> {
  await new Listr([...clusterTasks(await requestForDrain()), ...imageTasks()], { renderer: 'verbose' }).run()
  const running = await runningCluster()
  await loadBadVersions(running, ['logins-fail'])
  return running
}

async function prepareService(target: Cluster): Promise<BenchService> {
  const kubectl = kubectlOf(target)
  await freeEdgePort(kubectl)
  await installOperator(kubectl)
  return createSpread(target)
}

async function measure(scenario: Scenario, context: ScenarioContext): Promise<ScenarioResult> {
  const { name } = scenario
  await replaceRestartedPods(context.cluster)
  await scenario.prepare?.(context)
  // Pods that still terminate after the previous scenario would use CPU time during this one.
  await podsSettled(context.cluster, 'server', 'edge')
  const tally = new Tally()
  const steal = measureSteal()
  console.log(`\n${new Date().toISOString()} ${name} begins`)
  const ended = await countIn(tally, () =>
    scenario.run(context).catch((error: unknown): Outcome => {
      console.log(`${name}: ${error instanceof Error ? error.message : error}`)
      return { outcome: 'failed', seconds: 0 }
    }),
  )
  const result = resultOf(name, tally, { ...ended, figures: { ...ended.figures, steal_percent: steal() } })
  printFailures(name, tally)
  console.log(JSON.stringify(result))
  return result
}

/** Counts the requests that are due while `work` runs, and waits for their answers. */
async function countIn<Result>(tally: Tally, work: () => Promise<Result>): Promise<Result> {
  traffic.tally = tally
  const result = await work()
  traffic.tally = between
  await traffic.answered()
  return result
}
