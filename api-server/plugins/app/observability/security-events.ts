import { createHmac, randomBytes } from 'node:crypto'
import fp from 'fastify-plugin'

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
    const { signingKeys } = app.config
    const hashKey = 'secret' in signingKeys ? signingKeys.secret : randomBytes(32)
    app.decorate('securityEvents', {
      record(event, { email, ...fields } = {}) {
        const emailHash =
          email === undefined
            ? undefined
            : createHmac('sha256', hashKey).update(email.toLowerCase()).digest('base64url').slice(0, 16)
        app.log.info({ event, ...fields, ...(emailHash !== undefined && { emailHash }) }, event)
      },
    })
  },
  { name: 'security-events', dependencies: ['config'] },
)
