/**
 * `npm run bench:operator`: time, memory and requests of the operator with many AuthServices, on a real kube-apiserver and
 * etcd. Options: `-- --sizes 100,300,1000 --idle-seconds 60 --enforce`
 */
import { execFileSync } from 'node:child_process'
import { resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { KubeConfig } from '@kubernetes/client-node'
import { pino } from 'pino'
import { KubeClient } from '../../operator/kube/client.ts'
import { Transport } from '../../operator/kube/transport.ts'
import { installDefinition } from '../../tools/local-servers/install-definition.ts'
import { startKubeApiserver } from '../../tools/local-servers/kube-apiserver.ts'
import { closeReport, openReport } from '../report.ts'
import { rounded } from '../statistics.ts'
import { OperatorProcess } from './operator-process.ts'
import { childrenToApply, connections, createAuthServices, createNamespaces, forEach } from './population.ts'
import { Readiness } from './readiness.ts'
import { SimulatedCluster } from './simulated-cluster.ts'

const root = resolve(import.meta.dirname, '../..')
const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: '100,300,1000' },
    'idle-seconds': { type: 'string', default: '60' },
    enforce: { type: 'boolean', default: false },
  },
})
const sizes = values.sizes.split(',').map(Number)
const idleSeconds = Number(values['idle-seconds'])

const printNoise = openReport(
  `AuthServices as in the quickstart, on a kube-apiserver and etcd of this machine. This program stands in for the
controllers of Deployments, StatefulSets and Jobs: it creates the pods and writes their status, for the plain loop as well.
The plain loop applies the same children with ${connections} connections, as many as the operator may open. The operator,
the API server, etcd and this program share the CPUs.`,
)
execFileSync(process.execPath, ['scripts/build.ts', 'operator'], { cwd: root, stdio: 'inherit' })

const curve: Awaited<ReturnType<typeof measure>>[] = []
for (const size of sizes) {
  const figures = await measure(size)
  curve.push(figures)
  console.log(JSON.stringify(figures, (_, value) => (typeof value === 'number' ? rounded(value) : value)))
}
const [first, last] = [curve[0], curve.at(-1)]
if (first === undefined || last === undefined) throw new Error('--sizes must be numbers, such as 100,300,1000')
console.log('Cost of each AuthService, by their number')
console.table(
  curve.map(({ authservices, seconds_to_ready, cpu_seconds, rss_mb, restart_to_synced_s }) => ({
    authservices,
    'ms until ready': rounded((seconds_to_ready / authservices) * 1000),
    'ms of CPU time': rounded((cpu_seconds / authservices) * 1000),
    'resident kB': rounded((rss_mb / authservices) * 1000),
    'ms of a restart': rounded((restart_to_synced_s / authservices) * 1000),
  })),
)
printNoise()
const costGrowth = last.cpu_seconds / last.authservices / (first.cpu_seconds / first.authservices)
closeReport(
  { ...last, curve },
  [
    { name: 'speed as a share of the plain loop', value: last.ratio, atLeast: 0.7 },
    // 256 MiB.
    { name: 'highest resident MB', value: last.rss_mb, atMost: 268 },
    { name: 'writes per minute when nothing changes', value: last.writes_per_minute_idle, atMost: 0 },
    {
      name: 'seconds from a restart until all AuthServices are reconciled',
      value: last.restart_to_synced_s,
      atMost: 20,
    },
    { name: 'CPU time per AuthService, most of them compared with fewest', value: costGrowth, atMost: 1.5 },
  ],
  values.enforce,
)

async function measure(authservices: number) {
  const server = await startKubeApiserver()
  const config = new KubeConfig()
  config.loadFromFile(server.kubeconfigPath)
  const transport = new Transport(config, 'bench')
  const client = new KubeClient(transport, 'bench')
  const log = pino({ level: 'error' })
  const cluster = new SimulatedCluster(client, log)
  const readiness = new Readiness(client, log)
  try {
    await installDefinition(client)
    await cluster.start()
    readiness.start()
    await readiness.synced
    const first = await OperatorProcess.start(server.kubeconfigPath)
    await first.waitUntilReconciled(0)

    const started = performance.now()
    await createAuthServices(client, authservices)
    await readiness.all(authservices)
    const secondsToReady = (performance.now() - started) / 1000
    const cpuSeconds = first.cpuSeconds()
    console.log(`Requests of the operator per AuthService: ${await first.requestsByMethod(authservices)}`)

    await setTimeout(5_000)
    const before = await first.writes()
    await setTimeout(idleSeconds * 1000)
    const writesPerMinute = ((await first.writes()) - before) * (60 / idleSeconds)
    const reconcile = await first.reconcileMilliseconds(0.99)
    const memory = { peak: first.peakMegabytes(), idle: first.residentMegabytes() }
    await first.stop()

    const restartedAt = performance.now()
    const second = await OperatorProcess.start(server.kubeconfigPath)
    await second.waitUntilReconciled(authservices)
    const restartSeconds = (performance.now() - restartedAt) / 1000
    const restartPeak = second.peakMegabytes()
    await second.stop()

    const raw = await applyPlainly(client, cluster, authservices)
    return {
      authservices,
      seconds_to_ready: secondsToReady,
      raw_apply_seconds: raw.applied,
      ratio: raw.applied / secondsToReady,
      raw_settled_seconds: raw.settled,
      ratio_settled: raw.settled / secondsToReady,
      rss_mb: Math.max(memory.peak, restartPeak),
      rss_idle_mb: memory.idle,
      cpu_seconds: cpuSeconds,
      writes_per_minute_idle: writesPerMinute,
      p99_reconcile_ms: reconcile,
      restart_to_synced_s: restartSeconds,
    }
  } finally {
    await Promise.all([cluster.stop(), readiness.stop()])
    transport.close()
    await server.stop()
  }
}

/** Seconds until a plain loop has applied every child, and until the simulated controllers have settled. */
async function applyPlainly(client: KubeClient, cluster: SimulatedCluster, authservices: number) {
  await createNamespaces(client, 'plain', authservices)
  const children = await childrenToApply(client, 'plain')
  const started = performance.now()
  await forEach(children, ({ resource, object }) => client.applyMetadataOnly(resource, object))
  const applied = (performance.now() - started) / 1000
  return { applied, settled: ((await cluster.settled()) - started) / 1000 }
}
