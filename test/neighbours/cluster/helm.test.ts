import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { helm } from '../../../tools/checkers/helm.ts'
import type { EdgeClient } from '../../../tools/cluster-client/edge-client.ts'
import { operatorDeployment, operatorNamespace } from '../../../tools/cluster-client/install-operator.ts'
import { connectToEdge, readQuickstart } from '../../../tools/cluster-client/quickstart.ts'
import { waitUntilReady } from '../../../tools/cluster-client/readiness.ts'
import { runningCluster } from '../../../tools/local-cluster/cluster.ts'
import { apply, freshNamespace, kubectl, removeNamespace, sample } from '../../e2e/cluster-under-test.ts'
import { failuresDuring } from '../under-load.ts'

/** The life of the two releases on a cluster, while an AuthService serves. */
const root = resolve(import.meta.dirname, '../../..')
const namespace = 'neighbours'
const inSystem = ['--namespace', operatorNamespace]
const { version }: { version: string } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'))
const serverImage = `ghcr.io/authservice-operator/api-server:${version}`
/** The same image by another name, as the server of another release. */
const otherImage = `${serverImage}-other`
let name: string
let edge: EdgeClient

beforeAll(async () => {
  const { docker, loadImages } = await runningCluster()
  await execa(docker.binary, ['tag', serverImage, otherImage], { env: docker.env })
  await loadImages([otherImage])
  // An operator of an earlier run, with its namespace and its AuthServices.
  const former = ['delete', '--kustomize', `${root}/manifests/overlays/production`, '--ignore-not-found']
  await kubectl().run([...former, '--timeout=180s'], { timeoutSeconds: 190 })
  await freshNamespace(namespace)
})
afterAll(async () => {
  await edge?.close()
  await removeNamespace(namespace)
})

async function runHelm(...programArguments: string[]): Promise<void> {
  const { ok, stderr } = await helm([...programArguments, ...inSystem], inject('cluster').kubeconfigPath)
  if (!ok) throw new Error(`helm ${programArguments.join(' ')}: ${stderr}`)
}

async function installBoth(): Promise<void> {
  await runHelm(
    'install',
    `${operatorDeployment}-crds`,
    `${root}/charts/authservice-operator-crds`,
    '--create-namespace',
  )
  const operator = ['install', operatorDeployment, `${root}/charts/authservice-operator`, '--wait', '--timeout=3m']
  await runHelm(...operator, '--set', 'crds.enabled=false')
}

interface Pod {
  metadata: { name: string; uid: string; deletionTimestamp?: string; labels: Record<string, string> }
  spec: { containers: { image: string }[] }
}

/** The pods of the AuthService that are not being deleted. */
async function pods(component: string): Promise<Pod[]> {
  const labels = `app.kubernetes.io/instance=${name},app.kubernetes.io/component=${component}`
  const { items } = await kubectl().json<{ items: Pod[] }>(['get', 'pods', '-n', namespace, '-l', labels])
  return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
}

const uidsOf = async (component: string) => (await pods(component)).map(({ metadata }) => metadata.uid).sort()
const serverImages = async () => (await pods('server')).flatMap(({ spec }) => spec.containers.map(({ image }) => image))

const ready = () => waitUntilReady(kubectl(), { namespace, name, timeoutSeconds: 240 }, console.log)

/** Waits until only servers of one image are left, and the rollout is complete. */
async function untilServersRun(image: string): Promise<void> {
  await expect.poll(serverImages, { timeout: 240_000, interval: 1_000 }).toEqual([image, image])
  await ready()
}

test('both charts install the operator, and an AuthService becomes ready', async () => {
  await installBoth()
  const quickstart = await readQuickstart(namespace)
  name = quickstart.name
  const manifest = await sample('quickstart.yaml')
  manifest.spec['replicas'] = 2
  manifest.spec['rateLimits'] = { perClient: '10000/s', burst: 1000, login: '6000/m', register: '600/m' }
  await apply(namespace, manifest)
  await ready()
  edge = await connectToEdge(kubectl(), quickstart, inject('cluster').edgePort)
  expect(await serverImages()).toEqual([serverImage, serverImage])
})

test('an upgrade that changes the server image rolls it out, no request fails, and no database restarts', async () => {
  const databases = [await uidsOf('mongodb'), await uidsOf('redis')]
  const failures = await failuresDuring(edge, async () => {
    const change = ['--reuse-values', '--set', `images.server=${otherImage}`, '--wait', '--timeout=3m']
    await runHelm('upgrade', operatorDeployment, `${root}/charts/authservice-operator`, ...change)
    await untilServersRun(otherImage)
  })
  expect(failures).toEqual([])
  expect([await uidsOf('mongodb'), await uidsOf('redis')]).toEqual(databases)
})

test('a rollback of the release brings the former image back, and no request fails', async () => {
  const failures = await failuresDuring(edge, async () => {
    await runHelm('rollback', operatorDeployment, '1', '--wait', '--timeout=3m')
    await untilServersRun(serverImage)
  })
  expect(failures).toEqual([])
})

test('after both releases are uninstalled, the same pods serve, and no request fails', async () => {
  const before = await uidsOf('server')
  const failures = await failuresDuring(edge, async () => {
    await runHelm('uninstall', operatorDeployment, '--wait', '--timeout=3m')
    await runHelm('uninstall', `${operatorDeployment}-crds`)
    const operators = ['get', 'pods', ...inSystem, '--output=name']
    await expect.poll(() => kubectl().run(operators), { timeout: 60_000, interval: 1_000 }).toBe('')
  })
  expect(failures).toEqual([])
  expect(await uidsOf('server')).toEqual(before)
  expect(await kubectl().run(['get', 'authservices', '-n', namespace, '-o', 'name'])).toContain(name)
})

test('operators of a new installation take the AuthService over, its pods stay, and no request fails', async () => {
  const before = await uidsOf('server')
  const failures = await failuresDuring(edge, async () => {
    // Running pods do not need it: only an operator that reconciles creates it again.
    await kubectl().run(['delete', 'serviceaccount', name, '-n', namespace])
    await installBoth()
    const accounts = ['get', 'serviceaccounts', '-n', namespace, '--output=name']
    await expect
      .poll(async () => (await kubectl().run(accounts)).split('\n'), { timeout: 120_000, interval: 1_000 })
      .toContain(`serviceaccount/${name}`)
    await ready()
  })
  expect(failures).toEqual([])
  expect(await uidsOf('server')).toEqual(before)
})
