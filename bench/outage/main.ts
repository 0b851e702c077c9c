/**
 * `npm run bench:outage`: two AuthServices on a real cluster under constant load. The databases of one are scaled to zero.
 * Options: `-- --of mongodb|redis|both` (repeatable; MongoDB by default) and `--seconds N` for each outage. Each outage
 * ends with a line of JSON.
 */
import { setTimeout } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Listr } from 'listr2'
import { freeEdgePort } from '../../tools/cluster-client/edge-port.ts'
import { installOperator } from '../../tools/cluster-client/install-operator.ts'
import { kubectlOf } from '../../tools/cluster-client/kubectl.ts'
import { clusterTasks, imageTasks, runningCluster } from '../../tools/local-cluster/cluster.ts'
import { openReport } from '../report.ts'
import { Clients } from './clients.ts'
import { createServices, type Database } from './services.ts'

const outages = { mongodb: ['mongodb'], redis: ['redis'], both: ['mongodb', 'redis'] } as const
type OutageName = keyof typeof outages

const { names, seconds } = readOptions()
await new Listr([...clusterTasks(), ...imageTasks()], { renderer: 'verbose' }).run()
const cluster = await runningCluster()
const kubectl = kubectlOf(cluster)
await freeEdgePort(kubectl)
await installOperator(kubectl)
const { affected, control } = await createServices(cluster, kubectl)
const [clients, controlClients] = [await Clients.open(affected.address), await Clients.open(control.address)]
const printNoise = openReport(
  'Each second 50 verifications and a login on one AuthService, and 5 verifications and half a login on the other.',
)
clients.start({ verify: 50, login: 1 })
controlClients.start({ verify: 5, login: 0.5 })
await setTimeout(10_000)
for (const name of names) await measure(name)
await Promise.all([clients.stop(), controlClients.stop()])
printNoise()

async function measure(name: OutageName): Promise<void> {
  const databases: readonly Database[] = outages[name]
  const podsBefore = await affected.serverPods()
  for (const each of [clients, controlClients]) each.startCounting({ mayRefuse: each === clients && name === 'both' })
  console.log(`${new Date().toISOString()} ${name} of ${affected.name}: scaled to zero for ${seconds} s`)
  await affected.scale(databases, 0)
  await setTimeout(seconds * 1000)
  const conditions = await affected.conditions()
  const scaledUpAt = performance.now()
  await affected.scale(databases, 1)
  await clients.waitForLogin(300)
  const recovered_after_s = Math.round((performance.now() - scaledUpAt) / 100) / 10
  await setTimeout(5_000)
  const { examples, ...counts } = clients.counts()
  for (const example of examples) console.log(example)
  const others = controlClients.counts()
  const podsAfter = await affected.serverPods()
  const isRestarted = JSON.stringify(podsBefore) !== JSON.stringify(podsAfter)
  console.log(`conditions that are not True: ${JSON.stringify(conditions)}`)
  console.log(
    JSON.stringify({
      outage: name,
      seconds,
      ...counts,
      recovered_after_s,
      server_restarted: isRestarted,
      other_failed: others.verify_failed + others.login_other + others.login_503,
    }),
  )
  const isAsDocumented =
    counts.verify_failed === 0 && counts.login_other === 0 && !isRestarted && others.verify_failed === 0
  if (!isAsDocumented) process.exitCode = 1
}

function readOptions(): { names: OutageName[]; seconds: number } {
  const { values } = parseArgs({
    options: { of: { type: 'string', multiple: true }, seconds: { type: 'string', default: '60' } },
  })
  const requested = values.of ?? ['mongodb']
  const known = (Object.keys(outages) as OutageName[]).filter((name) => requested.includes(name))
  if (known.length < new Set(requested).size)
    throw new Error(`--of must be mongodb, redis or both, not "${requested.join()}"`)
  const parsed = Number(values.seconds)
  if (!Number.isInteger(parsed) || parsed < 10 || parsed > 3_600)
    throw new Error(`--seconds must be an integer from 10 to 3600, not "${values.seconds}"`)
  return { names: known, seconds: parsed }
}
