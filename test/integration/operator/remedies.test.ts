import { resolve } from 'node:path'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { stringify } from 'yaml'
import { kind } from '../../../operator/authservice/api/group.ts'
import { childKinds } from '../../../operator/authservice/model/kinds.ts'
import { secretNames } from '../../../operator/authservice/secrets/names.ts'
import type { Operator } from '../../../operator/operator.ts'
import { kubernetesBinaries } from '../../../tools/local-servers/binaries.ts'
import { documentedBlocks } from '../../documentation/blocks.ts'
import { runBlock } from '../../documentation/run-block.ts'
import { authServiceManifest, developmentSpec, type Live, Namespace } from '../support/namespace.ts'
import { startOperator, untilQuiet } from '../support/operator-under-test.ts'
import { untilReady } from '../support/simulated-controllers.ts'

/** Executes, word for word, the instructions about Secrets in pages and messages. */
const { kubeconfigPath } = inject('apiServer')
const provider = { oidc: { enabled: true }, mfa: { mode: 'Optional' } }
const spec = { ...developmentSpec, ...provider, ingress: { type: 'Nginx', host: 'auth.localhost' } }
type Secret = Live & { data: Record<string, string>; immutable?: boolean }
const patient = { timeout: 60_000, interval: 300 }
let namespace: Namespace
let operator: Operator
let kubectl: string

beforeAll(async () => {
  kubectl = (await kubernetesBinaries()).kubectl
  namespace = await Namespace.create(kubeconfigPath, `remedies-${Date.now()}`)
  operator = startOperator(kubeconfigPath, namespace)
}, 120_000)
afterAll(() => operator.stop())

const authServiceOf = (name: string) => authServiceManifest(name, spec)

async function secretsOf(name: string): Promise<Map<string, Secret>> {
  const found = await Promise.all(
    Object.values(secretNames(name)).map(async (secret) => namespace.get<Secret>('Secret', secret)),
  )
  return new Map(found.flatMap((secret) => (secret === undefined ? [] : [[secret.metadata.name, secret] as const])))
}

const dataOf = async (name: string) =>
  new Map([...(await secretsOf(name))].map(([secret, { data }]) => [secret, data] as const))

/** Runs commands as a user would. @returns the failed ones */
function run(script: string, files: Record<string, string> = {}): Promise<string> {
  const root = resolve(import.meta.dirname, '../../..')
  return runBlock(script, { kubectl, kubeconfigPath, namespace: namespace.name, words: {}, files, root }, 60)
}

/** The commands of a page. */
function documented(page: string, begins: string): string {
  const block = documentedBlocks().find((one) => one.page === page && one.text.startsWith(begins))
  if (block === undefined) throw new Error(`${page} has no block that begins with ${begins}`)
  return block.text
}

/** The unambiguous name of a resource for `kubectl`: `deployments.v1.apps`. */
function resourceName(plural: string, version: string): string {
  const [group, name] = version.split('/')
  return name === undefined ? plural : `${plural}.${name}.${group}`
}

/** The commands in a message for people. */
async function commandsIn(name: string, condition: string): Promise<string> {
  const message = await namespace.condition(name, condition)
  const [commands] = /kubectl -n .*(?:&& rm \S+\.yaml|instance=[\w-]+)/s.exec(message) ?? []
  if (commands === undefined) throw new Error(`there is no command in: ${message}`)
  return commands
}

test('a deleted AuthService is restored with its keys and passwords by the commands of docs/backup.md', {
  timeout: 180_000,
}, async () => {
  await namespace.apply(authServiceOf('accounts'))
  await untilReady(namespace, 'accounts', patient)
  const before = await dataOf('accounts')
  expect(before.size).toBe(Object.keys(secretNames('accounts')).length)

  // Deletes by label what the garbage collector of a cluster would delete.
  const deletion = `kubectl delete authservice accounts
kubectl delete ${childKinds.map(({ plural, apiVersion: version }) => resourceName(plural, version)).join()} -l app.kubernetes.io/instance=accounts`
  const script = [
    documented('docs/backup.md', 'umask 077'),
    deletion,
    documented('docs/backup.md', 'kubectl apply --server-side --force-conflicts'),
  ].join('\n')
  expect(await run(script, { 'accounts.yaml': stringify(authServiceOf('accounts')) })).toBe('')

  const owner = (await namespace.authService('accounts')).metadata.uid
  const owners = async () =>
    [...(await secretsOf('accounts')).values()].map(({ metadata }) => metadata.ownerReferences?.map(({ uid }) => uid))
  await expect.poll(owners, { timeout: 30_000 }).toEqual([...before].map(() => [owner]))
  await untilReady(namespace, 'accounts', patient)
  expect(await dataOf('accounts')).toEqual(before)
  expect(await namespace.condition('accounts', 'Stalled')).toMatch(/^False/)
})

