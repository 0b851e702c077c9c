import type { AuthServiceStatus, Condition } from '../api/schema.ts'
import type { ApplyResult } from '../apply/apply.ts'
import type { ActionTaken } from '../model/actions.ts'
import type { ConditionType } from '../model/condition.ts'
import type { EventToRecord } from '../model/event.ts'
import type { Finding } from '../model/finding.ts'
import type { Manifest } from '../model/manifest.ts'
import { secretNames } from '../secrets/names.ts'
import type { KeptFinding } from '../validate/apply-failures.ts'

/** A change of one of the operator's own Secrets, and its reason. */
export interface SecretChange {
  name: string
  why: string
}

/**
 * One event for each change in the cluster.
 *
 * @param decided names of Secrets whose content the operator changed itself, so that their difference is not drift
 */
export function eventsForWrites(
  { created, corrected, removed }: Pick<ApplyResult, 'created' | 'corrected' | 'removed'>,
  decided: ReadonlySet<string>,
): EventToRecord[] {
  const list = (children: readonly Manifest[]) => children.map(nameOf).join(', ')
  const drifted = corrected.filter(({ child }) => !(child.kind === 'Secret' && decided.has(child.metadata.name)))
  return [
    ...(created.length === 0 ? [] : [normal('Created', `Created ${list(created)}`)]),
    ...drifted.map(({ child, paths, by }) =>
      normal('DriftCorrected', `${nameOf(child)}: restored ${shorten(paths)}, which ${by ?? 'another client'} changed`),
    ),
    ...(removed.length === 0 ? [] : [normal('Pruned', `Deleted ${list(removed)}, which the spec no longer requires`)]),
  ]
}

/** One event for objects that an earlier AuthService of the same name left behind. */
export function eventsForAdoption(adopted: readonly Manifest[]): EventToRecord[] {
  if (adopted.length === 0) return []
  return [normal('Adopted', `Adopted ${adopted.map(nameOf).join(', ')}, which had no controller`)]
}

/** One event for each new finding about an admission policy that status does not contain yet. */
export function eventsForPolicies(
  policies: readonly KeptFinding[],
  before: AuthServiceStatus | undefined,
): EventToRecord[] {
  const isTold = (sentence: string) => before?.conditions?.some(({ message }) => message.includes(sentence)) === true
  return policies.filter(({ sentence }) => !isTold(sentence)).map(({ reason, message }) => warning(reason, message))
}

/** Findings that users must learn about even if they do not look at the status. */
const notesWithEvent: ReadonlySet<Finding['reason']> = new Set(['BackupVolumeMissing', 'VolumeTerminating'])

/** One event for each new finding about a volume that status does not contain yet. */
export function eventsForWarnings(
  findings: readonly Finding[],
  before: AuthServiceStatus | undefined,
): EventToRecord[] {
  const isTold = (note: string) => before?.conditions?.some(({ message }) => message.includes(note)) === true
  return findings
    .filter(({ reason, message }) => notesWithEvent.has(reason) && !isTold(message))
    .map(({ reason, message }) => warning(reason, message))
}

/**
 * One event for each database that stopped because the spec uses another one, with what happened to its data.
 *
 * @param keptVolume of the managed MongoDB
 */
export function eventsForStoppedDatabases(
  authService: string,
  { removed }: Pick<ApplyResult, 'removed'>,
  keptVolume: string | undefined,
): EventToRecord[] {
  const stopped = (name: string) =>
    removed.some((child) => child.kind === 'StatefulSet' && child.metadata.name === name)
  const ofMongoDb =
    keptVolume === undefined
      ? 'it had no volume, so its data is lost'
      : `its users were not copied and remain in PersistentVolumeClaim ${keptVolume}`
  return [
    ...(stopped(`${authService}-mongodb`)
      ? [normal('DatabaseStopped', `Stopped the managed MongoDB: ${ofMongoDb}`)]
      : []),
    ...(stopped(`${authService}-redis`)
      ? [
          normal(
            'DatabaseStopped',
            'Stopped the managed Redis and deleted its volume: limits start again at zero, and sessions are in MongoDB',
          ),
        ]
      : []),
  ]
}

/**
 * One event for each Secret with new content, once it is written. If an existing Secret was lost and had to be created
 * again, the event is a warning with the consequences and the remedy. The first Secrets are part of the event about
 * created children.
 *
 * @param known names of Secrets that an earlier reconcile has seen
 * @param existing names of Secrets that existed before
 * @param written names of Secrets that the API server accepted
 */
