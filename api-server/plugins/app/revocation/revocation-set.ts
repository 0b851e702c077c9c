import { type RevocableToken, type Revocation, revocationId } from './revocation.ts'

/** 26 MB, measured. Beyond that, a server looks up the oldest ones in the database. */
const maxEntries = 250_000
/** How far the clock of the issuing server may be ahead of that of the database. */
const clockMarginMilliseconds = 60_000

interface Times {
  changedAt: number
  tokensUntil: number
}

/** The revocations that one server knows: in memory, checked for every token, bounded. */
export class RevocationSet {
  /** The two times of each session's revocation in one number, because there may be very many. */
  readonly #sessions = new Map<string, number>()
  readonly #users = new Map<string, Times & { watermark: number }>()
  readonly #maxEntries: number
  /** The set is incomplete for revocations up to this time. */
  #floor = Number.NEGATIVE_INFINITY

  constructor(most = maxEntries) {
    this.#maxEntries = most
  }

  get size(): number {
    return this.#sessions.size + this.#users.size
  }

  add({ kind, subject, watermark, changedAt, tokensUntil }: Revocation): void {
    if (changedAt.getTime() + clockMarginMilliseconds <= this.#floor) return
    const times = { changedAt: changedAt.getTime(), tokensUntil: tokensUntil.getTime() }
    if (kind === 'session') this.#addSession(subject, times)
    else this.#addUser(subject, watermark, times)
    while (this.size > this.#maxEntries) this.#dropOldest()
  }

  /**
   * Looks up the session and user of a token, never its text, because one JWT can have several encodings.
   * @returns `forgotten` for a token so old that its revocation may not have fitted
   */
  check({ sid, sub, ver, iat }: RevocableToken): 'active' | 'revoked' | 'forgotten' {
    if (this.#sessions.has(sid)) return 'revoked'
    const user = this.#users.get(sub)
    if (user !== undefined && ver < user.watermark) return 'revoked'
    return iat * 1000 <= this.#floor ? 'forgotten' : 'active'
  }

  forgetExpired(now: Date): void {
    for (const [subject, packed] of this.#sessions) {
      if (unpack(packed).tokensUntil <= now.getTime()) this.#sessions.delete(subject)
    }
    for (const [subject, { tokensUntil }] of this.#users) {
      if (tokensUntil <= now.getTime()) this.#users.delete(subject)
    }
  }

  /** Each change goes to the end, so that the oldest ones are dropped first. */
  #addSession(subject: string, times: Times): void {
    const known = this.#sessions.get(subject)
    this.#sessions.delete(subject)
    this.#sessions.set(subject, pack(known === undefined ? times : latest(times, unpack(known))))
  }

  #addUser(subject: string, watermark: number, times: Times): void {
    const known = this.#users.get(subject)
    this.#users.delete(subject)
    const entry = known === undefined ? times : latest(times, known)
    this.#users.set(subject, { ...entry, watermark: Math.max(watermark, known?.watermark ?? 0) })
  }

  /**
   * From then on, tokens as old as the dropped ones are looked up in the database. A token is older than its
   * revocation.
   */
  #dropOldest(): void {
    const [session] = this.#sessions
    const [user] = this.#users
    const sessionAt = session === undefined ? Number.POSITIVE_INFINITY : unpack(session[1]).changedAt
    const userAt = user?.[1].changedAt ?? Number.POSITIVE_INFINITY
    this.#floor = Math.max(this.#floor, Math.min(sessionAt, userAt) + clockMarginMilliseconds)
    if (session !== undefined && sessionAt <= userAt) this.#sessions.delete(session[0])
    else if (user !== undefined) this.#users.delete(user[0])
  }
}

/** IDs of the revocations that would apply to a token. */
export function revocationIdsOf({ sid, sub }: Pick<RevocableToken, 'sid' | 'sub'>): string[] {
  return [revocationId('session', sid), revocationId('user', sub)]
}

function latest(one: Times, other: Times): Times {
  return {
    changedAt: Math.max(one.changedAt, other.changedAt),
    tokensUntil: Math.max(one.tokensUntil, other.tokensUntil),
  }
}

/** 48 days: the longest lifetime of a token, with a margin. The number stays an exact integer until 2038. */
const maxLifeSeconds = 2 ** 22

/** Both times, rounded up to seconds, in one number. */
function pack({ changedAt, tokensUntil }: Times): number {
  const changedSeconds = Math.ceil(changedAt / 1000)
  const lifeSeconds = Math.max(0, Math.ceil(tokensUntil / 1000) - changedSeconds)
  return changedSeconds * maxLifeSeconds + Math.min(lifeSeconds, maxLifeSeconds - 1)
}

function unpack(packed: number): Times {
  const changedSeconds = Math.floor(packed / maxLifeSeconds)
  return { changedAt: changedSeconds * 1000, tokensUntil: (changedSeconds + (packed % maxLifeSeconds)) * 1000 }
}
