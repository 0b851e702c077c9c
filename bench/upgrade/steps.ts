import { setTimeout } from 'node:timers/promises'
import type { AuthServiceStatus } from '../../operator/authservice/api/schema.ts'
import { annotationOf } from '../../operator/authservice/model/actions.ts'
import { operatorDeployment, operatorNamespace } from '../../tools/cluster-client/install-operator.ts'
import type { Kubectl } from '../../tools/cluster-client/kubectl.ts'
import { killOperator } from '../../tools/cluster-client/operator-pods.ts'
import type { Cluster } from '../../tools/local-cluster/cluster.ts'
import type { Sessions } from '../rollouts/sessions.ts'
import { isReady, type StatusWatch } from '../rollouts/status-watch.ts'
import { edgesRolledOut } from './pods.ts'
import type { Release } from './releases.ts'
import { namespace, patchSpec, type ServiceUnderUpgrade } from './services.ts'

/** A release, and the overlay that installs it. */
export interface Installable extends Release {
  overlay: string
}

/** What a step acts on. */
export interface UpgradeContext {
  cluster: Cluster
  kubectl: Kubectl
  services: readonly ServiceUnderUpgrade[]
  watch: StatusWatch
  /** The users under load, by the name of their AuthService. */
  sessions: ReadonlyMap<string, Sessions>
  previous: Installable
  current: Installable
}

/** A part of an upgrade or a downgrade, while clients send requests. */
export interface Step {
  name: string
  /** The release of the operator, and of the servers that follow it, at the end of the step. */
  endsWith: 'previous' | 'current'
  /** Whether so many AuthServices get a new revision that some have to wait. */
  isLimited?: true
  /** @returns the outcome in one or two words @throws when it is not the expected one */
  run(context: UpgradeContext): Promise<string>
}

/** In the order in which they run. */
export const steps: readonly Step[] = [
  { name: 'baseline', endsWith: 'previous', run: baseline },
  { name: 'crd-upgrade', endsWith: 'previous', run: crdUpgrade },
  {
    name: 'operator-upgrade',
    endsWith: 'current',
    isLimited: true,
    run: (context) => changeOperator(context, 'current'),
  },
  { name: 'servers-upgrade', endsWith: 'current', run: serversUpgrade },
  { name: 'key-rotation', endsWith: 'current', run: keyRotation },
  {
    name: 'operator-downgrade',
    endsWith: 'previous', // 0.1.0 has no limit
    run: (context) => changeOperator(context, 'previous'),
  },
  { name: 'servers-rollback', endsWith: 'previous', run: serversRollback },
]

const baselineSeconds = 20

/** Nothing changes. */
async function baseline(): Promise<string> {
  await setTimeout(baselineSeconds * 1000)
  return 'Unchanged'
}

/** Applies the new definition. The operator of the previous release must still reconcile, and accept every object. */
async function crdUpgrade({ kubectl, services, watch, current }: UpgradeContext): Promise<string> {
  await kubectl.run(['apply', '--server-side', '--kustomize', `${current.root}/crds`])
  await kubectl.run(['wait', '--for=condition=Established', 'crd/authservices.auth-operator.dev', '--timeout=30s'])
  for (const { name } of services) {
    const generation = (watch.get(name)?.metadata.generation ?? 0) + 1
    await patchSpec(kubectl, name, { rollout: { progressDeadlineSeconds: 241 } })
    const hasFollowed = ({ observedGeneration = 0 }: AuthServiceStatus) => observedGeneration >= generation
    await watch.waitUntil(name, 'reconciled after the change of its spec', hasFollowed, 60)
  }
  return 'Reconciled'
}

/**
 * Installs the operator of a release, and kills it while it rolls out the servers of that release. AuthServices without
 * `spec.version` follow the operator; the pinned one keeps its version.
 */
async function changeOperator(context: UpgradeContext, to: 'previous' | 'current'): Promise<string> {
  const { cluster, kubectl, services, watch } = context
  const followers = services.filter(({ isPinned }) => !isPinned)
  const pinned = services.filter(({ isPinned }) => isPinned)
  const { overlay, tag } = context[to]
  const versions = new Map(pinned.map(({ name }) => [name, watch.statusOf(name).version]))
  const revisions = new Map(followers.map(({ name }) => [name, watch.statusOf(name).rollout?.revision]))
  await kubectl.run(['apply', '--server-side', '--kustomize', overlay])
  await anyOf(followers, ({ name }) =>
    watch.waitUntil(name, 'rolling out', ({ rollout }) => rollout?.revision !== revisions.get(name), 180),
  )
  await killOperator(cluster)
  const settling = new AbortController()
  await Promise.all([
    follow(context, followers, tag).finally(() => settling.abort()),
    to === 'previous' ? wakeOperator(context, settling.signal) : undefined,
  ])
  for (const { name } of pinned) {
    const { version } = watch.statusOf(name)
    if (version !== versions.get(name)) throw new Error(`${name} sets spec.version, but runs ${version}`)
  }
  return 'Promoted'
}

