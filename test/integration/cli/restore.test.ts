import { execFile } from 'node:child_process'
import { delimiter, dirname, resolve } from 'node:path'
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest'
import { apiVersion, kind } from '../../../operator/authservice/api/group.ts'
import type { KubernetesObject } from '../../../operator/kube/objects.ts'
import type { Operator } from '../../../operator/operator.ts'
import { kubernetesBinaries } from '../../../tools/local-servers/binaries.ts'
import { authServiceManifest, developmentSpec, Namespace } from '../support/namespace.ts'
import { startOperator } from '../support/operator-under-test.ts'

const { kubeconfigPath } = inject('apiServer')
const plugin = resolve(import.meta.dirname, '../../../cli/main.ts')
let namespace: Namespace
let operator: Operator
let path: string

beforeAll(async () => {
  path = [dirname((await kubernetesBinaries()).kubectl), process.env['PATH']].join(delimiter)
  namespace = await Namespace.create(kubeconfigPath, `restore-${Date.now()}`)
  operator = startOperator(kubeconfigPath, namespace)
  const backup = {
    schedule: '0 3 * * *',
    keep: 3,
    destination: { persistentVolumeClaim: { claimName: 'backups' } },
  }
  await namespace.apply({
    apiVersion,
    kind,
    metadata: { name: 'accounts' },
    spec: { ...developmentSpec, backup },
  })
  await namespace.apply(authServiceManifest('careless'))
  await vi.waitFor(async () => expect(await namespace.get('CronJob', 'accounts-backup')).toBeDefined(), 40_000)
})
afterAll(() => operator.stop())

interface Job extends KubernetesObject {
  spec: { template: { spec: { containers: { args: string[] }[] } } }
}
interface CronJob extends KubernetesObject {
  spec: { jobTemplate: { spec: { template: { spec: object } } } }
}
type Kubelet = (args: string[]) => { words: string; fails?: boolean } | undefined

/** Jobs that were handled. Each ends once. */
const done = new Set<string>()

/** Runs the plug-in while `kubelet` decides how each of its Jobs ends. */
async function run(programArguments: string[], kubelet: Kubelet = () => undefined) {
  const finished = new AbortController()
  const options = { env: { ...process.env, PATH: path, KUBECONFIG: kubeconfigPath } }
  const ended = new Promise<{ code: number; stdout: string; stderr: string }>((recordAttempt) => {
    const all = [plugin, ...programArguments, '--namespace', namespace.name]
    const child = execFile(process.execPath, all, options, (_, stdout, stderr) => {
      finished.abort()
      recordAttempt({ code: child.exitCode ?? -1, stdout, stderr })
    })
    child.stdin?.end()
  })
  while (!finished.signal.aborted) {
    for (const job of await namespace.list<Job>('Job')) {
      const isOurs = job.metadata.labels?.['app.kubernetes.io/managed-by'] === 'kubectl-authservice'
      if (!isOurs || done.has(job.metadata.name)) continue
      const end = kubelet(job.spec.template.spec.containers[0]?.args ?? [])
      done.add(job.metadata.name)
      if (end !== undefined) await finish(job.metadata.name, end)
    }
    await new Promise((again) => setTimeout(again, 100))
  }
  return ended
}

/** Writes what the kubelet and the Job controller write when the pod has ended. */
async function finish(job: string, { words, fails = false }: { words: string; fails?: boolean }): Promise<void> {
  const spec = { containers: [{ name: 'backup', image: 'example.com/mongo:8.0' }] }
  await namespace.apply({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: job, labels: { 'job-name': job } },
    spec,
  })
  const state = { terminated: { exitCode: fails ? 1 : 0, message: words } }
  const container = { name: 'backup', ready: false, restartCount: 0, image: '', imageID: '', state }
  await namespace.patch('Pod', job, { status: { containerStatuses: [container] } }, 'status')
  const now = new Date().toISOString()
  const conditions = (fails ? ['FailureTarget', 'Failed'] : ['SuccessCriteriaMet', 'Complete']).map((type) => ({
    type,
    status: 'True',
    lastTransitionTime: now,
  }))
  const status = { startTime: now, conditions, ...(!fails && { completionTime: now, succeeded: 1 }) }
  await namespace.patch('Job', job, { status }, 'status')
}

