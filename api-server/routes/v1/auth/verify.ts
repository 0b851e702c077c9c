import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import { insufficientAuthentication } from '../../../plugins/app/mfa/step-up.ts'
import { Problem, problem } from '../../../plugins/app/problems/problem.ts'
import { authenticationLevels, satisfies } from '../../../plugins/app/sessions/authentication.ts'
import { type AccessTokenClaims, firstParty, grantedToApplication } from '../../../plugins/app/tokens/access-token.ts'
import type { ProvenRequest } from '../../../plugins/app/tokens/possession.ts'
import { securityHeaders } from '../../../plugins/external/helmet.ts'
import { noContent } from '../../../schemas/auth.ts'
import { claimsVerifier } from './verified-claims.ts'

const Verified = Type.Object(
  {
    active: Type.Literal(true),
    sub: Type.String({ description: 'User ID' }),
    role: Type.String(),
    sid: Type.String({ description: 'Session ID' }),
    exp: Type.Integer({ description: 'Seconds since 1970' }),
    amr: Type.Optional(Type.Array(Type.String(), { description: 'How the user authenticated (RFC 8176)' })),
    acr: Type.Optional(Type.String({ description: 'aal1: one factor; aal2: two' })),
    auth_time: Type.Optional(Type.Integer({ description: 'Time of the last authentication, seconds since 1970' })),
    client_id: Type.Optional(Type.String({ description: 'Only of a token for an application: which one' })),
    scope: Type.Optional(Type.String({ description: 'Only of a token for an application: its scopes' })),
    roles: Type.Optional(
      Type.Array(Type.String(), { description: 'Application roles, if ACCESS_TOKEN_CLAIMS contains roles' }),
    ),
    claims: Type.Optional(
      Type.Object(
        {},
        { additionalProperties: true, description: 'Custom claims of the user that ACCESS_TOKEN_CLAIMS names' },
      ),
    ),
  },
  {
    title: 'Verified',
    description:
      'The token is valid. The headers X-Auth-User, X-Auth-Role and X-Auth-Session identify the user and session. X-Auth-Client and X-Auth-Scope tell what an application may do; after a login at this API they are first-party and empty. With MFA_MODE, X-Auth-Amr, X-Auth-Acr and X-Auth-Time describe the authentication. With ACCESS_TOKEN_CLAIMS, X-Auth-Roles has the application roles, separated by spaces, and X-Auth-Claims the custom claims as JSON',
    examples: [
      {
        active: true,
        sub: '66f0c0ffee0ddba11ca7f00d',
        role: 'user',
        sid: '7d0a4d57-8a1c-4a53-9f3a-1f6f6f3c2b10',
        exp: 1_795_000_000,
      },
    ],
  },
)

/**
 * Forward authentication for Nginx `auth_request`, Traefik ForwardAuth and Envoy `ext_authz`: the answer is in the status
 * and the headers. A proxy may send the method of the request that it asks about, and append its path.
 *
 * The one hot path of the server: its security headers are constants, and it remembers tokens that `jwtVerify` has
 * accepted (decision 17). Nothing else in it differs from other routes.
 */
const verify: FastifyPluginAsyncTypebox = async (app) => {
  const headers = securityHeaders(app.config)
  const describeClaims = claimsVerifier(app.config.accessTokenClaims)
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(headers)
    done()
  })

  const answer = async (request: FastifyRequest, reply: FastifyReply) => {
    try {
      const claims = await app.authenticateRemembered(request, () => originalRequest(request))
      const { sub, role, sid, exp, client_id = firstParty, scope = '' } = claims
      const granted = requireScope(claims, request)
      requireAuthentication(claims, request)
      app.metrics.verifications.inc({ result: 'active' })
      // Always all of them, because a proxy may pass on what its client has sent in place of one that is missing.
      const about = { 'x-auth-user': sub, 'x-auth-role': role, 'x-auth-session': sid }
      reply.headers({ ...about, 'x-auth-client': client_id, 'x-auth-scope': scope })
      const custom = describeClaims?.(claims)
      if (custom !== undefined) reply.headers(custom.headers)
      const verified = { active: true as const, sub, role, sid, exp, ...granted, ...custom?.body }
      return claims.auth_time === undefined ? verified : { ...verified, ...describeAuthentication(claims, reply) }
    } catch (error) {
      app.metrics.verifications.inc({ result: error instanceof Problem ? error.code : 'error' })
      throw error
    }
  }
  app.get(
    '/verify',
    {
      helmet: false,
      config: { worksWithoutDatabase: true },
      schema: {
        operationId: 'verifyToken',
        summary: 'Verify an access token',
        description:
          'For reverse proxies. Accepts any method and any path suffix, such as /v1/auth/verify/orders/7. ' +
          'Does not read a body. Without a suffix, ?acr=aal2 requires a second factor and ?max_age=900 an authentication ' +
          'in the last 900 seconds (RFC 9470). The token of an application of the OpenID provider is accepted only with ' +
          '?scope=NAME, and if it has these scopes. One that is bound to a key (RFC 9449) also needs ?dpop=original, ' +
          'with which the proxy promises that it sets X-Original-Method and X-Original-URL itself.',
        tags: ['tokens'],
        security: [{ bearer: [] }],
        response: { 200: Verified },
        problems: [
          'insufficient_user_authentication',
          'insufficient_scope',
          'invalid_dpop_proof',
          'database_unavailable',
        ],
      },
    },
    answer,
  )
  await app.register(async (forwarded) => {
    // The body belongs to the original request.
    forwarded.removeAllContentTypeParsers()
    forwarded.addContentTypeParser('*', (_request, body, done) => {
      body.resume()
      done(null)
    })
    const common = { helmet: false, schema: { hide: true, response: { 200: Verified } } } as const
    const methods = forwarded.supportedMethods.filter((method) => !['GET', 'HEAD', 'OPTIONS'].includes(method))
    forwarded.route({
      ...common,
      url: '/verify',
      method: methods,
      config: { worksWithoutDatabase: true },
      handler: answer,
    })
    forwarded.route({
      ...common,
      url: '/verify',
      method: 'OPTIONS',
      schema: { hide: true, response: { 200: Verified, 204: noContent('Browsers may call this route') } },
      config: { worksWithoutDatabase: true, cors: { preflightContinue: true, strictPreflight: false } },
      handler: (request, reply) =>
        isPreflight(request) ? reply.code(204).header('content-length', '0').send(null) : answer(request, reply),
    })
    forwarded.route({
      ...common,
      url: '/verify/*',
      method: ['GET', 'OPTIONS', ...methods],
      // Browsers do not call such paths: an OPTIONS request is an original request behind a proxy.
      config: { worksWithoutDatabase: true, cors: { preflight: false } },
      handler: answer,
    })
  })
}

