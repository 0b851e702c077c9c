import { CommandError } from '../command-error.ts'
import type { Kubectl } from '../kubectl.ts'
import { type AuthServiceObject, getAuthService } from './observed.ts'

/** What a user can request of a rollout. Each is an annotation that the operator acts on once. */
export type RolloutAction = 'promote' | 'abort' | 'rollback-to' | 'restart'

/** An action that is not possible now. The message says what is. */
export class ActionError extends CommandError {
  override name = 'ActionError'
}

type Status = NonNullable<AuthServiceObject['status']>

/**
 * The revision of an action whose user named none: the one in progress, or for `rollback-to` the
 * previous one that had the traffic.
 * @throws ActionError
 */
export function chooseRevision(
  action: 'promote' | 'abort' | 'rollback-to',
  { metadata, status }: AuthServiceObject,
  flags = '',
): string {
  if (status?.rollout === undefined) throw new ActionError('The operator has not reconciled this AuthService yet.')
  const suggest = (command: string) => `kubectl authservice ${command} ${metadata.name}${flags}`
  return action === 'rollback-to' ? revisionBefore(status, suggest) : revisionUnderWay(action, status, suggest)
}

/** A complete command for the same AuthService. */
type Suggest = (command: string) => string

function revisionUnderWay(action: string, { rollout }: Status, suggest: Suggest): string {
  const { phase = 'Stable', revision } = rollout ?? {}
  if (revision === undefined || ['Stable', 'Retiring', 'RollingBack'].includes(phase)) {
    const instead = phase === 'Retiring' ? ` To return to the previous revision: ${suggest('rollback')}` : ''
    throw new ActionError(`There is nothing to ${action}: no rollout is in progress (${phase}).${instead}`)
  }
  return revision
}

/** The revision that last had the traffic before the current one. A revision that never had it is not known to work. */
function revisionBefore({ revisions = [], currentRevision }: Status, suggest: Suggest): string {
  const others = revisions.filter(({ name }) => name !== currentRevision).sort((a, b) => b.number - a.number)
  const [served] = others
    .filter(({ servedAt }) => servedAt !== undefined)
    .sort((a, b) => Date.parse(b.servedAt ?? '') - Date.parse(a.servedAt ?? ''))
  const current = revisions.find(({ name }) => name === currentRevision)
  // Of revisions that an older operator rolled out, only the number is known.
  const unknown = others.filter(({ outcome }) => outcome === undefined)
  const before = served ?? unknown.find(({ number }) => current === undefined || number < current.number)
  if (before === undefined) {
    throw new ActionError(
      `No other revision has received traffic. Name a revision by number or hash; to list them: ${suggest('history')}`,
    )
  }
  return before.name
}

/** The revision that a user names by its hash, the beginning of the hash, or its number. @throws ActionError */
export function findRevision(named: string, { status }: AuthServiceObject): string {
  const { revisions = [] } = status ?? {}
  const found = revisions.filter(({ name, number }) => String(number) === named || name.startsWith(named))
  const exact = found.find(({ name, number }) => String(number) === named || name === named)
  if (exact !== undefined) return exact.name
  const [only, second] = found
  if (only !== undefined && second === undefined) return only.name
  const known = revisions.map(({ name, number }) => `${number} (${name})`).join(', ') || 'none'
  throw new ActionError(
    `${found.length === 0 ? 'No' : 'More than one'} revision matches ${named}. Revisions: ${known}.`,
  )
}

/**
 * Writes the annotation. The time makes each request a new one: the operator acts on a value once.
 * @returns the revision, or for `restart` the time
 */
export async function requestAction(
  action: RolloutAction,
  name: string,
  named: string | undefined,
  { kubectl, now }: { kubectl: Kubectl; now: Date },
): Promise<string> {
  const authService = await getAuthService(name, kubectl)
  const at = now.toISOString()
  const revision = action === 'restart' ? undefined : revisionFor(action, named, authService, kubectl.flags)
  const value = revision === undefined ? at : `${revision}@${at}`
  await kubectl.annotate('authservices.auth-operator.dev', name, { [`auth-operator.dev/${action}`]: value })
  return revision ?? at
}

function revisionFor(
  action: 'promote' | 'abort' | 'rollback-to',
  named: string | undefined,
  authService: AuthServiceObject,
  flags: string,
) {
  return named === undefined ? chooseRevision(action, authService, flags) : findRevision(named, authService)
}
