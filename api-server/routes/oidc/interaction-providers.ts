import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { errors } from 'oidc-provider'
import { toProviderPage } from '../../pages/login.ts'
import type { MessageKey } from '../../pages/messages.ts'
import { logInByProvider, type ProviderLoginResult } from '../../plugins/app/identity-providers/log-in.ts'
import { ProviderError } from '../../plugins/app/identity-providers/provider-error.ts'
import type { Provider } from '../../plugins/app/identity-providers/provider-registry.ts'
import { usesByAddress } from '../../plugins/app/limits/plugin.ts'
import { basePathOf, interactionPath } from '../../plugins/app/oidc/build-provider.ts'
import { hashOf, newOpaqueToken } from '../../plugins/app/opaque-token.ts'
import { Problem } from '../../plugins/app/problems/problem.ts'
import { parseEmail } from '../../plugins/app/users/email.ts'
import { refusalOf, shown, textOf } from './forms.ts'
import { bindingFor, type Interaction, type InteractionSteps } from './interaction-steps.ts'
import {
  answerOf,
  browserOf,
  keepBrowserCookie,
  queryOf,
  recordFailure,
  redirectUriOf,
  takeBegunLogin,
} from './provider-redirect.ts'

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
      return steps.send(
        reply,
        interaction,
        toProviderPage(interaction.page, { href, name: provider.name, title: 'login.title' }),
      )
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
    const { mustAuthenticate, enteredEmail: loginHint } = interaction
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
    const begun = await takeBegunLogin(app, request, provider, { interaction: interaction.uid }, now)
    try {
      const identity = await client.identityFrom(provider, answerOf(app, provider, request), begun, now)
      const loginClient = { replacedToken: undefined, binding: bindingFor(request, interaction) }
      const caller = app.callerOf(request, reply)
      const result = await logInByProvider(app, { provider, identity }, loginClient, caller, now)
      app.metrics.providerLogins.inc({ provider: provider.id, result: resultOf(result) })
      if (result.kind !== 'linkRequired') return await steps.afterFirstStep(request, reply, interaction, result)
      await pending.keepLink(interaction.uid, { provider, identity }, now)
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

/**
 * Where providers send browsers, which go on to the interaction or the account that they came from. The cookie of an
 * interaction is not sent to this path, but another one of the browser.
 */
export function providerCallback(app: FastifyInstance): void {
  app.get('/oauth/callback/:provider', options, async (request, reply) => {
    const provider = requireProvider(app, request)
    const begun = await app.identityProviders.pending.find(textOf(request.query, 'state') ?? '', new Date())
    // Only the browser that began it learns the address of its interaction.
    if (begun === undefined || begun.provider !== provider.id || begun.browser !== browserOf(app, request)) {
      throw new errors.SessionNotFound('the answer belongs to another login')
    }
    const base = basePathOf(app.config.issuer)
    const page = begun.interaction === undefined ? '/account/identities' : `${interactionPath}/${begun.interaction}`
    const next = `${base}${page}/callback/${provider.id}${queryOf(request)}`
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
  { request, reply, interaction, provider }: Failed,
  error: unknown,
): Promise<FastifyReply> {
  if (error instanceof ProviderError) {
    const message = interaction.page.t(`provider.${error.failure}`, { provider: provider.name })
    return steps.sendLogin(reply, interaction, { problem: { message } }, recordFailure(app, request, provider, error))
  }
  if (error instanceof Problem) app.metrics.providerLogins.inc({ provider: provider.id, result: 'refused' })
  const { problem, status } = refusalOf(interaction.page, error)
  return steps.sendLogin(reply, interaction, { problem }, status)
}

function requireProvider(app: FastifyInstance, request: FastifyRequest): Provider {
  const provider = app.identityProviders.find(textOf(request.params, 'provider') ?? '')
  if (provider === undefined) throw new errors.SessionNotFound('there is no such provider')
  return provider
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

type LinkReason = Extract<ProviderLoginResult, { kind: 'linkRequired' }>['reason']

const textOfReason: Readonly<Record<LinkReason, MessageKey | undefined>> = {
  account_exists: 'provider.exists',
  email_unverified: 'provider.unverified',
  linked_only: undefined,
}
