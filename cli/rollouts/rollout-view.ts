import { ordinaryWaits } from '@authservice-operator/operator/authservice/model/health.ts'
import { colorLabel, revisionLabel } from '@authservice-operator/operator/authservice/model/labels.ts'
import { hasDeadline } from '@authservice-operator/operator/authservice/rollout/decide/target.ts'
import type { ObservedAuthService } from './observed.ts'

/** How a line stands out in a terminal. */
type Mood = 'good' | 'busy' | 'bad' | 'plain'

/** One line of the tree. */
export interface Line {
  /** 0 for the AuthService itself. */
  depth: number
  text: string
  mood: Mood
}

/** The state of an AuthService: its rollout, both colours with their pods, and what it waits for. */
export function viewRollout({ authService, deployments, pods }: ObservedAuthService, now: Date): Line[] {
  const { metadata, status } = authService
  const { rollout, conditions = [] } = status ?? {}
  const ready = conditions.find(({ type }) => type === 'Ready')
  const stalled = conditions.some(({ type, status: holds }) => type === 'Stalled' && holds === 'True')
  const mood: Mood = stalled ? 'bad' : ready?.status === 'True' ? 'good' : 'busy'
  const head = `AuthService ${metadata.namespace}/${metadata.name}  ${status?.phase ?? 'Pending'}  ${status?.version ?? ''}`
  const lines: Line[] = [{ depth: 0, text: head.trimEnd(), mood }]
  if (status?.endpoint !== undefined) lines.push({ depth: 1, text: status.endpoint, mood: 'plain' })
  const named = revisionNames(status)
  if (rollout !== undefined) lines.push(...viewProgress(rollout, status?.currentRevision, named, now))
  for (const color of ['blue', 'green'] as const) {
    const deployment = deployments.find((one) => one.metadata.name === `${metadata.name}-${color}`)
    if (deployment === undefined) continue
    const own = pods.filter(({ metadata: { labels } }) => labels?.[colorLabel] === color)
    const role = roleOf(color, deployment, own.length, status)
    lines.push(viewColor(color, deployment, role, named), ...own.map((pod) => viewPod(pod, now)))
  }
  const failure = rollout?.failure
  const open = conditions.filter(
    ({ type, status: holds, message }) => isOpen(type, holds) && !(failure !== undefined && message?.includes(failure)),
  )
  return [...lines, ...open.map(({ type, message }): Line => ({ depth: 1, text: `${type}: ${message}`, mood }))]
}

type Status = NonNullable<ObservedAuthService['authService']['status']>
type Rollout = NonNullable<Status['rollout']>

/** Names a revision by its number, while its template is kept, and by the hash that its pods carry. */
function revisionNames(status: Status | undefined): (hash: string) => string {
  const numbers = new Map(status?.revisions?.map(({ name, number }) => [name, number]))
  return (hash) => (numbers.has(hash) ? `${numbers.get(hash)} (${hash})` : hash)
}

function viewProgress(
  rollout: Rollout,
  currentRevision: string | undefined,
  named: (hash: string) => string,
  now: Date,
): Line[] {
  const { phase, revision, message, until, phaseStartedAt, deadline, lastOutcome, failedRevision, failure } = rollout
  const isOver = phase === 'Stable' || phase === 'Retiring'
  const since = isOver || phaseStartedAt === undefined ? '' : `, for ${age(phaseStartedAt, now)}`
  // While a phase waits for a user or for a fixed time, the deadline of the next phase does not apply.
  const left = deadline !== undefined && hasDeadline.has(phase) ? `, ${timeLeft(deadline, now)}` : ''
  // At rest, a revision that failed no longer matters.
  const shown = phase === 'Stable' ? (currentRevision ?? revision) : revision
  const line = (text: string, mood: Mood = 'plain'): Line => ({ depth: 2, text, mood })
  return [
    { depth: 1, text: `Rollout ${phase}  revision ${named(shown)}${since}${left}`, mood: isOver ? 'good' : 'busy' },
    ...(message === undefined ? [] : [line(`${message}${countdown(until, now)}`)]),
    ...(rollout.smokeTest === undefined
      ? []
      : [line(`smoke test: ${inShort(rollout.smokeTest)}`, rollout.smokeTest.passed ? 'good' : 'bad')]),
    ...(rollout.analysis === undefined
      ? []
      : [line(`analysis: ${rollout.analysis.message ?? ''}`, rollout.analysis.verdict === 'fail' ? 'bad' : 'good')]),
    ...(failedRevision === undefined
      ? []
      : [line(`revision ${named(failedRevision)} failed: ${failure ?? ''}`, 'bad')]),
    ...(lastOutcome === undefined ? [] : [line(`last outcome ${lastOutcome}`)]),
  ]
}

/** Omits the durations of steps, which the status has, but no part of a failure. */
function inShort({ passed, message = '' }: NonNullable<Rollout['smokeTest']>): string {
  return passed ? message.replace(/: .*/s, '') : message
}

