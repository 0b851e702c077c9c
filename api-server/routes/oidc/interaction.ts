import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { errors } from 'oidc-provider'
import { errorPage } from '../../pages/error.ts'
import { pageHeaders } from '../../pages/layout.ts'
import { codePage, consentPage, loginPage } from '../../pages/login.ts'
import type { PageContext } from '../../pages/pages.ts'
import { pageProblem } from '../../pages/problem-message.ts'
import { setDeviceCookie } from '../../plugins/app/login-attempts/device-cookie.ts'
import { bindingOf } from '../../plugins/app/mfa/challenge-store.ts'
import type { PresentedCode } from '../../plugins/app/mfa/check-code.ts'
import { completeLogin } from '../../plugins/app/mfa/complete-login.ts'
import { browserLoginOf } from '../../plugins/app/oidc/browser-login.ts'
import { interactionPath } from '../../plugins/app/oidc/build-provider.ts'
import type { OpenIdProvider } from '../../plugins/app/oidc/open-id-provider.ts'
import { prepareRequest } from '../../plugins/app/oidc/raw-request.ts'
import { commonScopes } from '../../plugins/app/oidc/resources.ts'
import { stepUpLogin, stepUpReason } from '../../plugins/app/oidc/step-up.ts'
import { problemOf, sendHeaders } from '../../plugins/app/problems/plugin.ts'
import { Problem } from '../../plugins/app/problems/problem.ts'
import { authenticationClaims } from '../../plugins/app/sessions/authentication.ts'
import type { LoggedIn } from '../../plugins/app/sessions/begin-session.ts'
import { logIn } from '../../plugins/app/sessions/login.ts'
import type { Session } from '../../plugins/app/sessions/session.ts'
import { parseEmail } from '../../plugins/app/users/email.ts'

/** One page after another, until the library can answer the client. */
interface Interaction {
  path: string
  /** Of its pages. */
  page: PageContext
  prompt: string
  /** Whether the browser is logged in, and only the second factor is missing. */
  isStepUp: boolean
  /** The login of the browser when the interaction began. */
  loginUid: string | undefined
  clientName: string
  scopes: string[]
  /** APIs that the client asks tokens for. */
  resources: { uri: string; scopes: string[] }[]
  loginHint: string | undefined
  redirectUri: string | undefined
}

