import { setTimeout as wait } from 'node:timers/promises'
import type { Kubectl } from '../kubectl.ts'
import { getAuthService, observe } from './observed.ts'
import { formatTree, viewRollout } from './rollout-view.ts'

/** Where a command writes. */
export interface Screen {
  /** False where the output is piped or kept: then nothing is repainted, and there are no colours. */
  isTerminal: boolean
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

/** Shows one AuthService as a tree; with `watch` until the signal comes, anew whenever it has changed. */
export async function status(
  { name, watch, json }: StatusRequest,
  kubectl: Kubectl,
  screen: Screen,
  signal: AbortSignal,
): Promise<void> {
  let last = ''
  do {
    const observed = await observe(name, kubectl)
    const text = json
      ? JSON.stringify(observed.authService.status ?? {})
      : formatTree(viewRollout(observed, new Date()), screen)
    if (watch && screen.isTerminal && !json) screen.repaint(text)
    else if (text !== last) screen.print(text)
    last = text
    if (watch) await wait(secondsBetweenLooks * 1000, undefined, { signal }).catch(() => {})
  } while (watch && !signal.aborted)
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
