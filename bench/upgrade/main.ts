/**
 * `npm run bench:upgrade`: several AuthServices of the previous release on a real cluster, under load through their edges.
 * CustomResourceDefinition, operator and servers are upgraded to this checkout, and then downgraded. `-- --enforce` exits
 * with 1 when a target is missed. The last line is the result as JSON.
 */
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Listr } from 'listr2'
import { EdgeClient } from '../../tools/cluster-client/edge-client.ts'
import { freeEdgePort } from '../../tools/cluster-client/edge-port.ts'
import { installOperator, operatorDeployment, operatorNamespace } from '../../tools/cluster-client/install-operator.ts'
import { kubectlOf } from '../../tools/cluster-client/kubectl.ts'
import { waitUntilReady } from '../../tools/cluster-client/readiness.ts'
import { clusterTasks, imageTasks, runningCluster } from '../../tools/local-cluster/cluster.ts'
import { buildOwnImages } from '../../tools/local-cluster/images.ts'
import { checkout } from '../../tools/programs/checkout.ts'
import { StepLog } from '../../tools/programs/step-log.ts'
import { measureSteal } from '../machine.ts'
import { openReport } from '../report.ts'
import { printFailures } from '../rollouts/report.ts'
import { Sessions } from '../rollouts/sessions.ts'
import { StatusWatch } from '../rollouts/status-watch.ts'
import { resultOf, Tally } from '../rollouts/tally.ts'
import { type Rates, Traffic } from '../rollouts/traffic.ts'
import { startBareFastify } from '../server/deployment.ts'
import { CarryOver } from './carry-over.ts'
import { RolloutPeak } from './concurrency.ts'
import { writeOverlay } from './overlay.ts'
import { databasePods, replacedPods } from './pods.ts'
import { currentRelease, fetchPreviousRelease, type Release } from './releases.ts'
import { closeUpgradeReport, type StepResult } from './report.ts'
import { createServices, namespace, removeServices } from './services.ts'
import { type Installable, type Step, settled, steps, type UpgradeContext } from './steps.ts'

/** Requests for each AuthService, per second. Two cores sustain these rates in addition to a whole cluster. */
const rates: Rates = { longLived: 6, http2: 2, newConnection: 1, refresh: 1.5, login: 0.4 }
const usersOfEach = 16
/** An upgrade of the operator rolls out all three AuthServices, so that two have to wait. */
const maxConcurrentRollouts = 1
const warmUpSeconds = 5

const { values: options } = parseArgs({ options: { enforce: { type: 'boolean', default: false } } })
const context = await prepare()
const { services, watch, kubectl } = context
const control = await startBareFastify()
const traffics = services.map(
  ({ name, address }, index) =>
    new Traffic({
      address,
      sessions: sessionsOf(name),
      during: () => `${name}: ${watch.statusOf(name).rollout?.phase ?? 'no rollout'}`,
      ...(index === 0 && { control: control.origin }),
    }),
)
const carryOvers = services.map(({ name, address }) => new CarryOver(name, new EdgeClient(address)))
const printNoise = openReport(
  `${services.length} AuthServices, each with ${rates.longLived + rates.http2 + rates.newConnection} verifications, ` +
    `${rates.refresh} refreshes and ${rates.login} logins (bcrypt cost 10) a second through its edge.`,
)
/** Requests that belong to no step. */
const between = new Tally()
count(between)
for (const traffic of traffics) traffic.start(rates)
await setTimeout(warmUpSeconds * 1000)
await Promise.all(carryOvers.map((carryOver) => carryOver.create('previous')))

const results: StepResult[] = []
for (const step of steps) results.push(await measure(step))

await Promise.all(traffics.map((traffic) => traffic.stop()))
await control.stop()
await Promise.all(carryOvers.map((carryOver) => carryOver.close()))
await watch.close()
await removeServices(kubectl)
// The cluster keeps the operator that the tests and other benches expect.
await installOperator(kubectl)
printNoise()
printFailures('between steps', between)
const failures = carryOvers.flatMap((carryOver) => carryOver.failures)
for (const failure of failures) console.log(`FAILED ${failure}`)
closeUpgradeReport(results, {
  requests: between.requests + carryOvers.reduce((sum, { requests }) => sum + requests, 0),
  failed: between.failures.length + failures.length,
  maxConcurrentRollouts,
  limitedSteps: steps.filter(({ isLimited }) => isLimited).map(({ name }) => name),
  unlimitedSteps: steps.filter(({ endsWith }) => endsWith === 'previous').map(({ name }) => name),
  enforce: options.enforce,
})

