import type { FastifyInstance } from 'fastify'
import { type Outcome, pathOf } from '../../../pages/account/layout.ts'
import { stepUpPage } from '../../../pages/account/step-up.ts'
import { checkCode } from '../../../plugins/app/mfa/check-code.ts'
import { recordAuthentication } from '../../../plugins/app/mfa/step-up.ts'
import { passkeysOf } from '../../../plugins/app/passkeys/options.ts'
import { checkStepUpPasskey, stepUpOptions } from '../../../plugins/app/passkeys/step-up.ts'
import { byTwoFactors } from '../../../plugins/app/sessions/authentication.ts'
import { codeIn } from '../forms.ts'
import { usedCredentialIn } from '../passkey-fields.ts'
import { sectionIn, type Visit, type Visits } from './visits.ts'

/** The page that asks for a second factor before a change, as the API answers `insufficient_user_authentication`. */
export function stepUpPages(app: FastifyInstance, visits: Visits): void {
  const ask = async (visit: Visit, outcome: Outcome) => {
    const { user, request } = visit
    const found = await app.mfa.requiredFactors(user._id)
    if (passkeysOf(found?.factors ?? []).length > 0) visits.allowScript(visit)
    return stepUpPage(
      visit.view,
      { section: sectionIn(request.method === 'GET' ? request.query : request.body) },
      outcome,
    )
  }
  const back = ({ reply, view, body }: Visit) =>
    reply.header('cache-control', 'no-store').redirect(pathOf(view, sectionIn(body)), 303)

  visits.page('/step-up', 'profile', ask)
  visits.form('/step-up', 'profile', ask, async (visit) => {
    const { user, claims, body, caller, now } = visit
    await checkCode(app, user, codeIn(body), caller, now)
    await recordAuthentication(app, claims, byTwoFactors, now)
    return back(visit)
  })
  if (!app.passkeys.isOn) return
  visits.options('/step-up/passkey/options', ({ claims, caller, now }) => stepUpOptions(app, claims, caller, now))
  const stepUp = async (visit: Visit) => {
    const { user, claims, body, caller, now } = visit
    const methods = await checkStepUpPasskey(app, user, claims, usedCredentialIn(body), caller, now)
    await recordAuthentication(app, claims, methods, now)
    return back(visit)
  }
  visits.form('/step-up/passkey', 'profile', ask, stepUp, '/step-up')
}
