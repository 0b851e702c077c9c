import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import { Problem } from '../../../plugins/app/problems/problem.ts'
import { answers } from '../../../schemas/auth.ts'

const Verified = Type.Object({
  active: Type.Literal(true),
  sub: Type.String(),
  role: Type.String(),
  sid: Type.String(),
  exp: Type.Integer({ description: 'Seconds since 1970' }),
})

/** Fits Nginx `auth_request`, Traefik ForwardAuth and Envoy ext_authz: the answer is in the status and the headers. */
const verify: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/verify',
    {
      schema: {
        summary: 'Tell whether an access token is valid now',
        tags: ['tokens'],
        security: [{ bearer: [] }],
        response: answers({ 200: Verified }, 401, 503),
      },
    },
    async (request, reply) => {
      try {
        const { sub, role, sid, exp } = await app.authenticate(request)
        app.metrics.verifications.inc({ result: 'active' })
        reply.headers({ 'x-auth-user': sub, 'x-auth-role': role, 'x-auth-session': sid })
        return { active: true as const, sub, role, sid, exp }
      } catch (error) {
        app.metrics.verifications.inc({ result: error instanceof Problem ? error.code : 'error' })
        throw error
      }
    },
  )
}

export default verify
