import swagger from '@fastify/swagger'
import fp from 'fastify-plugin'

/** OpenAPI 3.1, made from the routes' schemas; for reading at /docs where that is enabled. */
export default fp(
  async function documentation(app) {
    await app.register(swagger, {
      openapi: {
        openapi: '3.1.0',
        info: {
          title: 'AuthService',
          version: '1',
          description: 'Registers users, logs them in, and answers for their tokens.',
        },
        components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } },
      },
    })
    // Loaded only where it is wanted: it holds memory that a server in production does without.
    if (app.config.docsEnabled)
      await app.register(import('@fastify/swagger-ui'), { routePrefix: '/docs', staticCSP: false })
    app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
  },
  { name: 'documentation', dependencies: ['config'] },
)
