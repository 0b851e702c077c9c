import type { Requeue } from '../../kube/controller.ts'
import { retryKeptSeconds } from '../apply/kept-fields.ts'
import type { Finding } from '../model/finding.ts'
import type { Snapshot } from '../model/snapshot.ts'
import type { RolloutDecision } from '../rollout/decide/decision.ts'
import type { ReconcileResult } from './reconcile-result.ts'
import { autoscalerProblemOf } from './server-condition.ts'

/** Secrets that a spec names are watched. This limits the time until a change is detected that the watch missed. */
const presentSecretSeconds = 300
/** PersistentVolumeClaims are not watched: this limits the time until the deletion of one is detected. */
const claimSeconds = 600
/** The API server may later accept a rejected write: a quota, a permission or a name may become available. */
const refusedSeconds = 30
/** The minimum and maximum delay between reconciles of a stalled AuthService. */
const stalled = { least: 5, most: 300 }
/** Delay until the operator checks again whether a database may restart: about the duration of a restart. */
const postponedSeconds = 30
/** Nothing is written while an AuthService is suspended, and a change of the spec, which ends that, is watched. */
const suspendedSeconds = 300
/** A timer holds at most 2^31 milliseconds; one reconcile a day costs nothing. */
const longestSeconds = 86_400
/** The next decision depends on what this one recorded, and no event announces a status: it follows at once. */
const atOnceSeconds = 0.1

/** When the next reconcile of an AuthService is due, if no event starts one earlier. */
export function requeue(
  { snapshot, findings, secrets, rollout, recheck, isRecorded }: ReconcileResult,
  now: Date,
): Requeue {
  const autoscalerCountsFrom = autoscalerProblemOf(snapshot)?.countsFrom
  const dates = [
    secrets.nextChangeAt,
    recheck?.at,
    ...(autoscalerCountsFrom !== undefined && autoscalerCountsFrom > now ? [autoscalerCountsFrom] : []),
  ]
  const isSuspended = snapshot.resolved.suspend
  const requeueAfterSeconds = rolloutRequeueSeconds(rollout, { isSuspended, isRecorded, isKept: keepsStatus(snapshot) })
  return planRequeue({ snapshot, findings, dates, requeueAfterSeconds }, now)
}

/** Whether the cluster keeps what earlier reconciles recorded of the rollout; true before the first one. */
function keepsStatus({ authService: { status } }: Snapshot): boolean {
  return status?.conditions === undefined || status.rollout !== undefined
}

/** What determines when the next reconcile is due without an event. */
export interface RequeueInput {
  snapshot: Snapshot
  findings: readonly Finding[]
  /** Deadlines of decisions, such as a rotation or a renewal. */
  dates: readonly (Date | undefined)[]
  /** The wait of the rollout; 0: the next step follows immediately. */
  requeueAfterSeconds: number | undefined
}

type RolloutRequeue = Pick<RolloutDecision, 'actionsTaken' | 'requeueAfterSeconds' | 'unrecordedRequeueAfterSeconds'>

/**
 * When the next rollout decision is due. An action that could not be recorded is still requested: an immediate
 * reconcile would decide the same, and so would the next one, ten times a second.
 *
 * @param isRecorded whether the actions count as taken from now on
 * @param isKept whether the cluster keeps the recorded status: a CustomResourceDefinition of an older version drops it
 */
export function rolloutRequeueSeconds(
  { actionsTaken, requeueAfterSeconds, unrecordedRequeueAfterSeconds }: RolloutRequeue,
  { isSuspended, isRecorded, isKept }: { isSuspended: boolean; isRecorded: boolean; isKept: boolean },
): number | undefined {
  if (requeueAfterSeconds !== 0) return requeueAfterSeconds
  if (!isKept) return refusedSeconds
  if (isSuspended) return suspendedSeconds
  if (actionsTaken.length === 0 || isRecorded) return 0
  // What prevents the record also stalls the AuthService, which has its own delays.
  return unrecordedRequeueAfterSeconds && Math.max(unrecordedRequeueAfterSeconds, stalled.least)
}

/** The earliest time at which another reconcile may find a change although no watched object has changed. */
export function planRequeue({ snapshot, findings, dates, requeueAfterSeconds }: RequeueInput, now: Date): Requeue {
  const blocking = findings.filter(({ kind }) => kind === 'blocking')
  const refused = blocking.some(({ reason }) => reason === 'ApplyRefused' || reason === 'ChildNotOwned')
  const stalledSeconds = secondsStalled(snapshot, now)
  const hasFinding = (wanted: Finding['reason']) => findings.some(({ reason }) => reason === wanted)
  const inSeconds = [
    ...dates.flatMap((date) => (date === undefined ? [] : [(date.getTime() - now.getTime()) / 1000])),
    ...(requeueAfterSeconds === undefined ? [] : [requeueAfterSeconds]),
    ...(snapshot.referencedSecrets.size > 0 ? [presentSecretSeconds] : []),
    ...(blocking.length > 0 ? [backoff(stalledSeconds, refused ? refusedSeconds : stalled.least)] : []),
    ...(snapshot.missingBackupVolume === undefined ? [] : [backoff(stalledSeconds, refusedSeconds)]),
    ...(snapshot.readClaims.length > 0 ? [claimSeconds] : []),
    ...(hasFinding('VolumeTerminating') ? [refusedSeconds] : []),
    ...(hasFinding('KeptByPolicy') ? [retryKeptSeconds] : []),
    ...(hasFinding('RestartPostponed') ? [postponedSeconds] : []),
  ]
  if (requeueAfterSeconds === 0) return { requeueAfterMilliseconds: atOnceSeconds * 1000 }
  if (inSeconds.length === 0) return { done: true }
  return { requeueAfterMilliseconds: Math.ceil(Math.max(1, Math.min(...inSeconds, longestSeconds)) * 1000) }
}

/**
 * As long as the AuthService has already been stalled, so that the delays double. Most remedies start a reconcile by
 * themselves: a change of the spec, of a Secret that it names, or a new kind in the cluster.
 */
function backoff(stalledSeconds: number, leastSeconds: number): number {
  return Math.min(Math.max(stalledSeconds, leastSeconds), stalled.most)
}

/** How long the AuthService was stalled before this reconcile; 0 if it was not. */
function secondsStalled({ authService: { status } }: Snapshot, now: Date): number {
  const since = status?.conditions?.find(({ type }) => type === 'Stalled')
  if (since?.status !== 'True') return 0
  const seconds = (now.getTime() - Date.parse(since.lastTransitionTime)) / 1000
  return Number.isFinite(seconds) ? Math.max(0, seconds) : 0
}
