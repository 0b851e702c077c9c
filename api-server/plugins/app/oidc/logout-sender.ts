import { randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { withDeadline } from '../../../with-deadline.ts'
import type { Session } from '../sessions/session.ts'
import { idTokenAlgorithmOf } from './client-metadata.ts'
import type { ClientRegistry } from './client-registry.ts'
import type { IdTokenKeys } from './id-token-keys.ts'
import { type ClaimedNotice, LogoutNotices } from './logout-notices.ts'
import { clientsToWait, maxRequests } from './logout-slots.ts'
import { logoutTokenClaims } from './logout-token.ts'
import { postForm } from './post-form.ts'

/** Time between two looks for notices that are due. */
const roundMilliseconds = 1_000
/** Maximum time that a server which stops waits for the last writes. */
const maxStopMilliseconds = 2_000

/**
 * Tells clients that sessions of theirs have ended, after the request that ended them. OpenID Connect Back-Channel Logout
 * 1.0. Every server sends; the database decides which one, and keeps a notice until it is delivered or given up.
 */
export class LogoutSender {
  readonly #app: FastifyInstance
  readonly #clients: ClientRegistry
  readonly #keys: IdTokenKeys
  readonly #notices: LogoutNotices
  readonly #sending = new Map<Promise<void>, string>()
  /** Clients of which the last attempt of this server failed. */
  readonly #failing = new Set<string>()
  readonly #stopping = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> | undefined

  constructor(app: FastifyInstance, clients: ClientRegistry, keys: IdTokenKeys) {
    this.#app = app
    this.#clients = clients
    this.#keys = keys
    this.#notices = new LogoutNotices(app.mongo.db.collection<Session>('sessions', { readPreference: 'primary' }))
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#looking ??= this.#look()
        .catch((error: unknown) => this.#app.log.debug({ err: error }, 'notices of logouts wait for the database'))
        .finally(() => {
          this.#looking = undefined
        })
    }, roundMilliseconds)
    this.#timer.unref()
  }

  /** Ends requests in progress: another server, or this one after its restart, sends them again. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#stopping.abort()
    // The database may be unavailable.
    await withDeadline(maxStopMilliseconds, this.#idle())
  }

  async #idle(): Promise<void> {
    await this.#looking
    await Promise.all(this.#sending.keys())
  }

  async #look(): Promise<void> {
    while (this.#sending.size < maxRequests && !this.#stopping.signal.aborted && this.#app.mongo.watch.isUp) {
      const waiting = clientsToWait([...this.#sending.values()], this.#failing)
      const notice = await this.#notices.claim(waiting, new Date())
      if (notice === undefined) return
      const sending = this.#settle(notice)
        .catch((error: unknown) => this.#app.log.warn({ err: error }, 'a notice of a logout will be sent again'))
        .finally(() => this.#sending.delete(sending))
      this.#sending.set(sending, notice.clientId)
    }
  }

  async #settle(notice: ClaimedNotice): Promise<void> {
    const uri = this.#clients.find(notice.clientId)?.backchannelLogoutUri
    if (uri === undefined || notice.isUnknown) return this.#notices.remove(notice)
    const { backchannelLogouts } = this.#app.metrics
    const problem = await this.#send(uri, notice)
    if (this.#stopping.signal.aborted && problem !== undefined) return
    if (problem === undefined) {
      this.#failing.delete(notice.clientId)
      backchannelLogouts.inc({ outcome: 'delivered' })
      return this.#notices.remove(notice)
    }
    this.#failing.add(notice.clientId)
    const isToRetry = await this.#notices.retryLater(notice, new Date())
    backchannelLogouts.inc({ outcome: isToRetry ? 'retried' : 'failed' })
    const { clientId: client, sessionId, attempts } = notice
    if (!isToRetry) this.#app.log.error({ client, sessionId, attempts, problem }, 'a client was not told of a logout')
  }

  /** @returns what went wrong; undefined: the client has accepted the token */
  async #send(uri: string, notice: ClaimedNotice): Promise<string | undefined> {
    const now = new Date()
    // As its ID tokens. OpenID Connect Back-Channel Logout 1.0 section 2.6.
    const alg = idTokenAlgorithmOf(this.#clients.find(notice.clientId) ?? {})
    const key = this.#keys.signer(now, alg)
    if (key === undefined) return 'no key of ID tokens is active'
    const claims = logoutTokenClaims(this.#app.config.issuer, notice, randomUUID(), now)
    const header = { alg, kid: key.kid, typ: 'logout+jwt' }
    const token = this.#app.signJwt(claims, { alg, signing: key.pem, header })
    try {
      const options = { ...this.#clients.logoutRules, stopping: this.#stopping.signal }
      const status = await postForm(uri, { logout_token: token }, options)
      // Section 2.8. 204 is what some frameworks make of an empty answer.
      return status === 200 || status === 204 ? undefined : `status ${status}`
    } catch (error) {
      return error instanceof Error ? `${error.name} ${Reflect.get(error, 'code') ?? ''}`.trim() : 'unknown'
    }
  }
}
