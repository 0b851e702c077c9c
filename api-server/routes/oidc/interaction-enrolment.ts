import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { recoveryCodesPage, totpPage } from '../../pages/enrolment.ts'
import type { PageProblem } from '../../pages/problem-message.ts'
import type { Enrolled } from '../../plugins/app/mfa/add-factor.ts'
import { WrongCode } from '../../plugins/app/mfa/check-code.ts'
import { enrollingUserOfLogin, recordLoginByEnrolment } from '../../plugins/app/mfa/enrolling-user.ts'
import { confirmTotp, type StartedTotp, startedTotp, startTotp } from '../../plugins/app/mfa/enrolment.ts'
import { confirmPasskey, startPasskey } from '../../plugins/app/passkeys/registration.ts'
import { enteredCodeIn, refusalOf, textOf } from './forms.ts'
import { bindingFor, type Interaction, type InteractionSteps, scriptOfPages } from './interaction-steps.ts'
import { newCredentialIn } from './passkey-fields.ts'

const options = { schema: { hide: true } }

/** Pages of a login whose password was right, for a user who must set up a second factor first. */
export function enrolmentPages(app: FastifyInstance, steps: InteractionSteps): void {
  const userOf = (request: FastifyRequest, interaction: Interaction, now: Date) =>
    enrollingUserOfLogin(app, enrolmentTokenIn(request), bindingFor(request, interaction), now)

  app.post('/:uid/enrol/totp', options, async (request, reply) => {
    const interaction = await steps.openPrompt('login', request, reply)
    const now = new Date()
    try {
      const { user, claims } = await userOf(request, interaction, now)
      const start = { currentPassword: undefined, name: interaction.page.t('totp.name') }
      const started = await startTotp(app, user, claims, start, app.callerOf(request, reply), now)
      return sendTotp(request, reply, interaction, started)
    } catch (error) {
      const { problem, status } = refusalOf(interaction.page, error)
      return steps.sendLogin(reply, interaction, { problem }, status)
    }
  })

  app.post('/:uid/enrol/confirm', options, async (request, reply) => {
    const interaction = await steps.openPrompt('login', request, reply)
    const now = new Date()
    const token = textOf(request.body, 'token') ?? ''
    const code = enteredCodeIn(request.body)
    try {
      const { user, claims } = await userOf(request, interaction, now)
      const caller = app.callerOf(request, reply)
      try {
        const enrolled = await confirmTotp(app, user, claims, { token, code }, caller, now)
        await recordLoginByEnrolment(app, user, enrolled.loggedIn, caller, now)
        return await sendCodes(request, reply, interaction, enrolled)
      } catch (error) {
        if (!(error instanceof WrongCode)) throw error
        const { problem, status } = refusalOf(interaction.page, error)
        const started = await startedTotp(app, user, claims, token, now)
        return sendTotp(request, reply, interaction, started, problem, status)
      }
    } catch (error) {
      const { problem, status } = refusalOf(interaction.page, error)
      return steps.sendLogin(reply, interaction, { problem }, status)
    }
  })

  if (scriptOfPages(app) !== undefined) {
    app.post('/:uid/enrol/passkey/options', options, async (request, reply) => {
      const interaction = await steps.openPrompt('login', request, reply)
      const now = new Date()
      const { user, claims } = await userOf(request, interaction, now)
      reply.header('cache-control', 'no-store')
      return startPasskey(app, user, claims, undefined, app.callerOf(request, reply), now)
    })
    app.post('/:uid/enrol/passkey', options, async (request, reply) => {
      const interaction = await steps.openPrompt('login', request, reply)
      const now = new Date()
      try {
        const { user, claims } = await userOf(request, interaction, now)
        const caller = app.callerOf(request, reply)
        const confirmation = { name: interaction.page.t('passkey.name'), credential: newCredentialIn(request.body) }
        const enrolled = await confirmPasskey(app, user, claims, confirmation, caller, now)
        await recordLoginByEnrolment(app, user, enrolled.loggedIn, caller, now)
        return await sendCodes(request, reply, interaction, enrolled)
      } catch (error) {
        const { problem, status } = refusalOf(interaction.page, error)
        const enrolmentToken = enrolmentTokenIn(request)
        return status === 401
          ? steps.sendLogin(reply, interaction, { problem }, status)
          : steps.sendEnrol(reply, interaction, { enrolmentToken, problem }, status)
      }
    })
  }

  function sendTotp(
    request: FastifyRequest,
    reply: FastifyReply,
    interaction: Interaction,
    { token, secret, otpauthUrl }: StartedTotp,
    problem?: PageProblem,
    status?: number,
  ): FastifyReply {
    const { page, path } = interaction
    const hidden = { enrolment_token: enrolmentTokenIn(request), token }
    const content = { action: `${path}/enrol/confirm`, hidden, secret, otpauthUrl, problem }
    return steps.send(reply, interaction, totpPage(page, content), status)
  }

  /** The login is recorded before the codes are shown: a link is enough to go on. */
  async function sendCodes(
    request: FastifyRequest,
    reply: FastifyReply,
    interaction: Interaction,
    { loggedIn, recoveryCodes }: Enrolled,
  ): Promise<FastifyReply> {
    if (recoveryCodes === undefined) return steps.finishNewLogin(request, reply, loggedIn)
    const next = await steps.recordLogin(request, reply, loggedIn)
    return steps.send(reply, interaction, recoveryCodesPage(interaction.page, { codes: recoveryCodes, next }))
  }
}

function enrolmentTokenIn({ body }: FastifyRequest): string {
  return textOf(body, 'enrolment_token') ?? ''
}
