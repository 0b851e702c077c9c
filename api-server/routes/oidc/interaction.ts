import type { FastifyInstance } from 'fastify'
import { errors } from 'oidc-provider'
import { consentPage } from '../../pages/login.ts'
import { completeLogin } from '../../plugins/app/mfa/complete-login.ts'
import { userIdOf } from '../../plugins/app/oidc/browser-login.ts'
import type { OpenIdProvider } from '../../plugins/app/oidc/open-id-provider.ts'
import { stepUpLogin } from '../../plugins/app/oidc/step-up.ts'
import { codeIn, refusalOf, textOf } from './forms.ts'
import { accountPages } from './interaction-accounts.ts'
import { enrolmentPages } from './interaction-enrolment.ts'
import { passkeyPages } from './interaction-passkeys.ts'
import { providerPages } from './interaction-providers.ts'
import { InteractionSteps, scriptOfPages, secondStepIn } from './interaction-steps.ts'

/** The pages of a login. They work without JavaScript; each form answers with the next page or a redirect. */
export default async function interactionRoutes(
  app: FastifyInstance,
  { oidc }: { oidc: OpenIdProvider },
): Promise<void> {
  const options = { schema: { hide: true } }
  const steps = new InteractionSteps(app, oidc)
  accountPages(app, steps)
  providerPages(app, steps)
  if (app.mfa.isOn) enrolmentPages(app, steps)
  if (scriptOfPages(app) !== undefined) passkeyPages(app, steps)

  app.get('/:uid', options, async (request, reply) => {
    const interaction = await steps.open(request, reply)
    const { path, page, clientName, scopes, claims, resources } = interaction
    switch (interaction.prompt) {
      case 'login':
        return interaction.isStepUp
          ? steps.sendCode(reply, interaction, { userId: userIdOf(await steps.loginOf(interaction)) })
          : steps.sendFirst(reply, interaction)
      case 'consent':
        return steps.send(reply, interaction, consentPage(page, { path, clientName, scopes, claims, resources }))
      default:
        throw new errors.SessionNotFound(`there is no page for ${interaction.prompt}`)
    }
  })

  app.post('/:uid/login', options, async (request, reply) => {
    const interaction = await steps.openPrompt('login', request, reply)
    const { body } = request
    const credentials = { email: textOf(body, 'email') ?? '', password: textOf(body, 'password') ?? '' }
    return steps.logIn(request, reply, interaction, credentials)
  })

  app.post('/:uid/code', options, async (request, reply) => {
    const interaction = await steps.openPrompt('login', request, reply)
    const step = { ...codeIn(request.body), rememberDevice: false, ...secondStepIn(request, interaction) }
    try {
      const loggedIn = await completeLogin(app, step, undefined, app.callerOf(request, reply), new Date())
      return await steps.finishNewLogin(request, reply, loggedIn)
    } catch (error) {
      return steps.askAgain(reply, interaction, step, error)
    }
  })

  app.post('/:uid/step-up', options, async (request, reply) => {
    const interaction = await steps.openStepUp(request, reply)
    const login = await steps.loginOf(interaction)
    try {
      const caller = app.callerOf(request, reply)
      const session = await stepUpLogin(app, login, codeIn(request.body), caller, new Date())
      return await steps.finishLogin(request, reply, session)
    } catch (error) {
      const { problem, status } = refusalOf(interaction.page, error)
      return steps.sendCode(reply, interaction, { userId: userIdOf(login), problem }, status)
    }
  })

  app.post('/:uid/consent', options, async (request, reply) => {
    await steps.openPrompt('consent', request, reply)
    return steps.finish(request, reply, { consent: { granted: true } })
  })

  app.post('/:uid/cancel', options, async (request, reply) => {
    await steps.open(request, reply)
    return steps.finish(request, reply, { error: 'access_denied', error_description: 'the user cancelled' })
  })
}