const backups = '20261102T030000Z.archive.gz 1048576\n20261101T030000Z.archive.gz 900'
const restored = 'Restored 20261102T030000Z.archive.gz: 3 document(s) restored successfully.'
const kubelet: Kubelet = (args) => ({ words: args[0] === 'list' ? backups : restored })

test('the pod of a backup meets the Pod Security level restricted', async () => {
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' }
  const restricted = await Namespace.create(kubeconfigPath, `restricted-${Date.now()}`, labels)
  const cronJob = await namespace.get<CronJob>('CronJob', 'accounts-backup')
  const spec = cronJob?.spec.jobTemplate.spec.template.spec ?? {}
  await restricted.apply({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'backup' }, spec })
  const privileged = { containers: [{ name: 'backup', image: 'example.com/mongo:8.0' }] }
  await expect(
    restricted.apply({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'other' }, spec: privileged }),
  ).rejects.toThrow(/violates PodSecurity/)
})

test('without the name of a backup the command lists the backups and restores none', async () => {
  const tasks: string[][] = []
  const { code, stdout, stderr } = await run(['restore', 'accounts'], (args) => {
    tasks.push(args)
    return kubelet(args)
  })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toContain('20261102T030000Z.archive.gz  2026-11-02 03:00:00Z  1.0 MiB')
  expect(tasks).toEqual([['list']])
})

test('the command restores the latest backup, prints the result, and runs the migrations again', async () => {
  const migrationOf = async () =>
    (await namespace.list('Job')).find(({ metadata }) => /^accounts-migrate/.test(metadata.name))
  await expect.poll(migrationOf).toBeDefined()
  const before = (await migrationOf())?.metadata.uid
  const tasks: string[][] = []
  const { code, stdout } = await run(['restore', 'accounts', 'latest', '--yes'], (args) => {
    tasks.push(args)
    return kubelet(args)
  })
  expect(stdout).toContain(restored)
  expect(code).toBe(0)
  expect(tasks).toEqual([['list'], ['restore', '20261102T030000Z.archive.gz']])
  await expect
    .poll(async () => (await migrationOf())?.metadata.uid)
    .not.toSatisfy((uid) => uid === undefined || uid === before)
})

test('without a terminal the command restores only with --yes', async () => {
  const { code, stderr } = await run(['restore', 'accounts', 'latest'], kubelet)
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: 'There is no terminal to ask for confirmation: add --yes to restore without it.\n',
  })
})

test('a failed restore prints the reason and the location of its log', async () => {
  const { code, stderr } = await run(['restore', 'accounts', 'latest', '--yes'], (args) =>
    args[0] === 'list' ? { words: backups } : { words: 'mongorestore failed: no space left', fails: true },
  )
  expect(code).toBe(1)
  expect(stderr).toMatch(
    /^Job accounts-restore-\w+ failed: mongorestore failed: no space left\nIts log: kubectl logs job\//,
  )
})

test('a Job that does not complete keeps running, and the error says what it waits for', async () => {
  const { code, stderr } = await run(['restore', 'accounts', '--timeout', '1'])
  expect(code).toBe(1)
  expect(stderr).toMatch(/^Job accounts-list-\w+ has not completed after 1 s: .*kubectl describe job accounts-list-/)
})

test.each([
  [
    ['restore', 'nobody'],
    /^There is no AuthService nobody in namespace \S+. To use another namespace, add -n NAMESPACE/,
  ],
  [['restore', 'careless'], /^AuthService careless does not create backups: set spec.backup/],
  [['restore', 'accounts', 'old', '--yes'], /^accounts has no backup old. Its backups:\nBACKUP/],
])('%j explains what to do', async (programArguments, sentence) => {
  const { code, stderr } = await run(programArguments, kubelet)
  expect(code).toBe(1)
  expect(stderr).toMatch(sentence)
})

test('without a backup on the volume the command explains how to create one', async () => {
  const { stderr } = await run(['restore', 'accounts', 'latest'], () => ({ words: '' }))
  expect(stderr).toBe(
    `accounts has no backups yet. To create one: kubectl create job --from=cronjob/accounts-backup accounts-first-backup -n ${namespace.name}\n`,
  )
})
