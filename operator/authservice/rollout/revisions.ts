import type { Manifest } from '../apply/plan.ts'

/** The pod template of a server, the same for both colours. */
export interface PodTemplate {
  metadata: { labels: Record<string, string>; annotations?: Record<string, string> }
  spec: object
}

/** An apps/v1 ControllerRevision that keeps the template of one revision. Its data never changes. */
export type StoredRevision = Manifest & {
  /** Counted up, one for each revision. */
  revision: number
  data: { template: PodTemplate; image: string }
  metadata: Manifest['metadata'] & { creationTimestamp?: string }
}

/** What of the history is needed, whatever its limit. */
export interface RevisionsInUse {
  /** Revision that the spec asks for, with its template. */
  wanted: { revision: string; template: PodTemplate; image: string }
  /** Those that a colour runs, that everything goes back to, or that a person asked for. */
  others: readonly (string | undefined)[]
}

/** A revision that is to be kept. */
export interface KeptRevision {
  revision: string
  number: number
  image: string
  template: PodTemplate
}

/** A revision with the number that status has for it. */
export interface NumberedRevision {
  /** Its hash. */
  name: string
  number: number
}

/**
 * The revisions that are kept, by their hash.
 *
 * @param recorded what status names; where it knows a number that one holds, for the stored one can be edited
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

/** Revisions to keep: the wanted one, all that are in use, and the newest of the others up to the limit. */
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

/** The revision that a person names by its hash or by its number. */
export function findRevision(stored: ReadonlyMap<string, StoredRevision>, name: string): string | undefined {
  if (stored.has(name)) return name
  return [...stored].find(([, { revision }]) => String(revision) === name)?.[0]
}
