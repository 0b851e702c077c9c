import fp from 'fastify-plugin'
import { EmailHash, emailHashKeyOf, type Setting, sharedEmailHashKey } from './email-hash.ts'

/** OWASP's vocabulary. @see https://cheatsheetseries.owasp.org/cheatsheets/Logging_Vocabulary_Cheat_Sheet.html */
export type SecurityEventName =
  | 'authn_login_success'
  | 'authn_login_successafterfail'
  | 'authn_login_fail'
  | 'authn_login_fail_max'
  | 'authn_login_lock'
  | 'authn_password_change'
  | 'authn_token_created'
  | 'authn_token_revoked'
  | 'authn_token_reuse'
  | 'authz_fail'
  | 'authz_admin'
  | 'excess_rate_limit_exceeded'
  | 'input_validation_fail'
  | 'malicious_cors'
  | 'session_created'
  | 'session_renewed'
  | 'session_expired'
  | 'user_created'
  | 'user_updated'
  | 'user_deleted'
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

/** An event as it is kept: without the email. */
export interface RecordedEvent extends Omit<SecurityEventFields, 'email'> {
  event: SecurityEventName
  emailHash?: string
}

declare module 'fastify' {
  interface FastifyInstance {
    securityEvents: {
      record(name: SecurityEventName, fields?: SecurityEventFields): void
      /** Called with each event, within the request that caused it: it must neither wait nor fail. */
      subscribe(listener: (event: RecordedEvent) => void): void
    }
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
    const listeners: ((event: RecordedEvent) => void)[] = []
    app.decorate('securityEvents', {
      subscribe: (listener) => {
        listeners.push(listener)
      },
      record(event, { email, ...fields } = {}) {
        const emailHash = email === undefined ? undefined : emailHashes.of(email)
        const recorded: RecordedEvent = { event, ...fields, ...(emailHash !== undefined && { emailHash }) }
        app.log.info(recorded, event)
        for (const listener of listeners) listener(recorded)
      },
    })
  },
  { name: 'security-events', dependencies: ['config'] },
)
