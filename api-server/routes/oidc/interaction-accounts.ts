import type { FastifyInstance } from 'fastify'
import { forgotPage, mailedPage, registerPage } from '../../pages/account-access.ts'
import { sendResetLink } from '../../plugins/app/accounts/password-reset.ts'
import { register } from '../../plugins/app/accounts/registration.ts'
import { rememberLogin } from '../../plugins/app/oidc/continue-cookie.ts'
import { parseEmail, parseNewEmail } from '../../plugins/app/users/email.ts'
import { enteredName } from './form-page.ts'
import { nameIn, newPasswordIn, refusalOf, shown, textOf } from './forms.ts'
import { type InteractionSteps, mayRegister, mayReset } from './interaction-steps.ts'

const options = { schema: { hide: true } }

/** Pages of a login for users who have forgotten their password, or who have no account. */
export function accountPages(app: FastifyInstance, steps: InteractionSteps): void {
  if (mayReset(app)) forgotten(app, steps)
  if (mayRegister(app)) registration(app, steps)
}

function forgotten(app: FastifyInstance, steps: InteractionSteps): void {
  app.get('/:uid/forgot', options, async (request, reply) => {
    const interaction = await steps.openPrompt('login', request, reply)
    const { page, path, enteredEmail: email } = interaction
    return steps.send(reply, interaction, forgotPage(page, { action: `${path}/forgot`, back: path, email }))
  })
  app.post('/:uid/forgot', options, async (request, reply) => {
    const interaction = await steps.openPrompt('login', request, reply)
    const { page, path, uid } = interaction
    const given = textOf(request.body, 'email') ?? ''
    try {
      const email = parseEmail(given)
      await sendResetLink(app, email, app.callerOf(request, reply))
      rememberLogin(app, reply, uid)
      return steps.send(reply, interaction, mailedPage(page, { kind: 'reset', email, back: path }))
    } catch (error) {
      const { problem, status } = refusalOf(page, error)
      const content = { action: `${path}/forgot`, back: path, email: shown(given), problem }
      return steps.send(reply, interaction, forgotPage(page, content), status)
    }
  })
}

function registration(app: FastifyInstance, steps: InteractionSteps): void {
  const { passwordMinLength: minLength } = app.config
  app.get('/:uid/register', options, async (request, reply) => {
    const interaction = await steps.openPrompt('login', request, reply)
    const { page, path, enteredEmail: email } = interaction
    return steps.send(
      reply,
      interaction,
      registerPage(page, { path, email, name: enteredName(request.query), minLength }),
    )
  })
  app.post('/:uid/register', options, async (request, reply) => {
    const interaction = await steps.openPrompt('login', request, reply)
    const { page, path, uid } = interaction
    const { body } = request
    const email = textOf(body, 'email') ?? ''
    try {
      const given = { email: parseNewEmail(email), name: nameIn(body), password: newPasswordIn(body) }
      const user = await register(app, given, app.callerOf(request, reply))
      // The password was chosen a moment ago, so the user need not enter it again.
      if (user !== undefined) return await steps.logIn(request, reply, interaction, given)
      rememberLogin(app, reply, uid)
      return steps.send(reply, interaction, mailedPage(page, { kind: 'register', email: given.email, back: path }))
    } catch (error) {
      const { problem, status } = refusalOf(page, error)
      const name = enteredName(body)
      const content = { path, email: shown(email), name, minLength, problem }
      return steps.send(reply, interaction, registerPage(page, content), status)
    }
  })
}
