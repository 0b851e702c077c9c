import type { FastifyInstance } from 'fastify'
import Type from 'typebox'

const maxAgeSeconds = 60

export default async function wellKnownRoutes(app: FastifyInstance): Promise<void> {
  app.get(
    '/.well-known/jwks.json',
    {
      schema: {
        summary: 'The keys that access tokens are verified with (RFC 7517)',
        tags: ['tokens'],
        response: { 200: Type.Object({ keys: Type.Array(Type.Object({}, { additionalProperties: true })) }) },
      },
    },
    async (_request, reply) => {
      reply.header('cache-control', `public, max-age=${maxAgeSeconds}`)
      return app.tokens.keys.published(new Date())
    },
  )
}
