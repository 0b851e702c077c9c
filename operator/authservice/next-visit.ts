import type { Outcome } from '../kube/controller.ts'
import type { Finding } from './finding.ts'
import type { Snapshot } from './snapshot.ts'

/** Secrets of others are not watched: one that is missing is looked for again soon, one that is there now and then. */
const missingSecretSeconds = 5
const presentSecretSeconds = 300
/** What the API server refused may be allowed later: a quota, a permission, a name that becomes free; a volume may come. */
const refusedSeconds = 30
/** A timer holds at most 2^31 milliseconds; looking once a day costs nothing. */
const longestSeconds = 86_400

/** When time alone may change what a visit found. */
export interface NextVisit {
  snapshot: Snapshot
  findings: readonly Finding[]
  /** Deadlines that were decided on: a rotation, a renewal. */
  dates: readonly (Date | undefined)[]
  requeueAfterSeconds: number | undefined
}

/** The earliest time at which another visit may find something else, though nothing that is watched has changed. */
export function planNextVisit({ snapshot, findings, dates, requeueAfterSeconds }: NextVisit, now: Date): Outcome {
  const stalls = findings.filter(({ kind }) => kind === 'stall')
  const refused = stalls.some(({ reason }) => reason === 'ApplyRefused' || reason === 'ChildNotOwned')
  const inSeconds = [
    ...dates.flatMap((date) => (date === undefined ? [] : [(date.getTime() - now.getTime()) / 1000])),
    ...(requeueAfterSeconds === undefined ? [] : [requeueAfterSeconds]),
    ...(snapshot.referencedSecrets.size > 0 ? [presentSecretSeconds] : []),
    ...(stalls.length > 0 && !refused ? [missingSecretSeconds] : []),
    ...(refused || snapshot.missingBackupVolume !== undefined ? [refusedSeconds] : []),
  ]
  if (inSeconds.length === 0) return { done: true }
  return { requeueAfterMilliseconds: Math.ceil(Math.max(1, Math.min(...inSeconds, longestSeconds)) * 1000) }
}
