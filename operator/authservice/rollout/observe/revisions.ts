import type { Manifest } from '../../model/manifest.ts'
import type { KeptRevision, PodTemplate } from '../../model/revision.ts'

/** An apps/v1 ControllerRevision that stores the template of one revision. Its data never changes. */
export type StoredRevision = Manifest & {
  /** Consecutive number of the revision. */
  revision: number
  data: { template: PodTemplate; image: string }
  metadata: Manifest['metadata'] & { creationTimestamp?: string }
}

/** Which revisions of the history are needed, whatever its limit. */
export interface RevisionsInUse {
  /** Revision of the spec, with its template. */
  wanted: { revision: string; template: PodTemplate; image: string }
  /** Revisions that a colour runs, that a rollback returns to, or that a user requested. */
  others: readonly (string | undefined)[]
}

/** A revision with its number in status. */
export interface NumberedRevision {
  /** Its hash. */
  name: string
  number: number
}

/**
 * The stored revisions, by hash.
 *
 * @param recorded the revisions in status. Their numbers take precedence, because a stored revision can be edited
 */
export function storedRevisions(
  children: readonly Manifest[],
  owner: string,
  recorded: readonly NumberedRevision[] = [],
): Map<string, StoredRevision> {
  const prefix = `${owner}-`
  const numbers = new Map(recorded.map(({ name, number }) => [name, number]))
  const stored = children.filter(
    (child): child is StoredRevision => child.kind === 'ControllerRevision' && child.metadata.name.startsWith(prefix),
  )
  return new Map(
    stored.map((one) => {
      const name = one.metadata.name.slice(prefix.length)
      return [name, { ...one, revision: numbers.get(name) ?? Math.max(1, one.revision) }]
    }),
  )
}

/** Revisions to keep: the desired one, all revisions in use, and the newest of the others up to the limit. */
export function keepRevisions(
  stored: ReadonlyMap<string, StoredRevision>,
  { wanted, others }: RevisionsInUse,
  historyLimit: number,
): KeptRevision[] {
  const known = [...stored].map(([revision, { revision: number, data }]) => ({ revision, number, ...data }))
  const newest = Math.max(0, ...known.map(({ number }) => number))
  const all = stored.has(wanted.revision) ? known : [...known, { ...wanted, number: newest + 1 }]
  const inUse = new Set([wanted.revision, ...others])
  const idle = all.filter(({ revision }) => !inUse.has(revision)).sort((a, b) => b.number - a.number)
  return [...all.filter(({ revision }) => inUse.has(revision)), ...idle.slice(0, historyLimit)].sort(
    (a, b) => a.number - b.number,
  )
}

/** The revision that a user names by hash or number. */
export function findRevision(stored: ReadonlyMap<string, StoredRevision>, name: string): string | undefined {
  if (stored.has(name)) return name
  return [...stored].find(([, { revision }]) => String(revision) === name)?.[0]
}
