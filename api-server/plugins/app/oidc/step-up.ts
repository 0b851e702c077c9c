import type { FastifyInstance } from 'fastify'
import { errors, interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider'
import type { UsedCredential } from '../../external/webauthn.ts'
import type { Caller } from '../caller.ts'
import { checkCode, type PresentedCode } from '../mfa/check-code.ts'
import { recordAuthentication } from '../mfa/step-up.ts'
import type { RequestOptions } from '../passkeys/options.ts'
import { checkStepUpPasskey, stepUpOptions } from '../passkeys/step-up.ts'
import { authenticationClaims, authenticationLevels, byTwoFactors, satisfies } from '../sessions/authentication.ts'
import type { Session } from '../sessions/session.ts'
import { parseUserKey } from '../users/user-key.ts'
import { essentialLevels } from './asked-claims.ts'
import { accountOfLogin, type BrowserLogin, browserLoginOf } from './browser-login.ts'

/** The reason of an interaction of which the browser is logged in, and that needs only a second factor. */
export const stepUpReason = 'acr_values'

/** Whether only a login with two factors satisfies a request. Every login satisfies `aal1`; of several values, one is enough. */
function needsTwoFactors(values: readonly string[]): boolean {
  return values.includes('aal2') && !values.includes('aal1')
}

/**
 * The level that a request requires: by `acr_values`, in which unknown values count for nothing (OpenID Connect Core
 * section 3.1.2.1), or by an essential claim `acr`.
 *
 * @throws UnmetAuthenticationRequirements for an essential claim of which the server has no value (section 5.5.1.1)
 */
function requiresTwoFactors(app: FastifyInstance, { acr_values: acrValues, claims }: Record<string, unknown>): boolean {
  const essential = essentialLevels(claims)
  const known: readonly string[] = app.mfa.isOn ? authenticationLevels : []
  if (essential !== undefined && !essential.some((level) => known.includes(level))) {
    throw new errors.UnmetAuthenticationRequirements('the server has none of the requested values of acr')
  }
  const asked = typeof acrValues === 'string' ? acrValues.split(' ') : []
  return needsTwoFactors(asked) || needsTwoFactors(essential ?? [])
}

/**
 * The library does not enforce `acr_values`, and would answer an essential `acr` by asking for the password again. This
 * check of the login prompt asks a browser that is logged in with one factor for the second one.
 */
export function stepUpCheck(app: FastifyInstance): interactionPolicy.Check {
  const { Check } = interactionPolicy
  return new Check(stepUpReason, 'a second factor is required', 'login_required', async (ctx: KoaContextWithOIDC) => {
    if (!requiresTwoFactors(app, ctx.oidc.params ?? {})) return Check.NO_NEED_TO_PROMPT
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
  const { user, claims } = await accountOfLogin(app, login)
  await checkCode(app, user, presented, caller, now)
  return recordAuthentication(app, claims, byTwoFactors, now)
}

/** The same by a passkey. @throws SessionNotFound for a login that has ended, and what `checkStepUpPasskey` throws */
export async function stepUpLoginByPasskey(
  app: FastifyInstance,
  login: BrowserLogin | undefined,
  credential: UsedCredential,
  caller: Caller,
  now: Date,
): Promise<Session> {
  const { user, claims } = await accountOfLogin(app, login)
  const methods = await checkStepUpPasskey(app, user, claims, credential, caller, now)
  return recordAuthentication(app, claims, methods, now)
}

/** The options for it. @throws SessionNotFound for a login that has ended */
export async function stepUpLoginOptions(
  app: FastifyInstance,
  login: BrowserLogin | undefined,
  caller: Caller,
  now: Date,
): Promise<RequestOptions> {
  const { claims } = await accountOfLogin(app, login)
  return stepUpOptions(app, claims, caller, now)
}
