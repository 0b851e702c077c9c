import { setTimeout } from 'node:timers/promises'
import type { AuthServiceStatus } from '../../../operator/authservice/api/schema.ts'
import { badVersion } from '../../bad-versions/images.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { type BenchService, isReady, previewHost } from './bench-service.ts'
import { edgeIsReplaced, killOperator, lastAnswerOf, podsOn } from './disturbances.ts'
import { untilCertificateIs } from './edge-certificate.ts'
import { seeEdge, untilReloaded } from './edge-configuration.ts'
import { blueGreen as blueGreenSettings } from './manifest.ts'
import { drain, placesOf, uncordon } from './nodes.ts'
import { spread } from './placement.ts'
import type { Sessions } from './sessions.ts'
import type { Outcome } from './tally.ts'
import type { Traffic } from './traffic.ts'

/** What a scenario works on. */
export interface Stage {
  cluster: Cluster
  service: BenchService
  traffic: Traffic
  sessions: Sessions
}

/** Something that an operator's user does, or that happens to him, while clients go on. */
export interface Scenario {
  name: string
  /** What has to be so before; requests of that time are not the scenario's. */
  prepare?(stage: Stage): Promise<void>
  /** Changes, waits for the end of what that starts, and kills the operator on the way. @throws when it ends otherwise */
  run(stage: Stage): Promise<Outcome>
}

/** In the order in which they are run. */
export const scenarios: readonly Scenario[] = [
  { name: 'rolling-update', run: rollingUpdate },
  { name: 'blue-green', run: blueGreen },
  { name: 'instant-rollback', run: instantRollback },
  { name: 'bad-version', run: badVersionAfterSwitch },
  { name: 'key-rotation', run: keyRotation },
  { name: 'scaling', prepare: rest, run: scaling },
  // Pods of before may all be on one node, by chance the one that is not drained.
  { name: 'node-drain', prepare: ({ service, cluster }) => spread(service, cluster), run: nodeDrain },
  { name: 'edge-config', run: edgeConfig },
]

async function rollingUpdate(stage: Stage): Promise<Outcome> {
  const watch = startWatch()
  const { service } = stage
  const before = service.status.rollout?.revision
  await service.patch({ rollout: { strategy: 'RollingUpdate', blueGreen: null }, ...otherPods() })
  await service.until('on its way', ({ rollout }) => rollout?.revision !== before, 30)
  await killOperator(stage.cluster)
  await service.until('promoted', isPromoted(before), 150)
  return { outcome: 'Promoted', seconds: watch() }
}

async function blueGreen(stage: Stage): Promise<Outcome> {
  const watch = startWatch()
  const { service } = stage
  const before = service.status.rollout?.revision
  await service.patch({ rollout: { strategy: 'BlueGreen', blueGreen: blueGreenSettings }, ...otherPods() })
  await service.until('verifying', ({ rollout }) => rollout?.phase === 'Verifying' && rollout.revision !== before, 120)
  await killOperator(stage.cluster)
  await service.until('promoted', isPromoted(before), 60)
  return { outcome: 'Promoted', seconds: watch() }
}

/** Goes back while the old colour stands by, and measures until when the new one has answered. */
async function instantRollback(stage: Stage): Promise<Outcome> {
  const { service, cluster } = stage
  if (service.status.rollout?.phase !== 'Retiring') await blueGreen(stage)
  const { activeColor: left = '', revisions = [], currentRevision, rollout } = service.status
  const former = revisions
    .filter(({ name }) => name !== currentRevision && name !== rollout?.failedRevision)
    .sort((a, b) => b.number - a.number)[0]
  if (former === undefined) throw new Error('there is no revision to go back to')

  const watch = startWatch()
  const commanded = new Date()
  await service.order('rollback-to', former.name)
  await service.until('back', ({ activeColor }) => activeColor !== left, 30)
  await killOperator(cluster)
  const isBack = ({ rollout, currentRevision }: AuthServiceStatus) =>
    currentRevision === former.name && rollout?.phase === 'Retiring'
  await service.until('settled', isBack, 60)
  const seconds = watch()
  // A connection of the edge may stay with an old pod for its life, and longer would be a fault to be seen.
  await setTimeout(10_000)
  const last = await lastAnswerOf(cluster, left, commanded)
  const lastAnswer = last === undefined ? 0 : (last - commanded.getTime()) / 1000
  return { outcome: 'RolledBack', seconds, figures: { last_answer_s: lastAnswer } }
}

/** A version that is ready and refuses every password gets traffic, because nobody tests it before. */
async function badVersionAfterSwitch(stage: Stage): Promise<Outcome> {
  const { traffic } = stage
  traffic.isBadVersionOut = true
  try {
    return await rollOutBadVersion(stage)
  } finally {
    traffic.isBadVersionOut = false
  }
}

