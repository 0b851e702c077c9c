/**
 * `npm run bench:operator`: how the operator does with many AuthServices, on a real kube-apiserver and etcd.
 * `-- --sizes 100,300,1000 --enforce`
 */
import { execFileSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { KubeConfig } from '@kubernetes/client-node'
import { pino } from 'pino'
import { parse } from 'yaml'
import { KubeClient } from '../../../operator/kube/client.ts'
import { Transport } from '../../../operator/kube/transport.ts'
import { startKubeApiserver } from '../../servers/kube-apiserver.ts'
import { loadAverage } from '../process-figures.ts'
import { closeReport } from '../report.ts'
import { rounded } from '../statistics.ts'
import { OperatorProcess } from './operator-process.ts'
import { childrenToApply, connections, createAuthServices, createNamespaces, forEach } from './population.ts'
import { Readiness } from './readiness.ts'
import { SimulatedCluster } from './simulated-cluster.ts'

const root = resolve(import.meta.dirname, '../../..')
const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: '100,300,1000' },
    'idle-seconds': { type: 'string', default: '60' },
    enforce: { type: 'boolean', default: false },
  },
})
const sizes = values.sizes.split(',').map(Number)
const idleSeconds = Number(values['idle-seconds'])

console.log(
  `AuthServices as in the quickstart, on a kube-apiserver and etcd of this machine. Pods, Deployments, StatefulSets and
Jobs are simulated by this program: it creates the pods and writes that they run, and does so for the plain loop as well.
The plain loop applies the same children with ${connections} connections, as many as the operator may open.`,
)
console.log(
  `Load average before: ${loadAverage()}. The operator, the API server, etcd and this program share the processors.`,
)
execFileSync(process.execPath, ['scripts/build.ts', 'operator'], { cwd: root, stdio: 'inherit' })

const curve: Awaited<ReturnType<typeof measure>>[] = []
for (const size of sizes) {
  const figures = await measure(size)
  curve.push(figures)
  console.log(JSON.stringify(figures, (_, value) => (typeof value === 'number' ? rounded(value) : value)))
}
const [first, last] = [curve[0], curve.at(-1)]
if (first === undefined || last === undefined) throw new Error('--sizes wants numbers, such as 100,300,1000')
console.log('The curve: what each AuthService costs, with so many of them')
console.table(
  curve.map(({ authservices, seconds_to_ready, cpu_seconds, rss_mb, restart_to_synced_s }) => ({
    authservices,
    'ms until ready': rounded((seconds_to_ready / authservices) * 1000),
    'ms of processor': rounded((cpu_seconds / authservices) * 1000),
    'resident kB': rounded((rss_mb / authservices) * 1000),
    'ms of a restart': rounded((restart_to_synced_s / authservices) * 1000),
  })),
)
const costGrowth = last.cpu_seconds / last.authservices / (first.cpu_seconds / first.authservices)
closeReport(
  { ...last, curve },
  [
    { name: 'share of the speed of a plain loop', value: last.ratio, atLeast: 0.7 },
    { name: 'resident MB at most', value: last.rss_mb, atMost: 200 },
    { name: 'writes a minute at rest', value: last.writes_per_minute_idle, atMost: 0 },
    { name: 'seconds from a restart until all is in sync', value: last.restart_to_synced_s, atMost: 20 },
    { name: 'processor time of each of the most, in that of each of the fewest', value: costGrowth, atMost: 1.5 },
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
    await first.untilSynced(0)

    const started = performance.now()
    await createAuthServices(client, authservices)
    await readiness.all(authservices)
    const secondsToReady = (performance.now() - started) / 1000
    const cpuSeconds = first.cpuSeconds()
    console.log(`Requests of the operator for each AuthService: ${await first.requestsByMethod(authservices)}`)

    await setTimeout(5_000)
    const before = await first.writes()
    await setTimeout(idleSeconds * 1000)
    const writesPerMinute = ((await first.writes()) - before) * (60 / idleSeconds)
    const reconcile = await first.reconcileMilliseconds(0.99)
    const memory = { peak: first.peakMegabytes(), idle: first.residentMegabytes() }
    await first.stop()

    const restartedAt = performance.now()
    const second = await OperatorProcess.start(server.kubeconfigPath)
    await second.untilSynced(authservices)
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

/** Seconds until a loop that knows nothing has applied every child, and until the simulated cluster has followed. */
async function applyPlainly(client: KubeClient, cluster: SimulatedCluster, authservices: number) {
  await createNamespaces(client, 'plain', authservices)
  const children = await childrenToApply(client, 'plain')
  const started = performance.now()
  await forEach(children, ({ resource, object }) => client.applyUnseen(resource, object))
  const applied = (performance.now() - started) / 1000
  return { applied, settled: ((await cluster.settled()) - started) / 1000 }
}

async function installDefinition(client: KubeClient): Promise<void> {
  const manifest = parse(await readFile(resolve(root, 'crds/auth-operator.dev_authservices.yaml'), 'utf8'))
  const definitions = {
    apiVersion: manifest.apiVersion,
    kind: manifest.kind,
    plural: 'customresourcedefinitions',
    namespaced: false,
  }
  await client.apply(definitions, manifest)
  for (;;) {
    const { status } = await client.get<{ status?: { conditions?: { type: string; status: string }[] } }>(
      definitions,
      undefined,
      manifest.metadata.name,
    )
    if (status?.conditions?.some(({ type, status: holds }) => type === 'Established' && holds === 'True')) return
    await setTimeout(100)
  }
}
