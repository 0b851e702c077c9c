import type { PageLanguage } from '@authservice-operator/contract/pages-file.ts'
import fp from 'fastify-plugin'
import { maxConnections } from '../../external/smtp.ts'
import { problem } from '../problems/problem.ts'
import { isMailbox } from '../users/email.ts'
import { type Message, writeMail } from './message.ts'
import { Outbox } from './outbox.ts'

declare module 'fastify' {
  interface FastifyInstance {
    mail: {
      /** Whether mails are sent: to the SMTP server, or in development to the log. */
      isConfigured: boolean
      /** @throws Problem 501 `mail_not_configured` */
      require(): void
      /**
       * Creates a message and sends it, after the response to the request. Never fails; errors are logged.
       * @param language of the request that causes it; if none of the user does, the default one
       * @param prepare undefined when there is nothing to send after all
       */
      later(kind: Message['kind'], language: PageLanguage, prepare: () => Promise<Message | undefined>): void
      /** Resolves when no mail is waiting. */
      idle(): Promise<void>
    }
  }
}

const maxWaiting = 1_000
const retryAfter = [1_000, 10_000, 60_000]
const maxShutdownMilliseconds = 5_000

export default fp(
  async function mail(app) {
    const { smtp } = app
    const isConfigured = smtp !== undefined || app.config.environment === 'development'
    const outbox = new Outbox({
      atATime: maxConnections,
      maxWaiting,
      retryAfter,
      isWorthAnother: (error) => !isRefusedForGood(error),
      onEnd(kind, outcome, error) {
        app.metrics.mails.inc({ kind, outcome })
        if (outcome !== 'sent') app.log.error({ kind, outcome, reason: reasonOf(error) }, 'mail not sent')
      },
    })
    app.addHook('onClose', () => outbox.stop(maxShutdownMilliseconds))

    app.decorate('mail', {
      isConfigured,
      require() {
        if (isConfigured) return
        throw problem(501, 'mail_not_configured', 'This server does not send mail. Set SMTP_URL and restart it.')
      },
      later(kind, language, prepare) {
        if (!isConfigured) return
        let message: Message | undefined
        outbox.add(kind, async () => {
          // Once, so that a retry sends the same link.
          message ??= await prepare()
          if (message === undefined || isNobody(message.to)) return
          // Another program may have stored a text that is not an address, or that contains the mailbox of another
          // person.
          if (!isMailbox(message.to)) return app.log.warn({ kind }, 'mail not sent: the email is not an address')
          if (smtp === undefined) return log(message, language)
          // As an object, so that no address can be parsed as two.
          const to = { name: '', address: message.to }
          await smtp.send({ to, ...writeMail(message, app.pages.textsIn(language)) })
        })
      },
      idle: () => outbox.idle(),
    })

    function log(message: Message, language: PageLanguage): void {
      const link = 'link' in message ? message.link : undefined
      app.log.info({ kind: message.kind, language, link }, 'SMTP_URL is not set; this mail would be sent')
    }
  },
  { name: 'mail', dependencies: ['config', 'metrics', 'pages', 'smtp'] },
)

/** A domain that never exists, as that of the users of smoke tests: RFC 6761 section 6.4. */
function isNobody(email: string): boolean {
  return email.toLowerCase().endsWith('.invalid')
}

/** SMTP replies of 500 and above. RFC 5321 section 4.2.1. */
function isRefusedForGood(error: unknown): boolean {
  return error instanceof Error && 'responseCode' in error && Number(error.responseCode) >= 500
}

/** Without the message, which names the recipient. */
function reasonOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const known = ['code', 'command', 'responseCode'].map((name) => Reflect.get(error, name)).filter(Boolean)
  return [error.name, ...known].join(' ')
}
