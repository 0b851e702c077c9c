import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import {
  type AccessTokenClaims,
  type IssuedToken,
  issueAccessToken,
  readAccessToken,
  type TokenSubject,
} from './access-token.ts'
import { KeyFile, type KeyFileNews } from './key-file.ts'
import { KeyStore, keyOfSecret } from './key-store.ts'
import { VerifiedTokens } from './verified-tokens.ts'

declare module 'fastify' {
  interface FastifyInstance {
    tokens: {
      issueAccessToken(subject: TokenSubject): Promise<IssuedToken>
      /**
       * Everything but the revocation: a route calls `app.authenticate`. At once for a token that was seen before.
       * @throws Problem 401
       */
      verifyAccessToken(token: string): AccessTokenClaims | Promise<AccessTokenClaims>
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

    const policy = {
      issuer: config.issuer,
      audience: config.audience,
      lifetimeSeconds: config.accessTokenLifetimeSeconds,
    }
    const verified = new VerifiedTokens(keys, (token, now) => readAccessToken(keys, policy, token, now))
    app.decorate('tokens', {
      keys,
      async issueAccessToken(subject) {
        const issued = await issueAccessToken(keys, policy, subject, new Date())
        const { userId, session } = subject
        app.securityEvents.record('authn_token_created', { userId, sessionId: session._id })
        return issued
      },
      verifyAccessToken: (token) => verified.verify(token, new Date()),
    })
  },
  { name: 'tokens', dependencies: ['config', 'metrics', 'security-events'] },
)

async function followFile(app: FastifyInstance, path: string, keys: KeyStore): Promise<void> {
  const file = new KeyFile(path, keys, (news) => tell(app, news))
  await file.load()
  file.follow()
  app.addHook('onClose', () => file.stop())
}

function tell(app: FastifyInstance, news: KeyFileNews): void {
  const { signingKeysUnusable } = app.metrics
  switch (news.kind) {
    case 'changed':
      app.securityEvents.record('key_rotated', { reason: `the keys are now ${news.kids.join(', ')}` })
      return
    case 'unusable':
      signingKeysUnusable.set(1)
      app.log.error({ reason: news.reason }, 'the keys known before stay in use')
      return
    case 'mended':
      signingKeysUnusable.set(0)
      app.log.info('the signing keys can be used again')
  }
}
