import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { kubectlOf } from '../cluster-client/kubectl.ts'
import type { Cluster } from '../local-cluster/cluster.ts'
import { hasImage } from '../local-cluster/docker.ts'
import { imageOf, importRootFilesystem, type RootFilesystem } from '../local-cluster/source/root-filesystem.ts'
import { cacheKey, fileIngredients } from '../programs/cache.ts'
import { checkout } from '../programs/checkout.ts'
import { StepLog } from '../programs/step-log.ts'
import { neighbour } from './programs.ts'

/** What kube-router runs. Debian 12, as the nodes: its iptables writes rules in the same form as theirs. */
const system: RootFilesystem = { name: 'debian-firewall', suite: 'bookworm', packages: ['iptables', 'ipset'] }

const dockerfile = 'kube-router.Dockerfile'
const daemonSet = ['daemonset/kube-router', '--namespace', 'kube-system']

/**
 * Makes a cluster enforce NetworkPolicies. The pod network of kind's published images does so itself; other clusters
 * run kube-router on each node.
 * @returns the name of the engine
 */
export async function startPolicyEngine(cluster: Cluster): Promise<string> {
  if (cluster.mode === 'published') return 'kindnet'
  const image = await buildImage(cluster)
  await cluster.loadImages([image])
  const manifest = await readFile(join(import.meta.dirname, 'kube-router.yaml'), 'utf8')
  const input = manifest.replace('image: kube-router', `image: ${image}`)
  const kubectl = kubectlOf(cluster)
  await kubectl.run(['apply', '--server-side', '--filename', '-'], { input })
  await kubectl.run(['rollout', 'status', ...daemonSet, '--timeout=120s'], { timeoutSeconds: 130 })
  return 'kube-router'
}

/** Removes kube-router, which removes its rules. */
export async function stopPolicyEngine(cluster: Cluster): Promise<void> {
  if (cluster.mode === 'published') return
  const manifest = join(import.meta.dirname, 'kube-router.yaml')
  const remove = ['delete', '--filename', manifest, '--cascade=foreground', '--ignore-not-found', '--timeout=60s']
  await kubectlOf(cluster).run(remove, { timeoutSeconds: 70 })
}

/** The name of the image, which contains a hash of its inputs. */
async function buildImage({ docker }: Cluster): Promise<string> {
  const log = new StepLog(join(checkout.logDirectory, 'network-policy-engine.log'))
  const program = await neighbour('kube-router')
  const recipe = await fileIngredients(import.meta.dirname, [dockerfile])
  const key = cacheKey({ ...recipe, base: imageOf(system), program: basename(dirname(program)) })
  const image = `authservice-neighbour/kube-router:${key}`
  if (await hasImage(docker, image)) return image
  const base = await importRootFilesystem(system, log)
  const context = await mkdtemp(join(tmpdir(), 'authservice-kube-router-'))
  try {
    await copyFile(program, join(context, 'kube-router'))
    const recipeFile = resolve(import.meta.dirname, dockerfile)
    const options = ['--network', 'host', '--build-arg', `BASE=${base}`, '--file', recipeFile]
    await log.run(docker.binary, ['build', ...options, '--tag', image, context], { env: docker.env })
  } finally {
    await rm(context, { recursive: true, force: true })
  }
  return image
}
