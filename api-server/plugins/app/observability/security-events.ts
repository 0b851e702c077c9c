import fp from 'fastify-plugin'
import { addressKey } from '../limits/address-key.ts'
import { EmailHash, emailHashKeyOf, type Setting, sharedEmailHashKey } from './email-hash.ts'
import { EventAggregator } from './event-aggregator.ts'

/** OWASP's vocabulary. @see https://cheatsheetseries.owasp.org/cheatsheets/Logging_Vocabulary_Cheat_Sheet.html */
export type SecurityEventName =
  | 'authn_login_success'
  | 'authn_login_successafterfail'
  | 'authn_login_fail'
  | 'authn_login_fail_max'
  | 'authn_login_lock'
  | 'authn_mfa_enrolled'
  | 'authn_mfa_removed'
  | 'authn_mfa_reset'
  | 'authn_mfa_success'
  | 'authn_mfa_fail'
  | 'authn_mfa_lock'
  | 'authn_mfa_device_remembered'
  | 'authn_mfa_passkey_copied'
  | 'authn_mfa_recovery_code_used'
  | 'authn_mfa_recovery_codes_renewed'
  | 'authn_identity_linked'
  | 'authn_identity_unlinked'
  | 'authn_password_change'
  | 'authn_token_created'
  | 'authn_token_revoked'
  | 'authn_token_reuse'
  | 'authz_fail'
  | 'authz_admin'
  | 'authz_change'
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

/** How the database treats events of a name. The log has all of them; refusals as described below. */
export type EventRetention =
  /** Kept for SECURITY_EVENTS_RETENTION. Causing one needs an account, a token or the right password. */
  | 'kept'
  /** Frequent events of every user: kept for a month at most. */
  | 'routine'
  /** Frequent events that repeat another event: only in the log. */
  | 'logged'
  /**
   * Events that any client can cause: counted for each kind, address and account in a minute, reported once at once and
   * once with the count, and kept for a week at most.
   */
  | 'refusal'

export const retentionOf: Readonly<Record<SecurityEventName, EventRetention>> = {
  authn_login_success: 'routine',
  authn_login_successafterfail: 'kept',
  authn_login_fail: 'refusal',
  authn_login_fail_max: 'refusal',
  authn_login_lock: 'refusal',
  authn_mfa_enrolled: 'kept',
  authn_mfa_removed: 'kept',
  authn_mfa_reset: 'kept',
  authn_mfa_success: 'routine',
  authn_mfa_fail: 'refusal',
  authn_mfa_lock: 'kept',
  authn_mfa_device_remembered: 'kept',
  authn_mfa_passkey_copied: 'kept',
  authn_mfa_recovery_code_used: 'kept',
  authn_mfa_recovery_codes_renewed: 'kept',
  authn_identity_linked: 'kept',
  authn_identity_unlinked: 'kept',
  authn_password_change: 'kept',
  authn_token_created: 'logged',
  authn_token_revoked: 'kept',
  authn_token_reuse: 'kept',
  authz_fail: 'refusal',
  authz_admin: 'kept',
  authz_change: 'kept',
  excess_rate_limit_exceeded: 'refusal',
  input_validation_fail: 'refusal',
  malicious_cors: 'refusal',
  session_created: 'logged',
  session_renewed: 'logged',
  session_expired: 'logged',
  user_created: 'kept',
  user_updated: 'kept',
  user_deleted: 'kept',
  sys_startup: 'kept',
  sys_shutdown: 'kept',
  sys_crash: 'kept',
  key_rotated: 'kept',
  revocation_degraded: 'kept',
}

/** Length of the window in which refusals are counted together. */
export const refusalWindowSeconds = 60

/**
 * Maximum number of refusals of one kind that all servers together keep in a window, by address and account; the rest
 * is one more.
 */
export const maxRefusals = 32

interface SecurityEventFields {
  userId?: string
  /** A client of the configuration. Not a text that the caller chooses. */
  clientId?: string
  sessionId?: string
  /** Logged as a keyed hash only. */
  email?: string
  address?: string
  reason?: string
}

/** A stored event, without the email. */
export interface RecordedEvent extends Omit<SecurityEventFields, 'email'> {
  event: SecurityEventName
  emailHash?: string
  /** For a refusal: its count in the window. */
  count?: number
  /** For a refusal: time of the first one. */
  at?: Date
}

declare module 'fastify' {
  interface FastifyInstance {
    securityEvents: {
      record(name: SecurityEventName, fields?: SecurityEventFields): void
      /**
       * Called with each event, within its request, and with refusals at the end of their window. It must neither block
       * nor fail.
       */
      subscribe(listener: (event: RecordedEvent) => void): void
      /** Ends the window of the refusals now. */
      endWindow(): void
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
      // In the background: no event with an email happens before the database is available.
      void sharedEmailHashKey(app.mongo.db.collection<Setting>('settings'), { signal: closing.signal }).then((key) => {
        if (key !== undefined) emailHashes.setKey(key)
      })
    })
    app.addHook('onClose', async () => closing.abort())
    const listeners: ((event: RecordedEvent) => void)[] = []
    const tell = (recorded: RecordedEvent) => {
      for (const listener of listeners) listener(recorded)
    }
    const refusals = new EventAggregator<RecordedEvent>({
      // Each server keeps its share, as with limits that it counts on its own.
      maxSubjects: () => Math.max(1, Math.floor(maxRefusals / app.limits.servers)),
      further: ({ event }) => ({ event, reason: 'other addresses and accounts' }),
      onReport: (recorded) => app.log.info(recorded, recorded.event),
      onEnd({ entry, count, firstAt }) {
        const at = new Date(firstAt)
        if (count > 1) app.log.info({ ...entry, count, since: at.toISOString() }, entry.event)
        tell({ ...entry, count, at })
      },
    })
    const ticking = setInterval(() => refusals.flush(), refusalWindowSeconds * 1000).unref()
    app.addHook('preClose', async () => {
      clearInterval(ticking)
      refusals.flush()
    })
    app.decorate('securityEvents', {
      subscribe: (listener) => {
        listeners.push(listener)
      },
      record(event, { email, ...fields } = {}) {
        const emailHash = email === undefined ? undefined : emailHashes.of(email)
        const recorded: RecordedEvent = { event, ...fields, ...(emailHash !== undefined && { emailHash }) }
        if (retentionOf[event] === 'refusal') return refusals.add(event, subjectOf(recorded), recorded, Date.now())
        app.log.info(recorded, event)
        tell(recorded)
      },
      endWindow: () => refusals.flush(),
    })
  },
  { name: 'security-events', dependencies: ['config'] },
)

/** Key under which refusals count together. Not a text that the client chooses, which could differ each time. */
function subjectOf({ event, address, userId, clientId, emailHash, reason }: RecordedEvent): string {
  const what = event === 'malicious_cors' ? '' : reason
  return [addressKey(address ?? ''), userId ?? emailHash ?? clientId, what].join(' ')
}
