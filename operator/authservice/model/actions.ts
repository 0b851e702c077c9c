import { group } from '../api/group.ts'
import type { AuthService, AuthServiceStatus } from '../api/schema.ts'
import { timestamp } from './timestamp.ts'

/** Actions that users can request with an annotation `auth-operator.dev/<name>: <value>`, in the order of status. */
const actionNames = [
  'rotate-keys',
  'revoke-key',
  'rotate-mfa-keys',
  'rotate-oidc-keys',
  'rotate-passwords',
  'restart',
  'promote',
  'abort',
  'rollback-to',
] as const
export type ActionName = (typeof actionNames)[number]

/** Requested actions, each with its value. */
export type RequestedActions = ReadonlyMap<ActionName, string>

/** What a reconcile did about an action. */
export interface ActionTaken {
  name: ActionName
  value: string
  /** Result, as one sentence for people. */
  message: string
}

type ActionRecord = NonNullable<AuthServiceStatus['actions']>[number]

/** Longest value that status stores. An annotation may be longer: the rest is ignored. */
const longestValue = 253

/** The annotation that requests an action. */
export function annotationOf(action: ActionName): string {
  return `${group}/${action}`
}

/**
 * Actions that are requested and have not been taken yet. Status records the values of actions that were taken, so an
 * annotation that remains, or that a GitOps tool applies repeatedly, has no further effect; another value is a new
 * request.
 *
 * Every action must be idempotent for its value: it is recorded after its effect was written, so if the operator
 * terminates in between, it takes the action again.
 */
export function requestedActions({ metadata, status }: Pick<AuthService, 'metadata' | 'status'>): RequestedActions {
  return new Map(
    actionNames.flatMap((name) => {
      const value = metadata.annotations?.[annotationOf(name)]?.slice(0, longestValue)
      return value === undefined || value === '' || value === lastValue(status, name) ? [] : [[name, value] as const]
    }),
  )
}

/** The value with which an action was last taken; undefined if it never was. */
function lastValue(status: AuthServiceStatus | undefined, action: ActionName): string | undefined {
  return status?.actions?.find(({ name }) => name === action)?.value
}

/**
 * The value with which an action is requested, otherwise the value with which it was last taken; undefined if there is
 * neither.
 */
export function latestValue(
  authService: Pick<AuthService, 'metadata' | 'status'>,
  action: ActionName,
): string | undefined {
  return requestedActions(authService).get(action) ?? lastValue(authService.status, action)
}

/**
 * Requests about rollouts. If the annotation is removed from the AuthService and added again, this is a new request.
 */
const withdrawable: ReadonlySet<string> = new Set<ActionName>(['promote', 'abort', 'rollback-to'])

/**
 * `status.actions` after a reconcile: the last action of each name. A request about a rollout is dropped together with
 * its annotation.
 *
 * @param annotations of the AuthService
 */
export function recordActions(
  previous: readonly ActionRecord[],
  actionsTaken: readonly ActionTaken[],
  { annotations = {}, now }: { annotations?: Record<string, string> | undefined; now: Date },
): ActionRecord[] {
  const isThere = (name: string) => annotations[`${group}/${name}`] !== undefined
  const kept = previous.filter(({ name }) => !withdrawable.has(name) || isThere(name))
  const records = new Map(kept.map((record) => [record.name, record]))
  const takenAt = timestamp(now)
  for (const { name, value, message } of actionsTaken) records.set(name, { name, value, takenAt, message })
  return actionNames.flatMap((name) => records.get(name) ?? [])
}
