import type { OidcClient } from '@authservice-operator/contract/oidc-client-schema.ts'
import type { ObservedClients } from '../authservice/gather/cluster-reader.ts'
import { contentHash } from '../authservice/model/content-hash.ts'
import type { ObjectKey } from '../kube/objects.ts'
import { clientsIn } from './published-clients.ts'

/** A client in the file of the servers. */
interface Published {
  /** Hash of its entry. */
  entry: string
  /** Since when the file has been known to have a client with this ID. */
  since: Date
  /** The same for each of its secrets, by hash. */
  secrets: ReadonlyMap<string, Date>
}

/** Whether the servers of an AuthService have a client. */
export type Publication =
  | ({ kind: 'published' } & Published)
  | { kind: 'absent' }
  /** No reconcile of the AuthService has looked since this operator started. */
  | { kind: 'unknown' }
  /** The file has no room for it. */
  | { kind: 'refused' }

interface ObservedFile {
  /** Hash of the text. */
  text: string
  refused: ReadonlySet<string>
  clients: ReadonlyMap<string, Published>
}

/**
 * What reconciles of AuthServices have seen in the files of their servers. After a restart of the operator, all times
 * begin again, which only delays what depends on them.
 */
export class Publications {
  readonly #files = new Map<ObjectKey, ObservedFile>()

  of(authService: ObjectKey, clientId: string): Publication {
    const file = this.#files.get(authService)
    if (file === undefined) return { kind: 'unknown' }
    const published = file.clients.get(clientId)
    if (published !== undefined) return { kind: 'published', ...published }
    return { kind: file.refused.has(clientId) ? 'refused' : 'absent' }
  }

  /** @returns IDs of the clients whose publication has changed */
  observe(authService: ObjectKey, { file, refused }: ObservedClients, now: Date): string[] {
    const before = this.#files.get(authService)
    const text = contentHash([file, refused])
    if (before?.text === text) return []
    const clients = new Map(clientsIn(file).map((client) => [client.id, publishedAs(client, before?.clients, now)]))
    this.#files.set(authService, { text, refused: new Set(refused), clients })
    const ids = new Set([...clients.keys(), ...refused, ...(before?.clients.keys() ?? []), ...(before?.refused ?? [])])
    return [...ids].filter((id) => {
      const [earlier, later] = [before?.clients.get(id), clients.get(id)]
      return earlier?.entry !== later?.entry || before?.refused.has(id) !== refused.includes(id)
    })
  }

  forget(authService: ObjectKey): void {
    this.#files.delete(authService)
  }
}

function publishedAs(client: OidcClient, before: ObservedFile['clients'] | undefined, now: Date): Published {
  const known = before?.get(client.id)
  const hashes = client.authentication.method === 'secret' ? client.authentication.secretHashes : []
  return {
    entry: contentHash(client),
    since: known?.since ?? now,
    secrets: new Map(hashes.map((hash) => [hash, known?.secrets.get(hash) ?? now])),
  }
}
