import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { CsrfToken } from '../../../schemas/auth.ts'

const csrf: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/csrf',
    {
      schema: {
        operationId: 'getCsrfToken',
        summary: 'Get a CSRF token, after a page was reloaded',
        description: 'Send the token as X-CSRF-Token when you refresh with the cookie.',
        tags: ['sessions'],
        response: { 200: CsrfToken },
      },
    },
    async (request, reply) => ({ csrf_token: app.cookieMode.csrfToken(request, reply, { fresh: false }) }),
  )
}

export default csrf
