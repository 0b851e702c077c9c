import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import type { Caller } from '../../../plugins/app/caller.ts'
import { type CanonicalEmail, parseEmail } from '../../../plugins/app/users/email.ts'
import { Accepted, EmailOnly } from '../../../schemas/accounts.ts'

/** A route that mails a link to an email. */
export interface MailOnRequest {
  path: string
  operationId: string
  summary: string
  /** Does not disclose whether the email is registered. */
  send(app: FastifyInstance, email: CanonicalEmail, caller: Caller): Promise<void>
}

type App = Parameters<FastifyPluginAsyncTypebox>[0]

/** The answer and its timing are the same whether or not the email is registered. */
export function mailOnRequest(app: App, { path, operationId, summary, send }: MailOnRequest): void {
  app.post(
    path,
    {
      schema: {
        operationId,
        summary,
        description: 'The answer and its timing are the same whether or not the email is registered.',
        tags: ['users'],
        body: EmailOnly,
        response: { 202: Accepted },
        problems: ['mail_not_configured', 'rate_limited', 'database_unavailable'],
      },
    },
    async (request, reply) => {
      await send(app, parseEmail(request.body.email), app.callerOf(request, reply))
      return reply.code(202).send({ status: 'accepted' as const })
    },
  )
}
