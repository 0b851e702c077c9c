import type { AuthServiceStatus, Condition } from './api/schema.ts'
import type { Finding } from './finding.ts'
import type { Reason } from './reasons.ts'

/** Every condition of an AuthService, in the order of status. All are set from the first visit on. */
export const conditionTypes = [
  'Ready',
  'Reconciling',
  'Stalled',
  'SecretsReady',
  'RedisReady',
  'MongoDBReady',
  'WorkloadAvailable',
  'IngressReady',
  'RolloutProgressing',
  'ProductionReady',
] as const
export type ConditionType = (typeof conditionTypes)[number]

/** What one condition is to say. */
export interface ConditionUpdate {
  type: ConditionType
  status: 'True' | 'False' | 'Unknown'
  reason: Reason
  /** Whole sentences for a person: what is, and what to do where something is to do. */
  message: string
}

/** What and when a condition speaks of. */
export interface Observation {
  /** `metadata.generation` of the spec that was judged. */
  generation: number
  now: Date
}

/** Kubernetes takes 32 KiB; a message that long helps nobody. */
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
 * The conditions after a visit. `lastTransitionTime` changes with `status` only (meta/v1 Condition), so an unchanged
 * AuthService has an unchanged status. Conditions that no visit sets any more, of an earlier version, are dropped.
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

/** Kubernetes' meta/v1 Time: RFC 3339 without fractions, or the API server's own rounding would look like a change. */
function timestamp(instant: Date): string {
  return instant.toISOString().replace(/\.\d+Z$/, 'Z')
}

function shorten(message: string): string {
  return message.length <= longestMessage ? message : `${message.slice(0, longestMessage - 1)}…`
}

/** What the summary is made from. */
export interface Parts {
  /** One update for each part and for the rollout. */
  components: readonly ConditionUpdate[]
  findings: readonly Finding[]
  suspended: boolean
  /** Why this visit could not finish, and will be repeated. */
  failure?: string
}

/**
 * The three conditions that say how the whole is, the way kstatus reads them: `Stalled` and `Reconciling` are
 * abnormal-true, and `Ready` is true only when neither is.
 * https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md
 */
export function summarize(parts: Parts): ConditionUpdate[] {
  const stall = whatStalls(parts)
  const waiting = stall === undefined ? whatIsWaitedFor(parts) : undefined
  return [
    parts.suspended ? suspendedReady(stall?.message ?? waiting) : ready(stall, waiting),
    reconciling(waiting, parts.suspended),
    stall === undefined
      ? { type: 'Stalled', status: 'False', reason: 'NotStalled', message: 'Nothing waits for a person.' }
      : { type: 'Stalled', status: 'True', ...stall },
  ]
}

interface Cause {
  reason: Reason
  message: string
}

function ready(stall: Cause | undefined, waiting: string | undefined): ConditionUpdate {
  if (stall !== undefined) return { type: 'Ready', status: 'False', ...stall }
  if (waiting !== undefined) return { type: 'Ready', status: 'False', reason: 'Progressing', message: waiting }
  return { type: 'Ready', status: 'True', reason: 'Ready', message: 'All parts are ready.' }
}

/** A suspended AuthService goes on serving, so it is as ready as its parts are. */
function suspendedReady(trouble: string | undefined): ConditionUpdate {
  const message = sentences(['Suspended: nothing is changed until spec.suspend is false', trouble ?? ''])
  return { type: 'Ready', status: trouble === undefined ? 'True' : 'False', reason: 'Suspended', message }
}

function reconciling(waiting: string | undefined, suspended: boolean): ConditionUpdate {
  if (suspended) return { type: 'Reconciling', status: 'False', reason: 'Suspended', message: 'Nothing is changed.' }
  return waiting === undefined
    ? { type: 'Reconciling', status: 'False', reason: 'Settled', message: 'Nothing is in progress.' }
    : { type: 'Reconciling', status: 'True', reason: 'Progressing', message: waiting }
}

/** Reasons of a part that waiting does not help. */
const beyondWaiting: ReadonlySet<Reason> = new Set([
  'Failed',
  'RolloutFailed',
  'MongoDBNotReplicaSet',
  'RedisEvictsKeys',
])

/** Findings first, in their order; then parts that waiting does not help. */
function whatStalls({ components, findings }: Parts): Cause | undefined {
  const failed = components.filter(({ reason }) => beyondWaiting.has(reason))
  const causes = [...findings.filter(({ kind }) => kind === 'stall'), ...failed]
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

/** The condition with what a person should know about this part added to its message. */
export function withNotes(update: ConditionUpdate, findings: readonly Finding[]): ConditionUpdate {
  const notes = findings.filter(({ kind, condition }) => kind === 'note' && condition === update.type)
  if (notes.length === 0) return update
  return { ...update, message: sentences([update.message, ...notes.map(({ message }) => message)]) }
}

/** Joins messages, each once, each with its full stop. */
function sentences(messages: readonly string[]): string {
  const ended = messages.filter(Boolean).map((message) => (/[.!?\u2026]$/.test(message) ? message : `${message}.`))
  return [...new Set(ended)].join(' ')
}

/** The state in one word, for the column. */
export type Phase = 'Pending' | 'Progressing' | 'Ready' | 'Stalled' | 'Suspended'

/** Reads the one word off the conditions. */
export function phaseOf(conditions: NonNullable<AuthServiceStatus['conditions']>): Phase {
  const find = (type: ConditionType) => conditions.find((condition) => condition.type === type)
  const ready = find('Ready')
  if (ready === undefined) return 'Pending'
  if (ready.reason === 'Suspended') return 'Suspended'
  if (find('Stalled')?.status === 'True') return 'Stalled'
  return ready.status === 'True' ? 'Ready' : 'Progressing'
}
