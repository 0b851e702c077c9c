import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { errors } from 'oidc-provider'
import { enrolPage } from '../../pages/enrolment.ts'
import { pageHeaders } from '../../pages/layout.ts'
import { codePage, emailPage, loginPage } from '../../pages/login.ts'
import type { PageContext } from '../../pages/pages.ts'
import { scriptPath } from '../../pages/passkey-script.ts'
import type { PageProblem } from '../../pages/problem-message.ts'
import { isProofFor, linkPending, pendingLinkOf } from '../../plugins/app/identity-providers/link.ts'
import { setDeviceCookie } from '../../plugins/app/login-attempts/device-cookie.ts'
import { bindingOf } from '../../plugins/app/mfa/challenge-store.ts'
import type { SecondStepClient } from '../../plugins/app/mfa/complete-login.ts'
import { accountPagesId } from '../../plugins/app/oidc/account-pages-client.ts'
import { askedClaims } from '../../plugins/app/oidc/asked-claims.ts'
import { type BrowserLogin, browserLoginOf } from '../../plugins/app/oidc/browser-login.ts'
import { basePathOf, interactionPath } from '../../plugins/app/oidc/build-provider.ts'
import type { OpenIdProvider } from '../../plugins/app/oidc/open-id-provider.ts'
import { prepareRequest } from '../../plugins/app/oidc/raw-request.ts'
import { commonScopes } from '../../plugins/app/oidc/resources.ts'
import { stepUpReason } from '../../plugins/app/oidc/step-up.ts'
import { passkeysOf } from '../../plugins/app/passkeys/options.ts'
import { Problem } from '../../plugins/app/problems/problem.ts'
import { authenticationClaims } from '../../plugins/app/sessions/authentication.ts'
import type { LoggedIn } from '../../plugins/app/sessions/begin-session.ts'
import { type LoginResult, logIn } from '../../plugins/app/sessions/login.ts'
import type { Session } from '../../plugins/app/sessions/session.ts'
import { parseEmail } from '../../plugins/app/users/email.ts'
import type { UserKey } from '../../plugins/app/users/user-key.ts'
import { interactionPageOf } from './form-page.ts'
import { refusalOf, shown, textOf } from './forms.ts'

/** One page after another, until the library can answer the client. */
export interface Interaction {
  uid: string
  /** Of its pages, without a slash at its end. */
  path: string
  page: PageContext
  prompt: string
  /** Whether the browser is logged in, and only the second factor is missing. */
  isStepUp: boolean
  /** The login of the browser when the interaction began. */
  loginUid: string | undefined
  clientName: string
  scopes: string[]
  /** Claims about the user that it asks for beyond its scopes. */
  claims: string[]
  /** APIs that the client asks tokens for. */
  resources: { uri: string; scopes: string[] }[]
  /** The email that the client knows. */
  loginHint: string | undefined
  /** What the user has entered, before choosing another language, or else what the client knows. */
  enteredEmail: string | undefined
  redirectUri: string | undefined
  /** Whether the user is to authenticate now, whatever login a browser has. OpenID Connect Core section 3.1.2.1. */
  mustAuthenticate: boolean
}

/** What a page of the login shows of an earlier attempt. */
interface Attempt {
  email?: string | undefined
  problem?: PageProblem | undefined
}

/** What the pages of an interaction share. */
export class InteractionSteps {
  readonly #app: FastifyInstance
  readonly #oidc: OpenIdProvider

  constructor(app: FastifyInstance, oidc: OpenIdProvider) {
    this.#app = app
    this.#oidc = oidc
  }

