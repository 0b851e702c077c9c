import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Enrolled } from '../../../../plugins/app/mfa/add-factor.ts'
import { loginAnswer } from '../../auth/login-response.ts'

/** The body and the cookies of the response to a new factor. */
export function enrolledAnswer(
  app: FastifyInstance,
  request: FastifyRequest,
  reply: FastifyReply,
  { factorId, loggedIn, recoveryCodes }: Enrolled,
) {
  return {
    ...loginAnswer(app, request, reply, loggedIn),
    factor_id: factorId,
    recovery_codes: recoveryCodes ?? null,
  }
}
