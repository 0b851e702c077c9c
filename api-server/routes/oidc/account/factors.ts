import type { FastifyInstance, FastifyReply } from 'fastify'
import {
  addFactorPage,
  createPasskeyPage,
  type FactorType,
  factorPage,
  factorsPage,
} from '../../../pages/account/factors.ts'
import { type Outcome, pathOf } from '../../../pages/account/layout.ts'
import { recoveryCodesPage, totpPage } from '../../../pages/enrolment.ts'
import { setDeviceCookie } from '../../../plugins/app/login-attempts/device-cookie.ts'
import type { Enrolled } from '../../../plugins/app/mfa/add-factor.ts'
import {
  confirmTotp,
  renewRecoveryCodes,
  type StartedTotp,
  startedTotp,
  startTotp,
} from '../../../plugins/app/mfa/enrolment.ts'
import { listFactors } from '../../../plugins/app/mfa/list-factors.ts'
import { removeFactor, unknownFactor } from '../../../plugins/app/mfa/removal.ts'
import { renameFactor } from '../../../plugins/app/mfa/rename.ts'
import { newBrowserLogin } from '../../../plugins/app/oidc/browser-login.ts'
import { loginCookieOf } from '../../../plugins/app/oidc/build-provider.ts'
import type { OpenIdProvider } from '../../../plugins/app/oidc/open-id-provider.ts'
import { confirmPasskey, startPasskey } from '../../../plugins/app/passkeys/registration.ts'
import { currentPasswordIn, enteredCodeIn, factorNameIn, textOf } from '../forms.ts'
import { scriptOfPages } from '../interaction-steps.ts'
import { newCredentialIn } from '../passkey-fields.ts'
import { sendEnd } from './profile.ts'
import { send, type Visit, type Visits } from './visits.ts'

/** The pages with the second factors of the user. */
export function factorPages(app: FastifyInstance, oidc: OpenIdProvider, visits: Visits): void {
  const list = async ({ view, claims, caller }: Visit, outcome: Outcome) => {
    const types = app.config.mfa.allowedTypes.filter((type) => type === 'totp' || scriptOfPages(app) !== undefined)
    return factorsPage(view, { ...(await listFactors(app, claims.sub, caller)), types }, outcome)
  }
  visits.page('/factors', 'factors', list)
  visits.form('/factors/recovery-codes', 'factors', list, async (visit) => {
    const { user, claims, view, caller, now } = visit
    const codes = await renewRecoveryCodes(app, user, claims, caller, now)
    return send(visit, recoveryCodesPage(view.context, { codes, next: pathOf(view, 'factors') }))
  })

  const one = async ({ view, claims, caller, request }: Visit, outcome: Outcome) => {
    const id = textOf(request.method === 'GET' ? request.query : request.body, 'id')
    const factor = (await listFactors(app, claims.sub, caller)).factors.find((each) => each.id === id)
    if (factor === undefined) throw unknownFactor()
    return factorPage(view, factor, outcome)
  }
  visits.page('/factors/factor', 'factors', one)
  const rename = async ({ user, body, caller }: Visit) => {
    await renameFactor(app, user, textOf(body, 'id') ?? '', factorNameIn(body), caller)
    return 'done.saved' as const
  }
  const remove = async (visit: Visit) => {
    const { user, claims, body, caller, now } = visit
    await removeFactor(app, user, claims, textOf(body, 'id') ?? '', caller, now)
    return sendEnd(visit, 'factors.removedTitle', 'factors.removed')
  }
  visits.form('/factors/rename', 'factors', one, rename, '/factors/factor')
  visits.form('/factors/remove', 'factors', one, remove, '/factors/factor')

  const add =
    (type: FactorType) =>
    ({ view, body }: Visit, outcome: Outcome) =>
      addFactorPage(view, { type, name: textOf(body, 'name')?.slice(0, 100) }, outcome)
  totp(app, oidc, visits, add('totp'))
  if (scriptOfPages(app) !== undefined) passkey(app, oidc, visits, add('passkey'))
}

type Ask = (visit: Visit, outcome: Outcome) => string

function totp(app: FastifyInstance, oidc: OpenIdProvider, visits: Visits, ask: Ask): void {
  visits.page('/factors/totp', 'factors', ask)
  visits.form('/factors/totp', 'factors', ask, async (visit) => {
    const { user, claims, body, caller, now } = visit
    const start = { currentPassword: currentPasswordIn(body), name: factorNameIn(body) }
    const started = await startTotp(app, user, claims, start, caller, now)
    visits.showAt(visit, `/factors/totp/confirm?${new URLSearchParams({ token: started.token })}`)
    return send(visit, secretPage(visit, started, {}))
  })
  // With its secret, as long as the enrolment lasts.
  const again = async (visit: Visit, outcome: Outcome) => {
    const { user, claims, request, body, now } = visit
    const token = textOf(request.method === 'GET' ? request.query : body, 'token') ?? ''
    return secretPage(visit, await startedTotp(app, user, claims, token, now), outcome)
  }
  visits.page('/factors/totp/confirm', 'factors', again)
  visits.form('/factors/totp/confirm', 'factors', again, async (visit) => {
    const { user, claims, body, caller, now } = visit
    const confirmation = { token: textOf(body, 'token') ?? '', code: enteredCodeIn(body) }
    return sendAdded(app, oidc, visit, await confirmTotp(app, user, claims, confirmation, caller, now))
  })
}

function passkey(app: FastifyInstance, oidc: OpenIdProvider, visits: Visits, ask: Ask): void {
  visits.page('/factors/passkey', 'factors', ask)
  visits.form('/factors/passkey', 'factors', ask, async (visit) => {
    const { user, claims, body, caller, now } = visit
    const name = factorNameIn(body)
    const options = await startPasskey(app, user, claims, currentPasswordIn(body), caller, now)
    visits.allowScript(visit)
    return send(visit, createPasskeyPage(visit.view, { name, options }))
  })
  const confirm = async (visit: Visit) => {
    const { user, claims, body, caller, now } = visit
    const confirmation = { name: factorNameIn(body), credential: newCredentialIn(body) }
    return sendAdded(app, oidc, visit, await confirmPasskey(app, user, claims, confirmation, caller, now))
  }
  visits.form('/factors/passkey/confirm', 'factors', ask, confirm, '/factors/passkey')
}

function secretPage({ view }: Visit, { token, secret, otpauthUrl }: StartedTotp, { problem }: Outcome): string {
  const action = `${pathOf(view, 'factors')}/totp/confirm`
  return totpPage(view.context, { action, hidden: { xsrf: view.xsrf, token }, secret, otpauthUrl, problem })
}

/** A new factor has ended all sessions. The browser gets the one that it was given, by another cookie. */
async function sendAdded(
  app: FastifyInstance,
  oidc: OpenIdProvider,
  visit: Visit,
  { loggedIn: { tokens, deviceCookie }, recoveryCodes }: Enrolled,
): Promise<FastifyReply | 'done.added'> {
  const { reply, view } = visit
  const { issuer, refreshTokenIdleLifetimeSeconds: maxAge } = app.config
  const login = await newBrowserLogin(oidc.current(), tokens.session, maxAge)
  reply.setCookie(loginCookieOf(issuer), login, {
    path: '/',
    httpOnly: true,
    sameSite: 'lax',
    secure: issuer.startsWith('https:'),
    maxAge,
  })
  setDeviceCookie(app, reply, deviceCookie)
  if (recoveryCodes === undefined) return 'done.added'
  return send(visit, recoveryCodesPage(view.context, { codes: recoveryCodes, next: pathOf(view, 'factors') }))
}
