import { setTimeout } from 'node:timers/promises'
import type { AuthServiceStatus } from '../../operator/authservice/api/schema.ts'
import { badVersion } from '../../tools/bad-versions/images.ts'
import { drain, placesOf, uncordon } from '../../tools/cluster-client/nodes.ts'
import { killOperator } from '../../tools/cluster-client/operator-pods.ts'
import type { Cluster } from '../../tools/local-cluster/cluster.ts'
import { type BenchService, previewHost } from './bench-service.ts'
import { waitForCertificate } from './edge-certificate.ts'
import { observeEdge, waitForReload } from './edge-configuration.ts'
import { blueGreen as blueGreenSettings } from './manifest.ts'
import { spread } from './placement.ts'
import { edgeReplaced, lastAnswerOf, podsOn } from './pods.ts'
import type { Sessions } from './sessions.ts'
import { isReady } from './status-watch.ts'
import type { Outcome } from './tally.ts'
import type { Traffic } from './traffic.ts'

/** What a scenario acts on. */
export interface ScenarioContext {
  cluster: Cluster
  service: BenchService
  traffic: Traffic
  sessions: Sessions
}

/** A change by a user of the operator, or an event on the cluster, while clients send requests. */
export interface Scenario {
  name: string
  /** Prepares the scenario. Requests during this time do not count for it. */
  prepare?(context: ScenarioContext): Promise<void>
  /** Makes the change, kills the operator in the middle, and waits for the outcome. @throws if the outcome is another */
  run(context: ScenarioContext): Promise<Outcome>
}

/** In the order in which they run. */
export const scenarios: readonly Scenario[] = [
  { name: 'baseline', run: baseline },
  { name: 'rolling-update', run: rollingUpdate },
  { name: 'blue-green', run: blueGreen },
  { name: 'instant-rollback', run: instantRollback },
  { name: 'bad-version', run: badVersionAfterSwitch },
  { name: 'key-rotation', run: keyRotation },
  { name: 'scaling', prepare: untilStable, run: scaling },
  // Earlier scenarios may have left all pods on one node, by chance the one that is not drained.
  { name: 'node-drain', prepare: ({ service, cluster }) => spread(service, cluster), run: nodeDrain },
  { name: 'edge-config', run: edgeConfig },
]

const baselineSeconds = 20

/** Nothing changes. */
async function baseline(): Promise<Outcome> {
  await setTimeout(baselineSeconds * 1000)
  return { outcome: 'Unchanged', seconds: baselineSeconds }
}

async function rollingUpdate({ service, cluster }: ScenarioContext): Promise<Outcome> {
  const seconds = startTimer()
  const before = service.status.rollout?.revision
  await service.patch({ rollout: { strategy: 'RollingUpdate', blueGreen: null }, ...anotherRevision() })
  await service.waitUntil('rolling out', ({ rollout }) => rollout?.revision !== before, 30)
  await killOperator(cluster)
  await service.waitUntil('promoted', isPromotedFrom(before), 150)
  return { outcome: 'Promoted', seconds: seconds() }
}

async function blueGreen({ service, cluster }: ScenarioContext): Promise<Outcome> {
  const seconds = startTimer()
  const before = service.status.rollout?.revision
  await service.patch({ rollout: { strategy: 'BlueGreen', blueGreen: blueGreenSettings }, ...anotherRevision() })
  const isVerifying = ({ rollout }: AuthServiceStatus) => rollout?.phase === 'Verifying' && rollout.revision !== before
  await service.waitUntil('verifying', isVerifying, 120)
  await killOperator(cluster)
  await service.waitUntil('promoted', isPromotedFrom(before), 60)
  return { outcome: 'Promoted', seconds: seconds() }
}

