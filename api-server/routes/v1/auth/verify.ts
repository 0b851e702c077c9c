import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import { Problem } from '../../../plugins/app/problems/problem.ts'

const Verified = Type.Object(
  {
    active: Type.Literal(true),
    sub: Type.String({ description: 'The id of the user' }),
    role: Type.String(),
    sid: Type.String({ description: 'The id of the session' }),
    exp: Type.Integer({ description: 'Seconds since 1970' }),
  },
  {
    title: 'Verified',
    description: 'The token is good; the headers X-Auth-User, X-Auth-Role and X-Auth-Session say whose it is',
    examples: [
      {
        active: true,
        sub: '66f0c0ffee0ddba11ca7f00d',
        role: 'user',
        sid: '7d0a4d57-8a1c-4a53-9f3a-1f6f6f3c2b10',
        exp: 1_795_000_000,
      },
    ],
  },
)

/** Fits Nginx `auth_request`, Traefik ForwardAuth and Envoy ext_authz: the answer is in the status and the headers. */
const verify: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/verify',
    {
      config: { worksWithoutDatabase: true },
      schema: {
        operationId: 'verifyToken',
        summary: 'Tell whether an access token is valid now',
        tags: ['tokens'],
        security: [{ bearer: [] }],
        response: { 200: Verified },
      },
    },
    async (request, reply) => {
      try {
        const claims = app.authenticate(request)
        // A turn of the event loop only for those that have to wait.
        const { sub, role, sid, exp } = claims instanceof Promise ? await claims : claims
        app.metrics.verifications.inc('active')
        reply.headers({ 'x-auth-user': sub, 'x-auth-role': role, 'x-auth-session': sid })
        return { active: true as const, sub, role, sid, exp }
      } catch (error) {
        app.metrics.verifications.inc(error instanceof Problem ? error.code : 'error')
        throw error
      }
    },
  )
}

export default verify
