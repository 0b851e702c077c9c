import cors, { type FastifyCorsOptions } from '@fastify/cors'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Options of `@fastify/cors` that differ for one route. */
    cors?: FastifyCorsOptions
  }
}

/** The origins that browsers may call from: CORS_ORIGINS. A request from another origin is a security event. */
export default fp(
  async function crossOrigin(app) {
    const { corsOrigins, corsCredentials } = app.config
    const anyOrigin = corsOrigins.includes('*')
    await app.register(cors, {
      origin: anyOrigin ? '*' : corsOrigins,
      credentials: corsCredentials,
      methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
      exposedHeaders: ['Retry-After', 'RateLimit-Limit', 'RateLimit-Remaining', 'RateLimit-Reset', 'X-Request-Id'].join(
        ', ',
      ),
      maxAge: 600,
    })

    const allowed = new Set(corsOrigins)
    app.addHook('onRequest', (request, _reply, done) => {
      const { origin } = request.headers
      if (origin !== undefined && !anyOrigin && !allowed.has(origin) && !isSameHost(origin, request))
        app.securityEvents.record('malicious_cors', { address: request.ip, reason: origin.slice(0, 200) })
      done()
    })
  },
  { name: 'cors', dependencies: ['config', 'security-events'] },
)

/** Browsers send the origin with every POST, including same-origin ones. */
function isSameHost(origin: string, request: FastifyRequest): boolean {
  return URL.parse(origin)?.host === request.host
}