  /** The interaction of the page and of the browser. @throws SessionNotFound if they differ */
  async open(request: FastifyRequest, reply: FastifyReply): Promise<Interaction> {
    const [app, oidc] = [this.#app, this.#oidc]
    prepareRequest(request, app.config.issuer)
    const details = await oidc.current().interactionDetails(request.raw, reply.raw)
    // The cookie has the path of its interaction, but a client can send it elsewhere.
    if (details.uid !== textOf(request.params, 'uid'))
      throw new errors.SessionNotFound('the page belongs to another login')
    const { params, prompt } = details
    await requireClient(oidc, params)
    const clientId = String(params['client_id'])
    const scopes = String(params['scope'] ?? '').split(' ')
    const path = `${basePathOf(app.config.issuer)}${interactionPath}/${details.uid}`
    const uiLocales = textOf(params, 'ui_locales')
    const loginHint = shown(textOf(params, 'login_hint'))
    request.uiLocales = uiLocales
    const page = oidc.pages.contextOf(request.raw, {
      uiLocales,
      ...(!isPage(request) && { here: interactionPageOf(request, path) }),
    })
    return {
      uid: details.uid,
      path,
      page,
      prompt: prompt.name,
      isStepUp: prompt.name === 'login' && prompt.reasons.every((reason) => reason === stepUpReason),
      loginUid: details.session?.uid,
      clientName: clientId === accountPagesId ? page.t('account.title') : oidc.nameOf(clientId),
      scopes,
      claims: askedClaims(oidc.clients.find(clientId), params),
      resources: (oidc.clients.find(clientId)?.resources ?? [])
        .filter(({ uri }) => [params['resource']].flat().includes(uri))
        .map((api) => ({ uri: api.uri, scopes: commonScopes(api.scopes ?? [], scopes) })),
      loginHint,
      enteredEmail: shown(textOf(request.query, 'email')) ?? loginHint,
      redirectUri: textOf(params, 'redirect_uri'),
      mustAuthenticate:
        params['max_age'] !== undefined ||
        String(params['prompt'] ?? '')
          .split(' ')
          .includes('login'),
    }
  }

  /** The same for a page that belongs to one prompt. @throws SessionNotFound if the interaction asks for something else */
  async openPrompt(prompt: 'login' | 'consent', request: FastifyRequest, reply: FastifyReply): Promise<Interaction> {
    const interaction = await this.open(request, reply)
    if (interaction.prompt !== prompt) throw new errors.SessionNotFound('this step of the login is over')
    return interaction
  }

  /** The same for a page of a browser that is logged in with one factor, and needs another one. @throws SessionNotFound */
  async openStepUp(request: FastifyRequest, reply: FastifyReply): Promise<Interaction> {
    const interaction = await this.open(request, reply)
    if (!interaction.isStepUp) throw new errors.SessionNotFound('this step of the login is over')
    return interaction
  }

  /** The login of the browser when the interaction began; undefined if it has ended. */
  async loginOf({ loginUid = '' }: Interaction): Promise<BrowserLogin | undefined> {
    return browserLoginOf(await this.#oidc.current().Session.findByUid(loginUid))
  }

  send(reply: FastifyReply, { page, redirectUri }: Interaction, body: string, status = 200): FastifyReply {
    return reply.code(status).headers(pageHeaders(page, redirectUri)).send(body)
  }

  /** The page that a login begins with: it asks for the email first if that decides where the user logs in. */
  async sendFirst(reply: FastifyReply, interaction: Interaction): Promise<FastifyReply> {
    const { path, clientName, enteredEmail: email, uid } = interaction
    const providers = this.#app.identityProviders.all
    const isByEmail = providers.some(({ domains = [] }) => domains.length > 0)
    if (!isByEmail || (await pendingLinkOf(this.#app, uid, new Date())) !== undefined) {
      return this.sendLogin(reply, interaction, { email })
    }
    const withScript = this.#withScript(interaction)
    const content = { path, clientName, email, providers }
    return this.send(reply, withScript, emailPage(withScript.page, content))
  }

  /**
   * The page with email and password, with a button for passkeys, and with those of other providers. If the user comes
   * from one whose account is not linked, it asks for the login that links it.
   */
  async sendLogin(reply: FastifyReply, interaction: Interaction, { email, problem }: Attempt = {}, status = 200) {
    const { path, clientName, uid } = interaction
    const content = {
      path,
      clientName,
      email,
      problem,
      mayReset: mayReset(this.#app),
      mayRegister: mayRegister(this.#app),
      providers: this.#app.identityProviders.all,
      linkTo: (await pendingLinkOf(this.#app, uid, new Date()))?.provider.name,
    }
    const withScript = this.#withScript(interaction)
    return this.send(reply, withScript, loginPage(withScript.page, content), status)
  }

  /**
   * The page that asks for a second factor.
   * @param mfaToken of a login whose password was right; undefined: the browser is logged in, with one factor
   * @param userId of the user, if the server knows it: without a passkey, the page offers none
   */
  async sendCode(
    reply: FastifyReply,
    interaction: Interaction,
    { mfaToken, userId, problem }: { mfaToken?: string; userId: UserKey | undefined; problem?: PageProblem },
    status = 200,
  ): Promise<FastifyReply> {
    const found = userId === undefined ? null : await this.#app.mfa.requiredFactors(userId)
    const hasPasskey = passkeysOf(found?.factors ?? []).length > 0
    const shown = hasPasskey ? this.#withScript(interaction) : interaction
    return this.send(reply, shown, codePage(shown.page, { path: interaction.path, mfaToken, problem }), status)
  }

  /** The page for a second step that was refused. @throws the error, if it is none that the user can do something about */
  async askAgain(reply: FastifyReply, interaction: Interaction, step: SecondStepClient, error: unknown) {
    const { problem, status } = refusalOf(interaction.page, error)
    const pending = await this.#app.mfa.challenges.find(step.mfaToken, 'login', new Date())
    const hasEnded = error instanceof Problem && error.code === 'mfa_token_invalid'
    if (hasEnded || pending === null) return this.sendLogin(reply, interaction, { problem }, status)
    return this.sendCode(reply, interaction, { mfaToken: step.mfaToken, userId: pending.userId, problem }, status)
  }

  /** The page on which a user chooses a second factor to set up. */
  sendEnrol(
    reply: FastifyReply,
    interaction: Interaction,
    { enrolmentToken, problem }: { enrolmentToken: string; problem?: PageProblem },
    status = 200,
  ): FastifyReply {
    const { allowedTypes: types } = this.#app.config.mfa
    const shown = this.#withScript(interaction)
    return this.send(reply, shown, enrolPage(shown.page, { path: shown.path, enrolmentToken, types, problem }), status)
  }

  /** With the script for passkeys, if the pages may use them. */
  #withScript(interaction: Interaction): Interaction {
    const script = scriptOfPages(this.#app)
    return script === undefined ? interaction : { ...interaction, page: { ...interaction.page, script } }
  }

  /** Logs in with a password, and answers with the next page or the rest of the authorization. */
  async logIn(
    request: FastifyRequest,
    reply: FastifyReply,
    interaction: Interaction,
    { email, password }: { email: string; password: string },
  ): Promise<FastifyReply> {
    const now = new Date()
    try {
      const credentials = { email: parseEmail(email), password }
      const isProof = isProofFor(this.#app, await pendingLinkOf(this.#app, interaction.uid, now), credentials.email)
      const client = { replacedToken: undefined, binding: bindingFor(request, interaction), isProof }
      const caller = this.#app.callerOf(request, reply)
      const result = await logIn(this.#app, credentials, client, caller, now)
      return await this.afterFirstStep(request, reply, interaction, result)
    } catch (error) {
      const { problem, status } = refusalOf(interaction.page, error)
      return this.sendLogin(reply, interaction, { email: shown(email), problem }, status)
    }
  }

  /** The next page after a password or a login at another provider, or the rest of the authorization. */
  async afterFirstStep(
    request: FastifyRequest,
    reply: FastifyReply,
    interaction: Interaction,
    result: LoginResult,
  ): Promise<FastifyReply> {
    switch (result.kind) {
      case 'loggedIn':
        return this.finishNewLogin(request, reply, result)
      case 'secondFactorRequired':
        return this.sendCode(reply, interaction, { mfaToken: result.mfaToken, userId: result.userId })
      case 'enrolmentRequired':
        return this.sendEnrol(reply, interaction, { enrolmentToken: result.enrolmentToken })
    }
  }

  /** Goes on with the authorization. @param outcome what the user has decided, for the library */
  async finish(request: FastifyRequest, reply: FastifyReply, outcome: Record<string, unknown>): Promise<FastifyReply> {
    const next = await this.#oidc.current().interactionResult(request.raw, reply.raw, outcome)
    return reply.header('cache-control', 'no-store').redirect(next, 303)
  }

  /** Records a new login. @returns the address at which the authorization goes on */
  async recordLogin(request: FastifyRequest, reply: FastifyReply, loggedIn: LoggedIn): Promise<string> {
    await this.#admit(request, reply, loggedIn)
    return this.#oidc.current().interactionResult(request.raw, reply.raw, outcomeOf(loggedIn.tokens.session))
  }

  /** What precedes the rest of the authorization. @throws IdentityRefused if the account of a provider cannot be linked */
  async #admit(request: FastifyRequest, reply: FastifyReply, { user, tokens, deviceCookie }: LoggedIn): Promise<void> {
    // Of the interaction that `open` has found.
    const uid = textOf(request.params, 'uid') ?? ''
    await linkPending(this.#app, uid, user, tokens.session, this.#app.callerOf(request, reply), new Date())
    setDeviceCookie(this.#app, reply, deviceCookie)
  }

  finishLogin(request: FastifyRequest, reply: FastifyReply, session: Session): Promise<FastifyReply> {
    return this.finish(request, reply, outcomeOf(session))
  }

  async finishNewLogin(request: FastifyRequest, reply: FastifyReply, loggedIn: LoggedIn): Promise<FastifyReply> {
    await this.#admit(request, reply, loggedIn)
    return this.finishLogin(request, reply, loggedIn.tokens.session)
  }
}

/** Whether a link can lead to the page again. */
function isPage({ method, params }: FastifyRequest): boolean {
  return method === 'GET' && textOf(params, 'provider') === undefined
}

/** Binds the second step to the browser and to the interaction of the first one. */
export function bindingFor({ headers }: FastifyRequest, { path }: Interaction): string {
  return bindingOf(headers['user-agent'], path)
}

/** The login that a form of the second step goes on with. */
export function secondStepIn(request: FastifyRequest, interaction: Interaction): SecondStepClient {
  return { mfaToken: textOf(request.body, 'mfa_token') ?? '', binding: bindingFor(request, interaction) }
}

/** Whether users who have forgotten their password can get a link. */
export function mayReset({ mail }: FastifyInstance): boolean {
  return mail.isConfigured
}

/** Where registration does not disclose whether an email is taken, it needs mail. */
export function mayRegister({ config, mail }: FastifyInstance): boolean {
  return config.registrationDisclosure === 'open' || mail.isConfigured
}

/** The path of the script for passkeys; undefined: the pages may not use them. */
export function scriptOfPages({ passkeys, config: { issuer } }: FastifyInstance): string | undefined {
  const isAllowed = passkeys.isOn && passkeys.relyingParty.origins.includes(new URL(issuer).origin)
  return isAllowed ? `${basePathOf(issuer)}${scriptPath}` : undefined
}

/** A login, for the library. */
function outcomeOf({ _id: sid, userId, authentication }: Session) {
  const { amr, acr } = authenticationClaims(authentication)
  return { login: { accountId: userId.toString(), sid, ...(amr && { amr }), ...(acr && { acr }) } }
}

/** The client and its redirect URI, which devices have none of, may have been removed from the file meanwhile. */
async function requireClient(oidc: OpenIdProvider, params: Record<string, unknown>): Promise<void> {
  const client = await oidc.current().Client.find(String(params['client_id']))
  const redirectUri = params['redirect_uri']
  if (client === undefined || (redirectUri !== undefined && !client.redirectUriAllowed(String(redirectUri)))) {
    throw new errors.SessionNotFound('the client or its redirect URI was removed')
  }
}
