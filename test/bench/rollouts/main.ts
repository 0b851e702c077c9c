/**
 * `npm run bench:rollouts`: clients that never pause, through the edge of a real cluster, while everything about their
 * AuthService changes. `-- --scenario NAME` runs some of it. Ends by itself; the last line is the result as JSON.
 */
import { setTimeout } from 'node:timers/promises'
import { Listr } from 'listr2'
import { EdgeClient } from '../../../scripts/demo/edge-client.ts'
import { installOperator } from '../../../scripts/demo/operator-install.ts'
import { loadBadVersions } from '../../bad-versions/images.ts'
import { type Cluster, clusterTasks, imageTasks, runningCluster, wishesForDrain } from '../../cluster/cluster.ts'
import { freeEdgePort } from '../../cluster/edge-port.ts'
import { collectGarbage } from '../garbage.ts'
import { loadAverage, watchStolenTime } from '../process-figures.ts'
import { carryInRealTime, takeRealTime } from '../real-time.ts'
import { type BenchService, kubectlOf } from './bench-service.ts'
import { Control } from './control.ts'
import { freshOperator, nobodyLeaves } from './disturbances.ts'
import { parseOptions } from './options.ts'
import { createSpread } from './placement.ts'
import { closeRolloutReport, showFailures } from './report.ts'
import { type Scenario, type Stage, scenarios } from './scenarios.ts'
import { Sessions } from './sessions.ts'
import { showSlowest } from './slowest.ts'
import { type Outcome, resultOf, Tally } from './tally.ts'
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
const control = await Control.start()
const withoutRealTime = takeRealTime() ?? carryInRealTime(service.address.port)
if (withoutRealTime !== undefined) console.log(`Clients wait for a processor as all else does: ${withoutRealTime}`)
const traffic = new Traffic(service.address, sessions, () => service.describe(), control)
const { longLived, http2, newConnection, refresh, login } = defaultRates
console.log(
  `Each second ${longLived} verifications on long-lived connections, ${http2} over HTTP/2, ${newConnection} on new connections, ` +
    `${refresh} refreshes and ${login} log-in (bcrypt cost 10), through https://127.0.0.1:${service.address.port}.`,
)
console.log(`Load average before: ${loadAverage()}`)
traffic.start(defaultRates)
await setTimeout(warmUpSeconds * 1000)
const warmUp = traffic.tally
/** Of the phases in which nobody changes anything: one before each scenario, so that all meet the same neighbours. */
const quiet = new Tally()
/** Of the rest of the time between two scenarios, in which operators are made anew. */
const between = new Tally()
traffic.tally = between

const measured: Measured[] = []
for (const scenario of scenarios.filter(({ name }) => options.scenarios.includes(name))) {
  measured.push(await measure(scenario, { cluster, service, traffic, sessions }))
}
await traffic.stop()
await control.stop()
await edge.close()
await service.close()
console.log(`Load average after: ${loadAverage()}`)
const beside = { 'warm-up': warmUp, quiet, between }
for (const [name, tally] of Object.entries(beside)) showFailures(name, tally)
const failedBeside = Object.values(beside).reduce((sum, { failures }) => sum + failures.length, 0)
const results = measured.map(({ name, tally, outcome }) => resultOf(name, tally, quiet, outcome))
closeRolloutReport(results, failedBeside, options.enforce)

interface Measured {
  name: string
  tally: Tally
  outcome: Outcome
}

/** A cluster that is there is taken as it is: on one with a single node the drain is left out, and the result says so. */
async function prepareCluster(): Promise<Cluster> {
  await new Listr([...clusterTasks(await wishesForDrain()), ...imageTasks()], { renderer: 'verbose' }).run()
  const running = await runningCluster()
  await loadBadVersions(running, ['logins-fail'])
  return running
}

async function prepareService(target: Cluster): Promise<BenchService> {
  const kubectl = kubectlOf(target)
  await freeEdgePort(kubectl)
  await installOperator(kubectl)
  // An image that was built and loaded again has the same name: a pod that runs keeps the old one.
  await freshOperator(target, 'all')
  return createSpread(target)
}

async function measure(scenario: Scenario, stage: Stage): Promise<Measured> {
  const { name } = scenario
  collectGarbage()
  await freshOperator(stage.cluster)
  await scenario.prepare?.(stage)
  // What the scenario before has put an end to is not this one's load, and not the quiet phase's.
  await nobodyLeaves(stage.cluster, 'server', 'edge')
  await beQuiet()
  const tally = new Tally()
  const since = new Date()
  const stolen = watchStolenTime()
  console.log(`\n${new Date().toISOString()} ${name} begins`)
  const ended = await countIn(tally, () =>
    scenario.run(stage).catch((error: unknown): Outcome => {
      console.log(`${name}: ${error instanceof Error ? error.message : error}`)
      return { outcome: 'failed', seconds: 0 }
    }),
  )
  const outcome = { ...ended, figures: { ...ended.figures, stolen_percent: stolen() } }
  showFailures(name, tally)
  if (options.slowest) await showSlowest(name, tally, stage.cluster, since)
  console.log(`${name} until now: ${JSON.stringify(resultOf(name, tally, quiet, outcome))}`)
  return { name, tally, outcome }
}

async function beQuiet(): Promise<void> {
  const [stolen, earlier] = [watchStolenTime(), quiet.requests]
  await countIn(quiet, () => setTimeout(options.quietSeconds * 1000))
  console.log(
    `quiet: ${quiet.requests - earlier} requests; p99 of verification ${quiet.p99Milliseconds.toFixed(1)} ms of ${quiet.requests}, of the control ${quiet.controlP99Milliseconds.toFixed(1)} ms; ` +
      `${stolen().toFixed(1)} % of the processors' time went to other machines`,
  )
}

/** Counts in the tally what is due until the work is done, and waits for the answers. What is due then belongs to no scenario. */
async function countIn<Result>(tally: Tally, work: () => Promise<Result>): Promise<Result> {
  traffic.tally = tally
  const result = await work()
  traffic.tally = between
  await traffic.answered()
  return result
}
