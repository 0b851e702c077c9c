import { isCustomClaim, rolesClaim } from '@authservice-operator/contract/custom-claims.ts'
import type { FastifyInstance } from 'fastify'
import type { Static } from 'typebox'
import type { Introspection } from '../../../schemas/oauth.ts'
import { problem } from '../problems/problem.ts'
import { hasRequiredFactor } from '../sessions/required-factor.ts'
import { type AnyTokenClaims, type ClientTokenClaims, isClientToken } from '../tokens/client-token.ts'
import { isActive } from '../users/user.ts'
import { claimsOf } from './claims-of.ts'
import { mayUse, type TokenClient } from './token-client.ts'

type State = Static<typeof Introspection>

const inactive: State = { active: false }

/**
 * The state of an access or refresh token, as RFC 7662 describes it. Access tokens do not need MongoDB.
 * @throws Problem 503 `revocation_unknown` or `database_unavailable`
 */
export async function introspectToken(app: FastifyInstance, token: string, by: TokenClient): Promise<State> {
  const access = await accessTokenState(app, token, by)
  return access ?? (await app.mongo.watch.whileUp(() => refreshTokenState(app, token, by))) ?? inactive
}

/** @returns undefined if it is not an access token */
async function accessTokenState(app: FastifyInstance, token: string, by: TokenClient): Promise<State | undefined> {
  const claims = await claimsOf(app, token)
  if (claims === undefined) return undefined
  if (!mayUse(by, claims.client_id)) return inactive
  if (isClientToken(claims)) return clientTokenState(app, claims)
  switch (await app.revocation.check(claims)) {
    case 'revoked':
      return inactive
    case 'unknown':
      throw problem(503, 'revocation_unknown', 'The server cannot currently check whether the session has ended.', {
        retryAfterSeconds: 2,
      })
    case 'active': {
      const { iss, aud, sub, sid, role, jti, iat, nbf, exp, amr, acr, auth_time } = claims
      const token = { iss, aud, sub, sid, role, jti, iat, nbf, exp }
      // RFC 9470 section 6.2.
      const { scope, client_id, cnf } = claims
      const granted = scope === undefined || client_id === undefined ? {} : { scope, client_id, ...(cnf && { cnf }) }
      const authentication = amr && acr && auth_time !== undefined ? { amr, acr, auth_time } : {}
      const description = { ...token, ...granted, ...authentication }
      return { ...customOf(claims), active: true, token_use: 'access', token_type: typeOf(claims), ...description }
    }
  }
}

/** Application roles and custom claims of the user. RFC 7662 section 2.2 allows further members. */
function customOf(claims: AnyTokenClaims): Record<string, unknown> {
  return Object.fromEntries(Object.entries(claims).filter(([name]) => name === rolesClaim || isCustomClaim(name)))
}

/** The token of a client itself has no session. It is good while its file lists the client and its API. */
function clientTokenState(app: FastifyInstance, claims: ClientTokenClaims): State {
  const client = app.oidc?.clients.find(claims.client_id)
  const isKnown =
    client?.grants.includes('client_credentials') && client.resources?.some(({ uri }) => uri === claims.aud)
  return isKnown === true ? { active: true, token_use: 'access', token_type: typeOf(claims), ...claims } : inactive
}

/** RFC 9449 section 6.2. */
function typeOf({ cnf }: AnyTokenClaims): 'Bearer' | 'DPoP' {
  return cnf === undefined ? 'Bearer' : 'DPoP'
}

/** @returns undefined if it is not a refresh token that would be accepted */
async function refreshTokenState(app: FastifyInstance, token: string, by: TokenClient): Promise<State | undefined> {
  const found = await app.sessions.inspect(token)
  if (found?.outcome !== 'rotate' && found?.outcome !== 'repeat') return undefined
  const { session } = found
  if (!mayUse(by, session.oauth?.clientId)) return undefined
  const sub = session.userId.toString()
  const [user, version] = await Promise.all([app.users.findById(sub), app.revocation.versionOf(sub)])
  if (user === null || !isActive(user) || session.version < version) return undefined
  if (!(await hasRequiredFactor(app, user, session, new Date()))) return undefined
  const end = Math.min(session.idleExpiresAt.getTime(), session.expiresAt.getTime())
  return {
    active: true,
    token_use: 'refresh',
    iss: app.config.issuer,
    sub,
    sid: session._id,
    iat: seconds(session.current.issuedAt.getTime()),
    exp: seconds(end),
    ...(session.oauth !== undefined && { scope: session.oauth.scope, client_id: session.oauth.clientId }),
  }
}

function seconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000)
}
