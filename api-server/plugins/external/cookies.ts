import cookie from '@fastify/cookie'
import fp from 'fastify-plugin'

/** Parses and sets cookies only on routes that use them, so that other requests take no time for it. */
export default fp(
  async function cookies(app) {
    await app.register(cookie, { hook: false })
  },
  { name: 'cookies' },
)
