import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Caller } from '../../../../plugins/app/caller.ts'
import type { Enrolled } from '../../../../plugins/app/mfa/add-factor.ts'
import { enrollingUser, recordLoginByEnrolment } from '../../../../plugins/app/mfa/enrolling-user.ts'
import type { SessionClaims } from '../../../../plugins/app/tokens/access-token.ts'
import type { StoredUser } from '../../../../plugins/app/users/user.ts'
import { presentedBinding } from '../../auth/client-binding.ts'
import { loginAnswer } from '../../auth/login-response.ts'

/**
 * The body and the cookies of the response to a new factor.
 * @param confirm adds the factor
 */
export async function enrolledAnswer(
  app: FastifyInstance,
  request: FastifyRequest,
  reply: FastifyReply,
  confirm: (user: StoredUser, claims: SessionClaims, caller: Caller, now: Date) => Promise<Enrolled>,
) {
  const now = new Date()
  const { user, claims, isLogin } = await enrollingUser(app, request, presentedBinding(app, request), now)
  const caller = app.callerOf(request, reply)
  const { factorId, loggedIn, recoveryCodes } = await confirm(user, claims, caller, now)
  if (isLogin) await recordLoginByEnrolment(app, user, loggedIn, caller, now)
  return {
    ...loginAnswer(app, request, reply, loggedIn),
    factor_id: factorId,
    recovery_codes: recoveryCodes ?? null,
  }
}
