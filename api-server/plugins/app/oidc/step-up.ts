import type { FastifyInstance } from 'fastify'
import { errors, interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider'
import type { Caller } from '../caller.ts'
import { checkCode, type PresentedCode } from '../mfa/check-code.ts'
import { authenticationClaims, byTwoFactors, satisfies } from '../sessions/authentication.ts'
import type { Session } from '../sessions/session.ts'
import { isActive } from '../users/user.ts'
import { parseUserKey } from '../users/user-key.ts'
import { type BrowserLogin, browserLoginOf, isLive } from './browser-login.ts'

/** The reason of an interaction of which the browser is logged in, and that needs only a second factor. */
export const stepUpReason = 'acr_values'

/**
 * Whether only a login with two factors satisfies a request. Every login satisfies `aal1`; of several values, one is
 * enough, and unknown ones count for nothing. OpenID Connect Core section 3.1.2.1.
 *
 * @param acrValues the parameter `acr_values`: levels, separated by spaces
 */
function needsTwoFactors(acrValues: unknown): boolean {
  const values = typeof acrValues === 'string' ? acrValues.split(' ') : []
  return values.includes('aal2') && !values.includes('aal1')
}

/**
 * The library does not enforce `acr_values`. This check of the login prompt asks a browser that is logged in with one
 * factor for the second one.
 */
export function stepUpCheck(app: FastifyInstance): interactionPolicy.Check {
  const { Check } = interactionPolicy
  return new Check(stepUpReason, 'a second factor is required', 'login_required', async (ctx: KoaContextWithOIDC) => {
    if (!needsTwoFactors(ctx.oidc.params?.['acr_values'])) return Check.NO_NEED_TO_PROMPT
    const { accountId, loginSid } = browserLoginOf(ctx.oidc.session) ?? {}
    // Other checks ask for a whole login first.
    if (accountId === undefined || loginSid === undefined || ctx.oidc.promptPending('login')) {
      return Check.NO_NEED_TO_PROMPT
    }
    const now = new Date()
    const login = await app.sessions.findUnended(loginSid, now)
    if (satisfies(authenticationClaims(login?.authentication), { level: 'aal2' }, now)) return Check.NO_NEED_TO_PROMPT
    if ((await app.mfa.requiredFactors(parseUserKey(accountId))) !== null) return Check.REQUEST_PROMPT
    // OpenID Connect Core Error Code unmet_authentication_requirements 1.0; RFC 9470 section 5.
    throw new errors.UnmetAuthenticationRequirements('the user has no second factor')
  })
}

/**
 * Adds a second factor to the login of a browser. @param login undefined: it has ended
 * @throws SessionNotFound for a login that has ended, and what `checkCode` throws
 */
export async function stepUpLogin(
  app: FastifyInstance,
  login: BrowserLogin | undefined,
  presented: PresentedCode,
  caller: Caller,
  now: Date,
): Promise<Session> {
  const { accountId, loginSid } = login ?? {}
  const user = accountId === undefined ? null : await app.users.findById(accountId)
  if (
    login === undefined ||
    loginSid === undefined ||
    user === null ||
    !isActive(user) ||
    !(await isLive(app, login))
  ) {
    throw new errors.SessionNotFound('the login has ended')
  }
  await checkCode(app, user, presented, caller, now)
  const session = await app.sessions.authenticate(loginSid, { at: now, methods: byTwoFactors })
  if (session === null) throw new errors.SessionNotFound('the login has ended')
  return session
}
