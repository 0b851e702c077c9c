import fp from 'fastify-plugin'

/**
 * The API description and its page, only with DOCS_ENABLED. Otherwise the server does not load the libraries, which
 * saves memory in production. The repository has the description of each version.
 */
export default fp(
  async function documentation(app) {
    if (!app.config.docsEnabled) return
    await app.register(import('./swagger.ts'))
  },
  { name: 'documentation', dependencies: ['config'] },
)