/**
 * What `?acr=` and `?max_age=` require, which the configuration of a proxy contains. With a path suffix, the query may be
 * that of the original request, which its client chooses: it requires nothing. A value that is unknown, or that is there
 * twice, requires what no token satisfies.
 *
 * @throws Problem 401 `insufficient_user_authentication`
 */
function requireAuthentication(claims: AccessTokenClaims, request: FastifyRequest): void {
  // Fastify parses every query into an object of texts and lists.
  const { acr, max_age: maxAge } = request.query as Record<string, unknown>
  if ((acr === undefined && maxAge === undefined) || request.routeOptions.url?.endsWith('/*')) return
  const level = authenticationLevels.find((each) => each === acr)
  const maxAgeSeconds = typeof maxAge === 'string' && /^\d{1,9}$/.test(maxAge) ? Number(maxAge) : undefined
  const isKnown = (acr === undefined || level !== undefined) && (maxAge === undefined || maxAgeSeconds !== undefined)
  const requirement = { ...(level && { level }), ...(maxAgeSeconds !== undefined && { maxAgeSeconds }) }
  if (!isKnown || !satisfies(claims, requirement, new Date())) throw insufficientAuthentication(requirement)
}

/**
 * Whether the caller accepts the tokens of applications that have these scopes, separated by spaces. Without `?scope=` it
 * accepts none: an application would have all rights of its user. As with `requireAuthentication`, the query after a
 * path suffix allows nothing, and neither does a scope that is there twice. Decision 72.
 *
 * @returns the members of the response
 * @throws Problem 403 `insufficient_scope`, RFC 6750 section 3.1
 */
function requireScope(claims: AccessTokenClaims, request: FastifyRequest): { client_id?: string; scope?: string } {
  const granted = grantedToApplication(claims)
  if (granted === undefined) return {}
  const { scope: asked } = request.query as Record<string, unknown>
  const isHere = typeof asked === 'string' && !request.routeOptions.url?.endsWith('/*')
  const required = isHere ? asked.split(' ').filter((each) => each !== '') : []
  const scopes = granted.scope.split(' ')
  if (required.length > 0 && required.every((each) => scopes.includes(each))) {
    return { client_id: granted.clientId, scope: granted.scope }
  }
  throw problem(403, 'insufficient_scope', 'This token is for an application, which may not do this for its user.', {
    challenge: required.length > 0 && required.every(isScope) ? { scope: required.join(' ') } : {},
  })
}

/**
 * The request that a proxy asks about, for the proof of a bound token. The proxy names it in headers, which a client could
 * set as well: `?dpop=original` is the promise of the proxy that it sets both of them itself. Decision 82.
 *
 * @returns undefined without this promise, after a path suffix, or if one of them is missing or there twice
 */
function originalRequest({ query, headers, routeOptions }: FastifyRequest): ProvenRequest | undefined {
  const { dpop } = query as Record<string, unknown>
  if (dpop !== 'original' || routeOptions.url?.endsWith('/*')) return undefined
  // Node joins headers that are there twice by ", ".
  const method = textLike(/^[\w-]+$/, headers['x-original-method'])
  const url = textLike(/^https?:\/\/[\w.:[\]-]+\/\S*$/, headers['x-original-url'])
  return method === undefined || url === undefined ? undefined : { method, url }
}

function textLike(pattern: RegExp, text: unknown): string | undefined {
  return typeof text === 'string' && pattern.test(text) ? text : undefined
}

/** Characters that need no escape in a header. RFC 6749 section 3.3. */
function isScope(text: string): boolean {
  return /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(text)
}

/** The headers and members of the response that tell how the user authenticated. */
function describeAuthentication({ amr = [], acr = '', auth_time = 0 }: AccessTokenClaims, reply: FastifyReply) {
  reply.headers({ 'x-auth-amr': amr.join(' '), 'x-auth-acr': acr, 'x-auth-time': String(auth_time) })
  return { amr, acr, auth_time }
}

/**
 * An OPTIONS request of a browser that calls this route itself. Any other one is an original request behind a proxy:
 * answered as a preflight, which always succeeds, it would pass the proxy without a token.
 * @see https://fetch.spec.whatwg.org/#cors-preflight-fetch
 */
function isPreflight({ headers }: FastifyRequest): boolean {
  const hasBoth = headers.origin !== undefined && headers['access-control-request-method'] !== undefined
  // Traefik sends the path of the route, and the method of its client in this header.
  return hasBoth && headers['x-forwarded-method'] === undefined
}

export default verify
