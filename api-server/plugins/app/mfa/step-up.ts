import type { FastifyInstance } from 'fastify'
import type { Caller } from '../caller.ts'
import { type Problem, problem } from '../problems/problem.ts'
import {
  type AuthenticationMethod,
  type AuthenticationRequirement,
  byTwoFactors,
  satisfies,
} from '../sessions/authentication.ts'
import type { Session } from '../sessions/session.ts'
import type { SessionClaims } from '../tokens/access-token.ts'
import type { IssuedToken } from '../tokens/issue-and-verify.ts'
import { roleOf, type StoredUser } from '../users/user.ts'
import { checkCode, type PresentedCode } from './check-code.ts'

/** What changing the credentials of a user who has a second factor requires. */
function credentialRequirement(app: FastifyInstance): AuthenticationRequirement {
  return { level: 'aal2', maxAgeSeconds: app.config.mfa.stepUpMaxAgeSeconds }
}

/**
 * Requires a recent second factor for a change of credentials, if the user has one.
 * @throws Problem 401 `insufficient_user_authentication`
 */
export async function requireStepUp(
  app: FastifyInstance,
  user: StoredUser,
  claims: SessionClaims,
  now: Date,
): Promise<void> {
  if ((await app.mfa.requiredFactors(user._id)) === null) return
  const requirement = credentialRequirement(app)
  if (!satisfies(claims, requirement, now)) throw insufficientAuthentication(requirement)
}

/** RFC 9470 section 3. */
export function insufficientAuthentication({ level, maxAgeSeconds }: AuthenticationRequirement): Problem {
  return problem(
    401,
    'insufficient_user_authentication',
    'This needs a stronger or more recent authentication: use /v1/auth/step-up, or log in again.',
    {
      challenge: {
        ...(level !== undefined && { acr_values: level }),
        ...(maxAgeSeconds !== undefined && { max_age: String(maxAgeSeconds) }),
      },
    },
  )
}

/**
 * Authenticates the user of a session again, by a second factor. The session gets the new time.
 * @returns another access token of the session
 * @throws Problem 401 `session_revoked`, 403 `mfa_code_wrong`, 404 `not_found` without a second factor, 429, 503
 */
export async function stepUp(
  app: FastifyInstance,
  user: StoredUser,
  claims: SessionClaims,
  presented: PresentedCode,
  caller: Caller,
  now: Date,
): Promise<IssuedToken> {
  await checkCode(app, user, presented, caller, now)
  return renewAuthentication(app, user, claims, byTwoFactors, now)
}

/**
 * Records that the user of a session has authenticated again.
 * @throws Problem 401 `session_revoked`
 */
export async function recordAuthentication(
  app: FastifyInstance,
  { sid }: Pick<SessionClaims, 'sid'>,
  methods: readonly AuthenticationMethod[],
  now: Date,
): Promise<Session> {
  const session = await app.sessions.authenticate(sid, { at: now, methods })
  if (session === null) throw problem(401, 'session_revoked', 'The session has ended. Log in again.')
  return session
}

/**
 * The same for a client of the API.
 * @returns another access token of the session
 * @throws Problem 401 `session_revoked`, 503 `not_ready`
 */
export async function renewAuthentication(
  app: FastifyInstance,
  user: StoredUser,
  claims: Pick<SessionClaims, 'sid'>,
  methods: readonly AuthenticationMethod[],
  now: Date,
): Promise<IssuedToken> {
  const session = await recordAuthentication(app, claims, methods, now)
  const custom = await app.userClaims.select(user._id, app.config.accessTokenClaims)
  const access = await app.tokens.issueAccessToken({
    userId: user._id.toString(),
    role: roleOf(user),
    session,
    custom,
  })
  app.metrics.tokensIssued.inc({ kind: 'access' })
  return access
}
