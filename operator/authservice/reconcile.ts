import type { Outcome } from '../kube/controller.ts'
import { lastValue, pendingActions, type TakenAction } from './actions.ts'
import { announceSecrets, announceStoppedDatabases, announceWrites } from './announcements.ts'
import { kind } from './api/group.ts'
import { serverImage, versionOf } from './api/server-image.ts'
import { type ApplyResult, applyPlan } from './apply/apply.ts'
import { idOf, planApply } from './apply/plan.ts'
import { findBackupProblems, observeBackup } from './backup-state.ts'
import { evaluateChecklist, productionReady } from './checklist.ts'
import type { AuthServiceKey, Cluster } from './cluster.ts'
import { judgeComponents } from './components.ts'
import { type Departing, findDeparting, findLeftBehind } from './databases/departing.ts'
import { observePasswords } from './databases/password-world.ts'
import { type DatabaseCheck, lookAgain, observeDatabases, recheckAt } from './databases/report.ts'
import { judgeFailures } from './failures.ts'
import type { Finding } from './finding.ts'
import { gather } from './gather.ts'
import type { AuthServiceMetrics } from './metrics.ts'
import { findMissingMonitoring, wantedMonitoring } from './monitoring.ts'
import { planNextVisit } from './next-visit.ts'
import { type Images, render } from './render.ts'
import { report } from './report.ts'
import type { Child, Placement } from './resources/render-input.ts'
import { planRollout } from './rollout/plan.ts'
import { planScale, scaleColors } from './rollout/scale.ts'
import type { RolloutDecision } from './rollout/world.ts'
import { decideSecrets, type SecretsDecision } from './secrets/decide-secrets.ts'
import { rotatedByAnnotation } from './secrets/keys-secret.ts'
import { secretNames } from './secrets/names.ts'
import { statusesOfWhatIsThere, unmadeSecrets } from './secrets/what-is-there.ts'
import { findChild, type Snapshot } from './snapshot.ts'
import { composeStatus } from './status.ts'
import { validate } from './validate.ts'

/** What every visit is made with. */
export interface ReconcileContext {
  cluster: Cluster
  metrics: AuthServiceMetrics
  images: Images
  /** What an AuthService's own image must begin with; empty allows every image. */
  allowedImagePrefixes: string[]
  /** Whether the operator knows a Prometheus to ask. */
  hasPrometheus: boolean
}

/** What was decided on a snapshot, before anything is written. */
interface Decisions {
  secrets: SecretsDecision
  findings: Finding[]
  /** Whether the world may be changed: nothing waits for a person, and nobody has suspended it. */
  isFree: boolean
  /** Image of the server that the spec asks for. */
  image: string
  /** Every child that is wanted. */
  desired: Child[]
  /** What was found out about the databases. */
  databases: DatabaseCheck | undefined
  /** What stays of databases that the spec no longer asks for. */
  departing: Departing
  rollout: RolloutDecision
  placement: Placement
  /** Actions by annotation that are done once all of this is written. */
  taken: TakenAction[]
}

/** One visit to one AuthService. Level-triggered: safe at any time, any number of times. */
export async function reconcile(key: AuthServiceKey, context: ReconcileContext, now: Date): Promise<Outcome> {
  const snapshot = await gather(key, context.cluster, now)
  if (snapshot === undefined) {
    context.metrics.forget(key)
    return { done: true } // owner references collect the rest
  }
  const decisions = decide(snapshot, context, now)
  const { isFree } = decisions
  const written = isFree ? await write(snapshot, decisions, { cluster: context.cluster, now }) : nothingWritten

  const { findings: refusals, transient } = judgeFailures(written.failures)
  const findings = [...decisions.findings, ...refusals]
  // An action whose effect is not in the cluster yet is taken again by the next visit.
  const taken = isFree && written.failures.length === 0 ? decisions.taken : []
  const status = judge(snapshot, decisions, written, { findings, failure: transient?.message, taken, now })
  await report(snapshot, { status, taken }, context, now)
  if (transient !== undefined) throw transient.error
  const { secrets, rollout } = decisions
  const dates = [secrets.nextChangeAt, recheckAt(decisions.databases, snapshot.resolved.redis.kind)]
  return planNextVisit({ snapshot, findings, dates, requeueAfterSeconds: rollout.requeueAfterSeconds }, now)
}

/** Everything that is decided, from the snapshot and the time alone. */
function decide(
  snapshot: Snapshot,
  { images, allowedImagePrefixes, hasPrometheus }: ReconcileContext,
  now: Date,
): Decisions {
  const { authService, resolved, ownSecrets, referencedSecrets, loadedKeys } = snapshot
  const { metadata, spec, status } = authService
  const asked = pendingActions(authService)
  const rotatedBy = lastRotation(snapshot)
  const secrets = decideSecrets({
    ...{ metadata, resolved, existing: ownSecrets, asked, rotatedBy, loadedKeys, now },
    passwords: observePasswords(snapshot),
  })
  const restart = asked.get('restart')
  const image = serverImage(resolved, images.server)
  const validation = validate({
    spec,
    resolved,
    serverImage: image,
    allowedImagePrefixes,
    hasPrometheus,
    secrets: referencedSecrets,
    front: snapshot.front,
    now,
  })
  const departing = findDeparting(snapshot)
  const findings = [
    ...findOrphanedVolume(snapshot),
    ...validation,
    ...secrets.findings,
    ...findInCluster(snapshot, departing),
  ]
  const isFree = !resolved.suspend && !findings.some((finding) => finding.kind === 'stall')
  const lasting = isFree ? secrets : onlyWritten(secrets, ownSecrets)
  const rendering = render(snapshot, images, lasting.secrets, restart ?? lastValue(status, 'restart'))
  const { rollout, placement, taken } = planRollout(snapshot, rendering.wanted, asked, now)
  const desired = rendering.childrenFor(placement)
  return {
    secrets: lasting,
    image,
    findings,
    isFree,
    departing,
    desired,
    databases: observeDatabases(snapshot, desired),
    rollout,
    placement,
    taken: [...lasting.taken, ...(restart === undefined ? [] : [restarted(restart)]), ...taken],
  }
}

