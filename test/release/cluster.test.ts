import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Listr } from 'listr2'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checker } from '../../tools/checkers/go-checkers.ts'
import { kubectlOf } from '../../tools/cluster-client/kubectl.ts'
import { connectToEdge, type Quickstart, readQuickstart } from '../../tools/cluster-client/quickstart.ts'
import { waitUntilReady } from '../../tools/cluster-client/readiness.ts'
import { walkThrough } from '../../tools/cluster-client/walk-through.ts'
import { type Cluster, clusterTasks, destroyCluster, runningCluster } from '../../tools/local-cluster/cluster.ts'
import { pullFrom } from '../../tools/local-cluster/node-registry.ts'
import { documentedBlocks } from '../documentation/blocks.ts'
import { runBlock } from '../documentation/run-block.ts'
import { released } from './verification.ts'

/** The target, from the first command to the response of the login, when the node has the images. */
const targetSeconds = 120

const page = documentedBlocks().filter(({ page: name }) => name === 'docs/install.md')
const commandsWith = (words: string) => page.find(({ text }) => text.includes(words))?.text ?? ''
const commands = commandsWith('/install.yaml')
const download = /https:\S+\/releases\/download\/v[^/\s]+/.exec(commands)?.[0] ?? ''

let cluster: Cluster
let quickstart: Quickstart
const undo = new AsyncDisposableStack()

/** A new cluster: a node that has an image by another name would not pull it. */
beforeAll(async () => {
  await destroyCluster()
  undo.defer(destroyCluster)
  await new Listr(clusterTasks(), { renderer: 'verbose' }).run()
  cluster = await runningCluster()
  const mirror = await pullFrom(cluster, ['ghcr.io', 'docker.io'], released.port)
  undo.defer(mirror.close)
  quickstart = await readQuickstart('default')
}, 3_600_000)
afterAll(() => undo.disposeAsync(), 300_000)

/** Runs commands of the page against the dry run. */
async function run(script: string): Promise<void> {
  const { kubectl, kubeconfigPath } = cluster
  const root = resolve(import.meta.dirname, '../..')
  const words = {
    [download]: released.output,
    'oci://ghcr.io/authservice-operator': `--plain-http oci://${released.registry}`,
  }
  const sandbox = { kubectl, helm: await checker('helm'), kubeconfigPath, namespace: 'default', root, words }
  expect(await runBlock(script, sandbox, 390)).toBe('')
}

/** Installs with the commands of the page, and logs a user in. Resolves with the seconds that it took. */
async function install(): Promise<number> {
  const started = performance.now()
  await run(commands)
  const client = kubectlOf(cluster)
  await waitUntilReady(client, { ...quickstart, timeoutSeconds: 60 }, console.log)
  const edge = await connectToEdge(client, quickstart, cluster.edgePort)
  try {
    await walkThrough(edge)
  } finally {
    await edge.close()
  }
  return (performance.now() - started) / 1000
}

async function uninstall(): Promise<void> {
  const client = kubectlOf(cluster)
  const data = [`authservice/${quickstart.name}`, `persistentvolumeclaim/data-${quickstart.name}-mongodb-0`]
  await client.run(['delete', ...data, '--timeout=120s'], { timeoutSeconds: 130 })
  await client.run(['delete', '--filename', `${released.output}/install.yaml`, '--timeout=120s'], {
    timeoutSeconds: 130,
  })
}

test('the page has its commands on one screen', async () => {
  expect(commands).toContain('kubectl apply -f ')
  expect(download).not.toBe('')
  const lines = (await readFile(resolve(import.meta.dirname, '../../docs/install.md'), 'utf8')).split('\n')
  expect(lines.length).toBeLessThanOrEqual(60)
})

test('a cluster pulls the release from its registry, and a user logs in', async () => {
  console.log(`From the first command to a login, with pulls: ${(await install()).toFixed(0)} s`)
  const images = await kubectlOf(cluster).run([
    'get',
    'pods',
    '--all-namespaces',
    '--output=jsonpath={range .items[*]}{.spec.containers[*].image}{"\\n"}{end}',
  ])
  for (const { digest } of released.images) expect(images).toContain(digest)
})

test('with the images on the node, it takes less than two minutes', async () => {
  await uninstall()
  const seconds = await install()
  console.log(`From the first command to a login, with the images present: ${seconds.toFixed(0)} s`)
  expect(seconds).toBeLessThan(targetSeconds)
})

test('the chart installs from its registry, and its operator runs', async () => {
  await uninstall()
  await run(commandsWith('oci://'))
  const status = ['rollout', 'status', 'deployment/authservice-operator', '--namespace=authservice-system']
  await kubectlOf(cluster).run([...status, '--timeout=120s'], { timeoutSeconds: 130 })
})
