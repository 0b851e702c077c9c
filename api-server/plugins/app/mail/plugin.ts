import fp from 'fastify-plugin'
import { mostConnections } from '../../external/smtp.ts'
import { problem } from '../problems/problem.ts'
import { type Message, textOf } from './message.ts'
import { Outbox } from './outbox.ts'

declare module 'fastify' {
  interface FastifyInstance {
    mail: {
      /** Whether mails go anywhere: to the SMTP server, or in development to the log. */
      isConfigured: boolean
      /** @throws Problem 501 `mail_not_configured` */
      require(): void
      /**
       * Makes a message and sends it, after the answer of the request. Never fails; what goes wrong is logged.
       * @param prepare undefined when there is nothing to send after all
       */
      later(kind: Message['kind'], prepare: () => Promise<Message | undefined>): void
      /** Resolves when nothing waits to be sent. */
      idle(): Promise<void>
    }
  }
}

const mostWaiting = 1_000
const retryAfter = [1_000, 10_000, 60_000]
const mostShutdownMilliseconds = 5_000

export default fp(
  async function mail(app) {
    const { smtp } = app
    const isConfigured = smtp !== undefined || app.config.environment === 'development'
    const outbox = new Outbox({
      atATime: mostConnections,
      mostWaiting,
      retryAfter,
      isWorthAnother: (error) => !isRefusedForGood(error),
      onEnd(kind, outcome, error) {
        app.metrics.mails.inc({ kind, outcome })
        if (outcome !== 'sent') app.log.error({ kind, outcome, reason: reasonOf(error) }, 'a mail was not sent')
      },
    })
    app.addHook('onClose', () => outbox.stop(mostShutdownMilliseconds))

    app.decorate('mail', {
      isConfigured,
      require() {
        if (isConfigured) return
        throw problem(501, 'mail_not_configured', 'This server sends no mail: set SMTP_URL and start it again.')
      },
      later(kind, prepare) {
        if (!isConfigured) return
        let message: Message | undefined
        outbox.add(kind, async () => {
          // Once: a second attempt sends the same link.
          message ??= await prepare()
          if (message === undefined || isNobody(message.to)) return
          if (smtp === undefined) return log(message)
          // As an object, so that nothing in an address makes it two.
          await smtp.send({ to: { name: '', address: message.to }, ...textOf(message) })
        })
      },
      idle: () => outbox.idle(),
    })

    function log(message: Message): void {
      const link = 'link' in message ? message.link : undefined
      app.log.info({ kind: message.kind, link }, 'no SMTP_URL is set: this would be a mail')
    }
  },
  { name: 'mail', dependencies: ['config', 'metrics', 'smtp'] },
)

/** A domain that never exists, as that of the users of smoke tests: RFC 6761 section 6.4. */
function isNobody(email: string): boolean {
  return email.toLowerCase().endsWith('.invalid')
}

/** SMTP answers of 500 and more. RFC 5321 section 4.2.1. */
function isRefusedForGood(error: unknown): boolean {
  return error instanceof Error && 'responseCode' in error && Number(error.responseCode) >= 500
}

/** Without the message, which names the recipient. */
function reasonOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const known = ['code', 'command', 'responseCode'].map((name) => Reflect.get(error, name)).filter(Boolean)
  return [error.name, ...known].join(' ')
}
