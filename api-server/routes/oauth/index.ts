import formbody from '@fastify/formbody'
import type { FastifyError, FastifyInstance } from 'fastify'
import { oauthErrorOf } from '../../plugins/app/problems/oauth-error.ts'
import { problemOf, sendHeaders } from '../../plugins/app/problems/plugin.ts'
import introspect from './introspect.ts'
import revoke from './revoke.ts'

/** Requests of resource servers: forms as input, JSON as output, errors in the format of RFC 6749 (decision 13). */
export default async function oauthRoutes(app: FastifyInstance): Promise<void> {
  app.removeAllContentTypeParsers()
  await app.register(formbody)
  app.addHook('onSend', async (_request, reply) => {
    reply.header('cache-control', 'no-store')
  })
  // The client secret may be in the body.
  app.addHook('preValidation', app.authenticateClient)
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const known = problemOf(error, request)
    sendHeaders(known, reply)
    return reply
      .code(known.statusCode)
      .type('application/json')
      .send(JSON.stringify(oauthErrorOf(known, request.id)))
  })
  await app.register(introspect)
  await app.register(revoke)
}
