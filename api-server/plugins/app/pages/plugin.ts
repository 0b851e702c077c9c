import fp from 'fastify-plugin'
import type { Pages } from '../../../pages/pages.ts'
import { startPages } from './pages-file.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Brand and languages, of the pages and of mails. A server without pages has the plain ones. */
    pages: Pages
  }
}

export default fp(
  async function pages(app) {
    app.decorate('pages', await startPages(app, app.config.oidc?.pagesFile))
  },
  { name: 'pages', dependencies: ['config', 'cookies'] },
)
