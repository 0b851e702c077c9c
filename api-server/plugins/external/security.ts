import cors from '@fastify/cors'
import helmet, { type FastifyHelmetOptions } from '@fastify/helmet'
import fastify, { type FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../../config.ts'

/** Security headers and the origins that browsers may call from. */
export default fp(
  async function security(app) {
    const { corsOrigins, corsCredentials } = app.config
    const headers = await headersOf(helmetOptions(app.config))
    app.addHook('onRequest', (_request, reply, done) => {
      reply.headers(headers)
      done()
    })
    const anyOrigin = corsOrigins.includes('*')
    await app.register(cors, {
      origin: anyOrigin ? '*' : corsOrigins,
      credentials: corsCredentials,
      methods: ['GET', 'POST', 'PATCH', 'DELETE'],
      exposedHeaders: ['Retry-After', 'RateLimit-Limit', 'RateLimit-Remaining', 'RateLimit-Reset', 'X-Request-Id'],
      maxAge: 600,
    })

    const allowed = new Set(corsOrigins)
    app.addHook('onRequest', (request, _reply, done) => {
      const { origin } = request.headers
      if (origin !== undefined && !anyOrigin && !allowed.has(origin) && !isOwn(origin, request))
        app.securityEvents.record('malicious_cors', { address: request.ip, reason: origin.slice(0, 200) })
      done()
    })
  },
  { name: 'security', dependencies: ['config', 'security-events'] },
)

/** An API has nothing to load, to embed or to send forms with; /docs has a policy of its own. */
const nothing = ["'none'"]

function helmetOptions({ environment }: Config): FastifyHelmetOptions {
  return {
    strictTransportSecurity: environment === 'development' ? false : { maxAge: 31_536_000, includeSubDomains: true },
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: nothing, baseUri: nothing, formAction: nothing, frameAncestors: nothing },
    },
    xFrameOptions: { action: 'deny' },
  }
}

/**
 * What helmet adds to an answer, asked of it once: the same for every request, and computing it each time costs as much
 * as verifying a token.
 */
async function headersOf(options: FastifyHelmetOptions): Promise<Record<string, string>> {
  const probe = fastify()
  await probe.register(helmet, options)
  probe.get('/', async (_request, reply) => Object.fromEntries(Object.entries(reply.raw.getHeaders())))
  const answer = await probe.inject('/')
  await probe.close()
  return answer.json()
}

/** Browsers send the origin with every POST, also to where the page is from. */
function isOwn(origin: string, request: FastifyRequest): boolean {
  return URL.parse(origin)?.host === request.host
}