/** The pages of a login. They work without JavaScript; each form answers with the next page or a redirect. */
export default async function interactionRoutes(
  app: FastifyInstance,
  { oidc }: { oidc: OpenIdProvider },
): Promise<void> {
  const options = { schema: { hide: true } }

  const open = async (request: FastifyRequest, reply: FastifyReply): Promise<Interaction> => {
    prepareRequest(request, app.config.issuer)
    const details = await oidc.current().interactionDetails(request.raw, reply.raw)
    // The cookie has the path of its interaction, but a client can send it elsewhere.
    if (details.uid !== textOf(request.params, 'uid'))
      throw new errors.SessionNotFound('the page belongs to another login')
    const { params, prompt } = details
    await requireClient(oidc, params)
    const clientId = String(params['client_id'])
    const scopes = String(params['scope'] ?? '').split(' ')
    const path = `${new URL(app.config.issuer).pathname.replace(/\/$/, '')}${interactionPath}/${details.uid}`
    return {
      path,
      page: oidc.pages.contextOf(request.raw, { uiLocales: textOf(params, 'ui_locales'), here: path }),
      prompt: prompt.name,
      isStepUp: prompt.name === 'login' && prompt.reasons.every((reason) => reason === stepUpReason),
      loginUid: details.session?.uid,
      clientName: oidc.nameOf(clientId),
      scopes,
      resources: (oidc.clients.find(clientId)?.resources ?? [])
        .filter(({ uri }) => [params['resource']].flat().includes(uri))
        .map((api) => ({ uri: api.uri, scopes: commonScopes(api.scopes ?? [], scopes) })),
      loginHint: shown(textOf(params, 'login_hint')),
      redirectUri: textOf(params, 'redirect_uri'),
    }
  }
  const send = (reply: FastifyReply, { page, redirectUri }: Interaction, body: string, status = 200) =>
    reply.code(status).headers(pageHeaders(page, redirectUri)).send(body)
  const finish = async (request: FastifyRequest, reply: FastifyReply, outcome: Record<string, unknown>) => {
    const next = await oidc.current().interactionResult(request.raw, reply.raw, outcome)
    return reply.header('cache-control', 'no-store').redirect(next, 303)
  }
  const finishLogin = (request: FastifyRequest, reply: FastifyReply, session: Session) => {
    const { amr, acr } = authenticationClaims(session.authentication)
    const login = { accountId: session.userId.toString(), sid: session._id, ...(amr && { amr }), ...(acr && { acr }) }
    return finish(request, reply, { login })
  }
  const finishNewLogin = (request: FastifyRequest, reply: FastifyReply, { tokens, deviceCookie }: LoggedIn) => {
    setDeviceCookie(app, reply, deviceCookie)
    return finishLogin(request, reply, tokens.session)
  }
  const requirePrompt = (interaction: Interaction, name: string) => {
    if (interaction.prompt !== name) throw new errors.SessionNotFound('this step of the login is over')
  }

  app.setErrorHandler((error: FastifyError, request, reply) => {
    const page = oidc.pages.contextOf(request.raw)
    reply.headers(pageHeaders(page))
    if (error instanceof errors.OIDCProviderError) {
      return reply.code(400).send(errorPage(page, { code: error.error, message: page.t('error.expired') }))
    }
    const known = problemOf(error, request)
    sendHeaders(known, reply)
    const { message } = pageProblem(page, known)
    return reply.code(known.statusCode).send(errorPage(page, { code: known.code, message }))
  })

  app.get('/:uid', options, async (request, reply) => {
    const interaction = await open(request, reply)
    const { path, page, clientName, scopes, resources, loginHint } = interaction
    switch (interaction.prompt) {
      case 'login':
        return send(
          reply,
          interaction,
          interaction.isStepUp
            ? codePage(page, { path, mfaToken: undefined, problem: undefined })
            : loginPage(page, { path, clientName, email: loginHint, problem: undefined }),
        )
      case 'consent':
        return send(reply, interaction, consentPage(page, { path, clientName, scopes, resources }))
      default:
        throw new errors.SessionNotFound(`there is no page for ${interaction.prompt}`)
    }
  })

  app.post('/:uid/login', options, async (request, reply) => {
    const interaction = await open(request, reply)
    requirePrompt(interaction, 'login')
    const { path, page, clientName } = interaction
    const email = textOf(request.body, 'email') ?? ''
    try {
      const credentials = { email: parseEmail(email), password: textOf(request.body, 'password') ?? '' }
      const client = { replacedToken: undefined, binding: bindingFor(request, path) }
      const result = await logIn(app, credentials, client, app.callerOf(request, reply), new Date())
      switch (result.kind) {
        case 'loggedIn':
          return finishNewLogin(request, reply, result)
        case 'secondFactorRequired':
          return send(reply, interaction, codePage(page, { path, mfaToken: result.mfaToken, problem: undefined }))
        case 'enrolmentRequired': {
          const message = page.t('problem.enrolment_required')
          return send(reply, interaction, loginPage(page, { path, clientName, email, problem: { message } }), 403)
        }
      }
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      const next = loginPage(page, { path, clientName, email: shown(email), problem: pageProblem(page, error) })
      return send(reply, interaction, next, error.statusCode)
    }
  })

  app.post('/:uid/code', options, async (request, reply) => {
    const interaction = await open(request, reply)
    requirePrompt(interaction, 'login')
    const { path, page, clientName } = interaction
    const mfaToken = textOf(request.body, 'mfa_token') ?? ''
    const step = { mfaToken, ...codeIn(request), rememberDevice: false, binding: bindingFor(request, path) }
    try {
      const loggedIn = await completeLogin(app, step, undefined, app.callerOf(request, reply), new Date())
      return finishNewLogin(request, reply, loggedIn)
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      const wrong = pageProblem(page, error)
      const next =
        error.code === 'mfa_token_invalid'
          ? loginPage(page, { path, clientName, email: undefined, problem: wrong })
          : codePage(page, { path, mfaToken, problem: wrong })
      return send(reply, interaction, next, error.statusCode)
    }
  })

  app.post('/:uid/step-up', options, async (request, reply) => {
    const interaction = await open(request, reply)
    const { path, page, isStepUp, loginUid = '' } = interaction
    if (!isStepUp) throw new errors.SessionNotFound('this step of the login is over')
    const login = browserLoginOf(await oidc.current().Session.findByUid(loginUid))
    try {
      const caller = app.callerOf(request, reply)
      return finishLogin(request, reply, await stepUpLogin(app, login, codeIn(request), caller, new Date()))
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      const next = codePage(page, { path, mfaToken: undefined, problem: pageProblem(page, error) })
      return send(reply, interaction, next, error.statusCode)
    }
  })

  app.post('/:uid/consent', options, async (request, reply) => {
    requirePrompt(await open(request, reply), 'consent')
    return finish(request, reply, { consent: { granted: true } })
  })

  app.post('/:uid/cancel', options, async (request, reply) => {
    await open(request, reply)
    return finish(request, reply, { error: 'access_denied', error_description: 'the user cancelled' })
  })
}

/** The client and its redirect URI, which devices have none of, may have been removed from the file meanwhile. */
async function requireClient(oidc: OpenIdProvider, params: Record<string, unknown>): Promise<void> {
  const client = await oidc.current().Client.find(String(params['client_id']))
  const redirectUri = params['redirect_uri']
  if (client === undefined || (redirectUri !== undefined && !client.redirectUriAllowed(String(redirectUri)))) {
    throw new errors.SessionNotFound('the client or its redirect URI was removed')
  }
}

/** What a field may have contained. A longer text is no email, and the page does not repeat it. RFC 5321 section 4.5.3.1. */
function shown(email: string | undefined): string | undefined {
  return email === undefined || email.length > 254 ? undefined : email
}

/** Binds the second step to the browser and to the interaction of the first one. */
function bindingFor({ headers }: FastifyRequest, path: string): string {
  return bindingOf(headers['user-agent'], path)
}

/** The code of a form: that of an app has six digits. */
function codeIn(request: FastifyRequest): PresentedCode {
  const code = (textOf(request.body, 'code') ?? '').replaceAll(' ', '')
  return { method: /^\d{6}$/.test(code) ? 'totp' : 'recovery_code', code }
}

function textOf(container: unknown, name: string): string | undefined {
  if (typeof container !== 'object' || container === null) return undefined
  const value: unknown = Reflect.get(container, name)
  return typeof value === 'string' ? value : undefined
}
