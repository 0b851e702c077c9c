import { CommandError } from '../command-error.ts'
import type { Kubectl } from '../kubectl.ts'
import { type AuthServiceObject, getAuthService } from './observed.ts'

/** What can be ordered of a rollout; each is an annotation that the operator takes once. */
export type Order = 'promote' | 'abort' | 'rollback-to' | 'restart'

/** An order that makes no sense now. The message says what does. */
export class OrderError extends CommandError {
  override name = 'OrderError'
}

type Status = NonNullable<AuthServiceObject['status']>

/**
 * The revision that an order is about, when none was named: the one that is under way, or for `rollback-to` the one
 * before.
 * @throws OrderError
 */
export function chooseRevision(order: 'promote' | 'abort' | 'rollback-to', { status }: AuthServiceObject): string {
  if (status?.rollout === undefined) throw new OrderError('The operator has not looked at this AuthService yet.')
  return order === 'rollback-to' ? revisionBefore(status) : revisionUnderWay(order, status)
}

function revisionUnderWay(order: string, { rollout }: Status): string {
  const { phase = 'Stable', revision } = rollout ?? {}
  if (revision === undefined || ['Stable', 'Retiring', 'RollingBack'].includes(phase)) {
    const instead = phase === 'Retiring' ? ' To go back to the old one: kubectl authservice rollback.' : ''
    throw new OrderError(`There is nothing to ${order}: no rollout is under way (${phase}).${instead}`)
  }
  return revision
}

function revisionBefore({ revisions = [], currentRevision }: Status): string {
  const others = revisions.filter(({ name }) => name !== currentRevision).sort((a, b) => b.number - a.number)
  const current = revisions.find(({ name }) => name === currentRevision)
  const before = others.find(({ number }) => current === undefined || number < current.number)
  if (before === undefined) {
    throw new OrderError('There is no earlier revision to go back to: kubectl authservice history lists them.')
  }
  return before.name
}

/** The revision that a person names by its hash, the start of it, or its number. @throws OrderError */
export function findRevision(named: string, { status }: AuthServiceObject): string {
  const { revisions = [] } = status ?? {}
  const found = revisions.filter(({ name, number }) => String(number) === named || name.startsWith(named))
  const exact = found.find(({ name, number }) => String(number) === named || name === named)
  if (exact !== undefined) return exact.name
  const [only, second] = found
  if (only !== undefined && second === undefined) return only.name
  const known = revisions.map(({ name, number }) => `${number} (${name})`).join(', ') || 'none'
  throw new OrderError(
    `${found.length === 0 ? 'No' : 'More than one'} revision is named ${named}; there are: ${known}.`,
  )
}

/** Writes the annotation. @returns the revision, or for `restart` the new value */
export async function give(
  order: Order,
  name: string,
  named: string | undefined,
  { kubectl, now }: { kubectl: Kubectl; now: Date },
): Promise<string> {
  const authService = await getAuthService(name, kubectl)
  const value = order === 'restart' ? now.toISOString() : revisionFor(order, named, authService)
  await kubectl.annotate('authservices.auth-operator.dev', name, { [`auth-operator.dev/${order}`]: value })
  return value
}

function revisionFor(
  order: 'promote' | 'abort' | 'rollback-to',
  named: string | undefined,
  authService: AuthServiceObject,
) {
  return named === undefined ? chooseRevision(order, authService) : findRevision(named, authService)
}
