import { setTimeout as wait } from 'node:timers/promises'
import { type Kubectl, KubectlError } from '../kubectl.ts'
import { type AuthServiceObject, getAuthService, observe } from './observed.ts'
import { formatTree, viewRollout } from './rollout-view.ts'

/** Where a command writes. */
export interface Screen {
  /** False if the output goes to a pipe or a file, which gets no repainting and no colours. */
  isTerminal: boolean
  /** Current width of the terminal; undefined without one. */
  columns: number | undefined
  /** Appends a line. */
  print(text: string): void
  /** Replaces the previous output. */
  repaint(text: string): void
}

const refreshSeconds = 1

export interface StatusRequest {
  name: string
  watch: boolean
  json: boolean
}

/**
 * Shows one AuthService as a tree; with `watch`, until the signal. A terminal is repainted every second. A pipe gets a new
 * tree only when more than ages have changed. A watch continues while the API server does not respond.
 */
export async function status(
  { name, watch, json }: StatusRequest,
  kubectl: Kubectl,
  screen: Screen,
  signal: AbortSignal,
): Promise<void> {
  const isPainted = watch && screen.isTerminal && !json
  let shown: Frame | undefined
  do {
    const frame = await readFrame(name, json, kubectl, screen).catch((error: unknown) => withError(shown, error))
    if (isPainted) screen.repaint(frame.text)
    else if (frame.state !== shown?.state) screen.print(frame.text)
    shown = frame
    if (watch) await wait(refreshSeconds * 1000, undefined, { signal }).catch(() => {})
  } while (watch && !signal.aborted)
}

/** One output of `status`. */
interface Frame {
  text: string
  /** The same without ages, which change with time alone. */
  state: string
  /** The text without an error below it. */
  tree: string
}

async function readFrame(name: string, json: boolean, kubectl: Kubectl, screen: Screen): Promise<Frame> {
  const observed = await observe(name, kubectl)
  const treeAt = (now: Date) =>
    json ? JSON.stringify(observed.authService.status ?? {}) : formatTree(viewRollout(observed, now), screen)
  const tree = treeAt(new Date())
  return { text: tree, state: treeAt(new Date(0)), tree }
}

/** The previous output with the error below it. @throws the error if there is no previous output */
function withError(shown: Frame | undefined, error: unknown): Frame {
  if (shown === undefined || !(error instanceof KubectlError)) throw error
  const text = `${shown.tree}\n${error.message}`
  return { text, state: text, tree: shown.tree }
}

/** Lists the revisions that a user can roll back to, newest first. */
export async function history(name: string, json: boolean, kubectl: Kubectl, screen: Screen): Promise<void> {
  const { status: found } = await getAuthService(name, kubectl)
  const revisions = [...(found?.revisions ?? [])].sort((a, b) => b.number - a.number)
  if (json) return screen.print(JSON.stringify(revisions))
  if (revisions.length === 0) return screen.print('There are no revisions yet.')
  const rows = revisions.map((revision) => [
    String(revision.number),
    revision.name,
    revision.image ?? '',
    stateOf(revision, found),
    revision.failure ?? '',
  ])
  screen.print(table([['NUMBER', 'REVISION', 'IMAGE', 'STATE', 'FAILURE'], ...rows]))
}

type Status = NonNullable<AuthServiceObject['status']>

/** What a revision does now, or else the outcome of its last rollout. */
function stateOf(
  { name, outcome, servedAt }: NonNullable<Status['revisions']>[number],
  status: Status | undefined,
): string {
  const { rollout, currentRevision } = status ?? {}
  if (name === currentRevision) return 'current'
  if (rollout?.revision === name && isInProgress(rollout.phase)) return rollout.phase
  if (name === rollout?.failedRevision && outcome === undefined) return 'failed'
  if (outcome === undefined || outcome === 'Promoted') return servedAt === undefined ? '' : 'served'
  return servedAt === undefined ? outcome : `served, then ${outcome}`
}

/** Whether the revision of `status.rollout` is rolling out. */
function isInProgress(phase: string): boolean {
  return !['Stable', 'Retiring', 'RollingBack'].includes(phase)
}

export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('   ')
        .trimEnd(),
    )
    .join('\n')
}
