import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { errors } from 'oidc-provider'
import { toProviderPage } from '../../pages/login.ts'
import type { MessageKey } from '../../pages/messages.ts'
import { logInByProvider, type ProviderLoginResult } from '../../plugins/app/identity-providers/log-in.ts'
import { pendingLoginSeconds } from '../../plugins/app/identity-providers/pending-logins.ts'
import { ProviderError, type ProviderFailure } from '../../plugins/app/identity-providers/provider-error.ts'
import type { Provider } from '../../plugins/app/identity-providers/provider-registry.ts'
import { usesByAddress } from '../../plugins/app/limits/plugin.ts'
import { basePathOf, interactionPath } from '../../plugins/app/oidc/build-provider.ts'
import { hashOf, newOpaqueToken } from '../../plugins/app/opaque-token.ts'
import { Problem } from '../../plugins/app/problems/problem.ts'
import { parseEmail } from '../../plugins/app/users/email.ts'
import { refusalOf, shown, textOf } from './forms.ts'
import { bindingFor, type Interaction, type InteractionSteps } from './interaction-steps.ts'

const options = { schema: { hide: true } }

/** Logins at other providers: from the page to the provider, and back to the interaction. */
export function providerPages(app: FastifyInstance, steps: InteractionSteps): void {
  toProvider(app, steps)
  fromProvider(app, steps)
}

function toProvider(app: FastifyInstance, steps: InteractionSteps): void {
  const { client, pending } = app.identityProviders

  app.post('/:uid/email', options, async (request, reply) => {
    const interaction = await steps.openPrompt('login', request, reply)
    const text = textOf(request.body, 'email') ?? ''
    try {
      const email = parseEmail(text)
      const provider = app.identityProviders.ofDomainOf(email)
      if (provider === undefined) return await steps.sendLogin(reply, interaction, { email })
      const href = `${interaction.path}/provider/${provider.id}?${new URLSearchParams({ email })}`
      // Not a redirect: after a form, the policy of the page would have to name the provider.
      reply.header('refresh', `0;url=${href}`)
      return steps.send(reply, interaction, toProviderPage(interaction.page, { href, name: provider.name }))
    } catch (error) {
      const { problem, status } = refusalOf(interaction.page, error)
      return steps.sendLogin(reply, interaction, { email: shown(text), problem }, status)
    }
  })

  app.get('/:uid/provider/:provider', options, async (request, reply) => {
    const interaction = await openLogin(steps, request, reply)
    const provider = requireProvider(app, request)
    const { login } = app.config.limits
    await app.limits.of(request, reply).use(...usesByAddress('provider-login', request.ip, login))
    const now = new Date()
    const [nonce, codeVerifier] = [newOpaqueToken(), newOpaqueToken()]
    const browser = hashOf(keepBrowserCookie(app, request, reply))
    const begun = { provider: provider.id, interaction: interaction.uid, browser, nonce, codeVerifier }
    const state = await pending.begin(begun, now)
    const loginHint = shown(textOf(request.query, 'email')) ?? interaction.loginHint
    const { mustAuthenticate } = interaction
    const redirectUri = redirectUriOf(app, provider)
    const asked = { state, nonce, codeVerifier, redirectUri, loginHint, mustAuthenticate }
    try {
      const url = await client.authorizationUrl(provider, asked, now)
      return reply.header('cache-control', 'no-store').redirect(url.href, 303)
    } catch (error) {
      return showFailure(app, steps, { request, reply, interaction, provider }, error)
    }
  })
}

function fromProvider(app: FastifyInstance, steps: InteractionSteps): void {
  const { client, pending } = app.identityProviders

  // The path of the interaction, because its cookie has this path. `providerCallback` leads here.
  app.get('/:uid/callback/:provider', options, async (request, reply) => {
    const interaction = await openLogin(steps, request, reply)
    const provider = requireProvider(app, request)
    const now = new Date()
    const begun = await pending.take(textOf(request.query, 'state') ?? '', now)
    if (
      begun === undefined ||
      begun.interaction !== interaction.uid ||
      begun.provider !== provider.id ||
      begun.browser !== browserOf(app, request)
    ) {
      throw new errors.SessionNotFound('the answer belongs to another login')
    }
    try {
      const callback = new URL(redirectUriOf(app, provider))
      callback.search = queryOf(request)
      const identity = await client.identityFrom(provider, callback, begun, now)
      const loginClient = { replacedToken: undefined, binding: bindingFor(request, interaction) }
      const caller = app.callerOf(request, reply)
      const result = await logInByProvider(app, { provider, identity }, loginClient, caller, now)
      app.metrics.providerLogins.inc({ provider: provider.id, result: resultOf(result) })
      if (result.kind !== 'linkRequired') return await steps.afterFirstStep(request, reply, interaction, result)
      await pending.keepLink(interaction.uid, { provider: provider.id, identity }, now)
      const key = textOfReason[result.reason]
      const problem = key && { message: interaction.page.t(key, { provider: provider.name }) }
      return await steps.sendLogin(reply, interaction, { email: identity.email, problem })
    } catch (error) {
      return showFailure(app, steps, { request, reply, interaction, provider }, error)
    }
  })

  app.post('/:uid/do-not-link', options, async (request, reply) => {
    const interaction = await steps.openPrompt('login', request, reply)
    await pending.takeLink(interaction.uid, new Date())
    return reply.redirect(interaction.path, 303)
  })
}

