import type { FastifyInstance, FastifyReply } from 'fastify'
import { identitiesPage, linkPage } from '../../../pages/account/identities.ts'
import type { Outcome } from '../../../pages/account/layout.ts'
import { toProviderPage } from '../../../pages/login.ts'
import { checkCurrentPassword } from '../../../plugins/app/accounts/password-change.ts'
import { linkOwnIdentity } from '../../../plugins/app/identity-providers/link.ts'
import {
  canUsePassword,
  listOwnIdentities,
  unlinkIdentity,
} from '../../../plugins/app/identity-providers/own-identities.ts'
import { ProviderError } from '../../../plugins/app/identity-providers/provider-error.ts'
import type { Provider } from '../../../plugins/app/identity-providers/provider-registry.ts'
import { usesByAddress } from '../../../plugins/app/limits/plugin.ts'
import { useSensitive } from '../../../plugins/app/mfa/add-factor.ts'
import { requireStepUp } from '../../../plugins/app/mfa/step-up.ts'
import { hashOf, newOpaqueToken } from '../../../plugins/app/opaque-token.ts'
import { Problem, problem } from '../../../plugins/app/problems/problem.ts'
import { currentPasswordIn, textOf } from '../forms.ts'
import { answerOf, keepBrowserCookie, recordFailure, redirectUriOf, takeBegunLogin } from '../provider-redirect.ts'
import { sendEnd } from './profile.ts'
import { send, type Visit, type Visits } from './visits.ts'

/** The pages with the accounts of other providers that are linked to that of the user. */
export function identityPages(app: FastifyInstance, visits: Visits): void {
  const list = async ({ view, user, caller }: Visit, outcome: Outcome) => {
    const identities = await listOwnIdentities(app, user, caller)
    const shown = identities.map(({ _id: id, name, email, createdAt, lastUsedAt }) => {
      return { id, name, email, createdAt, lastUsedAt }
    })
    return identitiesPage(view, { identities: shown, providers: app.identityProviders.all }, outcome)
  }
  visits.page('/identities', 'identities', list)
  visits.form('/identities/unlink', 'identities', list, async (visit) => {
    const { user, claims, body, caller, now } = visit
    await requireStepUp(app, user, claims, now)
    await unlinkIdentity(app, user, claims, textOf(body, 'id') ?? '', caller)
    return sendEnd(visit, 'identities.unlinkedTitle', 'factors.removed')
  })

  const ask = (visit: Visit, outcome: Outcome) => askToLink(app, visit, outcome)
  visits.page('/identities/link', 'identities', ask)
  visits.form('/identities/link', 'identities', ask, async (visit) => {
    const { user, claims, body, reply, caller, now } = visit
    await requireStepUp(app, user, claims, now)
    if (canUsePassword(app, user)) {
      await useSensitive(app, user, caller)
      await checkCurrentPassword(app, user, currentPasswordIn(body), caller)
    } else if (!isRecent(app, visit)) {
      return visits.toLogin(reply, 'identities', 'login')
    }
    return goToProvider(app, visit)
  })
  visits.callback('/identities/callback/:provider', 'identities', ask, (visit) => link(app, visit), '/identities/link')
}

function askToLink(app: FastifyInstance, visit: Visit, outcome: Outcome): string {
  const { id, name } = providerOf(app, visit)
  return linkPage(visit.view, { provider: { id, name }, needsPassword: canUsePassword(app, visit.user) }, outcome)
}

/** The user has shown that the account is theirs: they now log in at the provider. */
async function goToProvider(app: FastifyInstance, visit: Visit): Promise<FastifyReply> {
  const { request, reply, view, claims, caller, now } = visit
  const { client, pending } = app.identityProviders
  const provider = providerOf(app, visit)
  await caller.limits.use(...usesByAddress('provider-login', caller.address, app.config.limits.login))
  const [nonce, codeVerifier] = [newOpaqueToken(), newOpaqueToken()]
  const browser = hashOf(keepBrowserCookie(app, request, reply))
  const begun = { provider: provider.id, session: claims.sid, browser, nonce, codeVerifier }
  const state = await pending.begin(begun, now)
  const redirectUri = redirectUriOf(app, provider)
  const asked = { state, nonce, codeVerifier, redirectUri, loginHint: undefined, mustAuthenticate: false }
  try {
    const { href } = await client.authorizationUrl(provider, asked, now)
    // Not a redirect: after a form, the policy of the page would have to name the provider.
    reply.header('refresh', `0;url=${href}`)
    return send(visit, toProviderPage(view.context, { href, name: provider.name, title: 'provider.linkTitle' }))
  } catch (error) {
    return showFailure(app, visit, provider, error)
  }
}

/** The provider has sent the browser back. */
async function link(app: FastifyInstance, visit: Visit): Promise<FastifyReply | 'done.linked'> {
  const { request, user, claims, caller, now } = visit
  const { client } = app.identityProviders
  const provider = providerOf(app, visit)
  const begun = await takeBegunLogin(app, request, provider, { session: claims.sid }, now)
  try {
    const identity = await client.identityFrom(provider, answerOf(app, provider, request), begun, now)
    await linkOwnIdentity(app, user, claims, { provider, identity }, caller, now)
    app.metrics.providerLogins.inc({ provider: provider.id, result: 'linked' })
    return 'done.linked'
  } catch (error) {
    return showFailure(app, visit, provider, error)
  }
}

/** @throws the error, if it is not one of the provider */
function showFailure(app: FastifyInstance, visit: Visit, provider: Provider, error: unknown): FastifyReply {
  if (error instanceof ProviderError) {
    const key = error.failure === 'invalid' ? 'provider.invalid' : (`identities.${error.failure}` as const)
    const message = visit.view.context.t(key, { provider: provider.name })
    const status = recordFailure(app, visit.request, provider, error)
    return send(visit, askToLink(app, visit, { problem: { message } }), status)
  }
  if (error instanceof Problem) app.metrics.providerLogins.inc({ provider: provider.id, result: 'refused' })
  throw error
}

/** Of the address or the form. @throws Problem 404 `not_found` */
function providerOf(app: FastifyInstance, { request, body }: Visit): Provider {
  const id = [request.params, request.query, body].map((part) => textOf(part, 'provider')).find(Boolean)
  const provider = app.identityProviders.find(id ?? '')
  if (provider === undefined) throw problem(404, 'not_found', 'There is no such provider.')
  return provider
}

/** Whether a user who cannot show a password has logged in a moment ago. Decision 86. */
function isRecent(app: FastifyInstance, { claims, now }: Visit): boolean {
  const at = claims.auth_time ?? claims.iat
  return now.getTime() / 1000 - at <= app.config.mfa.stepUpMaxAgeSeconds
}
