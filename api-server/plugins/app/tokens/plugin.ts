import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { problem } from '../problems/problem.ts'
import type { RevocationVerdict } from '../revocation/plugin.ts'
import type { RevocableToken } from '../revocation/revocation.ts'
import { followAcceptedKeys } from './accepted-keys.ts'
import type { AccessTokenClaims, TokenSubject } from './access-token.ts'
import type { AnyTokenClaims, ClientTokenSubject } from './client-token.ts'
import { type IssuedToken, registerAccessTokens } from './issue-and-verify.ts'
import { KeyFile, type KeyFileNews, signingKeys } from './key-file.ts'
import { KeyStore, keyOfSecret } from './key-store.ts'

declare module 'fastify' {
  interface FastifyInstance {
    tokens: {
      /** @throws Problem 503 `not_ready` when no signing key is active */
      issueAccessToken(subject: TokenSubject): Promise<IssuedToken>
      /** For a client itself, without a user. @throws Problem 503 `not_ready` when no signing key is active */
      issueClientToken(subject: ClientTokenSubject): IssuedToken
      /**
       * Verifies everything except revocation, for a token in a body. A route that needs a user calls
       * `app.authenticate`.
       * @throws Problem 401
       */
      verifyAccessToken(token: string): Promise<AccessTokenClaims>
      /** The same for a token that may be for another API, and of a client itself. @throws Problem 401 */
      verifyAnyToken(token: string): Promise<AnyTokenClaims>
      /**
       * Whether the session of a verified token is still active, for a route that has waited since then. Costs no
       * signature check.
       * @throws Problem 401 `session_revoked`, or 503 `revocation_unknown`
       */
      requireActive(claims: RevocableToken): Promise<void>
      keys: KeyStore
    }
  }
}

export default fp(
  async function tokens(app) {
    const { config } = app
    const keys = new KeyStore()
    if ('secret' in config.signingKeys) keys.replace([keyOfSecret(config.signingKeys.secret)])
    else await followFile(app, config.signingKeys.file, keys)
    if (config.acceptedKeysFile !== undefined) {
      const stop = await followAcceptedKeys(config.acceptedKeysFile, keys, (reason) =>
        app.log.error({ reason }, 'the additional accepted keys cannot be used'),
      )
      app.addHook('onClose', stop)
    }

    const policy = {
      issuer: config.issuer,
      audience: config.audience,
      lifetimeSeconds: config.accessTokenLifetimeSeconds,
    }
    const requireActive = async (claims: RevocableToken) => assertActive(await app.revocation.check(claims))
    const accessTokens = await registerAccessTokens(app, { keys, policy, requireActiveSession: requireActive })
    app.decorate('tokens', {
      keys,
      async issueAccessToken(subject) {
        const issued = accessTokens.issue(subject)
        const { userId, session } = subject
        app.securityEvents.record('authn_token_created', { userId, sessionId: session._id })
        return issued
      },
      issueClientToken(subject) {
        const issued = accessTokens.issueToClient(subject)
        app.securityEvents.record('authn_token_created', { reason: `client ${subject.clientId} for itself` })
        return issued
      },
      verifyAccessToken: async (token) => accessTokens.verify(token),
      verifyAnyToken: async (token) => accessTokens.verifyAny(token),
      requireActive,
    })
  },
  { name: 'tokens', dependencies: ['config', 'metrics', 'security-events', 'revocation'] },
)

/** @throws Problem 401 `session_revoked`, or 503 `revocation_unknown` */
function assertActive(verdict: RevocationVerdict): void {
  switch (verdict) {
    case 'active':
      return
    case 'revoked':
      throw problem(401, 'session_revoked', 'The session has ended. Log in again.')
    case 'unknown':
      throw problem(503, 'revocation_unknown', 'The server cannot currently check whether the session has ended.', {
        retryAfterSeconds: 2,
      })
  }
}

async function followFile(app: FastifyInstance, path: string, keys: KeyStore): Promise<void> {
  const file = new KeyFile(path, signingKeys(keys), (news) => tell(app, news))
  await file.load()
  file.follow()
  app.addHook('onClose', () => file.stop())
}

function tell(app: FastifyInstance, news: KeyFileNews): void {
  const { signingKeysUnusable } = app.metrics
  switch (news.kind) {
    case 'changed':
      app.securityEvents.record('key_rotated', { reason: `loaded the keys ${news.kids.join(', ')}` })
      return
    case 'unusable':
      signingKeysUnusable.set(1)
      app.log.error({ reason: news.reason }, 'earlier keys stay in use')
      return
    case 'recovered':
      signingKeysUnusable.set(0)
      app.log.info('the signing keys are usable again')
  }
}
