/** A revocation: of one session, or of every token of a user issued before a moment (a watermark). */
export interface Revocation {
  /** `session:<sid>` or `user:<id>`. */
  _id: string
  kind: 'session' | 'user'
  subject: string
  /** Tokens issued before then are worth nothing. */
  notBefore: Date
  /** No token that it is about lives longer: then it may be forgotten. */
  expiresAt: Date
}

/** What one server knows about revocations. In memory, looked up for every token. */
export class RevocationSet {
  readonly #entries = new Map<string, { notBefore: number; expiresAt: number }>()

  get size(): number {
    return this.#entries.size
  }

  add({ _id, notBefore, expiresAt }: Revocation): void {
    const known = this.#entries.get(_id)
    this.#entries.set(_id, {
      notBefore: Math.max(notBefore.getTime(), known?.notBefore ?? 0),
      expiresAt: Math.max(expiresAt.getTime(), known?.expiresAt ?? 0),
    })
  }

  /** By what the token is about, never by its text: one JWT has several spellings. */
  has({ sid, sub, iat }: { sid: string; sub: string; iat: number }): boolean {
    if (this.#entries.has(`session:${sid}`)) return true
    const watermark = this.#entries.get(`user:${sub}`)
    return watermark !== undefined && iat * 1000 < watermark.notBefore
  }

  forgetExpired(now: Date): void {
    for (const [key, { expiresAt }] of this.#entries) if (expiresAt <= now.getTime()) this.#entries.delete(key)
  }
}