/** Installs the previous release, creates the AuthServices and logs their users in. */
async function prepare(): Promise<UpgradeContext> {
  const previousSource = await fetchPreviousRelease()
  await new Listr([...clusterTasks(), ...imageTasks()], { renderer: 'verbose' }).run()
  const cluster = await runningCluster()
  const kubectlOfCluster = kubectlOf(cluster)
  const tags = { previous: previousSource.tag, current: currentRelease.tag }
  const install = async (release: Release): Promise<Installable> => {
    console.log(`building the images of ${release.tag}`)
    await buildOwnImages(cluster, release, new StepLog(join(checkout.logDirectory, `${release.tag}.log`)))
    return { ...release, overlay: await writeOverlay(kubectlOfCluster, release, tags, maxConcurrentRollouts) }
  }
  const [previous, current] = [await install(previousSource), await install(currentRelease)]
  await freeEdgePort(kubectlOfCluster)
  await kubectlOfCluster.run(['apply', '--server-side', '--kustomize', previous.overlay])
  const rollout = ['rollout', 'status', `deployment/${operatorDeployment}`, '--namespace', operatorNamespace]
  await kubectlOfCluster.run([...rollout, '--timeout=120s'], { timeoutSeconds: 130 })
  const created = await createServices(cluster, kubectlOfCluster, previous.tag)
  const statuses = new StatusWatch(cluster, namespace)
  statuses.start()
  for (const { name } of created) {
    await waitUntilReady(kubectlOfCluster, { namespace, name, timeoutSeconds: 400 }, (message) =>
      console.log(`${name}: ${message}`),
    )
  }
  await settled({ services: created, watch: statuses })
  const sessions = new Map<string, Sessions>()
  for (const { name, address } of created) {
    const edge = new EdgeClient(address)
    sessions.set(name, await Sessions.open(edge, usersOfEach))
    await edge.close()
  }
  return { cluster, kubectl: kubectlOfCluster, services: created, watch: statuses, sessions, previous, current }
}

function sessionsOf(name: string): Sessions {
  const sessions = context.sessions.get(name)
  if (sessions === undefined) throw new Error(`there are no sessions of ${name}`)
  return sessions
}

/** Counts the requests that are due from now on in `tally`. */
function count(tally: Tally): void {
  for (const traffic of traffics) traffic.tally = tally
}

/** Runs a step under load, then uses the accounts and tokens that both releases have created so far. */
async function measure(step: Step): Promise<StepResult> {
  const { name } = step
  const databases = await databasePods(kubectl)
  const peak = new RolloutPeak()
  const stopObserving = watch.onChange(() =>
    peak.observe(new Map(services.map((service) => [service.name, watch.statusOf(service.name)]))),
  )
  const tally = new Tally()
  const steal = measureSteal()
  console.log(`\n${new Date().toISOString()} ${name} begins`)
  const started = performance.now()
  count(tally)
  const outcome = await step.run(context).catch((error: unknown) => {
    console.log(`${name}: ${error instanceof Error ? error.message : error}`)
    return 'failed'
  })
  const seconds = (performance.now() - started) / 1000
  for (const carryOver of carryOvers) {
    await carryOver.check(step.endsWith)
    await carryOver.create(step.endsWith)
  }
  count(between)
  await Promise.all(traffics.map((traffic) => traffic.answered()))
  stopObserving()
  const restarted = replacedPods(databases, await databasePods(kubectl))
  if (restarted.length > 0) console.log(`${name}: restarted ${restarted.join(', ')}`)
  if (peak.waited.length > 0) console.log(`${name}: ${peak.waited.join(', ')} waited for others to roll out`)
  const figures = { steal_percent: steal() }
  const result: StepResult = {
    ...resultOf(name, tally, { outcome, seconds, figures }),
    rollouts_at_once: peak.highest,
    waited: peak.waited.length,
    databases_restarted: restarted.length,
  }
  printFailures(name, tally)
  console.log(JSON.stringify(result))
  return result
}
