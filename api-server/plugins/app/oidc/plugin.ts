import fp from 'fastify-plugin'
import type { OpenIdProvider } from './open-id-provider.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** The OpenID provider; undefined without OIDC_CLIENTS_FILE. */
    oidc: OpenIdProvider | undefined
  }
}

export default fp(
  async function oidc(app) {
    const settings = app.config.oidc
    if (settings === undefined) {
      app.decorate('oidc', undefined)
      return
    }
    // Loaded only here, because the library takes 100 ms and 12 MB. Decision 70.
    const { startOpenIdProvider } = await import('./open-id-provider.ts')
    app.decorate('oidc', await startOpenIdProvider(app, settings))
  },
  {
    name: 'oidc',
    dependencies: ['config', 'mongo', 'sessions', 'revocation', 'tokens', 'users', 'accounts', 'mfa', 'pages'],
  },
)
