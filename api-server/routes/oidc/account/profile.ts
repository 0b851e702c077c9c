import type { FastifyInstance, FastifyReply } from 'fastify'
import { type Outcome, pathOf } from '../../../pages/account/layout.ts'
import { deletePage, loggedOutEverywherePage, passwordPage, profilePage } from '../../../pages/account/profile.ts'
import type { MessageKey } from '../../../pages/messages.ts'
import { resendVerification } from '../../../plugins/app/accounts/email-verification.ts'
import { changePassword } from '../../../plugins/app/accounts/password-change.ts'
import {
  cancelPendingEmail,
  changeProfile,
  deleteOwnAccount,
  readProfile,
} from '../../../plugins/app/accounts/profile.ts'
import { setDeviceCookie } from '../../../plugins/app/login-attempts/device-cookie.ts'
import { requireStepUp } from '../../../plugins/app/mfa/step-up.ts'
import { parseEmail, parseNewEmail } from '../../../plugins/app/users/email.ts'
import { currentPasswordIn, nameIn, newPasswordIn, shown, textOf } from '../forms.ts'
import { send, type Visit, type Visits } from './visits.ts'

/** The pages with name, email and password, and the one on which users delete their account. */
export function profilePages(app: FastifyInstance, visits: Visits): void {
  const profile = (visit: Visit, outcome: Outcome) => showProfile(app, visit, outcome)
  visits.page('/', 'profile', profile)
  visits.form('/name', 'profile', profile, async ({ user, claims, body, caller }) => {
    const change = { name: nameIn(body), email: undefined, currentPassword: '' }
    await changeProfile(app, user, claims, change, caller)
    return 'done.saved'
  })
  visits.form('/email', 'profile', profile, async ({ user, claims, body, caller, now }) => {
    await requireStepUp(app, user, claims, now)
    const email = parseNewEmail(textOf(body, 'email') ?? '')
    const change = { name: undefined, email, currentPassword: currentPasswordIn(body) }
    await changeProfile(app, user, claims, change, caller)
    return 'done.mailed'
  })
  visits.form('/email/cancel', 'profile', profile, async ({ user, caller }) => {
    await cancelPendingEmail(app, user, caller)
    return 'done.saved'
  })
  visits.form('/email/verify', 'profile', profile, async ({ user, caller }) => {
    await resendVerification(app, parseEmail(user.email), caller)
    return 'done.mailed'
  })

  const { passwordMinLength: minLength } = app.config
  const password = ({ view }: Visit, outcome: Outcome) => passwordPage(view, { minLength }, outcome)
  visits.page('/password', 'password', password)
  visits.form('/password', 'password', password, async (visit) => {
    const { user, claims, body, reply, caller, now } = visit
    await requireStepUp(app, user, claims, now)
    const passwords = { current: currentPasswordIn(body), new: newPasswordIn(body) }
    setDeviceCookie(app, reply, await changePassword(app, user, claims, passwords, caller))
    return sendEnd(visit, 'reset.doneTitle', 'reset.done')
  })

  const deletion = ({ view }: Visit, outcome: Outcome) => deletePage(view, outcome)
  visits.page('/delete', 'delete', deletion)
  visits.form('/delete', 'delete', deletion, async (visit) => {
    const { user, claims, body, caller, now } = visit
    await requireStepUp(app, user, claims, now)
    await deleteOwnAccount(app, user, claims, currentPasswordIn(body), caller)
    const content = { title: 'delete.doneTitle', text: 'delete.done', next: undefined } as const
    return send(visit, loggedOutEverywherePage(visit.view.context, content))
  })
}

/** The page after a change that has ended all sessions. */
export function sendEnd(visit: Visit, title: MessageKey, text: MessageKey): FastifyReply {
  const { context, base } = visit.view
  return send(visit, loggedOutEverywherePage(context, { title, text, next: pathOf({ base }, 'profile') }))
}

async function showProfile(app: FastifyInstance, visit: Visit, outcome: Outcome): Promise<string> {
  const { view, claims, caller, body } = visit
  const { user, isEmailVerified, pendingEmail } = await readProfile(app, claims.sub, caller)
  const { email, name } = user
  const newEmail = shown(textOf(body, 'email'))
  const entered = textOf(body, 'name')?.slice(0, 200)
  const content = { email, isEmailVerified, pendingEmail, newEmail, name: entered ?? name }
  return profilePage(view, { ...content, hasMail: app.mail.isConfigured }, outcome)
}
