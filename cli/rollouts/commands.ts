import { setTimeout as wait } from 'node:timers/promises'
import { type Kubectl, KubectlError } from '../kubectl.ts'
import { getAuthService, observe } from './observed.ts'
import { formatTree, viewRollout } from './rollout-view.ts'

/** Where a command writes. */
export interface Screen {
  /** False where the output is piped or kept: then nothing is repainted, and there are no colours. */
  isTerminal: boolean
  /** Width of the terminal as it is now; undefined where there is none. */
  columns: number | undefined
  /** For JSON and for lines. */
  print(text: string): void
  /** Replaces what was painted before. */
  repaint(text: string): void
}

const secondsBetweenLooks = 1

export interface StatusRequest {
  name: string
  watch: boolean
  json: boolean
}

/**
 * Shows one AuthService as a tree; with `watch` until the signal comes. A terminal is painted anew with every look; what
 * is piped gets a tree only when more than ages have changed. A watch outlives an API server that does not answer.
 */
export async function status(
  { name, watch, json }: StatusRequest,
  kubectl: Kubectl,
  screen: Screen,
  signal: AbortSignal,
): Promise<void> {
  const isPainted = watch && screen.isTerminal && !json
  let shown: Look | undefined
  do {
    const look = await lookAt(name, json, kubectl, screen).catch((error: unknown) => withError(shown, error))
    if (isPainted) screen.repaint(look.text)
    else if (look.state !== shown?.state) screen.print(look.text)
    shown = look
    if (watch) await wait(secondsBetweenLooks * 1000, undefined, { signal }).catch(() => {})
  } while (watch && !signal.aborted)
}

interface Look {
  text: string
  /** The same without what changes by time alone. */
  state: string
  /** The text, without the error that came after it. */
  tree: string
}

async function lookAt(name: string, json: boolean, kubectl: Kubectl, screen: Screen): Promise<Look> {
  const observed = await observe(name, kubectl)
  const treeAt = (now: Date) =>
    json ? JSON.stringify(observed.authService.status ?? {}) : formatTree(viewRollout(observed, now), screen)
  const tree = treeAt(new Date())
  return { text: tree, state: treeAt(new Date(0)), tree }
}

/** What was seen last, with why nothing newer is. @throws the error, when nothing was seen before */
function withError(shown: Look | undefined, error: unknown): Look {
  if (shown === undefined || !(error instanceof KubectlError)) throw error
  const text = `${shown.tree}\n${error.message}`
  return { text, state: text, tree: shown.tree }
}

/** The revisions that can be gone back to, newest first. */
export async function history(name: string, json: boolean, kubectl: Kubectl, screen: Screen): Promise<void> {
  const { status: found } = await getAuthService(name, kubectl)
  const revisions = [...(found?.revisions ?? [])].sort((a, b) => b.number - a.number)
  if (json) return screen.print(JSON.stringify(revisions))
  if (revisions.length === 0) return screen.print('There is no revision yet.')
  const rows = revisions.map(({ number, name: hash, image = '' }) => [
    String(number),
    hash,
    image,
    hash === found?.currentRevision ? 'current' : hash === found?.rollout?.failedRevision ? 'failed' : '',
  ])
  screen.print(table([['NUMBER', 'REVISION', 'IMAGE', 'STATE'], ...rows]))
}

function table(rows: readonly (readonly string[])[]): string {
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
