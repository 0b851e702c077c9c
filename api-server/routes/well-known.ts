import type { FastifyInstance } from 'fastify'
import Type from 'typebox'

const maxAgeSeconds = 60

const KeySet = Type.Object(
  { keys: Type.Array(Type.Object({}, { additionalProperties: true })) },
  {
    title: 'KeySet',
    description: 'Public keys; none where tokens are signed with a secret (HS256)',
    examples: [
      {
        keys: [
          {
            kty: 'EC',
            crv: 'P-256',
            x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
            y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
            kid: '1',
            alg: 'ES256',
            use: 'sig',
          },
        ],
      },
    ],
  },
)

export default async function wellKnownRoutes(app: FastifyInstance): Promise<void> {
  app.get(
    '/.well-known/jwks.json',
    {
      schema: {
        operationId: 'getKeySet',
        summary: 'The keys that access tokens are verified with (RFC 7517)',
        tags: ['tokens'],
        response: { 200: KeySet },
      },
    },
    async (_request, reply) => {
      reply.header('cache-control', `public, max-age=${maxAgeSeconds}`)
      return app.tokens.keys.published(new Date())
    },
  )
}
