import type { FastifyInstance } from 'fastify'
import type { ClientSession } from 'mongodb'
import type { Administrator } from '../accounts/administrator.ts'
import type { Caller } from '../caller.ts'
import { type Problem, problem } from '../problems/problem.ts'
import type { SessionClaims } from '../tokens/access-token.ts'
import type { StoredUser } from '../users/user.ts'
import { requireStepUp } from './step-up.ts'

/**
 * Removes a second factor, given a recent one. All sessions, pending logins, links and known devices of the user end.
 * @throws Problem 401 `insufficient_user_authentication` or `session_revoked`, 404 `not_found`, 409 `mfa_last_factor`, 429
 */
export async function removeFactor(
  app: FastifyInstance,
  user: StoredUser,
  claims: SessionClaims,
  factorId: string,
  caller: Caller,
  now: Date,
): Promise<void> {
  const userId = user._id.toString()
  await caller.limits.use({ name: 'sensitive', subject: userId, rate: app.config.limits.sensitive })
  await requireStepUp(app, user, claims, now)
  const mustKeepOne = await app.mfa.policy.requires(user, now)
  await app.revocation.revokeUser(userId, 'mfa_change', async (session) => {
    await app.revocation.requireCurrent(claims, session)
    const ids = (await app.mfa.factors.find(user._id, session))?.factors.map(({ id }) => id) ?? []
    if (mustKeepOne && ids.length === 1 && ids[0] === factorId) throw lastFactor()
    if ((await app.mfa.factors.remove(user._id, factorId, session)) === undefined) throw unknownFactor()
  })
  app.securityEvents.record('authn_mfa_removed', { userId, address: caller.address, reason: factorId })
  app.mail.later('second_factor_removed', caller.language, async () => ({
    kind: 'second_factor_removed',
    to: user.email,
  }))
}

/**
 * An administrator removes all second factors of a user, who has lost them. All sessions of the user end.
 * @throws Problem 404 `not_found` if the user has none
 */
export async function resetFactors(app: FastifyInstance, user: StoredUser, by: Administrator): Promise<void> {
  const userId = user._id.toString()
  await app.revocation.revokeUser(userId, 'mfa_change', async (session: ClientSession) => {
    if (!(await app.mfa.forgetUser(user._id, session)))
      throw problem(404, 'not_found', 'The user has no second factor.')
  })
  await app.loginAttempts.unlockFactors(user)
  app.securityEvents.record('authn_mfa_reset', { userId, address: by.address, reason: `by ${by.id}` })
  app.mail.later('second_factors_reset', app.pages.defaultLanguage, async () => ({
    kind: 'second_factors_reset',
    to: user.email,
  }))
}

function lastFactor(): Problem {
  return problem(
    409,
    'mfa_last_factor',
    'Your account needs a second factor. Add another one before you remove this one.',
  )
}

export function unknownFactor(): Problem {
  return problem(404, 'not_found', 'The second factor does not exist.')
}