/** While nothing is written, each visit makes new secrets: neither a revision nor the status may depend on them. */
function onlyWritten(decision: SecretsDecision, ownSecrets: Snapshot['ownSecrets']): SecretsDecision {
  const isWritten = ({ name }: { name: string }) => ownSecrets.has(name)
  return {
    ...decision,
    secrets: decision.secrets.filter(isWritten),
    statuses: decision.statuses.filter(isWritten),
  }
}

/** What is in the way of the spec in the cluster. */
function findInCluster(snapshot: Snapshot, departing: Departing): Finding[] {
  return [
    ...findBackupProblems(observeBackup(snapshot)),
    ...findLeftBehind(departing, snapshot),
    ...findMissingMonitoring(snapshot.resolved.monitoring, snapshot.front.availabilities),
  ]
}

function restarted(value: string): TakenAction {
  return { name: 'restart', value, message: 'The server pods are replaced as in an update.' }
}

/** The value of `rotate-keys` that the present signing keys came by. */
function lastRotation(snapshot: Snapshot): string | undefined {
  const { keys } = secretNames(snapshot.authService.metadata.name)
  return findChild(snapshot, 'Secret', keys)?.metadata.annotations?.[rotatedByAnnotation]
}

/** Puts new passwords beside old data: mongod would refuse them for good, so a person has to choose. */
function findOrphanedVolume({ authService, orphanedVolume }: Snapshot): Finding[] {
  if (orphanedVolume === undefined) return []
  const secret = secretNames(authService.metadata.name).mongodb
  const message =
    `Secret ${secret} is gone, but volume ${orphanedVolume} has data that only its passwords open. ` +
    `Restore the Secret from a backup; or delete PersistentVolumeClaim ${orphanedVolume} with all users in it to start empty.`
  return [{ kind: 'stall', condition: 'MongoDBReady', reason: 'PasswordsLost', message }]
}

const nothingWritten: ApplyResult = { created: [], changed: [], corrected: [], removed: [], failures: [] }

/** Writes the difference: children, then counts. */
async function write(
  snapshot: Snapshot,
  { desired, databases, rollout, secrets, departing }: Decisions,
  { cluster, now }: { cluster: Cluster; now: Date },
): Promise<ApplyResult> {
  const { authService, children, ownSecrets } = snapshot
  const live = children.filter((child) => !departing.kept.has(idOf(child)))
  const plan = planApply(desired, live)
  const applied = await applyPlan(plan, { ...authService.metadata, kind }, cluster)
  await lookAgain(snapshot, databases, now, (job) => cluster.remove(job))
  const scaleFailures = await scaleColors(snapshot, planScale(snapshot, rollout), cluster)

  const known = new Set(authService.status?.secrets?.map(({ name }) => name))
  const events = [
    ...announceSecrets(secrets.changes, known, new Set(ownSecrets.keys())),
    ...announceWrites(applied),
    ...announceStoppedDatabases(authService.metadata.name, applied, snapshot.keptVolume),
  ]
  for (const event of events) cluster.announce(authService, event)
  return { ...applied, failures: [...applied.failures, ...scaleFailures] }
}

/** The status that follows from all of it. */
function judge(
  snapshot: Snapshot,
  { image, databases, rollout, placement, secrets }: Decisions,
  { created, changed, corrected }: ApplyResult,
  {
    findings,
    failure,
    taken,
    now,
  }: { findings: Finding[]; failure: string | undefined; taken: TakenAction[]; now: Date },
) {
  const { authService, resolved, referencedSecrets } = snapshot
  const written = [...created, ...changed, ...corrected.map(({ child }) => child)]
  const there = {
    found: new Set(snapshot.ownSecrets.keys()),
    written: new Set(written.filter((child) => child.kind === 'Secret').map((child) => child.metadata.name)),
  }
  const { spec, metadata, status } = authService
  const version = versionOf(image)
  const checklist = evaluateChecklist({
    ...{ name: metadata.name, spec, resolved, findings, version },
    secrets: referencedSecrets,
    annotations: metadata.annotations ?? {},
    backup: observeBackup(snapshot),
    monitoring: wantedMonitoring(resolved.monitoring, snapshot.front.availabilities),
  })
  return composeStatus(
    {
      snapshot,
      rollout,
      revisions: placement.revisions,
      components: judgeComponents({
        ...{ snapshot, findings, rollout, databases, written },
        unmadeSecrets: unmadeSecrets(secrets, there),
      }),
      production: productionReady(checklist, resolved.environment),
      findings,
      checklist,
      secrets: statusesOfWhatIsThere(secrets, status?.secrets ?? [], there),
      taken,
      image,
      failure,
    },
    now,
  )
}