/** Where providers send browsers. The cookie of the interaction is not sent to this path, but another one of the browser. */
export function providerCallback(app: FastifyInstance): void {
  app.get('/oauth/callback/:provider', options, async (request, reply) => {
    const provider = requireProvider(app, request)
    const begun = await app.identityProviders.pending.find(textOf(request.query, 'state') ?? '', new Date())
    // Only the browser that began it learns the address of its interaction.
    if (begun === undefined || begun.provider !== provider.id || begun.browser !== browserOf(app, request)) {
      throw new errors.SessionNotFound('the answer belongs to another login')
    }
    const base = basePathOf(app.config.issuer)
    const next = `${base}${interactionPath}/${begun.interaction}/callback/${provider.id}${queryOf(request)}`
    return reply.header('cache-control', 'no-store').redirect(next, 303)
  })
}

/** The interaction of a browser that needs a whole login. @throws SessionNotFound */
async function openLogin(steps: InteractionSteps, request: FastifyRequest, reply: FastifyReply): Promise<Interaction> {
  const interaction = await steps.openPrompt('login', request, reply)
  if (interaction.isStepUp) throw new errors.SessionNotFound('the browser is logged in')
  return interaction
}

interface Failed {
  request: FastifyRequest
  reply: FastifyReply
  interaction: Interaction
  provider: Provider
}

/** The page says why, and passwords work as before. */
async function showFailure(
  app: FastifyInstance,
  steps: InteractionSteps,
  { request, reply, interaction, provider: { id, name } }: Failed,
  error: unknown,
): Promise<FastifyReply> {
  const count = (result: string) => app.metrics.providerLogins.inc({ provider: id, result })
  if (error instanceof ProviderError) {
    const { failure, message: reason } = error
    count(failure)
    if (failure !== 'denied') request.log.warn({ provider: id, failure, reason }, 'a login at a provider failed')
    const message = interaction.page.t(`provider.${failure}`, { provider: name })
    return steps.sendLogin(reply, interaction, { problem: { message } }, statusOf[failure])
  }
  if (error instanceof Problem) count('refused')
  const { problem, status } = refusalOf(interaction.page, error)
  return steps.sendLogin(reply, interaction, { problem }, status)
}

function queryOf({ url }: FastifyRequest): string {
  const [, query] = url.split(/\?(.*)/s)
  return query === undefined ? '' : `?${query}`
}

function requireProvider(app: FastifyInstance, request: FastifyRequest): Provider {
  const provider = app.identityProviders.find(textOf(request.params, 'provider') ?? '')
  if (provider === undefined) throw new errors.SessionNotFound('there is no such provider')
  return provider
}

/** As registered at the provider: each has its own, so that answers of two cannot be mixed up. RFC 9700 section 4.4. */
function redirectUriOf({ config }: FastifyInstance, { id }: Provider): string {
  return `${config.issuer}/oauth/callback/${id}`
}

/** `__Host-`: no other host can set it. RFC 6265bis section 4.1.3.2. */
function browserCookie({ config }: FastifyInstance): string {
  return config.issuer.startsWith('https:') ? '__Host-provider-login' : 'provider-login'
}

/** Hash of the cookie of the browser. */
function browserOf(app: FastifyInstance, request: FastifyRequest): string {
  return hashOf(app.parseCookie(request.headers.cookie ?? '')[browserCookie(app)] ?? '')
}

/** @returns the cookie, which the browser keeps for its other tabs */
function keepBrowserCookie(app: FastifyInstance, request: FastifyRequest, reply: FastifyReply): string {
  const name = browserCookie(app)
  const known = app.parseCookie(request.headers.cookie ?? '')[name] ?? ''
  const value = /^[\w-]{43}$/.test(known) ? known : newOpaqueToken()
  const secure = name.startsWith('__Host-')
  // `lax`, because the provider, another site, sends the browser back.
  reply.setCookie(name, value, { path: '/', httpOnly: true, secure, sameSite: 'lax', maxAge: pendingLoginSeconds })
  return value
}

function resultOf({ kind }: ProviderLoginResult): string {
  switch (kind) {
    case 'loggedIn':
      return 'success'
    case 'secondFactorRequired':
    case 'enrolmentRequired':
      return 'second_factor'
    case 'linkRequired':
      return 'link_required'
  }
}

const statusOf = { unavailable: 503, denied: 403, invalid: 502 } as const satisfies Record<ProviderFailure, number>

type LinkReason = Extract<ProviderLoginResult, { kind: 'linkRequired' }>['reason']

const textOfReason: Readonly<Record<LinkReason, MessageKey | undefined>> = {
  account_exists: 'provider.exists',
  email_unverified: 'provider.unverified',
  linked_only: undefined,
}
