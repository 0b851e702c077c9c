import { group } from './api/group.ts'
import type { AuthService, AuthServiceStatus } from './api/schema.ts'

/** What can be asked for by an annotation `auth-operator.dev/<name>: <value>`, in the order of status. */
export const actionNames = [
  'rotate-keys',
  'revoke-key',
  'rotate-passwords',
  'restart',
  'promote',
  'abort',
  'rollback-to',
] as const
export type ActionName = (typeof actionNames)[number]

/** Actions that are asked for, each with its value. */
export type RequestedActions = ReadonlyMap<ActionName, string>

/** What a visit did about an action. */
export interface TakenAction {
  name: ActionName
  value: string
  /** What came of it, as one sentence for a person. */
  message: string
}

type ActionRecord = NonNullable<AuthServiceStatus['actions']>[number]

/** Longest value that status holds. An annotation may be longer: what is beyond counts for nothing. */
const longestValue = 253

/** The annotation by which an action is asked for. */
export function annotationOf(action: ActionName): string {
  return `${group}/${action}`
}

/**
 * Actions that are asked for and not taken yet. A value that status has on record was acted upon, so an annotation
 * that stays, or that a GitOps tool applies again and again, does nothing; another value asks anew.
 *
 * What acts on one has to be idempotent in its value: it is recorded after its effect was written, so an operator that
 * dies in between takes it again.
 */
export function pendingActions({ metadata, status }: Pick<AuthService, 'metadata' | 'status'>): RequestedActions {
  return new Map(
    actionNames.flatMap((name) => {
      const value = metadata.annotations?.[annotationOf(name)]?.slice(0, longestValue)
      return value === undefined || value === '' || value === lastValue(status, name) ? [] : [[name, value] as const]
    }),
  )
}

/** The value that an action was last taken with; undefined when it never was. */
export function lastValue(status: AuthServiceStatus | undefined, action: ActionName): string | undefined {
  return status?.actions?.find(({ name }) => name === action)?.value
}

/** `status.actions` after a visit: the last one of each name. */
export function recordActions(
  previous: readonly ActionRecord[],
  taken: readonly TakenAction[],
  now: Date,
): ActionRecord[] {
  const records = new Map(previous.map((record) => [record.name, record]))
  const takenAt = now.toISOString().replace(/\.\d+Z$/, 'Z')
  for (const { name, value, message } of taken) records.set(name, { name, value, takenAt, message })
  return actionNames.flatMap((name) => records.get(name) ?? [])
}
