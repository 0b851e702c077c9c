import { createHash, timingSafeEqual } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { fileRevision } from '@authservice-operator/contract/file-revision.ts'
import { leewaySeconds } from '@authservice-operator/contract/limits.ts'
import type { OidcClient, OidcClientFile } from '@authservice-operator/contract/oidc-client-schema.ts'
import { parseOidcClients } from '@authservice-operator/contract/oidc-clients.ts'
import { FollowedFile } from '../followed-file.ts'
import type { Session } from '../sessions/session.ts'
import { unsupportedBy } from './client-metadata.ts'
import { ServiceAccounts } from './service-accounts.ts'

/** How the server sends logout tokens to the clients of a file. */
export interface LogoutRules {
  /** Whether the author of the file is trusted with every host, this machine included. Decision 90. */
  allowsLoopback: boolean
  /** Certificates in PEM that are trusted besides the public ones. */
  ca: string | undefined
}

/** The clients of the OpenID provider, kept up to date with their file. An unusable file changes nothing. */
export class ClientRegistry {
  readonly #file: string
  readonly #audience: string
  readonly #followed: FollowedFile
  readonly #accountPages: OidcClient
  #clients: ReadonlyMap<string, OidcClient> = new Map()
  #logoutRules: LogoutRules = { allowsLoopback: false, ca: undefined }
  #serviceAccounts = new ServiceAccounts({ version: 1, clients: [] })
  #text = ''
  #revision = ''

  /**
   * @param audience of the API of this server
   * @param accountPages a client of this server itself, beside those of the file
   * @param onUnusable is called once for each problem
   */
  constructor(file: string, audience: string, accountPages: OidcClient, onUnusable: (reason: string) => void) {
    this.#accountPages = accountPages
    this.#file = file
    this.#audience = audience
    this.#followed = new FollowedFile(file, () => this.load(), onUnusable)
  }

  find(id: string): OidcClient | undefined {
    return id === this.#accountPages.id ? this.#accountPages : this.#clients.get(id)
  }

  /**
   * Whether it is a session of a client in the file. It is not if the client was created after it: then it was begun for
   * another client that had the same ID.
   */
  hasSession({ createdAt, oauth }: Pick<Session, 'createdAt' | 'oauth'>): boolean {
    const client = oauth && this.find(oauth.clientId)
    if (client === undefined) return false
    // The time of the client is that of the API server.
    return client.createdAt === undefined || createdAt.getTime() > Date.parse(client.createdAt) - leewaySeconds * 1000
  }

  /** Revision of the file whose clients are in use. */
  get revision(): string {
    return this.#revision
  }

  /** Where logout tokens may go. */
  get logoutRules(): LogoutRules {
    return this.#logoutRules
  }

  /** Authenticates clients by tokens of ServiceAccounts. */
  get serviceAccounts(): ServiceAccounts {
    return this.#serviceAccounts
  }

  /** Whether it is one of the secrets of the client: never, if it has another authentication. Takes the same time for every secret. */
  hasSecret(id: string, secret: string): boolean {
    const authentication = this.find(id)?.authentication
    if (authentication?.method !== 'secret') return false
    const hash = createHash('sha256').update(secret).digest()
    return authentication.secretHashes.filter((known) => timingSafeEqual(Buffer.from(known, 'hex'), hash)).length > 0
  }

  /** @throws Error for a file that cannot be used: a server that has no clients yet cannot start */
  async load(): Promise<void> {
    const text = await readFile(this.#file, 'utf8')
    if (text !== this.#text) this.#use(text)
  }

  follow(): void {
    this.#followed.follow()
  }

  stop(): Promise<void> {
    return this.#followed.stop()
  }

  #use(text: string): void {
    const file = usableFile(text, this.#file, this.#audience)
    this.#clients = new Map(file.clients.map((client) => [client.id, client]))
    this.#serviceAccounts = new ServiceAccounts(file)
    this.#logoutRules = { allowsLoopback: file.logoutReceivers === undefined, ca: file.logoutCa }
    this.#text = text
    this.#revision = fileRevision(text)
  }
}

/** The file, if every client of it can be used. @throws Error that names what is wrong, and no secret */
function usableFile(text: string, file: string, audience: string): OidcClientFile {
  const parsed = parseOidcClients(text)
  const problems =
    parsed.kind === 'corrupt'
      ? parsed.problems
      : parsed.file.clients.flatMap((client) =>
          unsupportedBy(client, audience).map((problem) => `client ${client.id}: ${problem}`),
        )
  if (parsed.kind === 'valid' && problems.length === 0) return parsed.file
  throw new Error(`the clients in ${file} cannot be used: ${problems.join('; ')}`)
}
