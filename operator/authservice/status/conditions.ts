import type { AuthServiceStatus, Condition } from '../api/schema.ts'
import { type ConditionType, type ConditionUpdate, conditionTypes } from '../model/condition.ts'
import type { Finding } from '../model/finding.ts'
import type { Reason } from '../model/reasons.ts'
import { timestamp } from '../model/timestamp.ts'

/** The generation and the time of a condition. */
export interface Observation {
  /** `metadata.generation` of the spec that was evaluated. */
  generation: number
  now: Date
}

/** Kubernetes allows 32 KiB, but such a long message would not be useful. */
const longestMessage = 4096

/** Sets one condition; see `mergeConditions`. */
export function setCondition(
  previous: readonly Condition[],
  next: ConditionUpdate,
  observation: Observation,
): Condition[] {
  return mergeConditions(previous, [next], observation)
}

/**
 * The conditions after a reconcile. `lastTransitionTime` changes only with `status` (meta/v1 Condition), so an
 * unchanged AuthService has an unchanged status. Conditions of an earlier version that are no longer set are dropped.
 */
export function mergeConditions(
  previous: readonly Condition[],
  next: readonly ConditionUpdate[],
  { generation, now }: Observation,
): Condition[] {
  const before = new Map(previous.map((condition) => [condition.type, condition]))
  const after = new Map(next.map((update) => [update.type, update]))

  return conditionTypes.flatMap((type) => {
    const old = before.get(type)
    const update = after.get(type)
    if (update === undefined) return old === undefined ? [] : [old]
    return [
      {
        type,
        status: update.status,
        observedGeneration: generation,
        lastTransitionTime: old?.status === update.status ? old.lastTransitionTime : timestamp(now),
        reason: update.reason,
        message: shorten(update.message),
      },
    ]
  })
}

/** Shortens a message that is too long in the middle: the subject is at its beginning, and the cause at its end. */
function shorten(message: string): string {
  if (message.length <= longestMessage) return message
  const ellipsis = ' … '
  const beginning = Math.floor(longestMessage / 3)
  return `${message.slice(0, beginning)}${ellipsis}${message.slice(beginning + ellipsis.length - longestMessage)}`
}

/** Input of the summary. */
export interface Parts {
  /** One condition for each component and for the rollout. */
  components: readonly ConditionUpdate[]
  findings: readonly Finding[]
  suspended: boolean
  /** Why this reconcile could not complete and will be repeated. */
  failure?: string
}

/**
 * The three conditions that summarize the AuthService, as kstatus interprets them: `Stalled` and `Reconciling` are
 * abnormal-true, and `Ready` is true only if neither is.
 * https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md
 */
export function summarize(parts: Parts): ConditionUpdate[] {
  const blocking = whatStalls(parts)
  const waiting = blocking === undefined ? whatIsWaitedFor(parts) : undefined
  return [
    parts.suspended ? suspendedReady(blocking?.message ?? waiting) : ready(blocking, waiting),
    reconciling(waiting, parts.suspended),
    blocking === undefined
      ? { type: 'Stalled', status: 'False', reason: 'NotStalled', message: 'No problem requires action by a user.' }
      : { type: 'Stalled', status: 'True', ...blocking },
  ]
}

interface Cause {
  reason: Reason
  message: string
}

function ready(blocking: Cause | undefined, waiting: string | undefined): ConditionUpdate {
  if (blocking !== undefined) return { type: 'Ready', status: 'False', ...blocking }
  if (waiting !== undefined) return { type: 'Ready', status: 'False', reason: 'Progressing', message: waiting }
  return { type: 'Ready', status: 'True', reason: 'Ready', message: 'All components are ready.' }
}

/** A suspended AuthService continues to serve, so it is ready if its components are. */
function suspendedReady(problem: string | undefined): ConditionUpdate {
  const message = sentences(['Suspended: the operator changes nothing until spec.suspend is false', problem ?? ''])
  return { type: 'Ready', status: problem === undefined ? 'True' : 'False', reason: 'Suspended', message }
}

function reconciling(waiting: string | undefined, suspended: boolean): ConditionUpdate {
  if (suspended)
    return { type: 'Reconciling', status: 'False', reason: 'Suspended', message: 'The operator changes nothing.' }
  return waiting === undefined
    ? { type: 'Reconciling', status: 'False', reason: 'Settled', message: 'Nothing is in progress.' }
    : { type: 'Reconciling', status: 'True', reason: 'Progressing', message: waiting }
}

/** Reasons of a component for which waiting does not help. */
const beyondWaiting: ReadonlySet<Reason> = new Set([
  'Failed',
  'RolloutFailed',
  'MongoDBNotReplicaSet',
  'RedisEvictsKeys',
])

/** Findings first, in their order; then components for which waiting does not help. */
function whatStalls({ components, findings }: Parts): Cause | undefined {
  const failed = components.filter(({ reason }) => beyondWaiting.has(reason))
  const causes = [...findings.filter(({ kind }) => kind === 'blocking'), ...failed]
  const [first] = causes
  if (first === undefined) return undefined
  return { reason: first.reason, message: sentences(causes.map(({ message }) => message)) }
}

function whatIsWaitedFor({ components, failure }: Parts): string | undefined {
  const waiting = components.filter(({ type, status }) =>
    type === 'RolloutProgressing' ? status === 'True' : type !== 'ProductionReady' && status !== 'True',
  )
  const causes = [...(failure === undefined ? [] : [failure]), ...waiting.map(({ message }) => message)]
  return causes.length === 0 ? undefined : sentences(causes)
}

/** The condition, with information about this component added to its message. */
export function withWarnings(update: ConditionUpdate, findings: readonly Finding[]): ConditionUpdate {
  const warnings = findings.filter(({ kind, condition }) => kind === 'warning' && condition === update.type)
  if (warnings.length === 0) return update
  return { ...update, message: sentences([update.message, ...warnings.map(({ message }) => message)]) }
}

/** Joins messages: each once, and each with a full stop. */
function sentences(messages: readonly string[]): string {
  const ended = messages.filter(Boolean).map((message) => (/[.!?\u2026]$/.test(message) ? message : `${message}.`))
  return [...new Set(ended)].join(' ')
}

/** The phase in one word, for the column of kubectl. */
export type Phase = 'Pending' | 'Progressing' | 'Ready' | 'Stalled' | 'Suspended'

/** Derives the phase from the conditions. */
export function phaseOf(conditions: NonNullable<AuthServiceStatus['conditions']>): Phase {
  const find = (type: ConditionType) => conditions.find((condition) => condition.type === type)
  const ready = find('Ready')
  if (ready === undefined) return 'Pending'
  if (ready.reason === 'Suspended') return 'Suspended'
  if (find('Stalled')?.status === 'True') return 'Stalled'
  return ready.status === 'True' ? 'Ready' : 'Progressing'
}