/** Waits until the operator runs, its followers have servers of a version, and nothing is in progress. */
async function follow(context: UpgradeContext, followers: readonly ServiceUnderUpgrade[], tag: string): Promise<void> {
  const { kubectl, services, watch } = context
  const rollout = ['rollout', 'status', `deployment/${operatorDeployment}`, '--namespace', operatorNamespace]
  await kubectl.run([...rollout, '--timeout=180s'], { timeoutSeconds: 190 })
  for (const { name } of followers) await watch.waitUntil(name, `at version ${tag}`, runs(tag), 400)
  await edgesRolledOut(
    kubectl,
    services.map(({ name }) => name),
  )
  await settled(context)
}

/** Longer than a migration takes. */
const longPreparationSeconds = 20

/**
 * Changes an annotation of each AuthService whose rollout stays in `Preparing`, as docs/operate.md says for a downgrade:
 * 0.1.0 does not notice that the migration Job has completed if its leader was killed before it had written the status.
 */
async function wakeOperator({ kubectl, services, watch }: UpgradeContext, signal: AbortSignal): Promise<void> {
  const isStuck = ({ rollout }: AuthServiceStatus) =>
    rollout?.phase === 'Preparing' && Date.now() - Date.parse(rollout.startedAt ?? '') > longPreparationSeconds * 1000
  while (!signal.aborted) {
    for (const { name } of services.filter((service) => isStuck(watch.statusOf(service.name)))) {
      console.log(`${name}: 0.1.0 does not continue its rollout, so an annotation wakes it`)
      await annotate(kubectl, name, `retry=${Date.now()}`)
    }
    await setTimeout(5_000, undefined, { signal }).catch(() => {}) // the signal
  }
}

/** Upgrades the servers of the pinned AuthService. */
async function serversUpgrade(context: UpgradeContext): Promise<string> {
  const { kubectl, services, watch, current } = context
  for (const { name } of services.filter(({ isPinned }) => isPinned)) {
    await patchSpec(kubectl, name, { version: current.tag })
    await watch.waitUntil(name, `at version ${current.tag}`, runs(current.tag), 240)
  }
  await settled(context)
  return 'Promoted'
}

/** Creates keys that the previous operator and its servers must be able to read after the downgrade. */
async function keyRotation({ kubectl, services, sessions }: UpgradeContext): Promise<string> {
  const keyOf = (name: string) => sessions.get(name)?.newestKeyId()
  const before = new Map(services.map(({ name }) => [name, keyOf(name)]))
  for (const { name } of services) await requestAction(kubectl, name, 'rotate-keys', new Date().toISOString())
  const deadline = performance.now() + 300_000
  for (;;) {
    const waiting = services.filter(({ name }) => keyOf(name) === before.get(name)).map(({ name }) => name)
    if (waiting.length === 0) return 'Rotated'
    if (performance.now() > deadline) throw new Error(`the old key of ${waiting.join(', ')} still signs after 300 s`)
    await setTimeout(250)
  }
}

/** The previous operator returns to a revision of the previous release, which the new operator has kept. */
async function serversRollback(context: UpgradeContext): Promise<string> {
  const { kubectl, services, watch, previous } = context
  for (const { name } of services.filter(({ isPinned }) => isPinned)) {
    const { revisions = [], currentRevision } = watch.statusOf(name)
    const former = revisions.find(
      (revision) => revision.name !== currentRevision && revision.image?.endsWith(`:${previous.tag}`),
    )
    if (former === undefined)
      throw new Error(`${name} has kept no revision of ${previous.tag}: ${JSON.stringify(revisions)}`)
    await requestAction(kubectl, name, 'rollback-to', former.name)
    await watch.waitUntil(name, `at revision ${former.name}`, (status) => status.currentRevision === former.name, 240)
    await patchSpec(kubectl, name, { version: previous.tag })
    await watch.waitUntil(name, `at version ${previous.tag}`, runs(previous.tag), 60)
  }
  await settled(context)
  return 'RolledBack'
}

/** Waits until every AuthService is ready and no rollout is in progress. */
export async function settled({ services, watch }: Pick<UpgradeContext, 'services' | 'watch'>): Promise<void> {
  for (const { name } of services) {
    const isStable = (status: AuthServiceStatus) =>
      isReady(status) &&
      status.rollout?.phase === 'Stable' &&
      status.observedGeneration === watch.get(name)?.metadata.generation
    await watch.waitUntil(name, 'ready and stable', isStable, 240)
  }
}

/** Whether the servers run a version and no rollout is in progress. */
function runs(tag: string) {
  return ({ version, rollout, currentRevision }: AuthServiceStatus) =>
    version === tag && currentRevision === rollout?.revision && ['Stable', 'Retiring'].includes(rollout?.phase ?? '')
}

async function requestAction(
  kubectl: Kubectl,
  name: string,
  action: Parameters<typeof annotationOf>[0],
  value: string,
): Promise<void> {
  await annotate(kubectl, name, `${annotationOf(action)}=${value}`)
}

/** @param annotation as `KEY=VALUE` */
async function annotate(kubectl: Kubectl, name: string, annotation: string): Promise<void> {
  await kubectl.run(['annotate', 'authservice', name, '--namespace', namespace, '--overwrite', annotation])
}

async function anyOf<Item>(items: readonly Item[], wait: (item: Item) => Promise<void>): Promise<void> {
  await Promise.any(items.map(wait))
}
