import fp from 'fastify-plugin'
import { type OneTimeToken, OneTimeTokens } from './store.ts'

declare module 'fastify' {
  interface FastifyInstance {
    oneTimeTokens: OneTimeTokens
  }
}

export default fp(
  async function oneTimeTokens(app) {
    const { resetLifetimeSeconds, verifyLifetimeSeconds } = app.config.mail
    app.decorate(
      'oneTimeTokens',
      new OneTimeTokens(app.mongo.db.collection<OneTimeToken>('one_time_tokens'), {
        reset_password: resetLifetimeSeconds,
        verify_email: verifyLifetimeSeconds,
        change_email: verifyLifetimeSeconds,
        register: verifyLifetimeSeconds,
      }),
    )
  },
  { name: 'one-time-tokens', dependencies: ['config', 'mongo'] },
)
