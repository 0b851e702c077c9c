import cors, { type FastifyCorsOptions } from '@fastify/cors'
import helmet, { type FastifyHelmetOptions } from '@fastify/helmet'
import fastify, { type FastifyInstance, type FastifyRequest, type onRequestHookHandler } from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../../config.ts'

/** Security headers and the origins that browsers may call from. */
export default fp(
  async function security(app) {
    const { corsOrigins, corsCredentials } = app.config
    const anyOrigin = corsOrigins.includes('*')
    const corsOptions: FastifyCorsOptions = {
      origin: anyOrigin ? '*' : corsOrigins,
      credentials: corsCredentials,
      methods: ['GET', 'POST', 'PATCH', 'DELETE'],
      exposedHeaders: ['Retry-After', 'RateLimit-Limit', 'RateLimit-Remaining', 'RateLimit-Reset', 'X-Request-Id'],
      maxAge: 600,
    }
    const ofHelmet = (probe: FastifyInstance) => probe.register(helmet, helmetOptions(app.config))
    const always = await headersAddedBy(ofHelmet)
    const withoutOrigin = await headersAddedBy((probe) => ofHelmet(probe).register(cors, corsOptions))
    app.addHook('onRequest', (request, reply, done) => {
      reply.headers(dependsOnOrigin(request) ? always : withoutOrigin)
      done()
    })
    await app.register(
      fp((scope, options, done) => cors(forOrigins(scope), options, done)),
      corsOptions,
    )

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

/** A request of a browser from another page, or one that asks whether it may come. */
function dependsOnOrigin({ headers, method }: FastifyRequest): boolean {
  return headers.origin !== undefined || method === 'OPTIONS'
}

/** The app for the CORS plugin: its hook runs where an origin matters, the answer to all others is known beforehand. */
function forOrigins(app: FastifyInstance): FastifyInstance {
  const addHook = (name: 'onRequest', hook: onRequestHookHandler) =>
    app.addHook(name, function whereOriginsMatter(request, reply, done) {
      if (dependsOnOrigin(request)) hook.call(this, request, reply, done)
      else done()
    })
  return Object.create(app, { addHook: { value: addHook } })
}

/**
 * What plugins add to an answer without an origin, asked of them once: the same for every request, and computing it each
 * time costs as much as verifying a token.
 */
async function headersAddedBy(
  register: (probe: FastifyInstance) => PromiseLike<unknown>,
): Promise<Record<string, string>> {
  const probe = fastify()
  await register(probe)
  probe.get('/', async (_request, reply) => ({ ...reply.getHeaders() }))
  const answer = await probe.inject('/')
  await probe.close()
  return answer.json()
}

/** Browsers send the origin with every POST, also to where the page is from. */
function isOwn(origin: string, request: FastifyRequest): boolean {
  return URL.parse(origin)?.host === request.host
}