/** Rolls back while the old colour is on standby, and measures when the new colour answered last. */
async function instantRollback(context: ScenarioContext): Promise<Outcome> {
  const { service, cluster } = context
  if (service.status.rollout?.phase !== 'Retiring') await blueGreen(context)
  const { activeColor: left = '' } = service.status
  const former = formerRevision(service.status)

  const seconds = startTimer()
  const commanded = new Date()
  await service.requestAction('rollback-to', former)
  await service.waitUntil('rolled back', ({ activeColor }) => activeColor !== left, 30)
  await killOperator(cluster)
  const isRetiring = ({ rollout, currentRevision }: AuthServiceStatus) =>
    currentRevision === former && rollout?.phase === 'Retiring'
  await service.waitUntil('retiring the new colour', isRetiring, 60)
  const secondsUntilSettled = seconds()
  // If a connection of the edge still leads to an old pod, the log of the pod shows it within this time.
  await setTimeout(10_000)
  const last = await lastAnswerOf(cluster, left, commanded)
  const lastAnswer = last === undefined ? 0 : (last - commanded.getTime()) / 1000
  return { outcome: 'RolledBack', seconds: secondsUntilSettled, figures: { last_answer_s: lastAnswer } }
}

/** The name of the newest revision that is neither current nor failed. */
function formerRevision({ revisions = [], currentRevision, rollout }: AuthServiceStatus): string {
  const [former] = revisions
    .filter(({ name }) => name !== currentRevision && name !== rollout?.failedRevision)
    .sort((a, b) => b.number - a.number)
  if (former === undefined) throw new Error('there is no revision to roll back to')
  return former.name
}

/** A version that refuses every password gets traffic, because the smoke test is off. */
async function badVersionAfterSwitch(context: ScenarioContext): Promise<Outcome> {
  const { traffic } = context
  traffic.isBadVersionExpected = true
  try {
    return await rollOutBadVersion(context)
  } finally {
    traffic.isBadVersionExpected = false
  }
}

async function rollOutBadVersion({ service, cluster }: ScenarioContext): Promise<Outcome> {
  const { activeColor, rollout: before } = service.status
  const seconds = startTimer()
  const rollout = { strategy: 'BlueGreen', blueGreen: blueGreenSettings, smokeTest: { enabled: false } }
  await service.patch({ version: await badVersion('logins-fail'), rollout })
  await service.waitUntil('switched', (status) => status.activeColor !== activeColor, 120)
  await killOperator(cluster)
  await service.waitUntil('rolled back', ({ rollout }) => rollout?.failedRevision !== before?.failedRevision, 90)
  await service.waitUntil('on the old colour', (status) => status.activeColor === activeColor, 30)
  const outcome = service.status.rollout?.lastOutcome ?? 'unknown'
  const secondsUntilRolledBack = seconds()
  await service.patch({ version: null, rollout: { smokeTest: { enabled: true } } })
  await service.waitUntil('recovered', hasRecovered, 120)
  return { outcome, seconds: secondsUntilRolledBack }
}

function hasRecovered({ rollout }: AuthServiceStatus): boolean {
  if (rollout === undefined || rollout.failure !== undefined) return false
  return rollout.phase === 'Stable' || rollout.phase === 'Retiring'
}

/** Another key signs. Tokens of the former key stay valid: the load uses the oldest of them until the end. */
async function keyRotation({ service, cluster, sessions }: ScenarioContext): Promise<Outcome> {
  const seconds = startTimer()
  const before = sessions.newestKeyId()
  await service.requestAction('rotate-keys', new Date().toISOString())
  const isPending = ({ secrets = [] }: AuthServiceStatus) => secrets.some(({ state }) => state === 'Pending')
  await service.waitUntil('waiting to activate another key', isPending, 30)
  await killOperator(cluster)
  const deadline = performance.now() + 240_000
  while (sessions.newestKeyId() === before) {
    if (performance.now() > deadline) throw new Error(`key ${before} still signs after 240 s`)
    await setTimeout(250)
  }
  const secondsUntilRotated = seconds()
  // Long enough for each server to verify tokens of both keys.
  await setTimeout(5_000)
  return { outcome: 'Rotated', seconds: secondsUntilRotated }
}