/** The current role of a colour. Argo Rollouts uses the same words. */
function roleOf(
  color: 'blue' | 'green',
  { spec }: ObservedAuthService['deployments'][number],
  pods: number,
  status: Status | undefined,
): string {
  if (color === status?.activeColor) return 'active'
  if ((spec?.replicas ?? 1) === 0) return pods > 0 ? 'scaling down' : 'scaled down'
  const isBefore = ['Preparing', 'Testing', 'AwaitingPromotion'].includes(status?.rollout?.phase ?? '')
  return isBefore && color === status?.rollout?.targetColor ? 'preview' : 'standby'
}

function viewColor(
  color: 'blue' | 'green',
  { spec, status }: ObservedAuthService['deployments'][number],
  role: string,
  named: (hash: string) => string,
): Line {
  const { replicas = 1, template } = spec ?? {}
  const available = status?.availableReplicas ?? 0
  const revision = template?.metadata?.labels?.[revisionLabel] ?? 'unknown'
  const mood = replicas === 0 ? 'plain' : available >= replicas ? 'good' : 'busy'
  const text = `${color}  ${available}/${replicas} available  revision ${named(revision)}  ${role}`
  return { depth: 1, text, mood }
}

function viewPod({ metadata, status }: ObservedAuthService['pods'][number], now: Date): Line {
  const isReady = status?.conditions?.some(({ type, status: holds }) => type === 'Ready' && holds === 'True') === true
  const restarts = (status?.containerStatuses ?? []).reduce((sum, { restartCount = 0 }) => sum + restartCount, 0)
  const waiting = status?.containerStatuses?.find(({ state }) => state?.waiting !== undefined)?.state?.waiting?.reason
  const leaving = metadata.deletionTimestamp !== undefined
  const state = leaving ? 'Terminating' : (waiting ?? status?.phase ?? 'Pending')
  const since = metadata.creationTimestamp === undefined ? '' : `  ${age(metadata.creationTimestamp, now)}`
  return {
    depth: 2,
    text: `${metadata.name}  ${isReady && !leaving ? 'ready' : state}${since}${restarts > 0 ? `  ${restarts} restarts` : ''}`,
    mood: leaving ? 'plain' : isReady ? 'good' : waiting === undefined || ordinaryWaits.has(waiting) ? 'busy' : 'bad',
  }
}

/** Conditions that report a problem, without the summaries. */
function isOpen(type: string, holds: string): boolean {
  if (type === 'Stalled') return holds === 'True'
  return /Ready$|Available$/.test(type) && !['Ready', 'ProductionReady'].includes(type) && holds !== 'True'
}

/** Such as `45s`, `3m`, `2h`, `5d`, as kubectl writes ages. */
export function age(since: string, now: Date): string {
  const seconds = Math.max(0, Math.round((now.getTime() - new Date(since).getTime()) / 1000))
  if (seconds < 120) return `${seconds}s`
  if (seconds < 2 * 3600) return `${Math.floor(seconds / 60)}m`
  if (seconds < 2 * 86_400) return `${Math.floor(seconds / 3600)}h`
  return `${Math.floor(seconds / 86_400)}d`
}

/** The remaining time of a wait. The status shows only its end, so that it does not change every second. */
function countdown(until: string | undefined, now: Date): string {
  return until === undefined ? '' : ` (${age(now.toISOString(), new Date(until))} left)`
}

function timeLeft(deadline: string, now: Date): string {
  const left = age(now.toISOString(), new Date(deadline))
  return left === '0s' ? 'deadline exceeded' : `deadline in ${left}`
}

const styles: Record<Mood, string> = { good: '32', busy: '33', bad: '31', plain: '' }
const marks: Record<Mood, string> = { good: '✔', busy: '◌', bad: '✖', plain: '·' }

/** How to show the tree. A pipe gets plain text; a terminal has colours, marks and a width. */
export interface TreeFormat {
  isTerminal: boolean
  /** Wraps longer lines, with an indent; undefined: no wrapping. */
  columns?: number | undefined
}

export function formatTree(lines: readonly Line[], { isTerminal, columns }: TreeFormat): string {
  return lines
    .map(({ depth, text, mood }) => {
      const indent = '  '.repeat(depth)
      if (!isTerminal) return `${indent}${text}`
      return wrap(`${marks[mood]} ${text}`, indent, columns)
        .map((line) => (styles[mood] === '' ? line : `\u001b[${styles[mood]}m${line}\u001b[0m`))
        .join('\n')
    })
    .join('\n')
}

/** Minimum number of characters of text in a line, however narrow the terminal is. */
const narrowest = 20

/** Wraps a text between words, and long words anywhere, because the end of a message often matters most. */
function wrap(text: string, indent: string, columns = Number.POSITIVE_INFINITY): string[] {
  // Continuation lines align with the text, not with the mark.
  const hanging = `${indent}  `
  const lines: string[] = []
  let rest = text
  while (rest !== '') {
    const prefix = lines.length === 0 ? indent : hanging
    const room = Math.max(narrowest, columns - prefix.length)
    const space = rest.length <= room ? rest.length : rest.lastIndexOf(' ', room)
    const end = space > 1 + marks.good.length ? space : room
    lines.push(`${prefix}${rest.slice(0, end)}`)
    rest = rest.slice(end).trimStart()
  }
  return lines
}
