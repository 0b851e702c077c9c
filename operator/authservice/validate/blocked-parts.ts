import type { BlockedPart, Finding } from '../model/finding.ts'
import type { Snapshot } from '../model/snapshot.ts'
import type { Rendering } from '../resources/render.ts'
import { storedRevisions } from '../rollout/observe/revisions.ts'
import { parseRolloutStatus } from '../rollout/rollout-status.ts'

/** The parts that stay unchanged until the user acts. */
export function blockedParts(findings: readonly Finding[]): ReadonlySet<BlockedPart> {
  return new Set(findings.flatMap(({ kind, blocks }) => (kind === 'blocking' && blocks !== undefined ? [blocks] : [])))
}

/**
 * The last revision of the spec that can run. The operator scales and repairs it while the revision of the current spec
 * cannot run.
 *
 * @returns undefined if none was ever written
 */
export function lastRunnableRevision({ authService, children }: Snapshot): Rendering['wanted'] | undefined {
  const { status, metadata } = authService
  const { pin, revision, currentRevision } = parseRolloutStatus(status)
  const stored = storedRevisions(children, metadata.name, status?.revisions)
  for (const name of [pin?.insteadOf, revision, currentRevision]) {
    const found = name === undefined ? undefined : stored.get(name)
    if (name !== undefined && found !== undefined) return { revision: name, ...found.data }
  }
  return undefined
}
