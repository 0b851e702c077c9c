import { isDeepStrictEqual } from 'node:util'
import { fileRevision } from '@authservice-operator/contract/file-revision.ts'
import type { LoadedClients, ObservedClients } from '../authservice/gather/cluster-reader.ts'
import { contentHash } from '../authservice/model/content-hash.ts'
import type { ObjectKey } from '../kube/objects.ts'
import { clientsIn } from './published-clients.ts'

/** A client that the file of the servers has. */
export interface Published {
  kind: 'published'
  /** Hash of its entry. */
  entry: string
  /** Since when the file has been known to have this entry. */
  since: Date
  /** Ready servers that receive requests. */
  servers: number
  /** The pods of those that report a file without this entry. */
  without: readonly string[]
  /** Whether one of them does not report which file it has: earlier versions do not. */
  isUnreported: boolean
}

/** Whether the servers of an AuthService have a client. */
export type Publication =
  | Published
  | { kind: 'absent' }
  /** No reconcile of the AuthService has looked since this operator started. */
  | { kind: 'unknown' }
  /** The file has no room for it. */
  | { kind: 'refused' }

/** IDs of clients. */
export interface PublicationChanges {
  /** The file has them, has them in another form, or has them no longer. */
  published: string[]
  /** Only the servers that have loaded them have changed. */
  loaded: string[]
}

/** An entry, and the file with which it came. */
interface Entry {
  hash: string
  since: Date
  /** Number of the first file that has had it ever since. */
  firstFile: number
}

interface ObservedFile {
  /** Hash of the text. */
  text: string
  /** Number of this file: each change has the next one. */
  number: number
  /** Numbers of this file and of recent ones, by revision. */
  numbers: ReadonlyMap<string, number>
  refused: ReadonlySet<string>
  entries: ReadonlyMap<string, Entry>
  servers: readonly LoadedClients[]
}

/** Number of recent files that a server may report. An earlier one counts as one without any client. */
const mostFiles = 100

/**
 * What reconciles of AuthServices have seen in the files of their servers, and which of these files the servers have
 * loaded. After a restart of the operator, all times begin again, which only delays what depends on them.
 */
export class Publications {
  readonly #files = new Map<ObjectKey, ObservedFile>()

  of(authService: ObjectKey, clientId: string): Publication {
    return publicationIn(this.#files.get(authService), clientId)
  }

  /** @returns IDs of the clients whose publication has changed */
  observe(authService: ObjectKey, observed: ObservedClients, now: Date): PublicationChanges {
    const before = this.#files.get(authService)
    const text = contentHash([observed.file, observed.refused])
    const isSameFile = before?.text === text
    if (isSameFile && isDeepStrictEqual(before.servers, observed.servers)) return { published: [], loaded: [] }
    const after = isSameFile ? { ...before, servers: observed.servers } : nextFile(before, text, observed, now)
    this.#files.set(authService, after)
    const ids = [before, after].flatMap((file) => [...(file?.entries.keys() ?? []), ...(file?.refused ?? [])])
    const changes: PublicationChanges = { published: [], loaded: [] }
    for (const id of new Set(ids)) {
      const [earlier, later] = [publicationIn(before, id), publicationIn(after, id)]
      if (isDeepStrictEqual(earlier, later)) continue
      const isSame = earlier.kind === 'published' && later.kind === 'published' && earlier.entry === later.entry
      changes[isSame ? 'loaded' : 'published'].push(id)
    }
    return changes
  }

  forget(authService: ObjectKey): void {
    this.#files.delete(authService)
  }
}

function nextFile(
  before: ObservedFile | undefined,
  text: string,
  { file, refused, servers }: ObservedClients,
  now: Date,
): ObservedFile {
  const number = (before?.number ?? 0) + 1
  const known = [...(before?.numbers ?? [])].slice(1 - mostFiles)
  const numbers = new Map(known)
  if (file !== undefined) {
    const revision = fileRevision(file)
    numbers.delete(revision) // an earlier file that has returned is the latest one again
    numbers.set(revision, number)
  }
  const entries = clientsIn(file).map((client): [string, Entry] => {
    const hash = contentHash(client)
    const earlier = before?.entries.get(client.id)
    return [client.id, earlier?.hash === hash ? earlier : { hash, since: now, firstFile: number }]
  })
  return { text, number, numbers, refused: new Set(refused), entries: new Map(entries), servers }
}

function publicationIn(file: ObservedFile | undefined, clientId: string): Publication {
  if (file === undefined) return { kind: 'unknown' }
  const entry = file.entries.get(clientId)
  if (entry === undefined) return { kind: file.refused.has(clientId) ? 'refused' : 'absent' }
  const { servers, numbers } = file
  const reported = servers.filter(({ revision }) => revision !== undefined)
  const numberOf = (revision: LoadedClients['revision']) => numbers.get(revision ?? '') ?? 0
  return {
    kind: 'published',
    entry: entry.hash,
    since: entry.since,
    servers: servers.length,
    without: reported.filter(({ revision }) => numberOf(revision) < entry.firstFile).map(({ pod }) => pod),
    isUnreported: reported.length < servers.length,
  }
}