test('a Secret that was lost while its AuthService exists is restored by the same command, and replaces the new one', {
  timeout: 120_000,
}, async () => {
  const before = await dataOf('accounts')
  const script = [
    documented('docs/backup.md', 'umask 077'),
    'kubectl delete secret accounts-keys',
    'for try in $(seq 60); do [ -n "$(kubectl get secret accounts-keys --ignore-not-found -o name)" ] && break; sleep 0.5; done',
    documented('docs/backup.md', 'kubectl apply --server-side').split('\n')[0],
  ].join('\n')
  expect(await run(script)).toBe('')
  const losses = async () => (await namespace.events('accounts')).filter((event) => event.includes('SecretLost'))
  await expect.poll(losses).toHaveLength(1)
  const keysOf = async () => (await dataOf('accounts')).get('accounts-keys')
  await expect.poll(keysOf).toEqual(before.get('accounts-keys'))
  await untilReady(namespace, 'accounts', patient)
  await untilQuiet(operator)
  expect(await keysOf()).toEqual(before.get('accounts-keys'))
  expect(await losses()).toHaveLength(1)
})

test('a foreign Secret is not changed, and the message proposes no data loss; following it adopts one of ours', {
  timeout: 120_000,
}, async () => {
  const keys = (await dataOf('accounts')).get('accounts-keys') ?? {}
  await namespace.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'foreign-keys' }, data: keys })
  const versionOf = async () => (await namespace.get('Secret', 'foreign-keys'))?.metadata.resourceVersion
  const before = await versionOf()
  await namespace.apply(authServiceOf('foreign'))
  const stalled = () => namespace.condition('foreign', 'Stalled')
  await expect.poll(stalled, { timeout: 30_000 }).toMatch(/^True ChildNotOwned: Secret foreign-keys already exists/)
  expect(await stalled()).not.toMatch(/delete|remove|replace/i)
  expect(await versionOf()).toBe(before)

  expect(await run(await commandsIn('foreign', 'Stalled'))).toBe('')
  await namespace.patch(kind, 'foreign', { metadata: { annotations: { looked: 'again' } } })
  await untilReady(namespace, 'foreign', patient)
  expect((await dataOf('foreign')).get('foreign-keys')).toEqual(keys)
})

test('an immutable Secret becomes mutable by the commands of the message, and keeps its content', {
  timeout: 120_000,
}, async () => {
  interface KeySet {
    keys: { kid: string }[]
  }
  const kids = async () => {
    const file = (await dataOf('accounts')).get('accounts-keys')?.['keys.json'] ?? ''
    const { keys }: KeySet = JSON.parse(Buffer.from(file, 'base64').toString())
    return keys.map(({ kid }) => kid)
  }
  const before = await kids()
  await namespace.patch('Secret', 'accounts-keys', { immutable: true })
  await namespace.patch(kind, 'accounts', { metadata: { annotations: { 'auth-operator.dev/rotate-keys': 'now' } } })
  const stalled = () => namespace.condition('accounts', 'Stalled')
  await expect.poll(stalled, { timeout: 30_000 }).toMatch(/^True ApplyRefused: Secret accounts-keys is immutable/)
  const asked = async () =>
    (await namespace.events('accounts')).filter((event) => event.includes('a rotation was requested'))
  await untilQuiet(operator)
  expect(await asked(), 'nothing has changed yet, so nothing is told').toEqual([])

  expect(await run(await commandsIn('accounts', 'Stalled'))).toBe('')
  await expect.poll(async () => (await kids()).length, { timeout: 30_000 }).toBe(before.length + 1)
  expect(await kids()).toEqual(expect.arrayContaining(before))
  await untilReady(namespace, 'accounts', patient)
  expect(await stalled()).toMatch(/^False/)
  await untilQuiet(operator)
  expect(await asked()).toHaveLength(1)
})