/** A standby colour scales along, and 20 pods do not fit on a small machine. */
async function untilStable({ service }: ScenarioContext): Promise<void> {
  await service.waitUntil('stable', ({ rollout }) => rollout?.phase === 'Stable', 120)
}

async function scaling({ service, cluster }: ScenarioContext): Promise<Outcome> {
  const seconds = startTimer()
  await service.patch({ replicas: 10 })
  await service.waitUntil('scaling up', ({ replicas = 0 }) => replicas > 3, 30)
  await killOperator(cluster)
  await service.waitUntil('at 10 pods', ({ readyReplicas }) => readyReplicas === 10, 180)
  await service.patch({ replicas: 3 })
  await service.waitUntil('at 3 pods', ({ replicas, readyReplicas }) => replicas === 3 && readyReplicas === 3, 120)
  return { outcome: '3, 10, 3 pods', seconds: seconds() }
}

/** Drains the node with the most servers and edge pods. The databases run on another node: see placement.ts. */
async function nodeDrain({ service, cluster }: ScenarioContext): Promise<Outcome> {
  const { others } = await placesOf(cluster)
  if (others.length === 0) return { outcome: 'skipped: the cluster has one node', seconds: 0 }
  const nodes = await Promise.all(
    others.map(async (node) => ({ node, pods: await podsOn(cluster, node, 'server', 'edge') })),
  )
  const [fullest] = nodes.sort((a, b) => b.pods.length - a.pods.length)
  if (fullest === undefined || fullest.pods.length === 0) {
    throw new Error(`no server and no edge runs on ${others.join(' or ')}: the drain would show nothing`)
  }
  const { node, pods } = fullest
  const seconds = startTimer()
  try {
    await Promise.all([drain(cluster, node), setTimeout(3_000).then(() => killOperator(cluster))])
    await service.waitUntil('ready', isReady, 120)
  } finally {
    await uncordon(cluster, node)
  }
  return { outcome: `Drained, ${pods.length} pods`, seconds: seconds() }
}

/** The edge loads another certificate and another configuration without a restart. Then its pods are replaced. */
async function edgeConfig({ service, cluster }: ScenarioContext): Promise<Outcome> {
  const seconds = startTimer()
  const certificate = await service.renewCertificate()
  await killOperator(cluster)
  await waitForCertificate(certificate, service.address, 150)
  await changeEdgeConfiguration({ service, cluster })
  await service.patch({ ingress: { nginx: { resources: { requests: { cpu: `${60 + (Date.now() % 30)}m` } } } } })
  await edgeReplaced(cluster)
  await service.waitUntil('ready', isReady, 60)
  return { outcome: 'Reloaded twice, replaced', seconds: seconds() }
}

/**
 * Sets `previewHost`, which changes nginx.conf and nothing else. A rate limit, for instance, would create a new revision
 * of the servers.
 */
async function changeEdgeConfiguration({
  service,
  cluster,
}: Pick<ScenarioContext, 'service' | 'cluster'>): Promise<void> {
  const before = await observeEdge(cluster)
  const { revision } = service.status.rollout ?? {}
  await service.patch({ rollout: { strategy: 'BlueGreen', blueGreen: { ...blueGreenSettings, previewHost } } })
  await waitForReload(cluster, before, 150)
  const now = service.status.rollout?.revision
  if (now !== revision)
    throw new Error(`the change created revision ${now} of the servers instead of keeping ${revision}`)
}

/** The change of a spec that creates a new revision of the same image. */
function anotherRevision() {
  return { pod: { annotations: { 'example.com/revision': new Date().toISOString() } } }
}

function isPromotedFrom(before: string | undefined) {
  return ({ rollout, currentRevision }: AuthServiceStatus) =>
    rollout?.revision !== before && rollout?.lastOutcome === 'Promoted' && currentRevision === rollout.revision
}

/** @returns a function that gives the seconds since this call */
function startTimer(): () => number {
  const started = performance.now()
  return () => (performance.now() - started) / 1000
}
