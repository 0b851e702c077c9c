import cookie from '@fastify/cookie'
import fp from 'fastify-plugin'

/** Reads and writes cookies only on routes that use them, so that no other request pays for it. */
export default fp(
  async function cookies(app) {
    await app.register(cookie, { hook: false })
  },
  { name: 'cookies' },
)