export function eventsForSecrets(
  authService: string,
  changes: readonly SecretChange[],
  { known, existing, written }: Record<'known' | 'existing' | 'written', ReadonlySet<string>>,
): EventToRecord[] {
  return changes.flatMap(({ name, why }) => {
    if (!written.has(name)) return []
    if (existing.has(name)) return [normal('SecretChanged', `Secret ${name}: ${why}`)]
    if (!known.has(name)) return []
    return [
      warning('SecretLost', `Secret ${name} was missing and was created again (${why}): ${lossOf(authService, name)}`),
    ]
  })
}

/** The consequences of the loss of a Secret, and the remedy. */
function lossOf(authService: string, name: string): string {
  const names = secretNames(authService)
  const restore = `If you have a backup of the Secret, restore it: kubectl apply --server-side --force-conflicts -f FILE`
  switch (name) {
    case names.keys:
      return `servers refuse access tokens of the lost keys, and clients get new ones with their refresh tokens. ${restore}`
    case names.mfaKeys:
      return `servers cannot decrypt the secrets of enrolled authenticator apps, so these users can log in with recovery codes only. ${restore}`
    case names.oidcKeys:
      return `applications refuse ID tokens of the lost keys, so their users may have to log in again. ${restore}`
    case names.oidcClients:
      return 'its content is the same. No action is required'
    case names.redis:
    case names.mongodb:
      return 'the database and the servers get the new passwords, and the data is not affected. No action is required'
    case names.emailHash:
      return `in logs and security events, each email now has another hash. ${restore}`
    case names.edgeSecret:
      return `its content is the same, so edge and servers are not affected. If Secret ${names.emailHash} was lost too, servers count all clients of the edge as one and refuse many requests, until their pods have been replaced. ${restore}`
    case names.edgeTls:
      return 'the same CA signs a new certificate. No action is required'
    case names.edgeCa:
      return `clients must trust the new ca.crt of Secret ${names.edgeTls} after its certificate is renewed. ${restore}`
    default:
      return restore
  }
}

/** One event for each action that was requested by annotation and taken. */
export function eventsForActions(actionsTaken: readonly ActionTaken[]): EventToRecord[] {
  return actionsTaken.map(({ name, value, message }) => normal('ActionTaken', `${name}: ${value}: ${message}`))
}

/** One event for each transition of the summary. */
export function eventsForTransitions(before: AuthServiceStatus | undefined, after: AuthServiceStatus): EventToRecord[] {
  const changed = (type: ConditionType): Condition | undefined => {
    const now = findCondition(after, type)
    const then = findCondition(before, type)
    const isSame = now?.status === then?.status && now?.reason === then?.reason
    return isSame ? undefined : now
  }
  const stalled = changed('Stalled')
  const ready = changed('Ready')
  const refused = (['WorkloadAvailable', 'IngressReady'] as const).flatMap((type) => changed(type) ?? [])
  return [
    ...refused
      .filter(({ reason }) => reason === 'PodsRefused')
      .map(({ reason, type, message }) => warning(reason, `${type}: ${message}`)),
    ...(stalled?.status === 'True' ? [warning(stalled.reason, stalled.message)] : []),
    ...(ready?.status === 'True' ? [normal('Ready', ready.message)] : []),
    ...(ready?.status === 'False' && findCondition(before, 'Ready')?.status === 'True' && stalled?.status !== 'True'
      ? [warning('NotReady', ready.message)]
      : []),
  ]
}

function findCondition(status: AuthServiceStatus | undefined, type: ConditionType): Condition | undefined {
  return status?.conditions?.find((condition) => condition.type === type)
}

function nameOf({ kind, metadata }: Manifest): string {
  return `${kind} ${metadata.name}`
}

/** The first paths, and how many more: an event's note has at most 1,024 characters. */
function shorten(paths: readonly string[]): string {
  const shown = paths.slice(0, 5).join(', ')
  return paths.length > 5 ? `${shown} and ${paths.length - 5} more` : shown
}

function normal(reason: string, message: string): EventToRecord {
  return { type: 'Normal', reason, message }
}

function warning(reason: string, message: string): EventToRecord {
  return { type: 'Warning', reason, message }
}