async function rollOutBadVersion({ service, cluster }: Stage): Promise<Outcome> {
  const before = service.status.rollout?.failedRevision
  const { activeColor } = service.status
  const watch = startWatch()
  const strategy = { strategy: 'BlueGreen', blueGreen: blueGreenSettings, smokeTest: { enabled: false } }
  await service.patch({ version: await badVersion('logins-fail'), rollout: strategy })
  await service.until('switched', (status) => status.activeColor !== activeColor, 120)
  await killOperator(cluster)
  await service.until('taken back', ({ rollout }) => rollout?.failedRevision !== before, 90)
  await service.until('back', (status) => status.activeColor === activeColor, 30)
  const outcome = service.status.rollout?.lastOutcome ?? 'unknown'
  const seconds = watch()
  await service.patch({ version: null, rollout: { smokeTest: { enabled: true } } })
  const isOver = ({ phase, failure }: NonNullable<AuthServiceStatus['rollout']>) =>
    failure === undefined && (phase === 'Stable' || phase === 'Retiring')
  await service.until('well again', ({ rollout }) => rollout !== undefined && isOver(rollout), 120)
  return { outcome, seconds }
}

/** Another key signs, and tokens of the one before are still accepted: the load goes on using the oldest of them. */
async function keyRotation({ service, cluster, sessions }: Stage): Promise<Outcome> {
  const watch = startWatch()
  const before = sessions.newestKeyId()
  await service.order('rotate-keys', new Date().toISOString())
  const isPending = ({ secrets = [] }: AuthServiceStatus) => secrets.some(({ state }) => state === 'Pending')
  await service.until('given another key', isPending, 30)
  await killOperator(cluster)
  const deadline = performance.now() + 240_000
  while (sessions.newestKeyId() === before) {
    if (performance.now() > deadline) throw new Error(`key ${before} still signs after 240 s`)
    await setTimeout(250)
  }
  const seconds = watch()
  // Each server meets tokens of both keys.
  await setTimeout(5_000)
  return { outcome: 'Rotated', seconds }
}

/** A colour that stands by grows as well, and 20 pods are more than this machine is for. */
async function rest({ service }: Stage): Promise<void> {
  await service.until('stable', ({ rollout }) => rollout?.phase === 'Stable', 120)
}

async function scaling({ service, cluster }: Stage): Promise<Outcome> {
  const watch = startWatch()
  await service.patch({ replicas: 10 })
  await service.until('growing', ({ replicas = 0 }) => replicas > 3, 30)
  await killOperator(cluster)
  await service.until('of 10 pods', ({ readyReplicas }) => readyReplicas === 10, 180)
  await service.patch({ replicas: 3 })
  await service.until('of 3 pods', ({ replicas, readyReplicas }) => replicas === 3 && readyReplicas === 3, 120)
  return { outcome: '3, 10, 3 pods', seconds: watch() }
}

/** Everything but the databases leaves the node that has most of it: see the setting of the stage. */
async function nodeDrain({ service, cluster }: Stage): Promise<Outcome> {
  const { others } = await placesOf(cluster)
  if (others.length === 0) return { outcome: 'skipped: the cluster has one node', seconds: 0 }
  const pods = await Promise.all(
    others.map(async (node) => ({ node, leaving: await podsOn(cluster, node, 'server', 'edge') })),
  )
  const [fullest] = pods.sort((a, b) => b.leaving.length - a.leaving.length)
  if (fullest === undefined || fullest.leaving.length === 0) {
    throw new Error(`no server and no edge runs on ${others.join(' or ')}: nothing would be shown`)
  }
  const { node, leaving } = fullest
  const watch = startWatch()
  try {
    await Promise.all([drain(cluster, node), setTimeout(3_000).then(() => killOperator(cluster))])
    await service.until('whole', isReady, 120)
  } finally {
    await uncordon(cluster, node)
  }
  return { outcome: `Drained, ${leaving.length} pods`, seconds: watch() }
}

/**
 * A certificate is renewed, then the configuration changes: the edge takes both up as it runs. Then its pods are replaced.
 */
async function edgeConfig({ service, cluster }: Stage): Promise<Outcome> {
  const watch = startWatch()
  const certificate = await service.renewCertificate()
  await killOperator(cluster)
  await untilCertificateIs(certificate, service.address, 150)
  await changeConfigurationAlone({ service, cluster })
  await service.patch({ ingress: { nginx: { resources: { requests: { cpu: `${60 + (Date.now() % 30)}m` } } } } })
  await edgeIsReplaced(cluster)
  await service.until('ready', isReady, 60)
  return { outcome: 'Reloaded twice, replaced', seconds: watch() }
}

/**
 * Gives the edge a second name, for the colour without the traffic: names alone reach nginx.conf and nothing else. A limit
 * is the server's as well, and would make a new revision of it.
 */
async function changeConfigurationAlone({ service, cluster }: Pick<Stage, 'service' | 'cluster'>): Promise<void> {
  const before = await seeEdge(cluster)
  const { revision } = service.status.rollout ?? {}
  const blueGreen = { ...blueGreenSettings, previewHost }
  await service.patch({ rollout: { strategy: 'BlueGreen', blueGreen } })
  await untilReloaded(cluster, before, 150)
  const now = service.status.rollout?.revision
  if (now !== revision) throw new Error(`the change made revision ${now} of the servers, where ${revision} was to stay`)
}

/** What makes a new revision of the same image. */
function otherPods() {
  return { pod: { annotations: { 'example.com/revision': new Date().toISOString() } } }
}

function isPromoted(before: string | undefined) {
  return ({ rollout, currentRevision }: AuthServiceStatus) =>
    rollout?.revision !== before && rollout?.lastOutcome === 'Promoted' && currentRevision === rollout.revision
}

/** @returns seconds since it was called */
function startWatch(): () => number {
  const started = performance.now()
  return () => (performance.now() - started) / 1000
}
