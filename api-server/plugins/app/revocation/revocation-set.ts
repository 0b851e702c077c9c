import { type RevocableToken, type Revocation, revocationId } from './revocation.ts'

/** About 40 MB. A server that knows more looks the oldest up in the database instead. */
const mostEntries = 250_000
/** How far the clock of a server that issued a token may be ahead of the database's. */
const clockMarginMilliseconds = 60_000

interface Entry {
  watermark: number
  changedAt: number
  tokensUntil: number
}

/** What one server knows about revocations. In memory, looked up for every token, bounded. */
export class RevocationSet {
  readonly #sessions = new Map<string, Entry>()
  readonly #users = new Map<string, Entry>()
  readonly #mostEntries: number
  /** Revocations of then and before are not all here any more. */
  #floor = Number.NEGATIVE_INFINITY

  constructor(most = mostEntries) {
    this.#mostEntries = most
  }

  get size(): number {
    return this.#sessions.size + this.#users.size
  }

  add({ kind, subject, watermark, changedAt, tokensUntil }: Revocation): void {
    if (changedAt.getTime() + clockMarginMilliseconds <= this.#floor) return
    const entries = kind === 'session' ? this.#sessions : this.#users
    const known = entries.get(subject)
    // Again at the end: the order is that of the changes, so that what is dropped is the oldest.
    entries.delete(subject)
    entries.set(subject, {
      watermark: Math.max(watermark, known?.watermark ?? 0),
      changedAt: Math.max(changedAt.getTime(), known?.changedAt ?? 0),
      tokensUntil: Math.max(tokensUntil.getTime(), known?.tokensUntil ?? 0),
    })
    while (this.size > this.#mostEntries) this.#dropOldest()
  }

  /**
   * By what the token is about, never by its text: one JWT can have several spellings.
   * @returns `forgotten` for a token so old that its revocation may be one of those that did not fit
   */
  check({ sid, sub, ver, iat }: RevocableToken): 'active' | 'revoked' | 'forgotten' {
    if (this.#sessions.has(sid)) return 'revoked'
    const user = this.#users.get(sub)
    if (user !== undefined && ver < user.watermark) return 'revoked'
    return iat * 1000 <= this.#floor ? 'forgotten' : 'active'
  }

  forgetExpired(now: Date): void {
    for (const entries of [this.#sessions, this.#users]) {
      for (const [subject, { tokensUntil }] of entries) if (tokensUntil <= now.getTime()) entries.delete(subject)
    }
  }

  /** From then on, tokens as old as what is dropped are looked up in the database. A token is older than its revocation. */
  #dropOldest(): void {
    const [session] = this.#sessions
    const [user] = this.#users
    const isSession = user === undefined || (session !== undefined && session[1].changedAt <= user[1].changedAt)
    const [subject, entry] = (isSession ? session : user) ?? []
    if (subject === undefined || entry === undefined) return
    this.#floor = Math.max(this.#floor, entry.changedAt + clockMarginMilliseconds)
    if (isSession) this.#sessions.delete(subject)
    else this.#users.delete(subject)
  }
}

/** Ids of the revocations that a token would be subject to. */
export function revocationIdsOf({ sid, sub }: Pick<RevocableToken, 'sid' | 'sub'>): string[] {
  return [revocationId('session', sid), revocationId('user', sub)]
}
