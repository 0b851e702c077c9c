import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { errors } from 'oidc-provider'
import { pendingLoginSeconds } from '../../plugins/app/identity-providers/pending-logins.ts'
import type { ProviderError, ProviderFailure } from '../../plugins/app/identity-providers/provider-error.ts'
import type { Provider } from '../../plugins/app/identity-providers/provider-registry.ts'
import { hashOf, newOpaqueToken } from '../../plugins/app/opaque-token.ts'
import { textOf } from './forms.ts'

/** As registered at the provider: each has its own, so that answers of two cannot be mixed up. RFC 9700 section 4.4. */
export function redirectUriOf({ config }: FastifyInstance, { id }: Pick<Provider, 'id'>): string {
  return `${config.issuer}/oauth/callback/${id}`
}

/** The answer of a provider, as it was sent to the redirect URI. */
export function answerOf(app: FastifyInstance, provider: Pick<Provider, 'id'>, request: FastifyRequest): URL {
  return new URL(redirectUriOf(app, provider) + queryOf(request))
}

/** The query of a request, with `?`; empty without one. */
export function queryOf({ url }: FastifyRequest): string {
  const [, query] = url.split(/\?(.*)/s)
  return query === undefined ? '' : `?${query}`
}

/** `__Host-`: no other host can set it. RFC 6265bis section 4.1.3.2. */
function browserCookie({ config }: FastifyInstance): string {
  return config.issuer.startsWith('https:') ? '__Host-provider-login' : 'provider-login'
}

/** Hash of the cookie of the browser that goes to a provider. */
export function browserOf(app: FastifyInstance, request: FastifyRequest): string {
  return hashOf(app.parseCookie(request.headers.cookie ?? '')[browserCookie(app)] ?? '')
}

/**
 * The login that this browser has begun at a provider. It is taken only once.
 *
 * @param begunBy the interaction or the session of the account pages in which it was begun
 * @throws SessionNotFound for the answer to any other login
 */
export async function takeBegunLogin(
  app: FastifyInstance,
  request: FastifyRequest,
  { id }: Pick<Provider, 'id'>,
  begunBy: { interaction: string } | { session: string },
  now: Date,
) {
  const begun = await app.identityProviders.pending.take(textOf(request.query, 'state') ?? '', now)
  const isOurs =
    begun !== undefined &&
    ('interaction' in begunBy ? begun.interaction === begunBy.interaction : begun.session === begunBy.session) &&
    begun.provider === id &&
    begun.browser === browserOf(app, request)
  if (!isOurs) throw new errors.SessionNotFound('the answer belongs to another login')
  return begun
}

/** @returns the cookie, which the browser keeps for its other tabs */
export function keepBrowserCookie(app: FastifyInstance, request: FastifyRequest, reply: FastifyReply): string {
  const name = browserCookie(app)
  const known = app.parseCookie(request.headers.cookie ?? '')[name] ?? ''
  const value = /^[\w-]{43}$/.test(known) ? known : newOpaqueToken()
  const secure = name.startsWith('__Host-')
  // `lax`, because the provider, another site, sends the browser back.
  reply.setCookie(name, value, { path: '/', httpOnly: true, secure, sameSite: 'lax', maxAge: pendingLoginSeconds })
  return value
}

/** Logs and counts why a login at a provider has failed. @returns the status of the page that says so */
export function recordFailure(
  app: FastifyInstance,
  request: FastifyRequest,
  { id }: Pick<Provider, 'id'>,
  { failure, message: reason }: ProviderError,
): number {
  app.metrics.providerLogins.inc({ provider: id, result: failure })
  if (failure !== 'denied') request.log.warn({ provider: id, failure, reason }, 'a login at a provider failed')
  return statusOf[failure]
}

const statusOf = { unavailable: 503, denied: 403, invalid: 502 } as const satisfies Record<ProviderFailure, number>
