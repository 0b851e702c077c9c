import cors from '@fastify/cors'
import helmet from '@fastify/helmet'
import fp from 'fastify-plugin'

/** Security headers and the origins that browsers may call from. */
export default fp(
  async function security(app) {
    const { corsOrigins, environment } = app.config
    await app.register(helmet, {
      strictTransportSecurity: environment === 'development' ? false : { maxAge: 31_536_000, includeSubDomains: true },
      contentSecurityPolicy: {
        directives: {
          defaultSrc: ["'none'"],
          frameAncestors: ["'none'"],
          ...(app.config.docsEnabled && {
            defaultSrc: ["'self'"],
            styleSrc: ["'self'", "'unsafe-inline'"],
            imgSrc: ["'self'", 'data:'],
          }),
          upgradeInsecureRequests: environment === 'development' ? null : [],
        },
      },
    })
    await app.register(cors, {
      origin: corsOrigins.includes('*') ? '*' : corsOrigins,
      methods: ['GET', 'POST', 'PATCH', 'DELETE'],
      maxAge: 600,
    })
  },
  { name: 'security', dependencies: ['config'] },
)
