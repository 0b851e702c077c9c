import type { FastifyInstance } from 'fastify'
import { userIdOf } from '../../plugins/app/oidc/browser-login.ts'
import { stepUpLoginByPasskey, stepUpLoginOptions } from '../../plugins/app/oidc/step-up.ts'
import { logInByPasskey, loginOptions } from '../../plugins/app/passkeys/login.ts'
import { completeLoginByPasskey, secondStepOptions } from '../../plugins/app/passkeys/second-step.ts'
import { refusalOf } from './forms.ts'
import { bindingFor, type InteractionSteps, secondStepIn } from './interaction-steps.ts'
import { usedCredentialIn } from './passkey-fields.ts'

const options = { schema: { hide: true } }

/** The use of passkeys on the pages of a login. The script of the pages asks for options, and sends the forms. */
export function passkeyPages(app: FastifyInstance, steps: InteractionSteps): void {
  login(app, steps)
  secondStep(app, steps)
  stepUp(app, steps)
}

function login(app: FastifyInstance, steps: InteractionSteps): void {
  app.post('/:uid/passkey/options', options, async (request, reply) => {
    const interaction = await steps.openPrompt('login', request, reply)
    reply.header('cache-control', 'no-store')
    return loginOptions(app, bindingFor(request, interaction), new Date())
  })
  app.post('/:uid/passkey', options, async (request, reply) => {
    const interaction = await steps.openPrompt('login', request, reply)
    try {
      const credential = usedCredentialIn(request.body)
      const use = { credential, binding: bindingFor(request, interaction), replacedToken: undefined }
      const loggedIn = await logInByPasskey(app, use, app.callerOf(request, reply), new Date())
      return await steps.finishNewLogin(request, reply, loggedIn)
    } catch (error) {
      const { problem, status } = refusalOf(interaction.page, error)
      return steps.sendLogin(reply, interaction, { email: interaction.loginHint, problem }, status)
    }
  })
}

function secondStep(app: FastifyInstance, steps: InteractionSteps): void {
  app.post('/:uid/code/passkey/options', options, async (request, reply) => {
    const interaction = await steps.openPrompt('login', request, reply)
    reply.header('cache-control', 'no-store')
    return secondStepOptions(app, secondStepIn(request, interaction), new Date())
  })
  app.post('/:uid/code/passkey', options, async (request, reply) => {
    const interaction = await steps.openPrompt('login', request, reply)
    const step = secondStepIn(request, interaction)
    try {
      const use = { ...step, credential: usedCredentialIn(request.body), rememberDevice: false }
      const loggedIn = await completeLoginByPasskey(app, use, undefined, app.callerOf(request, reply), new Date())
      return await steps.finishNewLogin(request, reply, loggedIn)
    } catch (error) {
      return steps.askAgain(reply, interaction, step, error)
    }
  })
}

function stepUp(app: FastifyInstance, steps: InteractionSteps): void {
  app.post('/:uid/step-up/passkey/options', options, async (request, reply) => {
    const login = await steps.loginOf(await steps.openStepUp(request, reply))
    reply.header('cache-control', 'no-store')
    return stepUpLoginOptions(app, login, app.callerOf(request, reply), new Date())
  })
  app.post('/:uid/step-up/passkey', options, async (request, reply) => {
    const interaction = await steps.openStepUp(request, reply)
    const login = await steps.loginOf(interaction)
    try {
      const credential = usedCredentialIn(request.body)
      const session = await stepUpLoginByPasskey(app, login, credential, app.callerOf(request, reply), new Date())
      return await steps.finishLogin(request, reply, session)
    } catch (error) {
      const { problem, status } = refusalOf(interaction.page, error)
      return steps.sendCode(reply, interaction, { userId: userIdOf(login), problem }, status)
    }
  })
}
