import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { addressKey } from '../../../plugins/app/limits/address-key.ts'
import { Accepted, EmailOnly } from '../../../schemas/accounts.ts'

/** A call that mails a link to whoever has an email. */
export interface MailOnRequest {
  path: string
  operationId: string
  summary: string
  /** What its requests are counted as, each address by itself. */
  counted: string
  /** Never tells whether somebody has the email. */
  send(email: string): Promise<void>
}

type App = Parameters<FastifyPluginAsyncTypebox>[0]

/** Answers alike, and as fast, whether somebody has the email or not. */
export function mailOnRequest(app: App, { path, operationId, summary, counted, send }: MailOnRequest): void {
  app.post(
    path,
    {
      schema: {
        operationId,
        summary,
        description: 'The same answer, in the same time, whether somebody has this email or not.',
        tags: ['users'],
        body: EmailOnly,
        response: { 202: Accepted },
        problems: ['mail_not_configured', 'rate_limited', 'database_unavailable'],
      },
    },
    async (request, reply) => {
      app.mail.require()
      await app.limits.use(counted, addressKey(request.ip), app.config.limits.reset, request, reply)
      await send(request.body.email)
      return reply.code(202).send({ status: 'accepted' as const })
    },
  )
}
