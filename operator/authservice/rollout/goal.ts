import { databaseMessage, describeColor } from './describe.ts'
import {
  type Color,
  isUnderWay,
  type RolloutMemory,
  type RolloutOutcome,
  type RolloutPhase,
  type RolloutWorld,
} from './world.ts'

/** Phases that the deadline counts in: a wait for a person, or of a set length, is not the revision's fault. */
export const hasDeadline: ReadonlySet<string> = new Set<RolloutPhase>(['Preparing', 'Testing', 'Promoting'])

/** Where everything is to end, and what is remembered of the way there. */
export interface Goal {
  /** Revision that is to be live in the end. */
  revision: string
  /** The last good revision. */
  stable: string
  /** A person asked for this revision by name: it was good before, and is neither tested nor waited for. */
  isRollback: boolean
  memory: RolloutMemory
}

/** Settles failures, orders and changes of the spec, in this order, and says what to aim at. */
export function chooseGoal(world: RolloutWorld, memory: RolloutMemory, live: Color, now: Date): Goal {
  const stable = stableRevision(world, memory, live)
  const judged = judgeProgress(world, memory, stable, now)
  const pinned = takeRollbackOrder(world, judged)
  const wish = pinned.pin?.revision ?? world.specRevision
  const holds = wish === pinned.failedRevision && wish !== stable
  const remembered = holds ? pinned : { ...pinned, failedRevision: undefined, failure: undefined }
  const revision = wish === remembered.failedRevision ? stable : wish
  return {
    revision,
    stable,
    isRollback: remembered.pin?.revision === revision,
    memory: supersede(remembered, revision),
  }
}

/**
 * The last good revision; before there is one, what the live colour serves with. Where nothing ever served there is
 * nothing to go back to or to compare with: what the spec asks for, whatever it asked for before.
 */
function stableRevision(world: RolloutWorld, memory: RolloutMemory, live: Color): string {
  const { revision: serving, availableReplicas = 0 } = world.colors[live] ?? {}
  const candidates = [memory.currentRevision, availableReplicas > 0 ? serving : undefined]
  return candidates.find((revision) => revision !== undefined && canRun(world, revision)) ?? world.specRevision
}

/** Whether there is a pod template of the revision. */
export function canRun({ specRevision, knownRevisions }: RolloutWorld, revision: string): boolean {
  return revision === specRevision || knownRevisions.has(revision)
}

/** Whether pods of the revision were asked for already. */
export function isStarted({ colors }: RolloutWorld, revision: string): boolean {
  return Object.values(colors).some((color) => color.revision === revision && color.replicas > 0)
}

/**
 * Whether no pod is available, those of other revisions included: what all of them need is away, or there is no place
 * for any, and nothing is known about this one. Where it has no others beside it, that is no excuse.
 */
export function isOutage({ colors }: RolloutWorld, revision: string): boolean {
  const wanted = Object.values(colors).filter(({ replicas }) => replicas > 0)
  const hasOthers = wanted.some((one) => one.revision !== revision || one.totalReplicas > one.updatedReplicas)
  return hasOthers && wanted.every(({ availableReplicas }) => availableReplicas === 0)
}

function judgeProgress(world: RolloutWorld, memory: RolloutMemory, stable: string, now: Date): RolloutMemory {
  const { revision, phase } = memory
  if (revision === undefined || revision === stable || !isUnderWay(phase)) return memory
  const fault = faultOf(world, { ...memory, revision }, now)
  if (fault === undefined) return memory
  return { ...memory, lastOutcome: fault.outcome, failedRevision: revision, failure: fault.message }
}

interface Fault {
  outcome: RolloutOutcome
  message: string
}

/** Why the revision that is under way goes no further. */
function faultOf(world: RolloutWorld, memory: RolloutMemory & { revision: string }, now: Date): Fault | undefined {
  const { policy, orders, migration, smokeTest, analysis } = world
  const { revision, phase, deadline, targetColor } = memory
  if (orders.abort === revision) return { outcome: 'Aborted', message: 'it was aborted by annotation' }
  if (migration?.revision === revision && migration.state === 'failed' && !isStarted(world, revision)) {
    return { outcome: 'RolledBack', message: `the database cannot be made ready for it: ${migration.message}` }
  }
  if (phase === 'Testing' && smokeTest?.revision === revision && smokeTest.state === 'failed') {
    return { outcome: 'RolledBack', message: `the smoke test failed: ${smokeTest.message}` }
  }
  // Pods of a colour without traffic harm nobody; what has traffic is taken back only when that is wanted.
  const isRolling = targetColor === undefined
  const hasTraffic = isRolling || phase === 'Promoting' || phase === 'Verifying'
  if (hasTraffic && !policy.autoRollback && isStarted(world, revision)) return undefined
  const isWatched = isRolling || phase === 'Verifying'
  if (isWatched && analysis?.revision === revision && analysis.verdict === 'fail') {
    return { outcome: 'RolledBack', message: `its traffic was worse: ${analysis.message}` }
  }
  if (hasDeadline.has(phase) && deadline !== undefined && now > deadline && !isOutage(world, revision)) {
    const message = `it was not ready within ${policy.progressDeadlineSeconds} s (${phase}): ${waitedFor(world, memory)}`
    return { outcome: 'DeadlineExceeded', message }
  }
  return undefined
}

/** What a revision that is late still waited for. */
function waitedFor(world: RolloutWorld, { revision, phase, targetColor }: RolloutMemory): string {
  const { migration, smokeTest, colors, serviceColor } = world
  if (phase === 'Testing') return smokeTest?.message ?? 'the smoke test did not start'
  if (phase === 'Promoting') return 'the endpoints of the Service did not follow'
  if (revision !== undefined && !isStarted(world, revision)) return databaseMessage(migration)
  const color = targetColor ?? serviceColor
  return color === undefined ? 'no pod was there' : describeColor(color, colors[color], colors[color]?.replicas ?? 0)
}

/** A rollback that a person asked for holds until the spec asks for something else. */
function takeRollbackOrder(world: RolloutWorld, memory: RolloutMemory): RolloutMemory {
  const { orders, specRevision } = world
  const ordered = orders.rollbackTo
  if (ordered === specRevision) return { ...memory, pin: undefined, failedRevision: undefined, failure: undefined }
  if (ordered !== undefined && canRun(world, ordered)) {
    return { ...memory, pin: { revision: ordered, insteadOf: specRevision } }
  }
  const holds = memory.pin?.insteadOf === specRevision && canRun(world, memory.pin.revision)
  return holds ? memory : { ...memory, pin: undefined }
}

/** Another revision is wanted than the one that was on its way. */
function supersede(memory: RolloutMemory, goal: string): RolloutMemory {
  const { phase, revision, failedRevision } = memory
  const isReplaced = isUnderWay(phase) && revision !== undefined && revision !== goal && revision !== failedRevision
  return isReplaced ? { ...memory, lastOutcome: 'Superseded' } : memory
}
