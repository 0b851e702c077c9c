import fp from 'fastify-plugin'
import { EmailHash, emailHashKeyOf, type Setting, sharedEmailHashKey } from './email-hash.ts'

/** OWASP's vocabulary. @see https://cheatsheetseries.owasp.org/cheatsheets/Logging_Vocabulary_Cheat_Sheet.html */
export type SecurityEventName =
  | 'authn_login_success'
  | 'authn_login_successafterfail'
  | 'authn_login_fail'
  | 'authn_login_fail_max'
  | 'authn_login_lock'
  | 'authn_token_created'
  | 'authn_token_revoked'
  | 'authn_token_reuse'
  | 'excess_rate_limit_exceeded'
  | 'malicious_cors'
  | 'session_created'
  | 'session_renewed'
  | 'session_expired'
  | 'user_created'
  | 'sys_startup'
  | 'sys_shutdown'
  | 'sys_crash'
  | 'key_rotated'
  | 'revocation_degraded'

export interface SecurityEventFields {
  userId?: string
  sessionId?: string
  /** Logged as a keyed hash only. */
  email?: string
  address?: string
  reason?: string
}

declare module 'fastify' {
  interface FastifyInstance {
    securityEvents: { record(name: SecurityEventName, fields?: SecurityEventFields): void }
  }
}

export default fp(
  async function securityEvents(app) {
    const { emailHashSecret } = app.config
    const emailHashes = new EmailHash(emailHashSecret === undefined ? undefined : emailHashKeyOf(emailHashSecret))
    const closing = new AbortController()
    app.addHook('onReady', async () => {
      if (emailHashSecret !== undefined) return
      // In the background: nothing that concerns an email happens before the database is there.
      void sharedEmailHashKey(app.mongo.db.collection<Setting>('settings'), { signal: closing.signal }).then((key) => {
        if (key !== undefined) emailHashes.setKey(key)
      })
    })
    app.addHook('onClose', async () => closing.abort())
    app.decorate('securityEvents', {
      record(event, { email, ...fields } = {}) {
        const emailHash = email === undefined ? undefined : emailHashes.of(email)
        app.log.info({ event, ...fields, ...(emailHash !== undefined && { emailHash }) }, event)
      },
    })
  },
  { name: 'security-events', dependencies: ['config'] },
)
