import { readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { parse } from 'yaml'
import { kind } from '../../../operator/authservice/api/group.ts'
import type { AuthService } from '../../../operator/authservice/api/schema.ts'
import type { Operator } from '../../../operator/operator.ts'
import { checker } from '../../../tools/checkers/go-checkers.ts'
import { authServiceManifest, Namespace } from '../support/namespace.ts'
import { startOperator } from '../support/operator-under-test.ts'
import { untilReady } from '../support/simulated-controllers.ts'

/** The health of an AuthService according to Flux (kstatus) and Argo CD (the script of our page), phase by phase. */
const { kubeconfigPath } = inject('apiServer')
let namespace: Namespace
let operator: Operator
let program: string
let script: string

beforeAll(async () => {
  program = await checker('health')
  script = join(tmpdir(), `authservice-health-${process.pid}.lua`)
  await writeFile(script, await scriptOfThePage())
  namespace = await Namespace.create(kubeconfigPath, `health-${Date.now()}`)
  operator = startOperator(kubeconfigPath, namespace)
}, 600_000)
afterAll(async () => {
  await operator.stop()
  await rm(script)
})

async function scriptOfThePage(): Promise<string> {
  const page = await readFile(resolve(import.meta.dirname, '../../../docs/operate.md'), 'utf8')
  const block = /```yaml\n(data:\n {2}resource\.customizations\.health[\s\S]*?)```/.exec(page)?.[1] ?? ''
  return parse(block).data['resource.customizations.health.auth-operator.dev_AuthService']
}

interface Health {
  status: string
  message: string
}

async function healthOf(object: AuthService): Promise<{ kstatus: string; argocd: string; message: string }> {
  const ask = async (...programArguments: string[]): Promise<Health> => {
    const { stdout } = await execa(program, programArguments, { input: JSON.stringify([object]) })
    const [health]: Health[] = JSON.parse(stdout)
    if (health === undefined) throw new Error('there is no answer')
    return health
  }
  const [kstatus, argocd] = await Promise.all([ask('kstatus'), ask('argocd', script)])
  return { kstatus: kstatus.status, argocd: argocd.status, message: argocd.message }
}

/** Waits for a condition, such as `Ready` to be `True Ready`. */
async function until(name: string, type: string, is: RegExp): Promise<AuthService> {
  await expect.poll(() => namespace.condition(name, type)).toMatch(is)
  return namespace.authService(name)
}

test('new, before the operator has reconciled it: in progress', async () => {
  const elsewhere = await Namespace.create(kubeconfigPath, `health-unvisited-${Date.now()}`)
  await elsewhere.apply(authServiceManifest('new'))
  expect(await healthOf(await elsewhere.authService('new'))).toMatchObject({
    kstatus: 'InProgress',
    argocd: 'Progressing',
  })
})

test('with components that are not ready: in progress, with the names of these components', async () => {
  await namespace.apply(authServiceManifest('progressing'))
  const { message, ...health } = await healthOf(await until('progressing', 'Reconciling', /^True/))
  expect(health).toEqual({ kstatus: 'InProgress', argocd: 'Progressing' })
  expect(message).toContain('progressing-redis')
})

test('ready: current and healthy; changed and not reconciled: in progress; degraded: in progress; ready again', async () => {
  await namespace.apply(authServiceManifest('steady'))
  const ready = await untilReady(namespace, 'steady')
  const isWell = { kstatus: 'Current', argocd: 'Healthy', message: 'All components are ready.' }
  expect(await healthOf(ready)).toEqual(isWell)

  const generation = (ready.metadata.generation ?? 0) + 1
  const changed = { ...ready, metadata: { ...ready.metadata, generation } }
  expect(await healthOf(changed)).toMatchObject({ kstatus: 'InProgress', argocd: 'Progressing' })

  const lost = { readyReplicas: 0, availableReplicas: 0 }
  await namespace.patch('StatefulSet', 'steady-redis', { status: lost }, 'status')
  const degraded = await until('steady', 'Ready', /^False/)
  expect(await healthOf(degraded)).toMatchObject({ kstatus: 'InProgress', argocd: 'Progressing' })
  expect(await healthOf(await untilReady(namespace, 'steady'))).toEqual(isWell)
})

test('stalled, because only the user can correct it: failed and degraded, with what to do', async () => {
  const mongodb = { external: { urlSecretRef: { name: 'our-mongodb', key: 'url' } } }
  await namespace.apply(authServiceManifest('stalled', { mongodb }))
  const { message, ...health } = await healthOf(await until('stalled', 'Stalled', /^True/))
  expect(health).toEqual({ kstatus: 'Failed', argocd: 'Degraded' })
  expect(message).toContain('our-mongodb')
})

test('suspended: as its components are for Flux, and Suspended for Argo CD', async () => {
  await namespace.apply(authServiceManifest('paused'))
  await untilReady(namespace, 'paused')
  await namespace.patch(kind, 'paused', { spec: { suspend: true } })
  const suspended = await until('paused', 'Ready', /^True Suspended/)
  expect(await healthOf(suspended)).toMatchObject({ kstatus: 'Current', argocd: 'Suspended' })
})

test('being deleted, while another finalizer holds it: terminating', async () => {
  await namespace.apply(authServiceManifest('leaving', {}, { finalizers: ['example.com/hold'] }))
  await until('leaving', 'Reconciling', /^True/)
  await namespace.remove(kind, 'leaving')
  // Argo CD does not run the script for an object that is being deleted.
  expect(await healthOf(await namespace.authService('leaving'))).toMatchObject({ kstatus: 'Terminating' })
  await namespace.patch(kind, 'leaving', { metadata: { finalizers: null } })
})
