import { ordinaryWaits } from '@authservice-operator/operator/authservice/health.ts'
import { colorLabel, revisionLabel } from '@authservice-operator/operator/authservice/resources/metadata.ts'
import { hasDeadline } from '@authservice-operator/operator/authservice/rollout/goal.ts'
import type { ObservedAuthService } from './observed.ts'

/** How a line stands out in a terminal. */
export type Mood = 'good' | 'busy' | 'bad' | 'plain'

/** One line of the tree: what it is about, and how it is. */
export interface Line {
  /** 0 for the AuthService itself. */
  depth: number
  text: string
  mood: Mood
}

/** A state as a person reads it: the AuthService, its rollout, both colours with their pods, what is waited for. */
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
  const told = rollout?.failure
  const open = conditions.filter(
    ({ type, status: holds, message }) => isOpen(type, holds) && !(told !== undefined && message?.includes(told)),
  )
  return [...lines, ...open.map(({ type, message }): Line => ({ depth: 1, text: `${type}: ${message}`, mood }))]
}

type Status = NonNullable<ObservedAuthService['authService']['status']>
type Rollout = NonNullable<Status['rollout']>

/** How a person names a revision: by its number, as long as it is kept; the hash is on its pods. */
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
  const { phase, revision, message, phaseStartedAt, deadline, lastOutcome, failedRevision, failure } = rollout
  const isOver = phase === 'Stable' || phase === 'Retiring'
  const since = isOver || phaseStartedAt === undefined ? '' : `, for ${age(phaseStartedAt, now)}`
  // A wait for a person, or of a set length, has none, though it is kept for the phase after.
  const until = deadline !== undefined && hasDeadline.has(phase) ? `, ${timeLeft(deadline, now)}` : ''
  // At rest a revision that failed is only history.
  const shown = phase === 'Stable' ? (currentRevision ?? revision) : revision
  const line = (text: string, mood: Mood = 'plain'): Line => ({ depth: 2, text, mood })
  return [
    { depth: 1, text: `Rollout ${phase}  revision ${named(shown)}${since}${until}`, mood: isOver ? 'good' : 'busy' },
    ...(message === undefined ? [] : [line(message)]),
    ...(rollout.smokeTest === undefined
      ? []
      : [line(`smoke test: ${inShort(rollout.smokeTest)}`, rollout.smokeTest.passed ? 'good' : 'bad')]),
    ...(rollout.analysis === undefined
      ? []
      : [line(`traffic: ${rollout.analysis.message ?? ''}`, rollout.analysis.verdict === 'fail' ? 'bad' : 'good')]),
    ...(failedRevision === undefined
      ? []
      : [line(`revision ${named(failedRevision)} failed: ${failure ?? ''}`, 'bad')]),
    ...(lastOutcome === undefined ? [] : [line(`last outcome ${lastOutcome}`)]),
  ]
}

/** The times of all steps are for who looks for them in status; of a failure every word counts. */
function inShort({ passed, message = '' }: NonNullable<Rollout['smokeTest']>): string {
  return passed ? message.replace(/: .*/s, '') : message
}

/** What the colour is there for right now. */
function roleOf(
  color: 'blue' | 'green',
  { spec }: ObservedAuthService['deployments'][number],
  pods: number,
  status: Status | undefined,
): string {
  if (color === status?.activeColor) return 'has the traffic'
  if ((spec?.replicas ?? 1) === 0) return pods > 0 ? 'is being emptied' : 'empty'
  const isBefore = ['Preparing', 'Testing', 'AwaitingPromotion'].includes(status?.rollout?.phase ?? '')
  return isBefore && color === status?.rollout?.targetColor ? 'gets the revision' : 'stands by'
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

/** Conditions that a person should read: what is not as it should be, apart from the summaries. */
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

function timeLeft(deadline: string, now: Date): string {
  const left = age(now.toISOString(), new Date(deadline))
  return left === '0s' ? 'past its deadline' : `deadline in ${left}`
}

const styles: Record<Mood, string> = { good: '32', busy: '33', bad: '31', plain: '' }
const marks: Record<Mood, string> = { good: '✔', busy: '◌', bad: '✖', plain: '·' }

/** How the tree is shown: what is piped stays plain and whole, a terminal has colours, marks and a width. */
export interface TreeFormat {
  isTerminal: boolean
  /** Longer lines are cut; undefined: none is. */
  columns?: number | undefined
}

export function formatTree(lines: readonly Line[], { isTerminal, columns }: TreeFormat): string {
  return lines
    .map(({ depth, text, mood }) => {
      const indent = '  '.repeat(depth)
      if (!isTerminal) return `${indent}${text}`
      const line = cut(`${indent}${marks[mood]} ${text}`, columns)
      return styles[mood] === '' ? line : `\u001b[${styles[mood]}m${line}\u001b[0m`
    })
    .join('\n')
}

function cut(line: string, columns = Number.POSITIVE_INFINITY): string {
  return line.length <= columns ? line : `${line.slice(0, Math.max(1, columns - 1))}…`
}
