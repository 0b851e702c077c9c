import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { CsrfToken } from '../../../schemas/auth.ts'

const csrf: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/csrf',
    {
      schema: {
        operationId: 'getCsrfToken',
        summary: 'A CSRF token, for a page that was loaded again',
        description: 'Send it as X-CSRF-Token with a refresh whose token is in the cookie.',
        tags: ['sessions'],
        response: { 200: CsrfToken },
      },
    },
    async (request, reply) => ({ csrf_token: app.cookieMode.csrfToken(request, reply, { fresh: false }) }),
  )
}

export default csrf
