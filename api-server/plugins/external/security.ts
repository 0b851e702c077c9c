import cors from '@fastify/cors'
import helmet, { type FastifyHelmetOptions } from '@fastify/helmet'
import fastify from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../../config.ts'

/** Security headers and the origins that browsers may call from. */
export default fp(
  async function security(app) {
    const { corsOrigins } = app.config
    const headers = await headersOf(helmetOptions(app.config))
    app.addHook('onRequest', (_request, reply, done) => {
      reply.headers(headers)
      done()
    })
    await app.register(cors, {
      origin: corsOrigins.includes('*') ? '*' : corsOrigins,
      methods: ['GET', 'POST', 'PATCH', 'DELETE'],
      maxAge: 600,
    })
  },
  { name: 'security', dependencies: ['config'] },
)

function helmetOptions({ environment, docsEnabled }: Config): FastifyHelmetOptions {
  return {
    strictTransportSecurity: environment === 'development' ? false : { maxAge: 31_536_000, includeSubDomains: true },
    contentSecurityPolicy: {
      directives: {
        defaultSrc: ["'none'"],
        frameAncestors: ["'none'"],
        ...(docsEnabled && {
          defaultSrc: ["'self'"],
          styleSrc: ["'self'", "'unsafe-inline'"],
          imgSrc: ["'self'", 'data:'],
        }),
        upgradeInsecureRequests: environment === 'development' ? null : [],
      },
    },
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
