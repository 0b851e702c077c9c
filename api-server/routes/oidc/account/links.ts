import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import {
  forgotPage,
  linkRefusedPage,
  linkUsedPage,
  mailedPage,
  resetPage,
  verifyPage,
} from '../../../pages/account-access.ts'
import { pageHeaders } from '../../../pages/layout.ts'
import type { PageContext, Pages } from '../../../pages/pages.ts'
import { confirmEmail } from '../../../plugins/app/accounts/email-verification.ts'
import { resetPassword, sendResetLink } from '../../../plugins/app/accounts/password-reset.ts'
import { basePathOf } from '../../../plugins/app/oidc/build-provider.ts'
import { rememberedLogin } from '../../../plugins/app/oidc/continue-cookie.ts'
import { Problem } from '../../../plugins/app/problems/problem.ts'
import { parseEmail } from '../../../plugins/app/users/email.ts'
import { withQuery } from '../form-page.ts'
import { newPasswordIn, refusalOf, shown, textOf } from '../forms.ts'
import { mayReset } from '../interaction-steps.ts'

const options = { schema: { hide: true } }
/** Characters of a token, as the API accepts them. */
const maxToken = 128

/**
 * The pages of mailed links. Opening one neither uses it up, because mail scanners open links, nor logs its browser in.
 */
export default async function linkPages(app: FastifyInstance, { pages }: { pages: Pages }): Promise<void> {
  passwordReset(app, pages)
  emailVerification(app, pages)
  if (mayReset(app)) anotherLink(app, pages)
}

function passwordReset(app: FastifyInstance, pages: Pages): void {
  const base = `${basePathOf(app.config.issuer)}/account`
  const action = `${base}/reset-password`
  const { passwordMinLength: minLength } = app.config
  app.get('/reset-password', options, async (request, reply) => {
    const page = pages.contextOf(request.raw)
    return send(reply, page, resetPage(page, { action, token: tokenIn(request.query), minLength }))
  })
  app.post('/reset-password', options, async (request, reply) => {
    const token = tokenIn(request.body)
    const page = pages.contextOf(request.raw, { here: withQuery(action, { token }) })
    try {
      const newPassword = newPasswordIn(request.body)
      await resetPassword(app, { token, newPassword }, app.callerOf(request, reply))
      return send(reply, page, linkUsedPage(page, { kind: 'reset', next: rememberedLogin(app, request) }))
    } catch (error) {
      const { problem, status } = refusalOf(page, error)
      const another = mayReset(app) ? `${base}/forgot-password` : undefined
      const body = isInvalidLink(error)
        ? linkRefusedPage(page, { kind: 'reset', problem, another })
        : resetPage(page, { action, token, minLength, problem })
      return send(reply, page, body, status)
    }
  })
}

function emailVerification(app: FastifyInstance, pages: Pages): void {
  const action = `${basePathOf(app.config.issuer)}/account/verify-email`
  app.get('/verify-email', options, async (request, reply) => {
    const page = pages.contextOf(request.raw)
    return send(reply, page, verifyPage(page, { action, token: tokenIn(request.query) }))
  })
  app.post('/verify-email', options, async (request, reply) => {
    const token = tokenIn(request.body)
    const page = pages.contextOf(request.raw, { here: withQuery(action, { token }) })
    try {
      await confirmEmail(app, token, app.callerOf(request, reply))
      return send(reply, page, linkUsedPage(page, { kind: 'verify', next: rememberedLogin(app, request) }))
    } catch (error) {
      const { problem, status } = refusalOf(page, error)
      const body = isInvalidLink(error)
        ? linkRefusedPage(page, { kind: 'verify', problem, another: undefined })
        : verifyPage(page, { action, token, problem })
      return send(reply, page, body, status)
    }
  })
}

/** For a user whose link has expired, perhaps in another browser than that of the login. */
function anotherLink(app: FastifyInstance, pages: Pages): void {
  const action = `${basePathOf(app.config.issuer)}/account/forgot-password`
  const back = (request: FastifyRequest) => rememberedLogin(app, request)
  app.get('/forgot-password', options, async (request, reply) => {
    const page = pages.contextOf(request.raw)
    const email = shown(textOf(request.query, 'email'))
    return send(reply, page, forgotPage(page, { action, back: back(request), email }))
  })
  app.post('/forgot-password', options, async (request, reply) => {
    const given = textOf(request.body, 'email') ?? ''
    const page = pages.contextOf(request.raw, { here: withQuery(action, { email: shown(given) }) })
    try {
      const email = parseEmail(given)
      await sendResetLink(app, email, app.callerOf(request, reply))
      return send(reply, page, mailedPage(page, { kind: 'reset', email, back: back(request) }))
    } catch (error) {
      const { problem, status } = refusalOf(page, error)
      const content = { action, back: back(request), email: shown(given), problem }
      return send(reply, page, forgotPage(page, content), status)
    }
  })
}

/** With `strict-origin`, browsers send the origin of a page with its forms, and never its address, which has the token. */
function send(reply: FastifyReply, page: PageContext, body: string, status = 200): FastifyReply {
  return reply
    .code(status)
    .headers({ ...pageHeaders(page), 'referrer-policy': 'strict-origin' })
    .send(body)
}

function tokenIn(container: unknown): string {
  return (textOf(container, 'token') ?? '').slice(0, maxToken)
}

function isInvalidLink(error: unknown): boolean {
  return error instanceof Problem && error.code === 'one_time_token_invalid'
}
